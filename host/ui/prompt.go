package ui

import (
	"bufio"
	"context"
	"strings"
)

// CanAsk says whether there is someone to answer a question: stdin and stderr are terminals, and
// neither --no-input nor CI says otherwise.
func (c *Console) CanAsk() bool {
	return c.inTTY && c.err.terminal && !c.options.NoInput && !c.ci
}

// Confirm asks a question that only yes answers with yes; the end of input, and the end of ctx with
// its cause, are a no.
func (c *Console) Confirm(ctx context.Context, question string) (bool, error) {
	c.err.print(Clean(question) + " " + c.err.paint.text(Faint, "[y/N]") + " ")
	answer := make(chan string, 1)
	go func() { // a read of a terminal cannot be cancelled: it ends with the process
		line, _ := bufio.NewReader(c.in).ReadString('\n')
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		c.err.print("\n")
		return false, context.Cause(ctx)
	case a := <-answer:
		return a == "y" || a == "yes", nil
	}
}
