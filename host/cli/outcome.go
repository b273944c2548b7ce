package cli

import (
	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// detached is a job that goes on without the command.
type detached struct {
	backend.JobStatusResponse
	Backend  string `json:"backend"`
	Reattach string `json:"reattach"` // a command, for a shell
}

// outcome prints what came of an operation. An error beside an outcome follows it.
func (a *app) outcome(d *dispatch.ExecutionDispatcher, out *dispatch.Outcome, e dispatch.Ending, err error) error {
	if out == nil {
		return err
	}
	if out.Queued != "" {
		return a.console.Print(queuedDocument(out))
	}
	document := ui.Document{Data: out.Result, Page: func(p *ui.Page) { resultPage(p, d, out, e) }}
	if out.Result == nil {
		left := detached{out.Job, out.Backend, d.Reattach(out, e)}
		document = ui.Document{Data: left, Page: func(p *ui.Page) { p.Job(left.JobStatusResponse, left.Backend, left.Reattach) }}
	}
	if printed := a.console.Print(document); printed != nil {
		return printed
	}
	return err
}

// resultPage shows a result of any operation.
func resultPage(p *ui.Page, d *dispatch.ExecutionDispatcher, out *dispatch.Outcome, e dispatch.Ending) {
	switch result := out.Result.(type) {
	case *backend.ScanResult:
		next := ""
		if result.Snapshot != nil { // what a person most likely wants after a scan
			next = d.Again(out.Backend, "snapshot", "show", result.Snapshot.ID)
		}
		p.Scan(ui.ScanSummary{Result: result, Detail: out.Detail, Next: next})
	case *backend.IaCGenerationResult:
		p.Code(ui.CodeSummary{Result: result, Dir: e.OutputDir, Next: afterwards(d, out, result, e.OutputDir)})
	case *backend.SpecGenerationResult:
		p.Spec(specSummary(d, out, result))
	case *backend.VisualizationResult:
		p.Picture(pictureSummary(d, out, result))
	case *backend.TenantCreationResult:
		p.Tenant(result)
	case *backend.SnapshotPathResult:
		p.Paths(result)
	case *backend.SnapshotDiffResult:
		p.Compared(result)
		resultFiles(p, d, out, e)
	case *backend.SnapshotExportResult:
		p.Export(result, out.Files)
	default:
		p.Line(ui.Toned{Tone: ui.Strong, Text: string(result.Operation())})
		p.Result(result)
		if out.Files != nil {
			p.Gap()
			p.Files(e.OutputDir, out.Files)
		}
	}
}

// resultFiles says where the files of a result are, or how to get them.
func resultFiles(p *ui.Page, d *dispatch.ExecutionDispatcher, out *dispatch.Outcome, e dispatch.Ending) {
	p.Gap()
	if out.Files != nil {
		p.Files(e.OutputDir, out.Files)
		return
	}
	p.Line(ui.Toned{Tone: ui.Faint, Text: "next: "}, d.Again(out.Backend, "job", "download", out.Job.JobID, "--output-dir", "DIR"))
}

// waitFlags are the flags of verbs that submit a job.
type waitFlags struct {
	Detach            bool `group:"wait" help:"Do not wait: print the job's id. Needs a backend whose jobs outlive the command."`
	CancelOnInterrupt bool `group:"wait" help:"Let Ctrl-C cancel the job also where it would go on without the command."`
	Queue             bool `group:"wait" help:"If the service cannot be reached, keep the submission on this machine: atg job flush sends it."`
}

func (f waitFlags) task(e dispatch.Ending) dispatch.Task {
	e.CancelOnInterrupt = f.CancelOnInterrupt
	return dispatch.Task{Detach: f.Detach, Queue: f.Queue, Ending: e}
}

// endingFlags are the flags of verbs that come back to a job.
type endingFlags struct {
	OutputDir string `type:"path" placeholder:"DIR" help:"Folder for the job's files (default: leave them with the backend)."`
	Force     bool   `help:"Replace files in the folder that atg did not write, or that were changed since."`
}

func (f endingFlags) ending() dispatch.Ending {
	return dispatch.Ending{OutputDir: f.OutputDir, Overwrite: f.Force}
}
