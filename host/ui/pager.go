package ui

import (
	"bytes"
	"errors"
	"io"
	"os/exec"

	"github.com/charmbracelet/x/ansi"
)

// Pager is the program that shows what is longer than the terminal.
type Pager struct {
	Args []string // the program and its arguments
	Env  []string // as os.Environ
}

// kept is how much of a result is kept for the case that the pager shows nothing of it, in bytes.
const kept = 64 << 10

// result prints a result. On a terminal, what is longer than that goes through the pager.
func (c *Console) result(print func() error) error {
	if !c.pages() {
		return print()
	}
	p := &paging{console: c, rows: c.out.height(), columns: c.out.width()}
	c.out.divert(p)
	err := print()
	c.out.divert(nil)
	if errors.Is(err, errLeft) { // nobody wants the rest
		err = nil
	}
	return errors.Join(err, p.end())
}

// errLeft says that the user has left the pager.
var errLeft = errors.New("the pager was left")

// pages says whether results go through a pager, if they are long: there has to be somebody who turns the pages.
func (c *Console) pages() bool {
	return c.options.Pager != nil && c.out.terminal && c.options.Format != FormatNDJSON &&
		!c.options.NoInput && !c.ci && c.options.Getenv("TERM") != "dumb"
}

// paging holds back what is printed until it is longer than the terminal, and then gives it to the pager.
type paging struct {
	console       *Console
	rows, columns int // of the terminal

	held    bytes.Buffer // what is not shown yet; once there is a pager, the beginning of what it got
	lines   int          // that what is held takes on the terminal
	direct  bool         // there is no pager, or none any more
	cmd     *exec.Cmd    // the pager, once it is needed
	stdin   io.WriteCloser
	given   int    // bytes that the pager got
	release func() // of Ctrl-C
}

// Write takes what is printed; errLeft once the user has left the pager.
func (p *paging) Write(b []byte) (int, error) {
	switch {
	case p.direct:
		return p.console.out.w.Write(b)
	case p.cmd != nil:
		return p.give(b)
	}
	p.held.Write(b)
	for line := range bytes.Lines(b) {
		p.lines += 1 + max(0, ansi.StringWidth(string(line))-1)/max(1, p.columns)
	}
	if p.lines < p.rows || p.rows == 0 { // the shell's prompt has a line too
		return len(b), nil
	}
	if !p.start() {
		p.direct = true
		_, err := p.console.out.w.Write(p.held.Bytes())
		return len(b), err
	}
	text := bytes.Clone(p.held.Bytes())
	p.held.Reset()
	_, err := p.give(text)
	return len(b), err
}

// give gives text to the pager.
func (p *paging) give(b []byte) (int, error) {
	if p.held.Len() < kept {
		p.held.Write(b)
	}
	p.given += len(b)
	if _, err := p.stdin.Write(unlinked(b)); err == nil {
		return len(b), nil
	}
	p.direct = true
	if !p.failed() {
		return 0, errLeft
	}
	_, err := p.console.out.w.Write(p.held.Bytes())
	return len(b), err
}

// start starts the pager; false, after a warning, if that is not possible.
func (p *paging) start() bool {
	pager, ok := p.console.options.Pager()
	if !ok {
		return false
	}
	cmd := exec.Command(pager.Args[0], pager.Args[1:]...) //nolint:gosec,noctx // the user's own, which ends when the user leaves it
	cmd.Env, cmd.Stdout, cmd.Stderr = pager.Env, p.console.out.w, p.console.err.w
	stdin, err := cmd.StdinPipe()
	if err == nil {
		if hold := p.console.options.Hold; hold != nil {
			p.release = hold()
		}
		err = cmd.Start()
	}
	if err != nil {
		p.console.log.Warn("the pager cannot be started, so all is shown at once", "pager", pager.Args[0], "error", err)
		return false
	}
	p.cmd, p.stdin = cmd, stdin
	return true
}

// failed waits for the pager to end, and says whether it has failed and everything that it got is still held: nothing of that
// is known to have been seen.
func (p *paging) failed() bool {
	_ = p.stdin.Close()
	cmd := p.cmd
	p.cmd = nil
	err := cmd.Wait()
	var exited *exec.ExitError
	if !errors.As(err, &exited) || !exited.Exited() { // it ended well, or by a signal, which somebody sent
		return false
	}
	p.console.log.Warn("the pager failed", "pager", cmd.Path, "error", err)
	return p.given == p.held.Len()
}

// end shows what was held back, or waits until the user has left the pager.
func (p *paging) end() error {
	if p.release != nil {
		defer p.release()
	}
	switch {
	case p.cmd != nil && !p.failed(), p.direct, p.held.Len() == 0:
		return nil
	}
	return p.console.out.write(p.held.Bytes())
}
