package dispatch

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/checkpoint"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// resumable keeps the finished parts of a scan on this machine while it runs. Nil keeps none.
type resumable struct {
	session *Session
	run     *checkpoint.Run
	lost    bool // it could not be written, so that nothing can be promised of it
}

// resumable makes a scan one that can be resumed, or takes up the one that task.Resume names: submission
// then has its request, folder and finished parts. It is nil where the backend's jobs have no parts, or
// outlive it; that a new scan cannot be kept is told and no fault.
func (s *Session) resumable(task Task, submission *backend.Submission) (*resumable, error) {
	request, ok := submission.Request.(*backend.ScanRequest)
	if !ok || request.DryRun || s.options.Checkpoints == nil || s.durable() || !s.Capabilities.Has(backend.FeatureParts) {
		return nil, nil
	}
	r := &resumable{session: s}
	var err error
	if task.Resume != "" {
		if r.run, err = s.takeUp(task.Resume, request); err != nil {
			return nil, err
		}
		scan := r.run.Scan()
		again := *scan.Request
		if again.TenantID == "" {
			again.TenantID = scan.TenantID // the one in reach may be another by now
		}
		submission.Request, submission.Parts = &again, scan.Parts
	} else {
		s.mentionUnfinished(request)
		r.run, err = s.options.Checkpoints.Start(checkpoint.Record{
			Backend: s.Name, Profile: s.options.Profile, TenantID: request.TenantID, Request: request,
		})
		if err != nil {
			s.options.Note("this scan cannot be resumed if it is stopped: %v", err)
			return nil, nil
		}
	}
	submission.WorkDir = r.run.WorkDir()
	return r, nil
}

// takeUp finds the scan of that name and compares it with what is asked for now.
func (s *Session) takeUp(name string, given *backend.ScanRequest) (*checkpoint.Run, error) {
	run, err := s.options.Checkpoints.Resume(name)
	if err != nil {
		return nil, err
	}
	scan := run.Scan()
	wrong := func(message string, hint fault.Option) (*checkpoint.Run, error) {
		run.Close()
		return nil, fault.New(fault.InvalidArgument, message, fault.On(scan.ID()), fault.From(fault.OriginHost), hint)
	}
	if scan.Backend != s.Name {
		return wrong(fmt.Sprintf("the scan was begun with the backend %s, and this is %s", scan.Backend, s.Name),
			fault.Hint("name the same one: %s", (&Session{Name: scan.Backend, options: s.options}).resume(scan)))
	}
	if scan.Profile != s.options.Profile {
		return wrong("the scan was begun with "+profileWords(scan.Profile)+", and this is "+profileWords(s.options.Profile),
			fault.Hint("choose the same with --profile, or start a scan without --resume"))
	}
	if flags := contradictions(given, scan); len(flags) > 0 {
		return wrong("the scan to resume was asked for something else than "+strings.Join(flags, ", "),
			fault.Hint("leave that out: a scan is resumed as it was begun; or start another without --resume"))
	}
	return run, nil
}

func profileWords(profile string) string {
	if profile == "" {
		return "no profile"
	}
	return "the profile " + profile
}

// contradictions are the flags that ask for something else than the scan did.
func contradictions(given *backend.ScanRequest, scan checkpoint.Scan) (flags []string) {
	was := scan.Request
	differ := func(flag string, differs bool) {
		if differs {
			flags = append(flags, flag)
		}
	}
	lists := func(a, b []string) bool { return len(a) > 0 && !slices.EqualFunc(a, b, strings.EqualFold) }
	differ("--tenant-id", given.TenantID != "" && !strings.EqualFold(given.TenantID, was.TenantID) && !strings.EqualFold(given.TenantID, scan.TenantID))
	differ("--subscription", lists(given.Filter.Subscriptions, was.Filter.Subscriptions))
	differ("--resource-group", lists(given.Filter.ResourceGroups, was.Filter.ResourceGroups))
	differ("--resource-type", lists(given.Filter.ResourceTypes, was.Filter.ResourceTypes))
	differ("--location", lists(given.Filter.Locations, was.Filter.Locations))
	differ("--tag", len(given.Filter.Tags) > 0 && !maps.Equal(given.Filter.Tags, was.Filter.Tags))
	differ("--exclude-type", lists(given.Filter.ExcludeTypes, was.Filter.ExcludeTypes))
	differ("--limit", given.ResourceLimit != 0 && given.ResourceLimit != was.ResourceLimit)
	differ("--depth", given.Depth != "" && given.Depth != was.Depth)
	differ("--identities", given.Identities != "" && given.Identities != was.Identities)
	differ("--discovery", given.Discovery != "" && given.Discovery != was.Discovery)
	return flags
}

// mentionUnfinished tells of an earlier scan of the same tenant that could be resumed instead.
func (s *Session) mentionUnfinished(request *backend.ScanRequest) {
	scans, err := s.options.Checkpoints.List()
	if err != nil {
		return // whoever starts a scan hears of it soon enough
	}
	for _, scan := range scans {
		same := strings.EqualFold(scan.TenantID, request.TenantID) || strings.EqualFold(scan.Request.TenantID, request.TenantID)
		if !scan.Running && len(scan.Parts) > 0 && scan.Backend == s.Name && scan.Profile == s.options.Profile && same {
			s.options.Note("an earlier scan of this tenant is not finished (%s read); to go on with it: %s", partsOf(len(scan.Parts)), s.resume(scan))
			return
		}
	}
}

func (s *Session) resume(scan checkpoint.Scan) string { return s.again("scan", "--resume", scan.ID()) }

func partsOf(n int) string {
	if n == 1 {
		return "1 part"
	}
	return fmt.Sprintf("%d parts", n)
}

// began enters the job that was submitted.
func (r *resumable) began(job backend.JobStatusResponse) {
	if r != nil {
		r.tell(r.run.Began(job.JobID))
	}
}

// observe keeps what the job says on its way to next.
func (r *resumable) observe(next Observer) Observer {
	if r == nil {
		return next
	}
	return keeper{Observer: next, of: r}
}

type keeper struct {
	Observer
	of *resumable
}

// Event enters finished parts, and the tenant that the job has found.
func (k keeper) Event(e backend.Event) {
	switch {
	case e.Kind == backend.EventPart && e.Part != nil:
		k.of.tell(k.of.run.Part(*e.Part))
	case e.Kind == backend.EventStatus && e.Status != nil:
		k.of.tell(k.of.run.Tenant(e.Status.TenantID))
	}
	k.Observer.Event(e)
}

// tell tells once that the scan cannot be kept any more; it goes on all the same.
func (r *resumable) tell(err error) {
	if err != nil && !r.lost {
		r.lost = true
		r.session.options.Note("what is read from now on is not kept for --resume: %v", err)
	}
}

// end forgets a scan that is whole. Of any other it keeps what was read, and says in the fault how to go on.
func (r *resumable) end(ctx context.Context, err error) error {
	if r == nil {
		return err
	}
	if err == nil || r.run.Finished() == 0 {
		r.run.Remove()
		return err
	}
	err = because(ctx, err)
	f := *fault.Of(err)
	if lost := r.run.Keep(f.Code); lost != nil {
		r.tell(lost)
		return err
	}
	words := "go on without reading the " + partsOf(r.run.Finished()) + " again that are finished: "
	if f.Code == fault.Incomplete {
		words = "read once more what is missing: "
	}
	if f.Hint != "" {
		f.Hint += "\n"
	}
	f.Hint += words + r.session.resume(r.run.Scan())
	return &f
}
