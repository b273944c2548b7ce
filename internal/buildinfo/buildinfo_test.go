package buildinfo

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStampWinsOverWhatTheToolchainRecorded(t *testing.T) {
	recorded := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-30T01:02:03Z"}},
	}
	type build struct{ Version, Commit, Date string }
	for name, c := range map[string]struct {
		stamp    build
		recorded *debug.BuildInfo
		want     build
	}{
		"stamped by make":             {build{"v2.0.0", "def", "2027-01-01T00:00:00Z"}, recorded, build{"v2.0.0", "def", "2027-01-01T00:00:00Z"}},
		"go install of a release":     {build{}, recorded, build{"v1.2.3", "abc", "2026-11-30T01:02:03Z"}},
		"stamped outside of git":      {build{"dev", "", ""}, recorded, build{"dev", "abc", "2026-11-30T01:02:03Z"}},
		"go build in a checkout":      {build{}, &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, build{"dev", "", ""}},
		"go run without build info":   {build{}, nil, build{"dev", "", ""}},
		"go build without a revision": {build{}, &debug.BuildInfo{}, build{"dev", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got := build{release(c.stamp.Version, c.recorded), setting(c.stamp.Commit, c.recorded, "vcs.revision"), setting(c.stamp.Date, c.recorded, "vcs.time")}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
