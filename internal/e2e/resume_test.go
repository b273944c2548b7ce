//go:build unix

package e2e

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// kept is kept KEY…: waits until the journal of a scan under way has a finished part for each key, a regular
// expression.
func kept(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: kept KEY…")
	}
	for _, key := range args {
		pattern := regexp.MustCompile(`"key":"` + key + `"`)
		until(ts, "no part "+key+" is finished", func() bool {
			files, _ := filepath.Glob(filepath.Join(stateOf(ts).home, "state", "atg", "scans", "*", "parts.ndjson"))
			for _, file := range files {
				if content, err := os.ReadFile(file); err == nil && pattern.Match(content) {
					return true
				}
			}
			return false
		})
	}
}

// forget is forget: the simulator counts its requests anew.
func forget(ts *testscript.TestScript, _ bool, _ []string) { stateOf(ts).simulator.ResetRequests() }

// asked is asked N METHOD PATH BODY: so many requests that match have been received since forget; with ! another
// number.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: asked N METHOD PATH BODY")
	}
	path, body := regexp.MustCompile("(?i)"+args[2]), regexp.MustCompile("(?i)"+args[3])
	n := 0
	for _, r := range stateOf(ts).simulator.Requests() {
		if r.Method == args[1] && path.MatchString(r.Path) && body.MatchString(r.Body) {
			n++
			ts.Logf("%s %s %d %s", r.Method, r.Path, r.Status, r.Body)
		}
	}
	if (strconv.Itoa(n) == args[0]) == neg {
		ts.Fatalf("%d requests match", n)
	}
}

// heal is heal: all faults end.
func heal(ts *testscript.TestScript, _ bool, _ []string) { stateOf(ts).simulator.ClearFaults() }

// damage is damage: cuts every file of a finished part in half.
func damage(ts *testscript.TestScript, _ bool, _ []string) {
	n := 0
	ts.Check(filepath.WalkDir(filepath.Join(stateOf(ts).home, "state", "atg", "scans"), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".part" {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		n++
		return errors.Join(os.Chmod(file, 0o600), os.Truncate(file, info.Size()/2))
	}))
	if n == 0 {
		ts.Fatalf("there are no parts")
	}
}

// sameContent is same-content N: there are N snapshots of whole tenants, and Azure told the same of all of them.
func sameContent(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: same-content N")
	}
	ctx, cancel := patience(ts)
	defer cancel()
	store, err := graph.OpenStore(filepath.Join(stateOf(ts).home, "data", "atg", "snapshots"))
	ts.Check(err)
	page, err := store.List(ctx, backend.SnapshotFilter{})
	ts.Check(err)
	digests, n := map[string]bool{}, 0
	for _, s := range page.Snapshots {
		if s.Filtered || !s.Complete {
			continue
		}
		n++
		digest, err := store.Digest(ctx, s.ID)
		ts.Check(err)
		digests[digest] = true
	}
	if strconv.Itoa(n) != args[0] || len(digests) != 1 {
		ts.Fatalf("there are %d snapshots with %d digests", n, len(digests))
	}
}
