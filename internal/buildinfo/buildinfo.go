// Package buildinfo says which build a program is. The Makefile stamps both values with -ldflags -X;
// a plain go build or go install falls back to what the Go toolchain recorded.
package buildinfo

import "runtime/debug"

// Stamped by the Makefile; -X sets only variables without an initial value that is computed.
var version, commit string

// Version is the release, as v1.2.3 or v1.2.3-4-gabcdef0, or "dev" where nothing is known.
func Version() string { return release(version, recorded()) }

// Commit is the revision that was built, or empty where it is not known.
func Commit() string { return revision(commit, recorded()) }

// recorded is nil in a program that was built without module support.
func recorded() *debug.BuildInfo {
	info, _ := debug.ReadBuildInfo()
	return info
}

func release(stamp string, info *debug.BuildInfo) string {
	switch {
	case stamp != "":
		return stamp
	case info == nil || info.Main.Version == "" || info.Main.Version == "(devel)":
		return "dev"
	default:
		return info.Main.Version
	}
}

func revision(stamp string, info *debug.BuildInfo) string {
	if stamp != "" || info == nil {
		return stamp
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}
