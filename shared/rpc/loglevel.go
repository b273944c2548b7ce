package rpc

import "log/slog"

// LogLevelEnv is the environment variable that tells a backend from which level on its host wants log
// records: trace, debug, info, warn or error. A backend writes a record as a line of JSON on stderr, with
// "@level", "@message", "@timestamp" (RFC 3339, microseconds) and its attributes as further properties, the
// format of hclog; any other line is taken as text.
const LogLevelEnv = "ATG_BACKEND_LOG_LEVEL"

// LevelTrace is hclog's level below debug.
const LevelTrace = slog.LevelDebug - 4

var levels = []struct {
	name  string
	level slog.Level
}{{"trace", LevelTrace}, {"debug", slog.LevelDebug}, {"info", slog.LevelInfo}, {"warn", slog.LevelWarn}, {"error", slog.LevelError}}

// LevelName is the name of the highest level that is not above l; trace for what is below them all.
func LevelName(l slog.Level) string {
	name := levels[0].name
	for _, known := range levels {
		if l >= known.level {
			name = known.name
		}
	}
	return name
}

// LevelOf is the level of that name, and whether there is one.
func LevelOf(name string) (slog.Level, bool) {
	for _, known := range levels {
		if name == known.name {
			return known.level, true
		}
	}
	return 0, false
}
