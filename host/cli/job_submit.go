package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type jobSubmitCmd struct {
	tenantFlag
	Batch     string `required:"" placeholder:"FILE" help:"File with one submission a line, as JSON; - is standard input."`
	KeepGoing bool   `help:"Submit the other lines where some are malformed."`
	BatchID   string `name:"batch-id" placeholder:"ID" help:"Name of this batch: the same batch under the same name is the same jobs (default: a new name)."`
}

// Help is the long help.
func (jobSubmitCmd) Help() string {
	return `Submits many operations and does not wait for them. Each line of the file is a JSON object with an
operation, its request as the REST interface takes it (docs/api.md), and perhaps an idempotency_key
and input files by the path that the request gives them. Nothing is sent if a line is malformed,
unless --keep-going. There is one line of answer for each: a job, or why there is none. A batch that
was cut short can be sent again with its --batch-id: what was accepted is not started twice.

  {"operation": "scan", "request": {"tenant_id": "contoso.onmicrosoft.com", "locations": ["westeurope"]}}
  {"operation": "create-tenant", "request": {"spec": "spec.md", "dry_run": true}, "inputs": {"spec.md": "contoso.md"}}

Examples:
  atg --backend remote job submit --batch tenants.ndjson -o ndjson > jobs.ndjson`
}

// batchRow is the answer to a line.
type batchRow struct {
	Line      int               `json:"line"`
	Operation backend.Operation `json:"operation,omitempty"`
	State     string            `json:"state"` // accepted, refused, malformed, unknown (the answer was lost), unsent
	JobID     string            `json:"job_id,omitempty"`
	Status    backend.JobStatus `json:"status,omitempty"`
	Fault     *fault.Fault      `json:"fault,omitempty"`
}

// Run submits.
func (c *jobSubmitCmd) Run(ctx context.Context, a *app) error {
	d, err := a.dispatcher(ctx)
	if err != nil {
		return err
	}
	if c.BatchID == "" {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		c.BatchID = hex.EncodeToString(b[:])
	}
	lines, err := c.read(a)
	if err != nil {
		return err
	}
	rows, err := c.rows(lines)
	if err != nil {
		return err
	}
	fail := d.WithJobs(ctx, func(ctx context.Context, s *dispatch.Session) error {
		progress := a.console.Progress()
		defer progress.Close()
		return c.submit(ctx, s, lines, rows, progress)
	})
	if fail != nil && allUnsent(rows) {
		return fail
	}
	if err := a.console.Print(ui.Document{
		Data: struct {
			BatchID     string     `json:"batch_id"`
			Submissions []batchRow `json:"submissions"`
		}{c.BatchID, rows},
		Items: ui.Items(rows), Page: func(p *ui.Page) { batchTable(p, rows) },
	}); err != nil {
		return err
	}
	if fail != nil {
		f := *fault.Of(fail)
		again := d.Again(d.Backend(), "job", "submit", "--batch", c.Batch, "--batch-id", c.BatchID)
		if c.KeepGoing {
			again += " --keep-going"
		}
		if f.Hint != "" {
			f.Hint += "\n"
		}
		f.Hint += "send the rest, and nothing twice: " + again
		return &f
	}
	return refusedOf(rows)
}

func (c *jobSubmitCmd) read(a *app) ([]batchLine, error) {
	from := a.process.Streams.In
	dir := "."
	if c.Batch != "-" {
		file, err := os.Open(c.Batch)
		if err != nil {
			return nil, fault.New(fault.InvalidArgument, "the batch cannot be read", fault.Because(err), fault.On(c.Batch), fault.From(fault.OriginHost))
		}
		defer func() { _ = file.Close() }()
		from, dir = file, filepath.Dir(c.Batch)
	}
	return readBatch(from, dir, a.tenant(), c.BatchID)
}

// rows are the answers as long as nothing is sent; the fault is of malformed lines.
func (c *jobSubmitCmd) rows(lines []batchLine) ([]batchRow, error) {
	rows := make([]batchRow, len(lines))
	var problems []fault.Problem
	for i, l := range lines {
		rows[i] = batchRow{Line: l.number, State: "unsent"}
		if l.problem != nil {
			rows[i].State, rows[i].Fault = "malformed", l.problem
			problems = append(problems, fault.Problem{Message: l.problem.Message})
			continue
		}
		rows[i].Operation = l.submission.Request.Operation()
	}
	const most = 20
	switch n := len(problems); {
	case n == 0 || c.KeepGoing && n < len(lines):
		return rows, nil
	case n > most:
		problems = append(problems[:most], fault.Problem{Message: fmt.Sprintf("and %d more", n-most)})
	}
	return nil, fault.New(fault.InvalidArgument, "lines of the batch are malformed, and nothing was sent", fault.On(c.Batch), fault.Problems(problems...),
		fault.Hint("correct them, or send the others with --keep-going"), fault.From(fault.OriginHost))
}

// submit sends the well-formed lines, as many at once as a call takes, and enters the answers. The error
// ended it.
func (c *jobSubmitCmd) submit(ctx context.Context, s *dispatch.Session, lines []batchLine, rows []batchRow, progress dispatch.Observer) error {
	var chosen []int
	for i, l := range lines {
		if l.problem == nil {
			chosen = append(chosen, i)
		}
	}
	for done := 0; done < len(chosen); {
		chunk := chosen[done:min(done+backend.MaxBatch, len(chosen))]
		submissions := make([]backend.Submission, len(chunk))
		for k, i := range chunk {
			submissions[k] = lines[i].submission
			stored, err := s.Store(ctx, lines[i].files)
			if err != nil {
				return err
			}
			submissions[k].Inputs = append(submissions[k].Inputs, stored...)
		}
		items, err := s.Batch(ctx, submissions)
		if err != nil {
			for _, i := range chunk {
				if fault.CodeOf(err) != fault.Unsupported {
					rows[i].State = "unknown"
				}
			}
			return err
		}
		for k, i := range chunk {
			rows[i].enter(items[k])
		}
		done += len(chunk)
		progress.Event(backend.Event{Kind: backend.EventProgress, Progress: &backend.Progress{
			Phase: "submissions", Unit: "submissions", Done: int64(done), Total: int64(len(chosen)),
		}})
	}
	return nil
}

func (r *batchRow) enter(item backend.BatchItem) {
	if item.Job == nil {
		r.State, r.Fault = "refused", item.Fault
		if r.Fault == nil {
			r.Fault = fault.New(fault.Internal, "the backend answered neither a job nor a reason", fault.From(fault.OriginBackend))
		}
		return
	}
	r.State, r.JobID, r.Status = "accepted", item.Job.JobID, item.Job.Status
}

func allUnsent(rows []batchRow) bool {
	for _, r := range rows {
		if r.State != "unsent" && r.State != "malformed" {
			return false
		}
	}
	return true
}

// refusedOf is the fault of lines that became no job: the first one's.
func refusedOf(rows []batchRow) error {
	n, first := 0, (*fault.Fault)(nil)
	for _, r := range rows {
		if r.Fault != nil {
			n++
			if first == nil {
				first = r.Fault
			}
		}
	}
	if n == 0 {
		return nil
	}
	f := *first
	f.Message = fmt.Sprintf("%d of %d submissions became no job: %s", n, len(rows), f.Message)
	return &f
}

func batchTable(p *ui.Page, rows []batchRow) {
	fates := make([]fate, len(rows))
	for i, r := range rows {
		fates[i] = fate{name: fmt.Sprint(r.Line), operation: r.Operation, state: r.State, job: r.JobID, fault: r.Fault}
	}
	fateTable(p, ui.Column{Title: "LINE", Right: true, Whole: true}, "", fates)
}
