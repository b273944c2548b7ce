package ui

import (
	"math"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// meter is one phase of a job: how far it is and how fast it goes.
type meter struct {
	phase, unit, message string
	done, total          int64
	began, updated       time.Time
	start                int64   // done when it began: a resumed phase does not start at nothing
	rate                 float64 // a second, smoothed over about memory
	state                state
	said                 bool // its end, where there is no terminal
	frame                int  // of the spinner
}

type state int

const (
	going    state = iota
	finished       // to its end
	stopped        // before: the job failed or was cancelled
	unknown        // nobody watches it any longer
)

// memory is how far back the shown rate looks.
const memory = 5 * time.Second

func newMeter(p *backend.Progress, now time.Time) *meter {
	m := &meter{phase: p.Phase, began: now, updated: now, start: p.Done}
	m.update(p, now)
	return m
}

func (m *meter) update(p *backend.Progress, now time.Time) {
	if elapsed := now.Sub(m.updated); elapsed > 0 {
		m.updated = now
		if age := now.Sub(m.began); age < memory { // too early to smooth: the average
			m.rate = float64(p.Done-m.start) / age.Seconds()
		} else {
			weight := 1 - math.Exp(-elapsed.Seconds()/memory.Seconds())
			m.rate += weight * (float64(p.Done-m.done)/elapsed.Seconds() - m.rate)
		}
	}
	m.done, m.total, m.unit, m.message = p.Done, p.Total, p.Unit, p.Message
	m.state, m.said = going, false
	if m.total > 0 && m.done >= m.total {
		m.state = finished
	}
}

// count is what is done, in words: 12,345 of 100,000 rows.
func (m *meter) count() string {
	if m.unit == "bytes" {
		if m.total > 0 {
			return Size(m.done) + " of " + Size(m.total)
		}
		return Size(m.done)
	}
	text := Count(m.done)
	if m.total > 0 {
		text += " of " + Count(m.total)
	}
	if m.unit == m.phase { // it would say so twice
		return text
	}
	return strings.TrimRight(text+" "+Clean(m.unit), " ")
}

func (m *meter) speed() string {
	if m.unit == "bytes" {
		return Size(int64(m.rate)) + "/s"
	}
	return Rate(m.rate)
}

// pace is how fast it goes and how long it will take, how long it took, or what it waits for.
func (m *meter) pace() string {
	switch {
	case m.state != going:
		return Span(m.updated.Sub(m.began))
	case m.message != "" && (m.unit != "bytes" || m.rate <= 0):
		return Clean(m.message)
	case m.rate <= 0:
		return ""
	}
	text := m.speed()
	if m.total > m.done {
		left := time.Duration(float64(m.total-m.done) / m.rate * float64(time.Second))
		text += ", " + Span(left.Round(time.Second)) + " left"
	}
	if m.message != "" { // of bytes: the file that they are of
		text += "  " + Clean(m.message)
	}
	return text
}

// sentence is the meter where there is no terminal: resources: 12,345 of 100,000 rows, 8,230/s.
func (m *meter) sentence() string {
	text := Clean(m.phase) + ": "
	if m.done > 0 || m.total > 0 {
		text += m.count()
		if pace := m.pace(); pace != "" {
			text += ", " + pace
		}
		return text
	}
	return text + orElse(m.pace(), "started")
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

const (
	barWidth   = 24
	leastWidth = 40 // below, there is room for the phase and the count alone
	spinner    = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
	barFull    = "━"
	barEmpty   = "─"
)

// line is the meter on a terminal of the given width: mark, phase, bar or nothing, count, pace.
func (m *meter) line(width, nameWidth int, paint palette) string {
	frames := []rune(spinner)
	mark := paint.text(Info, string(frames[m.frame%len(frames)]))
	switch m.state {
	case finished:
		mark = paint.text(Good, "✓")
	case stopped:
		mark = paint.text(Bad, "✗")
	case unknown:
		mark = paint.text(Faint, "·")
	case going:
	}
	parts := []string{fit(Clean(m.phase), nameWidth)}
	if width >= leastWidth+barWidth && m.total > 0 {
		full := int(int64(barWidth) * min(max(m.done, 0), m.total) / m.total)
		tone := Info
		if m.state == finished {
			tone = Good
		}
		parts = append(parts, paint.text(tone, strings.Repeat(barFull, full))+paint.text(Faint, strings.Repeat(barEmpty, barWidth-full)))
	}
	if m.done > 0 || m.total > 0 {
		parts = append(parts, m.count())
	}
	if pace := m.pace(); pace != "" && width >= leastWidth {
		tone := Faint
		if m.message != "" && m.unit != "bytes" && m.state == going {
			tone = Warning
		}
		parts = append(parts, paint.text(tone, pace))
	}
	return truncate(mark+" "+strings.Join(parts, "  "), width)
}

// fit pads or cuts text to exactly width columns.
func fit(text string, width int) string {
	if w := lipgloss.Width(text); w <= width {
		return text + strings.Repeat(" ", width-w)
	}
	return truncate(text, width)
}
