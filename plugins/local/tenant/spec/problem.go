package spec

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Severity is what a problem means.
type Severity uint8

// The severities.
const (
	Error   Severity = iota // the specification cannot be used
	Warning                 // it can be, and something in it is most likely not what was meant
)

// String is the severity in a word.
func (s Severity) String() string { return [...]string{"error", "warning"}[s] }

// Problem is something wrong with a specification.
type Problem struct {
	Position
	Severity Severity
	Key      string // the member: resources[vnet-hub].properties.subnet; may be empty
	Message  string
	Hint     string
}

// String is the problem on one line, as compilers write them: 12:5: error: message (hint).
func (p Problem) String() string {
	text := fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Column, p.Severity, p.Message)
	if p.Hint != "" {
		text += " (" + p.Hint + ")"
	}
	return text
}

// Fault is the problem as faults carry it.
func (p Problem) Fault() fault.Problem {
	return fault.Problem{Key: p.Key, Message: p.Message, Hint: p.Hint, Line: int(p.Line), Column: int(p.Column)}
}

// HasErrors says that one of the problems is an error.
func HasErrors(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == Error })
}

// Fault is the fault of a specification with errors, all of its problems in it; nil if there are only warnings.
func Fault(problems []Problem) error {
	if !HasErrors(problems) {
		return nil
	}
	var all []fault.Problem
	for _, p := range problems {
		if p.Severity == Error {
			all = append(all, p.Fault())
		}
	}
	return fault.New(fault.InvalidArgument, "the specification has errors", fault.Problems(all...))
}

// maxProblems is how many problems are told; whoever has more begins with the first.
const maxProblems = 1000

// problems collects them.
type problems struct {
	all  []Problem
	more int
}

func (p *problems) add(at Position, severity Severity, key, hint, format string, args ...any) {
	if len(p.all) >= maxProblems {
		p.more++
		return
	}
	p.all = append(p.all, Problem{Position: at, Severity: severity, Key: key, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (p *problems) wrong(at Position, key, hint, format string, args ...any) {
	p.add(at, Error, key, hint, format, args...)
}

func (p *problems) doubt(at Position, key, hint, format string, args ...any) {
	p.add(at, Warning, key, hint, format, args...)
}

// join adds those of another collection.
func (p *problems) join(other *problems) {
	n := min(len(other.all), maxProblems-len(p.all))
	p.all = append(p.all, other.all[:n]...)
	p.more += len(other.all) - n + other.more
}

// sorted are the problems in the order of the file.
func (p *problems) sorted() []Problem {
	slices.SortStableFunc(p.all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Severity, b.Severity))
	})
	if p.more > 0 {
		last := p.all[len(p.all)-1]
		p.all = append(p.all, Problem{Position: last.Position, Severity: last.Severity, Message: fmt.Sprintf("and %d more problems", p.more)})
		p.more = 0
	}
	return p.all
}

// nearestKnown is how many names are compared with one that is unknown: beyond, comparing takes longer than it helps.
const nearestKnown = 20_000

// meant is the hint that names the nearest known name.
func meant(name string, known []string) string {
	if len(name) > 300 || len(known) > nearestKnown {
		return ""
	}
	if n := nearest.To(name, known); n != "" {
		return "did you mean " + n + "?"
	}
	return ""
}
