// Package buildinfo says which build a program is. The Makefile and .goreleaser.yaml stamp its values with -ldflags -X;
// a plain go build or go install falls back to what the Go toolchain recorded.
package buildinfo

import "runtime/debug"

// Stamped by them; -X sets only variables without an initial value that is computed.
var version, commit, date string

// Version is the release, as v1.2.3 or v1.2.3-4-gabcdef0, or "dev" where nothing is known.
func Version() string { return release(version, recorded()) }

// Commit is the revision that was built, or empty where it is not known.
func Commit() string { return setting(commit, recorded(), "vcs.revision") }

// Date is when that revision was committed, as 2006-01-02T15:04:05Z, or empty where it is not known: the same sources give the same
// program, whenever it is built.
func Date() string { return setting(date, recorded(), "vcs.time") }

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

func setting(stamp string, info *debug.BuildInfo, key string) string {
	if stamp != "" || info == nil {
		return stamp
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
