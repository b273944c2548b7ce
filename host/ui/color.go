package ui

// ColorMode says when to colour.
type ColorMode string

// The modes. The empty one is ColorAuto.
const (
	ColorAuto   ColorMode = "auto" // on a terminal, unless the environment says otherwise
	ColorAlways ColorMode = "always"
	ColorNever  ColorMode = "never"
)

// colored decides for one stream. The flag wins; then NO_COLOR (no-color.org), then CLICOLOR_FORCE
// and CLICOLOR (bixense.com/clicolors) and FORCE_COLOR (force-color.org), then whether the stream is a terminal that is not dumb.
func colored(mode ColorMode, terminal bool, getenv func(string) string) bool {
	switch {
	case mode == ColorAlways:
		return true
	case mode == ColorNever, getenv("NO_COLOR") != "":
		return false
	case isSet(getenv("CLICOLOR_FORCE")):
		return true
	case getenv("FORCE_COLOR") != "":
		return isSet(getenv("FORCE_COLOR"))
	case getenv("CLICOLOR") == "0", getenv("TERM") == "dumb":
		return false
	}
	return terminal
}

// isSet says whether a variable is set to something that is not a no.
func isSet(value string) bool { return value != "" && value != "0" && value != "false" }
