package buildinfo

import (
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStampWinsOverWhatTheToolchainRecorded(t *testing.T) {
	recorded := &debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "vcs.revision", Value: "abc"}},
	}
	type build struct{ Version, Commit string }
	for name, c := range map[string]struct {
		stamp    build
		recorded *debug.BuildInfo
		want     build
	}{
		"stamped by make":             {build{"v2.0.0", "def"}, recorded, build{"v2.0.0", "def"}},
		"go install of a release":     {build{}, recorded, build{"v1.2.3", "abc"}},
		"stamped outside of git":      {build{"dev", ""}, recorded, build{"dev", "abc"}},
		"go build in a checkout":      {build{}, &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, build{"dev", ""}},
		"go run without build info":   {build{}, nil, build{"dev", ""}},
		"go build without a revision": {build{}, &debug.BuildInfo{}, build{"dev", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			got := build{release(c.stamp.Version, c.recorded), revision(c.stamp.Commit, c.recorded)}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
