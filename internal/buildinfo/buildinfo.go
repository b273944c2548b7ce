// Package buildinfo says which build a program is. The Makefile stamps both values with -ldflags -X;
// a plain go build or go install falls back to what the Go toolchain recorded.
package buildinfo

import "runtime/debug"

// Stamped by the Makefile.
var version, commit string

// Version is the release, as v1.2.3 or v1.2.3-4-gabcdef0, or "dev" where nothing is known.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// Commit is the revision that was built, or empty where it is not known.
func Commit() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return ""
}
