package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/azure-tenant-grapher/atg/host/checkpoint"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Session is a backend that runs and is configured. It ends with Close.
type Session struct {
	Name         string
	Backend      backend.Backend
	Description  backend.Description
	Capabilities backend.Capabilities

	program Program
	options Options
}

// Open is Connect and Configure.
func (d *ExecutionDispatcher) Open(ctx context.Context, name string) (*Session, error) {
	s, err := d.Connect(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := s.Configure(ctx); err != nil {
		s.Close(ctx)
		return nil, s.addressed(because(ctx, err))
	}
	return s, nil
}

// Describe asks a backend what it is.
func (d *ExecutionDispatcher) Describe(ctx context.Context, name string) (backend.Description, error) {
	s, err := d.Connect(ctx, name)
	if err != nil {
		return backend.Description{}, err
	}
	defer s.Close(ctx)
	return s.Description, nil
}

// Health asks a backend whether it works, and not what it can do: that may need what does not work.
func (d *ExecutionDispatcher) Health(ctx context.Context, name string) (backend.Health, error) {
	s, err := d.Connect(ctx, name)
	if err != nil {
		return backend.Health{}, err
	}
	defer s.Close(ctx)
	if err := s.configure(ctx); err != nil {
		return backend.Health{}, because(ctx, err)
	}
	h := s.Backend.CheckHealth(ctx)
	if ctx.Err() != nil {
		return h, context.Cause(ctx)
	}
	return h, nil
}

// With opens the chosen backend for the time of use. There is no fallback here: what is asked for
// belongs to one backend.
func (d *ExecutionDispatcher) With(ctx context.Context, use func(ctx context.Context, s *Session) error) error {
	s, err := d.Open(ctx, d.options.Backend)
	if err != nil {
		return err
	}
	defer s.Close(ctx)
	return s.addressed(because(ctx, use(ctx, s)))
}

// Connect starts a backend and asks what it is, but does not configure it yet.
func (d *ExecutionDispatcher) Connect(ctx context.Context, name string) (*Session, error) {
	program, err := d.options.Start(ctx, name)
	if err != nil {
		return nil, because(ctx, err)
	}
	s := &Session{Name: name, Backend: program.Backend(), program: program, options: d.options}
	if s.Description, err = s.Backend.Describe(ctx); err != nil {
		s.Close(ctx)
		return nil, because(ctx, err)
	}
	return s, nil
}

// Configure checks the settings of a connected backend against its own schema, configures it, and asks
// what it can do.
func (s *Session) Configure(ctx context.Context) error {
	if err := s.configure(ctx); err != nil {
		return err
	}
	var err error
	s.Capabilities, err = s.Backend.Capabilities(ctx)
	return err
}

func (s *Session) configure(ctx context.Context) error {
	if err := s.options.Check(s.Name, s.Description.SettingsSchema); err != nil {
		return err
	}
	return located(s.Name, s.Backend.Configure(ctx, s.options.Settings(s.Name)))
}

// located gives the problems of a backend's settings the keys that the user's file has.
func located(name string, err error) error {
	f := fault.As(err)
	if f == nil || f.Code != fault.ConfigInvalid || len(f.Problems) == 0 {
		return err
	}
	located := *f
	located.Problems = slices.Clone(f.Problems)
	for i := range located.Problems {
		if key := &located.Problems[i].Key; *key != "" {
			*key = "backends." + name + ".settings." + *key
		}
	}
	return &located
}

// Close ends the backend: by itself, or else by force.
func (s *Session) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.options.Grace)
	defer cancel()
	if err := s.program.Stop(ctx); err != nil {
		s.program.Kill()
	}
}

// check says early what the backend cannot do.
func (s *Session) check(task Task) error {
	op, can := task.Request.Operation(), s.Capabilities
	if !can.Can(op) {
		return s.unsupported(string(op), "it can do: "+orNothing(list(can.Operations)))
	}
	if iac, ok := task.Request.(*backend.IaCGenerationRequest); ok && len(can.Formats) > 0 && !slices.Contains(can.Formats, iac.OutputFormat) {
		return s.unsupported("the format "+iac.OutputFormat, "it can do: "+list(can.Formats))
	}
	if task.Resume != "" && s.durable() {
		return fault.New(fault.Unsupported, fmt.Sprintf("the jobs of backend %s go on by themselves; there is none to resume", s.Name),
			fault.Hint("follow it: %s", s.follows(task.Resume)), fault.On(s.Name), fault.From(fault.OriginHost))
	}
	for _, need := range []struct {
		feature backend.Feature
		needed  bool
		what    string
	}{
		{backend.FeatureDurableJobs, task.Detach, "--detach: its jobs end with it"},
		{backend.FeatureDurableJobs, task.Queue, "--queue: its jobs end with it"},
		{backend.FeatureParts, task.Resume != "", "--resume"},
		{backend.FeatureInputs, len(task.Inputs) > 0, "input files"},
		{backend.FeatureArtifacts, task.OutputDir != "" || task.Temporary, "output files"},
	} {
		if need.needed && !can.Has(need.feature) {
			return s.unsupported(need.what, "its features: "+orNothing(list(can.Features)))
		}
	}
	return nil
}

// follows is the command that follows a durable job, which its user may not have named.
func (s *Session) follows(id string) string {
	if id == checkpoint.Last {
		return s.again("job", "list")
	}
	return s.again("job", "watch", id)
}

// unsupported says what a backend cannot do, and what it can.
func (s *Session) unsupported(what, can string) error {
	return fault.New(fault.Unsupported, fmt.Sprintf("backend %s does not support %s", s.Name, what),
		fault.Hint("%s; atg backend list shows the others", can), fault.On(s.Name), fault.From(fault.OriginHost))
}

func orNothing(names string) string {
	if names == "" {
		return "nothing beyond the core"
	}
	return names
}

// Reach asks the backend whether it works, before anything is submitted that could not be taken back; the
// fault says why it does not: its service cannot be reached, or refuses the key.
func (s *Session) Reach(ctx context.Context) error {
	h := s.Backend.CheckHealth(ctx)
	if h.Healthy {
		return nil
	}
	return Unhealthy(s.Name, h)
}

// Unhealthy is the fault of a backend that is not healthy.
func Unhealthy(name string, h backend.Health) error {
	for _, d := range h.Dependencies {
		if !d.Healthy && !d.Optional && d.Fault != nil {
			return d.Fault
		}
	}
	return fault.New(fault.ServiceUnavailable, fmt.Sprintf("backend %s is not healthy: %s", name, h.Message), fault.Retryable())
}

// Snapshots is the backend's store of snapshots, or fault.Unsupported.
func (s *Session) Snapshots() (backend.SnapshotStore, error) {
	store, ok := s.Backend.(backend.SnapshotStore)
	if !ok || !s.Capabilities.Has(backend.FeatureSnapshots) {
		return nil, s.unsupported("snapshots", "its features: "+orNothing(list(s.Capabilities.Features)))
	}
	return store, nil
}

// detail sums up the snapshot that a scan made, if the backend can tell. It adorns the result: that
// it cannot be had is no fault of the scan.
func (s *Session) detail(ctx context.Context, r backend.Result) *backend.SnapshotDetail {
	scan, ok := r.(*backend.ScanResult)
	if !ok || scan.Snapshot == nil {
		return nil
	}
	store, err := s.Snapshots()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	d, err := store.GetSnapshot(ctx, scan.Snapshot.ID)
	if err != nil {
		return nil
	}
	return &d
}
