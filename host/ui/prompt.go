package ui

import (
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
	answer, err := c.readLine(ctx)
	if ctx.Err() != nil {
		return false, err
	}
	answer = strings.ToLower(answer)
	return answer == "y" || answer == "yes", nil
}
