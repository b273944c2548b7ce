package cli

import (
	"path/filepath"
	"time"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/credential"
	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/queue"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// queueOf is the queue of submissions of this machine.
func queueOf(c *config.Config) *queue.Store {
	if c.Paths.State == "" {
		return queue.New("")
	}
	return queue.New(filepath.Join(c.Paths.State, "queue"))
}

// enqueue keeps a submission that could not be sent.
func (a *app) enqueue(c *config.Config, u dispatch.Unsent) (string, error) {
	e := queue.Entry{
		Backend: u.Backend, Profile: c.Profile, Service: serviceOf(c, u.Backend), IdempotencyKey: u.Submission.IdempotencyKey,
		OutputDir: u.Ending.OutputDir, Overwrite: u.Ending.Overwrite,
	}
	if a.flags.ConfigFile != "" {
		var err error
		if e.Config, err = filepath.Abs(a.flags.ConfigFile); err != nil {
			return "", err
		}
	}
	if u.Doubtful {
		now := time.Now().UTC()
		e.SentAt = &now
	}
	inputs := map[string]string{}
	for _, f := range u.Files {
		inputs[f.Path] = f.File
	}
	e, err := queueOf(c).Add(e, u.Submission.Request, inputs)
	return e.ID, err
}

// serviceOf is the origin of the service that a backend speaks with, as far as atg knows.
func serviceOf(c *config.Config, name string) string {
	if name != config.Remote {
		return ""
	}
	return credential.Origin(c.Client().ServiceURL)
}

// queued is a submission that was kept for later.
type queued struct {
	Queued    string            `json:"queued"` // the id of the entry
	Operation backend.Operation `json:"operation"`
	Backend   string            `json:"backend"`
}

func queuedDocument(out *dispatch.Outcome) ui.Document {
	return ui.Document{
		Data: queued{out.Queued, out.Job.Operation, out.Backend},
		Page: func(p *ui.Page) {
			p.Line("queued as ", ui.Toned{Tone: ui.Strong, Text: out.Queued}, ": the service cannot be reached now")
			p.Gap()
			p.Line(ui.Toned{Tone: ui.Faint, Text: "next: "}, "atg job flush")
		},
	}
}

// mentionQueue tells of submissions that wait, and of those that cannot be read.
func (a *app) mentionQueue(c *config.Config) {
	entries, problems, err := queueOf(c).List()
	if err != nil {
		problems = append(problems, fault.Of(err))
	}
	for _, p := range problems {
		a.console.Note("%v", p)
	}
	switch n := len(entries); n {
	case 0:
	default:
		a.console.Note("queue of this machine: %s; atg job flush sends what waits there", ui.Counted(int64(n), "submission", "submissions"))
	}
}
