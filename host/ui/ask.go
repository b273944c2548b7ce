package ui

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Question is one that a line answers.
type Question struct {
	Text    string
	Default string             // what an empty line means
	Says    string             // what the default means to people; empty is itself
	Check   func(string) error // says why an answer is none, so that it is asked for again; nil takes any
}

// Ask asks until there is an answer. The end of input is fault.Interrupted; the end of ctx its cause. Call it where CanAsk says that
// there is someone to answer.
func (c *Console) Ask(ctx context.Context, q Question) (string, error) {
	for {
		c.err.print(Clean(q.Text))
		if says := cmp.Or(q.Says, q.Default); says != "" {
			c.err.print(" " + c.err.paint.text(Faint, "["+Clean(says)+"]"))
		}
		c.err.print(" ")
		answer, err := c.readLine(ctx)
		if err != nil {
			return "", err
		}
		if answer == "" {
			answer = q.Default
		}
		if q.Check == nil {
			return answer, nil
		}
		wrong := q.Check(answer)
		if wrong == nil {
			return answer, nil
		}
		c.err.print("  " + c.err.paint.text(Warning, Clean(wrong.Error())) + "\n")
	}
}

// Choice is one of several answers.
type Choice struct{ Value, Help string }

// Choose asks which of several it shall be: by number or by name. first is what an empty line means; it may be empty where there is
// no such choice.
func (c *Console) Choose(ctx context.Context, text string, choices []Choice, first string) (string, error) {
	width, values := 0, make([]string, len(choices))
	for i, choice := range choices {
		values[i] = choice.Value
		width = max(width, columns(Clean(choice.Value)))
	}
	c.err.print(Clean(text) + "\n")
	for i, choice := range choices {
		name := Clean(choice.Value)
		line := fmt.Sprintf("  %d  %s%s  ", i+1, c.err.paint.text(Strong, name), strings.Repeat(" ", width-columns(name)))
		c.err.print(strings.TrimRight(line+Clean(choice.Help), " ") + "\n")
	}
	answer, err := c.Ask(ctx, Question{Text: "Number or name:", Default: first, Check: func(answer string) error {
		if pick(values, answer) < 0 {
			return fmt.Errorf("%q is none of them", answer)
		}
		return nil
	}})
	if err != nil {
		return "", err
	}
	return values[pick(values, answer)], nil
}

// pick is the index of what was chosen; -1 if that is none.
func pick(values []string, answer string) int {
	if i := slices.Index(values, answer); i >= 0 {
		return i
	}
	if n, err := strconv.Atoi(answer); err == nil && n >= 1 && n <= len(values) {
		return n - 1
	}
	return -1
}

// readLine reads a line from standard input, without blanks around it.
func (c *Console) readLine(ctx context.Context) (string, error) {
	if c.lines == nil {
		c.lines = bufio.NewReader(c.in)
	}
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1)
	go func() { // a read of a terminal cannot be cancelled: it ends with the process
		text, err := c.lines.ReadString('\n')
		read <- line{strings.TrimSpace(text), err}
	}()
	select {
	case <-ctx.Done():
		c.err.print("\n")
		return "", context.Cause(ctx)
	case l := <-read:
		switch {
		case l.err == nil, errors.Is(l.err, io.EOF) && l.text != "":
			return l.text, nil
		}
		c.err.print("\n")
		return "", fault.New(fault.Interrupted, "there was no answer", fault.From(fault.OriginHost))
	}
}
