package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
)

// What the values are of flags, by name, and of arguments, by command and name.
var valuesOf = map[string]func(*completer, context.Context){
	"backend": (*completer).backendNames, "backend info name": (*completer).backendNames, "backend test backend": (*completer).backendNames,
	"backend remove name": (*completer).installed, "backend upgrade name": (*completer).installed, "backend push program": (*completer).published,
	"backend install source": (*completer).sourceFiles,
	"profile":                (*completer).profiles, "check": (*completer).checks,

	"snapshot": (*completer).snapshots, "snapshot show id": (*completer).snapshots, "snapshot pull id": (*completer).snapshots,
	"snapshot delete id": (*completer).snapshots, "snapshot diff before": (*completer).snapshots, "snapshot diff after": (*completer).snapshots,
	"subscription":   counted(func(d backend.SnapshotDetail) []backend.Count { return d.BySubscription }),
	"resource-group": counted(groupNames),
	"resource-type":  counted(func(d backend.SnapshotDetail) []backend.Count { return d.ByType }),
	"exclude-type":   counted(func(d backend.SnapshotDetail) []backend.Count { return d.ByType }),
	"location":       counted(regions),

	"job show id": (*completer).jobs, "job watch id": (*completer).jobs, "job result id": (*completer).jobs, "job download id": (*completer).jobs,
	"job cancel id": (*completer).jobs,
	"help command":  (*completer).topics,
	"config":        (*completer).files,
}

// completionPatience bounds what a completion waits for: who presses a key waits for no service that is away.
const completionPatience = 2 * time.Second

// value completes the value of a flag or an argument, behind a prefix that is part of the word.
func (c *completer) value(ctx context.Context, name string, v *kong.Value, prefix string) {
	c.cursor = strings.TrimPrefix(c.cursor, prefix)
	defer func() { // the shell compares the whole word
		for i := range c.found {
			c.found[i].value = prefix + c.found[i].value
		}
		c.cursor = prefix + c.cursor
	}()
	switch of, ok := valuesOf[name]; {
	case v.Enum != "":
		for _, one := range v.EnumSlice() {
			if one != "" {
				c.add(one, "")
			}
		}
	case ok:
		ctx, cancel := context.WithTimeout(ctx, completionPatience)
		defer cancel()
		of(c, ctx)
	case strings.HasSuffix(name, "-dir"):
		c.paths = ":folders"
	case v.Tag.Type == "path", v.Tag.Type == "existingfile", strings.HasSuffix(name, "output"), v.Tag.PlaceHolder == "FILE":
		c.paths = ":files"
	}
}

func (c *completer) files(context.Context) { c.paths = ":files" }

func (c *completer) backendNames(context.Context) {
	loaded, err := c.a.config()
	if err != nil {
		return
	}
	for _, p := range discover.List(discover.From(loaded)) {
		c.add(p.Name, p.Path)
	}
}

// installed are the backends that atg has installed.
func (c *completer) installed(context.Context) {
	loaded, err := c.a.config()
	if err != nil {
		return
	}
	lock, err := lockfile.Read(loaded.Paths.Lock)
	if err != nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(lock.Backends)) {
		c.add(name, lock.Backends[name].Source)
	}
}

// published are backends by name, and files.
func (c *completer) published(ctx context.Context) {
	c.backendNames(ctx)
	c.paths = ":files"
}

// sourceFiles are files; with --locked, the names of what is installed.
func (c *completer) sourceFiles(ctx context.Context) {
	if c.given["locked"] {
		c.installed(ctx)
		return
	}
	c.paths = ":files"
}

func (c *completer) checks(context.Context) {
	for _, check := range conformance.Checks() {
		c.add(check.Name, check.Requirement)
	}
}

func (c *completer) profiles(context.Context) {
	o := c.a.sources()
	o.Flags.Profile = "" // the one that is being completed
	loaded, err := config.Load(o)
	if err != nil {
		return
	}
	for _, name := range loaded.ProfileNames() {
		c.add(name, "")
	}
}

// snapshots are those of the chosen backend, newest first, and the names that stand for some.
func (c *completer) snapshots(ctx context.Context) {
	c.add(latestName, "the newest complete snapshot")
	c.add(previousName, "the one before")
	_ = c.a.withSnapshots(ctx, func(ctx context.Context, _ *dispatch.Session, store backend.SnapshotStore) error {
		page, err := store.ListSnapshots(ctx, backend.SnapshotFilter{TenantID: c.a.tenantID, Limit: 50})
		for _, s := range page.Snapshots {
			c.add(s.ID, fmt.Sprintf("%s, %d resources, %s", nameOr(s.TenantName, s.TenantID), s.Resources, s.CreatedAt.Local().Format("2 Jan 15:04")))
		}
		return err
	})
}

// counted completes what the newest snapshot of the tenant has.
func counted(of func(backend.SnapshotDetail) []backend.Count) func(*completer, context.Context) {
	return func(c *completer, ctx context.Context) {
		_ = c.a.withSnapshots(ctx, func(ctx context.Context, _ *dispatch.Session, store backend.SnapshotStore) error {
			page, err := store.ListSnapshots(ctx, backend.SnapshotFilter{TenantID: c.a.tenantID, Limit: 1})
			if err != nil || len(page.Snapshots) == 0 {
				return err
			}
			detail, err := store.GetSnapshot(ctx, page.Snapshots[0].ID)
			for _, n := range of(detail) {
				help := fmt.Sprintf("%d resources", n.Count)
				if n.Name != "" {
					help = n.Name + ", " + help
				}
				c.add(n.Key, help)
			}
			return err
		})
	}
}

// groupNames are the names of the largest resource groups, whose keys are ids.
func groupNames(d backend.SnapshotDetail) []backend.Count {
	return summed(d.ByResourceGroup, func(id string) string { return id[strings.LastIndexByte(id, '/')+1:] })
}

// regions are those of the resources, of which some say West Europe, and others westeurope.
func regions(d backend.SnapshotDetail) []backend.Count {
	return summed(d.ByLocation, func(region string) string { return strings.ToLower(strings.ReplaceAll(region, " ", "")) })
}

func summed(counts []backend.Count, key func(string) string) []backend.Count {
	sums := map[string]int64{}
	for _, c := range counts {
		sums[key(c.Key)] += c.Count
	}
	var names []backend.Count
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		names = append(names, backend.Count{Key: name, Count: sums[name]})
	}
	return names
}

func (c *completer) jobs(ctx context.Context) {
	d, err := c.a.dispatcher(ctx)
	if err != nil {
		return
	}
	_ = d.WithJobs(ctx, func(ctx context.Context, s *dispatch.Session) error {
		lister, err := s.Jobs()
		if err != nil {
			return err
		}
		page, err := lister.ListJobs(ctx, backend.JobFilter{Limit: 50})
		for _, j := range page.Jobs {
			c.add(j.JobID, fmt.Sprintf("%s, %s, %s", j.Operation, j.Status, j.CreatedAt.Local().Format("2 Jan 15:04")))
		}
		return err
	})
}

func (c *completer) topics(context.Context) {
	for _, name := range topicNames {
		c.add(name, "topic")
	}
	for _, child := range c.a.root.Children {
		c.add(child.Name, child.Help)
	}
}

func nameOr(name, otherwise string) string {
	if name != "" {
		return name
	}
	return otherwise
}
