package ui

import (
	"context"
	"io"
	"strings"

	"golang.org/x/term"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// maxSecret is the length of the longest secret that is read, in bytes.
const maxSecret = 4096

// AskSecret asks for a secret, which does not appear on the screen. The end of ctx ends it with its cause.
// Call it where CanAsk says that there is someone to answer.
func (c *Console) AskSecret(ctx context.Context, question string) (secret.String, error) {
	fd := terminalOf(c.in)
	before, err := term.GetState(fd)
	if err == nil {
		err = silence(fd) // before the question: somebody may be quick
	}
	if err != nil {
		return secret.String{}, fault.New(fault.Internal, "the terminal cannot be asked", fault.Because(err), fault.From(fault.OriginHost))
	}
	c.err.print(Clean(question) + " ")
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() { // a read of a terminal cannot be cancelled: it ends with the process
		text, err := term.ReadPassword(fd)
		answered <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		c.err.print("\n")
		return secret.String{}, context.Cause(ctx)
	case a := <-answered:
		_ = term.Restore(fd, before)
		c.err.print("\n")
		if a.err != nil && a.err != io.EOF { //nolint:errorlint // ReadPassword answers it bare
			return secret.String{}, fault.New(fault.Internal, "the terminal cannot be read", fault.Because(a.err), fault.From(fault.OriginHost))
		}
		return secret.New(strings.TrimSpace(string(a.text))), nil
	}
}

// ReadSecret reads a secret from standard input to its end, without blanks around it.
func (c *Console) ReadSecret() (secret.String, error) {
	text, err := io.ReadAll(io.LimitReader(c.in, maxSecret+1))
	if err != nil {
		return secret.String{}, fault.New(fault.InvalidArgument, "standard input cannot be read", fault.Because(err), fault.From(fault.OriginHost))
	}
	if len(text) > maxSecret {
		return secret.String{}, fault.New(fault.InvalidArgument, "standard input holds more than a key", fault.From(fault.OriginHost))
	}
	return secret.New(strings.TrimSpace(string(text))), nil
}

// ReadText reads text from standard input to its end: at most so many bytes.
func (c *Console) ReadText(most int64) (string, error) {
	text, err := io.ReadAll(io.LimitReader(c.in, most+1))
	if err != nil {
		return "", fault.New(fault.InvalidArgument, "standard input cannot be read", fault.Because(err), fault.From(fault.OriginHost))
	}
	if int64(len(text)) > most {
		return "", fault.New(fault.InvalidArgument, "standard input holds more than "+Size(most), fault.From(fault.OriginHost))
	}
	return string(text), nil
}
