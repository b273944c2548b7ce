package cli

import (
	"cmp"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/extension"
	"github.com/azure-tenant-grapher/atg/host/ui"
)

// pager is the program that shows what is longer than the terminal: of ATG_PAGER, the configuration, PAGER, or else less, where
// it is installed. cat, off and none are none. It gets what an extension gets of the environment.
func (a *app) pager() (ui.Pager, bool) {
	configured := ""
	if c, err := a.config(); err == nil { // what is wrong with it, the command says
		configured = c.Pager
	}
	args := fields(cmp.Or(a.process.Getenv("ATG_PAGER"), configured, a.process.Getenv("PAGER")))
	if len(args) == 0 {
		if _, err := exec.LookPath("less"); err != nil {
			return ui.Pager{}, false
		}
		args = []string{"less"}
	}
	if slices.Contains([]string{"cat", "off", "none"}, args[0]) {
		return ui.Pager{}, false
	}
	env := extension.Environment("pager", nil, a.process.Environ)
	for _, variable := range [][2]string{{"LESS", "FRX"}, {"LV", "-c"}, {"LESSCHARSET", "utf-8"}} {
		if a.process.Getenv(variable[0]) == "" && (variable[0] != "LESSCHARSET" || runtime.GOOS == "windows") {
			env = append(env, variable[0]+"="+variable[1])
		}
	}
	return ui.Pager{Args: args, Env: env}, true
}

// fields are the words of a command line, of which those in quotes may have blanks. No shell reads it.
func fields(line string) (words []string) {
	var word strings.Builder
	quote, within := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '"' || r == '\'':
			quote, within = r, true
		case r == ' ' || r == '\t':
			if within {
				words = append(words, word.String())
			}
			word.Reset()
			within = false
		default:
			word.WriteRune(r)
			within = true
		}
	}
	if within {
		words = append(words, word.String())
	}
	return words
}

// portals are the web pages of Azure's clouds where resources can be looked at, by the setting cloud of the local backend.
var portals = map[string]string{
	"public": "https://portal.azure.com", "usgovernment": "https://portal.azure.us", "china": "https://portal.azure.cn",
}
