package ui

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// maxMeters is how many phases are shown; the one that has been quiet for longest makes room. It
// bounds what a backend with ever new phases can do to the screen.
const maxMeters = 8

// Progress shows what happens to a job: bars on a terminal, elsewhere a line at each interval. It
// ends with Close.
type Progress struct {
	console *Console
	show    func() // starts the display, or takes up new meters
	now     func() time.Time
	quit    chan struct{}
	ended   sync.WaitGroup

	mu     sync.Mutex    // never held while mpb is called: mpb's drawing takes it
	meters []*meter      // by appearance
	news   bool          // since the last line
	behind time.Duration // how far the events' clock is from this one: another machine's, or a replay's

	showing sync.Mutex // guards the bars
	bars    *mpb.Progress
	byMeter []*mpb.Bar
	closed  bool
}

// Progress makes a display for one job.
func (c *Console) Progress() *Progress {
	p := &Progress{console: c, now: time.Now, quit: make(chan struct{})}
	switch {
	case c.options.Quiet || c.options.NoProgress:
		p.show = func() {}
	case c.err.terminal && !c.ci && c.options.LogFormat != LogJSON && c.options.Getenv("TERM") != "dumb":
		p.show = p.showBars
	default:
		p.show = sync.OnceFunc(func() { p.ended.Go(p.speak) })
	}
	return p
}

// Event shows an event of the job.
func (p *Progress) Event(e backend.Event) {
	if !e.Time.IsZero() {
		p.mu.Lock()
		p.behind = e.Time.Sub(p.now())
		p.mu.Unlock()
	}
	switch e.Kind {
	case backend.EventProgress:
		p.progress(e.Progress)
	case backend.EventLog:
		p.console.jobLog(e.Log)
	case backend.EventSignIn:
		p.console.signIn(e.SignIn)
	case backend.EventStatus:
		if e.Terminal() {
			end := stopped
			if e.Status.Status == backend.JobCompleted {
				end = finished
			}
			p.end(end)
		}
	case backend.EventPart: // of no interest to a person
	}
}

func (p *Progress) progress(b *backend.Progress) {
	p.update(b)
	p.show()
}

func (p *Progress) update(b *backend.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock()
	i := slices.IndexFunc(p.meters, func(m *meter) bool { return m.phase == b.Phase })
	switch {
	case i >= 0:
		p.meters[i].update(b, now)
	case len(p.meters) < maxMeters:
		p.meters = append(p.meters, newMeter(b, now))
	default:
		quietest := slices.MinFunc(p.meters, func(a, b *meter) int { return a.updated.Compare(b.updated) })
		*quietest = *newMeter(b, now)
	}
	p.news = true
}

// clock is the time by which the events of the job happen. Mu is held.
func (p *Progress) clock() time.Time { return p.now().Add(p.behind) }

// end settles what no count could: a phase of unknown length is over when the job is.
func (p *Progress) end(end state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.meters {
		if m.state == going {
			m.message, m.updated = "", p.clock()
			m.state = end
			p.news = true
		}
	}
}

// Close ends the display. Bars stay on the screen as they were last.
func (p *Progress) Close() {
	p.showing.Lock()
	defer p.showing.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	p.end(unknown)
	close(p.quit)
	p.ended.Wait()
	if p.bars == nil {
		return
	}
	for _, bar := range p.byMeter {
		bar.SetTotal(-1, true)
	}
	p.bars.Wait()
	p.console.err.redirect(nil)
}

// speak writes a line at each interval, and what has changed since at the end.
func (p *Progress) speak() {
	t := time.NewTicker(p.console.options.Interval)
	defer t.Stop()
	for {
		select {
		case <-p.quit:
			p.mu.Lock()
			news := p.news
			p.mu.Unlock()
			if news {
				p.say()
			}
			return
		case <-t.C:
			p.say()
		}
	}
}

// say writes how far the running meters are, and those that have ended since.
func (p *Progress) say() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.news = false
	var sentences []string
	for _, m := range p.meters {
		if m.said {
			continue
		}
		m.said = m.state != going
		if p.console.options.LogFormat == LogJSON {
			p.console.record(slog.LevelInfo, "progress", "phase", m.phase, "done", m.done, "total", m.total, "unit", m.unit, "message", m.message)
			continue
		}
		sentences = append(sentences, m.sentence())
	}
	if len(sentences) > 0 {
		p.console.err.print(strings.Join(sentences, "; ") + "\n")
	}
}

// showBars adds a bar for each new meter; mpb draws them from then on.
func (p *Progress) showBars() {
	p.showing.Lock()
	defer p.showing.Unlock()
	if p.closed {
		return
	}
	p.mu.Lock()
	added := p.meters[len(p.byMeter):]
	p.mu.Unlock()
	if p.bars == nil {
		p.bars = mpb.New(mpb.WithOutput(p.console.err.w), mpb.WithAutoRefresh(), mpb.WithRefreshRate(100*time.Millisecond))
		p.console.err.redirect(p.bars)
	}
	for _, m := range added {
		bar, err := p.bars.Add(0, p.filler(m), mpb.BarFillerTrim())
		if err != nil {
			return
		}
		p.byMeter = append(p.byMeter, bar)
	}
}

func (p *Progress) filler(m *meter) mpb.BarFiller {
	return mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		widest := 0
		for _, other := range p.meters {
			widest = max(widest, lipgloss.Width(Clean(other.phase)))
		}
		m.frame++
		// the last column stays free: some terminals begin a new line there
		_, err := io.WriteString(w, m.line(stat.AvailableWidth-1, min(widest, 32), p.console.err.paint))
		return err
	})
}

// signIn is shown however quiet atg is: without it the job cannot go on.
func (c *Console) signIn(s *backend.SignIn) {
	if c.options.LogFormat == LogJSON {
		c.record(slog.LevelWarn, "sign in to go on", "url", s.URL, "code", s.Code, "expires_at", s.ExpiresAt)
		return
	}
	c.err.print("To sign in, open " + c.err.paint.text(Strong, Clean(s.URL)) + " and enter the code " +
		c.err.paint.text(Strong, Clean(s.Code)) + " (valid until " + Moment(s.ExpiresAt) + ").\n")
}

func truncate(text string, width int) string {
	if width <= 0 {
		return ""
	}
	return ansi.Truncate(text, width, "…")
}
