package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/queue"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type jobFlushCmd struct {
	IDs    []string `arg:"" optional:"" name:"id" help:"Entries of the queue (default: all of them)."`
	DryRun bool     `help:"Only show what waits."`
	Drop   bool     `help:"Forget what the service refuses, instead of keeping it with the reason."`
	Resend bool     `help:"Send also what may have reached the service more than a day ago, and may become a second job."`
}

// Help is the long help.
func (jobFlushCmd) Help() string {
	return `Sends the submissions that --queue has kept on this machine because their service could not be reached:
each by the profile and to the service that it was meant for. What is sent is one job, however often
this is tried: a submission leaves the queue when the service has answered, and not before. What the
service refuses stays, with the reason.

Examples:
  atg job flush --dry-run
  atg job flush
  atg job flush --drop                  # and forget what is refused`
}

// sameKey is how long a service remembers an idempotency key, less an hour for two clocks: what may have
// reached it longer ago could become a second job.
const sameKey = 23 * time.Hour

// flushed is what became of an entry.
type flushed struct {
	ID        string            `json:"id"`
	Operation backend.Operation `json:"operation"`
	Service   string            `json:"service,omitempty"`
	Profile   string            `json:"profile,omitempty"`
	CreatedAt time.Time         `json:"created_at"`
	State     string            `json:"state"` // waiting, sent, refused, dropped
	JobID     string            `json:"job_id,omitempty"`
	Reattach  string            `json:"reattach,omitempty"` // a command, for a shell
	Fault     *fault.Fault      `json:"fault,omitempty"`
}

// Run sends.
func (c *jobFlushCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	store := queueOf(settings)
	if !c.DryRun {
		unlock, err := store.Lock(ctx, func() { a.console.Note("waiting for another atg job flush to end") })
		if err != nil {
			return err
		}
		defer unlock()
	}
	entries, problems, err := store.List()
	if err != nil {
		return err
	}
	for _, p := range problems {
		a.console.Note("%v", p)
	}
	if entries, err = c.chosen(entries); err != nil {
		return err
	}
	report := make([]flushed, 0, len(entries))
	for _, group := range grouped(entries) {
		if c.DryRun {
			for _, e := range group {
				report = append(report, stateOf(e))
			}
			continue
		}
		report = append(report, c.send(ctx, a, store, group)...)
		if ctx.Err() != nil {
			break
		}
	}
	if err := a.console.Print(ui.Document{
		Data: struct {
			Submissions []flushed `json:"submissions"`
		}{report},
		Items: ui.Items(report), Page: func(p *ui.Page) { flushTable(p, report) },
	}); err != nil || c.DryRun {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return verdictOf(report)
}

func (c *jobFlushCmd) chosen(entries []queue.Entry) ([]queue.Entry, error) {
	if len(c.IDs) == 0 {
		return entries, nil
	}
	for _, id := range c.IDs {
		if !slices.ContainsFunc(entries, func(e queue.Entry) bool { return e.ID == id }) {
			return nil, usage("there is no submission %q in the queue", id)
		}
	}
	return slices.DeleteFunc(entries, func(e queue.Entry) bool { return !slices.Contains(c.IDs, e.ID) }), nil
}

// grouped puts the entries that go the same way together, in their order.
func grouped(entries []queue.Entry) [][]queue.Entry {
	type way struct{ config, profile, backend, service string }
	var order []way
	groups := map[way][]queue.Entry{}
	for _, e := range entries {
		w := way{e.Config, e.Profile, e.Backend, e.Service}
		if groups[w] == nil {
			order = append(order, w)
		}
		groups[w] = append(groups[w], e)
	}
	out := make([][]queue.Entry, len(order))
	for i, w := range order {
		out[i] = groups[w]
	}
	return out
}

// send sends entries that go the same way. Where that is closed, all of them wait with the same reason.
func (c *jobFlushCmd) send(ctx context.Context, a *app, store *queue.Store, group []queue.Entry) []flushed {
	report := make([]flushed, len(group))
	for i, e := range group {
		report[i] = stateOf(e)
	}
	d, err := a.as(ctx, group[0])
	if err == nil {
		err = d.With(ctx, func(ctx context.Context, s *dispatch.Session) error {
			if err := s.Reach(ctx); err != nil {
				return err
			}
			for i, e := range group {
				if err := c.sendOne(ctx, d, s, store, e, &report[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		for i := range report {
			if report[i].State == "waiting" && report[i].Fault == nil {
				report[i].Fault = fault.Of(err)
			}
		}
	}
	return report
}

// as is the dispatcher as it was when e was kept; fault.ConfigInvalid if it has another service by now.
func (a *app) as(ctx context.Context, e queue.Entry) (*dispatch.ExecutionDispatcher, error) {
	sub, flags := *a, *a.flags
	flags.BackendName, flags.Remote = "", false
	if e.Config != "" {
		flags.ConfigFile = e.Config
	}
	if e.Profile != "" {
		flags.Profile = e.Profile
	}
	sub.flags, sub.loaded = &flags, nil
	if c, err := sub.config(); err == nil && c.Backend != e.Backend {
		flags.BackendName, sub.loaded = e.Backend, nil
	}
	d, err := sub.dispatcher(ctx)
	if err != nil {
		return nil, err
	}
	if now := serviceOf(sub.loaded, e.Backend); now != e.Service {
		return nil, fault.New(fault.ConfigInvalid, fmt.Sprintf("it was meant for the service %s, and now %s is configured", e.Service, now),
			fault.Hint("name the service as it was, by profile, ATG_SERVICE_URL or --config"), fault.From(fault.OriginHost))
	}
	return d, nil
}

// sendOne sends an entry and says what became of it. The error is one that concerns the others too.
func (c *jobFlushCmd) sendOne(ctx context.Context, d *dispatch.ExecutionDispatcher, s *dispatch.Session, store *queue.Store, e queue.Entry, row *flushed) error {
	if e.SentAt != nil && time.Since(*e.SentAt) > sameKey && !c.Resend {
		row.Fault = fault.New(fault.Conflict, "it may have reached the service on "+ui.Moment(*e.SentAt)+", too long ago to send it again for the same job",
			fault.Hint("look for it with atg job list; then send it with --resend, or forget it with --drop"), fault.From(fault.OriginHost))
		return c.refuse(store, e, row)
	}
	request, err := e.Decode()
	if err != nil {
		row.Fault = fault.Of(err)
		return c.refuse(store, e, row)
	}
	u := dispatch.Unsent{
		Backend: e.Backend, Ending: dispatch.Ending{OutputDir: e.OutputDir, Overwrite: e.Overwrite},
		Submission: backend.Submission{Request: request, IdempotencyKey: e.IdempotencyKey},
	}
	for _, in := range e.Inputs {
		u.Files = append(u.Files, dispatch.File{Path: in.Path, File: store.InputFile(in)})
	}
	job, doubtful, err := s.Send(ctx, u)
	if err == nil {
		row.State, row.JobID, row.Fault = "sent", job.JobID, nil
		row.Reattach = d.Reattach(&dispatch.Outcome{Backend: e.Backend, Job: job}, u.Ending)
		return store.Remove(e)
	}
	row.Fault = fault.Of(err)
	switch code := row.Fault.Code; {
	case ctx.Err() != nil, code == fault.ServiceUnavailable, code == fault.Throttled, code == fault.BackendCrashed, code == fault.RemoteFailed:
		if doubtful && e.SentAt == nil {
			now := time.Now().UTC()
			e.SentAt = &now
			if err := store.Update(e); err != nil {
				return err
			}
		}
		return err
	case code == fault.AuthRequired, code == fault.AuthFailed:
		return err // of the key, not of the submission
	}
	return c.refuse(store, e, row)
}

// refuse keeps an entry with its reason, or forgets it.
func (c *jobFlushCmd) refuse(store *queue.Store, e queue.Entry, row *flushed) error {
	if c.Drop {
		row.State = "dropped"
		return store.Remove(e)
	}
	row.State, e.Refused = "refused", row.Fault
	return store.Update(e)
}

func stateOf(e queue.Entry) flushed {
	row := flushed{ID: e.ID, Operation: e.Operation, Service: e.Service, Profile: e.Profile, CreatedAt: e.CreatedAt, State: "waiting"}
	if e.Refused != nil {
		row.State, row.Fault = "refused", e.Refused
	}
	return row
}

// verdictOf is the fault of what was not sent: the first one's.
func verdictOf(report []flushed) error {
	left, first := 0, (*fault.Fault)(nil)
	for _, row := range report {
		if row.State == "waiting" || row.State == "refused" {
			left++
			if first == nil {
				first = row.Fault
			}
		}
	}
	if left == 0 {
		return nil
	}
	f := *fault.Of(first)
	f.Message = fmt.Sprintf("%d of %d submissions stay in the queue: %s", left, len(report), f.Message)
	return &f
}

func flushTable(p *ui.Page, report []flushed) {
	fates := make([]fate, len(report))
	for i, row := range report {
		fates[i] = fate{name: row.ID, operation: row.Operation, state: row.State, service: row.Service, job: row.JobID, fault: row.Fault}
	}
	fateTable(p, ui.Column{Title: "ENTRY", Whole: true}, "the queue is empty", fates)
	for i, row := range report {
		if row.Reattach != "" {
			if i == 0 {
				p.Gap()
			}
			p.Line(ui.Toned{Tone: ui.Faint, Text: "next: "}, row.Reattach)
		}
	}
}
