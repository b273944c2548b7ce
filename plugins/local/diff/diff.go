package diff

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The formats and the names of their files.
const (
	FormatNDJSON   = "ndjson"
	FormatMarkdown = "markdown"

	fileNDJSON   = "changes.ndjson"
	fileMarkdown = "changes.md"
)

// Check refuses a request that cannot be done.
func Check(r *backend.SnapshotDiffRequest) error {
	switch {
	case r.Before == "" || r.After == "":
		return fault.New(fault.InvalidArgument, "a comparison needs two snapshots", fault.Hint("atg snapshot list shows those there are"))
	case r.Format != "" && r.Format != FormatNDJSON && r.Format != FormatMarkdown:
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the format %q is unknown", r.Format), fault.Hint("it is %s or %s", FormatNDJSON, FormatMarkdown))
	}
	return nil
}

// Comparer compares two snapshots.
type Comparer struct {
	Before, After *graph.Reader
	Dir           string // for the file of changes, which exists
	WorkDir       string // for what is needed meanwhile
	Progress      func(backend.Progress)
}

// Compare writes the changes. The snapshots must be of one tenant: else fault.InvalidArgument.
func (c Comparer) Compare(ctx context.Context, request *backend.SnapshotDiffRequest) (*backend.SnapshotDiffResult, error) {
	began := time.Now()
	before, after := c.Before.Snapshot(), c.After.Snapshot()
	if !strings.EqualFold(before.TenantID, after.TenantID) {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the snapshots are of different tenants: %s of %s, %s of %s", before.ID, before.TenantID, after.ID, after.TenantID),
			fault.Hint("compare snapshots of one tenant: atg snapshot list shows the tenant of each"))
	}
	name, dir := fileNDJSON, c.Dir
	if request.Format == FormatMarkdown {
		dir = c.WorkDir
	}
	r := &run{Comparer: c, result: &backend.SnapshotDiffResult{Changes: name}, counts: map[string]map[string]int64{}, total: before.Resources + after.Resources}
	if err := r.prepare(ctx, request); err != nil {
		return nil, err
	}
	if err := r.write(ctx, filepath.Join(dir, name)); err != nil {
		return nil, err
	}
	if request.Format == FormatMarkdown {
		r.result.Changes = fileMarkdown
		if err := r.markdown(filepath.Join(dir, name), filepath.Join(c.Dir, fileMarkdown)); err != nil {
			return nil, err
		}
	}
	r.result.Complete = r.result.Unknown == 0
	r.result.DurationSeconds = time.Since(began).Seconds()
	return r.result, nil
}

// run is a comparison under way.
type run struct {
	Comparer
	result        *backend.SnapshotDiffResult
	before, after *seen
	filter        *filter.Filter
	people        bool              // are compared: they are in no subscription
	names         map[string]string // of subscriptions
	out           *json.Encoder
	counts        map[string]map[string]int64 // of changes, by the kind of thing and by change
	done, total   int64
}

func (r *run) prepare(ctx context.Context, request *backend.SnapshotDiffRequest) error {
	r.before = newSeen("before", r.Before.Request(), r.Before.Coverage())
	r.after = newSeen("after", r.After.Request(), r.After.Coverage())
	r.before.alike = sameFilter(r.before.request.Filter, r.after.request.Filter)
	r.after.alike = r.before.alike
	r.names = map[string]string{}
	for _, reader := range []*graph.Reader{r.Before, r.After} { // a later name wins
		listed, err := reader.Subscriptions(ctx)
		if err != nil {
			return err
		}
		for id, s := range listed {
			if s.Name != "" || r.names[id] == "" {
				r.names[id] = s.Name
			}
		}
	}
	var unknown []string
	if r.filter, unknown = filter.Of(request.Filter, r.names); len(unknown) > 0 {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("neither snapshot has a subscription %q", unknown[0]), fault.On(unknown[0]),
			fault.Hint("`atg snapshot show %s` lists those of the later one", r.After.Snapshot().ID))
	}
	r.people = r.filter.Open() && len(request.Filter.Subscriptions)+len(request.Filter.ResourceGroups) == 0
	return nil
}

// write writes all changes into a file.
func (r *run) write(ctx context.Context, path string) (err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return disk(err)
	}
	defer func() {
		if closed := file.Close(); err == nil && closed != nil {
			err = disk(closed)
		}
	}()
	buffer := bufio.NewWriterSize(file, 256<<10)
	r.out = json.NewEncoder(buffer)
	r.out.SetEscapeHTML(false)
	for _, compare := range []func(context.Context) error{r.compareRows, r.compareNameless, r.compareIdentities, r.compareMemberships, r.tellGaps} {
		if err := compare(ctx); err != nil {
			return err
		}
	}
	if err := buffer.Flush(); err != nil {
		return disk(err)
	}
	return nil
}

// disk is the fault of a file that cannot be written or read again.
func disk(err error) error {
	return fault.New(fault.ExecutionFailed, "the file of the changes cannot be written", fault.Because(err), fault.Hint("make room on the disk"))
}

// tell writes a change and counts it.
func (r *run) tell(c *Change) error {
	switch c.Change {
	case Added:
		r.result.Added++
	case Removed:
		r.result.Removed++
	case Changed:
		r.result.Changed++
	case Unknown:
		r.result.Unknown++
	}
	if r.counts[c.Kind] == nil {
		r.counts[c.Kind] = map[string]int64{}
	}
	r.counts[c.Kind][c.Change]++
	c.Subscription = r.names[c.SubscriptionID]
	if err := r.out.Encode(c); err != nil {
		return disk(err)
	}
	return nil
}

// compareRows compares the rows of Azure.
func (r *run) compareRows(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	key := func(e *graph.Entry) string { return e.Key }
	err := merge(newFeed(ctx, r.Before.Entries), newFeed(ctx, r.After.Entries), key, func(before, after []*graph.Entry) error {
		r.count(int64(len(before) + len(after)))
		return r.pair(ctx, before, after)
	})
	r.count(r.total - r.done)
	return err
}

// count tells how far the comparison is.
func (r *run) count(rows int64) {
	const step = 4096
	told := r.done / step
	r.done += rows
	if r.Progress != nil && (r.done/step > told || r.done == r.total) {
		r.Progress(backend.Progress{Phase: "comparing", Unit: "rows", Done: min(r.done, r.total), Total: r.total})
	}
}
