package dispatch

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// farewell is how long a backend that a command has detached from may take to end. Its job needs it no
// longer.
const farewell = 2 * time.Second

// durable says whether the backend's jobs go on without it.
func (s *Session) durable() bool { return s.Capabilities.Has(backend.FeatureDurableJobs) }

// detached leaves a durable job alone.
func (s *Session) detached(ctx context.Context, id string, e Ending) error {
	s.options.Grace = min(s.options.Grace, farewell)
	cause := fault.Of(context.Cause(ctx))
	return fault.New(cause.Code, fmt.Sprintf("%s; the job goes on", cause.Message), fault.On(id), fault.From(fault.OriginHost),
		fault.Hint("follow it again: %s", s.reattach(id, e)), fault.Because(errors.Unwrap(cause)))
}

// goesOn says how to come back to a durable job that could not be followed to its end.
func (s *Session) goesOn(id string, e Ending, err error) error {
	f := fault.As(err)
	if f == nil || !s.durable() || f.Code == fault.JobNotFound || f.Code == fault.JobNotComplete {
		return err
	}
	again := *f
	hint := "the job goes on; follow it again: " + s.reattach(id, e)
	if f.Hint != "" && f.Code != fault.JobMaxWait { // the host alone knows how it was called
		hint = f.Hint + "\n" + hint
	}
	again.Hint, again.Resource = hint, id
	return &again
}

// stopped is the fault of a job that the user has cancelled; of one that would have gone on, it says so.
func (s *Session) stopped(id string, cause error) error {
	if !s.durable() {
		return cause
	}
	return fault.New(fault.CodeOf(cause), "interrupted; the job was cancelled", fault.On(id), fault.From(fault.OriginHost))
}

// unstopped is the fault of a durable job that was not cancelled in time, because of err or for no reason
// that is known.
func (s *Session) unstopped(id string, e Ending, cause, err error) error {
	message := "interrupted; the job was told to stop, but has not yet"
	if err != nil && !errors.Is(err, context.DeadlineExceeded) && fault.CodeOf(err) != fault.Timeout {
		message = "interrupted; the job could not be cancelled: " + err.Error()
	}
	return fault.New(fault.CodeOf(cause), message, fault.On(id), fault.From(fault.OriginHost),
		fault.Hint("see what became of it: %s", s.again("job", "show", id)+"\nor follow it again: "+s.reattach(id, e)))
}

// unanswered is the fault of a submission that the user gave up before it was answered.
func (s *Session) unanswered(ctx context.Context, err error) error {
	if ctx.Err() == nil || !s.durable() {
		return err
	}
	cause := fault.Of(context.Cause(ctx))
	return fault.New(cause.Code, cause.Message+" before the submission was answered; there may be a job", fault.From(fault.OriginHost),
		fault.Hint("see whether there is one: %s", s.again("job", "list")), fault.Because(err))
}

// reattach is the command that follows a job again and takes its files where they were to go.
func (s *Session) reattach(id string, e Ending) string {
	words := []string{"job", "watch", id}
	if e.OutputDir != "" {
		words = append(words, "--output-dir", e.OutputDir)
		if e.Overwrite {
			words = append(words, "--force")
		}
	}
	return s.again(words...)
}

// Reattach is the command that follows the job of an outcome again.
func (d *ExecutionDispatcher) Reattach(out *Outcome, e Ending) string {
	return (&Session{Name: out.Backend, options: d.options}).reattach(out.Job.JobID, e)
}

// again is how to call atg again with the same backend.
func (s *Session) again(words ...string) string {
	line := slices.Concat(s.options.Command(s.Name), words)
	for i, w := range line {
		line[i] = Quote(w)
	}
	return strings.Join(line, " ")
}

// bare are the commands in a hint of whoever does not know how atg was called.
var bare = regexp.MustCompile(`\batg ((?:scan|generate-iac|generate-spec|create-tenant|snapshot|job|auth|health|backend|config)\b)`)

// addressed gives the commands in a fault's hint the flags by which they reach the same backend.
func (s *Session) addressed(err error) error {
	f := fault.As(err)
	if f == nil || !bare.MatchString(f.Hint) {
		return err
	}
	addressed := *f
	addressed.Hint = bare.ReplaceAllString(f.Hint, strings.ReplaceAll(s.again(), "$", "$$")+" $1")
	return &addressed
}

// Again is how to call atg again with the backend of that name, for hints.
func (d *ExecutionDispatcher) Again(name string, words ...string) string {
	return (&Session{Name: name, options: d.options}).again(words...)
}

// Quote makes a word one for the shell: POSIX's, and of Windows's PowerShell as far as paths need it.
func Quote(word string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != filepath.Separator && !strings.ContainsRune("_-./:=@%+,", r)
	}
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
