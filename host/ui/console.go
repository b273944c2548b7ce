// Package ui is where a command meets its user: results on stdout in the format asked for, everything
// else on stderr (logs, progress, faults), and questions. Text from Azure and from backends is
// untrusted and is cleaned of control characters wherever it is shown.
package ui

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Streams are a command's standard streams. Each is tested for a terminal on its own.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Options are what the user said about output. The zero value is a table, colours on terminals,
// progress, and logs as text from warnings up.
type Options struct {
	Format     Format
	Color      ColorMode
	LogFormat  LogFormat
	Quiet      bool // errors and the result alone
	Verbose    bool // logs from debug up
	NoProgress bool
	NoInput    bool          // never ask
	JQ         *JQ           // what results go through; nil is nothing
	Interval   time.Duration // between lines of progress where there is no terminal; 0 is two seconds
	// Pager answers the program for results that are longer than the terminal; false is none. It is asked when it is needed.
	// Nil is none.
	Pager func() (Pager, bool)
	// Hold keeps Ctrl-C from ending the command, while it is the pager's, until the function that it answers is called.
	Hold func() (release func())
	// Seen sees the data of results before they are printed, in tests.
	Seen func(Document)
	// Getenv reads the environment: NO_COLOR, CLICOLOR, CLICOLOR_FORCE, CI, TERM. Nil is an empty one.
	Getenv func(string) string
}

// Console is a command's connection with its user. Its methods may be called from several goroutines.
type Console struct {
	options  Options
	in       io.Reader
	lines    *bufio.Reader // of in, once a question was asked
	inTTY    bool
	out, err *screen
	ci       bool
	log      *slog.Logger
}

// New makes a console.
func New(streams Streams, options Options) *Console {
	if options.Getenv == nil {
		options.Getenv = func(string) string { return "" }
	}
	if options.Format == "" {
		options.Format = FormatTable
	}
	if options.Interval <= 0 {
		options.Interval = 2 * time.Second
	}
	c := &Console{
		options: options,
		in:      streams.In, inTTY: terminalOf(streams.In) >= 0,
		out: newScreen(streams.Out, options), err: newScreen(streams.Err, options),
		ci: isSet(options.Getenv("CI")),
	}
	c.log = slog.New(c.handler())
	return c
}

// Logger logs to stderr, above a progress bar that may be there.
func (c *Console) Logger() *slog.Logger { return c.log }

// Out is stdout, for what is no Document: a file that goes to stdout as it is.
func (c *Console) Out() io.Writer { return c.out }

// SetProgress says whether to show progress and how often; what the command line says against it holds.
// It is for settings that are known only once the configuration is read: before the first Progress.
func (c *Console) SetProgress(show bool, interval time.Duration) {
	c.options.NoProgress = c.options.NoProgress || !show
	if interval > 0 {
		c.options.Interval = interval
	}
}

// Note tells the user on stderr what atg itself does: that it falls back, cancels, waits.
func (c *Console) Note(format string, args ...any) {
	if c.options.Quiet {
		return
	}
	text := Clean(fmt.Sprintf(format, args...))
	if c.options.LogFormat == LogJSON {
		c.record(slog.LevelInfo, text)
		return
	}
	c.err.print(text + "\n")
}

// screen is an output stream and what is known of it.
type screen struct {
	terminal bool
	paint    palette
	links    bool       // hyperlinks are wanted, and understood
	portal   string     // where resources can be looked at; empty is nowhere
	width    func() int // in columns; 0 is no limit
	height   func() int // in rows; 0 is no limit

	mu    sync.Mutex
	w     io.Writer
	above io.Writer // set while bars are shown: what is written here appears above them
	pages io.Writer // set while a result is printed that may need a pager
}

func newScreen(w io.Writer, o Options) *screen {
	unlimited := func() int { return 0 }
	s := &screen{w: w, width: unlimited, height: unlimited}
	if fd := terminalOf(w); fd >= 0 {
		s.terminal = true
		s.width = func() int {
			if columns, _, err := term.GetSize(fd); err == nil && columns > 0 {
				return columns
			}
			return 80
		}
		s.height = func() int {
			_, rows, _ := term.GetSize(fd) // 0 is unknown
			return rows
		}
	}
	s.paint = palette{on: colored(o.Color, s.terminal, o.Getenv)}
	if f, ok := w.(interface{ Fd() uintptr }); ok && s.terminal && s.paint.on && !obeysEscapes(f.Fd()) {
		s.paint.on = false
	}
	s.links = linked(s.paint.on, s.terminal, o.Getenv)
	return s
}

// Write writes above the bars, if there are any.
func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pages != nil {
		return s.pages.Write(b)
	}
	if s.above != nil {
		// Bars are drawn from the first column; the ^C that a terminal shows has left it.
		_, _ = io.WriteString(s.w, "\r")
		if n, err := s.above.Write(b); err == nil {
			return n, nil
		}
	}
	return s.w.Write(b)
}

func (s *screen) print(text string) { _, _ = io.WriteString(s, text) }

// redirect sends what is written above bars; nil ends that.
func (s *screen) redirect(above io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.above = above
}

// divert sends what is written to a writer of pages; nil ends that.
func (s *screen) divert(pages io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages = pages
}

// terminalOf is the file descriptor of a stream that is a terminal, or -1.
func terminalOf(stream any) int {
	f, ok := stream.(interface{ Fd() uintptr })
	if !ok {
		return -1
	}
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return -1
	}
	return fd
}

// write is for results: an error of stdout is the command's.
func (s *screen) write(b []byte) error {
	if _, err := s.Write(b); err != nil {
		return fault.New(fault.Internal, "the result cannot be written to standard output", fault.Because(err), fault.From(fault.OriginHost))
	}
	return nil
}

// palette colours text, or leaves it alone.
type palette struct{ on bool }

// Tone is what a piece of text means, from which its colour follows.
type Tone int

// The tones.
const (
	Normal Tone = iota
	Strong
	Faint
	Good
	Warning
	Bad
	Info
)

func (p palette) style(t Tone) lipgloss.Style {
	s := lipgloss.NewStyle()
	if !p.on {
		return s
	}
	switch t {
	case Strong:
		return s.Bold(true)
	case Faint:
		return s.Faint(true)
	case Good:
		return s.Foreground(lipgloss.Green)
	case Warning:
		return s.Foreground(lipgloss.Yellow)
	case Bad:
		return s.Foreground(lipgloss.Red).Bold(true)
	case Info:
		return s.Foreground(lipgloss.Cyan)
	}
	return s
}

func (p palette) text(t Tone, text string) string {
	if !p.on || t == Normal || text == "" {
		return text
	}
	return p.style(t).Render(text)
}
