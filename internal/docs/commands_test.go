package docs_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	server "github.com/azure-tenant-grapher/atg/cmd/atg-server/cli"
	"github.com/azure-tenant-grapher/atg/host/cli"
	"github.com/azure-tenant-grapher/atg/internal/manual"
)

// TestCommandsAreOnesThatThereAre parses every command of atg and atg-server that a page shows, with the grammars of the programs.
func TestCommandsAreOnesThatThereAre(t *testing.T) {
	found := 0
	for _, b := range everyBlock(t) {
		script := b.text
		switch b.language {
		case "console":
			script = typed(b.text)
		case "sh":
		default:
			continue
		}
		for _, words := range simple(script) {
			if isOurs, err := checked(words); isOurs {
				found++
				if err != nil {
					t.Errorf("%s: %s: %v", b, strings.Join(words, " "), err)
				}
			}
		}
	}
	if found < 150 {
		t.Errorf("only %d commands were found", found)
	}
}

// checked parses a command if it is one of ours.
func checked(words []string) (isOurs bool, err error) {
	switch name, args := path.Base(words[0]), words[1:]; {
	case name == "atg" && len(args) > 0 && args[0] == "server":
		return true, server.Check(args[1:])
	case name == "atg":
		return true, cli.Check(args)
	case name == "atg-server":
		return true, server.Check(args)
	}
	return false, nil
}

var (
	span  = regexp.MustCompile("`([^`\n]+)`")
	aFlag = regexp.MustCompile(`^-(-[a-z][a-z-]*|[a-z])$`)
)

// TestFlagsInTextAreOnesThatThereAre looks at commands within sentences, which are no whole ones: their names and flags.
func TestFlagsInTextAreOnesThatThereAre(t *testing.T) {
	trees := map[string]manual.Command{"atg": cli.Reference(), "atg-server": server.Reference()}
	found := 0
	for page, text := range pages(t) {
		for _, match := range span.FindAllStringSubmatch(prose(text), -1) {
			words := strings.FieldsFunc(match[1], func(r rune) bool { return strings.ContainsRune(" []|=,;&<>", r) })
			if len(words) < 2 || trees[words[0]].Path == "" || strings.ContainsRune(words[1], '…') {
				continue
			}
			tree, words := trees[words[0]], words[1:]
			if words[0] == "server" && tree.Path == "atg" {
				tree, words = trees["atg-server"], words[1:]
			}
			found++
			if wrong := unknown(tree, words); wrong != "" {
				t.Errorf("%s: `%s`: there is no %s", page, match[1], wrong)
			}
		}
	}
	if found < 100 {
		t.Errorf("only %d commands were found", found)
	}
}

// unknown is the first word that is neither a command nor a flag where one has to be.
func unknown(c manual.Command, words []string) string {
	flags := slices.Clone(c.Flags)
	for i, word := range words {
		if aFlag.MatchString(word) {
			known := word == "--help" || word == "-h" || slices.ContainsFunc(flags, func(f manual.Flag) bool {
				names := append(strings.FieldsFunc(f.Name, func(r rune) bool { return r == ' ' || r == ',' }), f.Aliases...)
				return slices.Contains(names, word)
			})
			if !known {
				return word
			}
			continue
		}
		at := slices.IndexFunc(c.Commands, func(x manual.Command) bool { return strings.HasSuffix(x.Path, " "+word) })
		switch {
		case at >= 0:
			c = c.Commands[at]
			flags = append(flags, c.Flags...)
		case len(c.Commands) > 0 && isName(word) && (i == 0 || !strings.HasPrefix(words[i-1], "-")):
			return "command " + word
		}
	}
	return ""
}

// isName says that a word is no placeholder.
func isName(word string) bool {
	return strings.Trim(word, "abcdefghijklmnopqrstuvwxyz-") == ""
}

// TestWrongCommandsAreNoticed gives to the checks above what they are there for.
func TestWrongCommandsAreNoticed(t *testing.T) {
	for script, wrong := range map[string]bool{
		"atg scan --tenant-id x":                       false,
		"bin/atg -q snapshot query owners | head":      false,
		"atg help exit-codes":                          false,
		"atg server keys list":                         false,
		"atg-server start --dev &":                     false,
		"atg scna":                                     true,
		"atg scan --tenant x":                          true,
		"atg generate-iac --format pulumi":             true,
		"echo $(atg snapshot lst)":                     true,
		"cd x && atg-server keys make":                 true,
		"atg server start --roll all":                  true,
		"A=b atg scan --depth deep # as deep as it is": true,
	} {
		bad := false
		for _, words := range simple(script) {
			if _, err := checked(words); err != nil {
				bad = true
			}
		}
		if bad != wrong {
			t.Errorf("%s: wrong is %v, not %v", script, bad, wrong)
		}
	}
	for text, want := range map[string]string{
		"scan --tenant-id": "", "snapshot query NAME --list": "", "job watch ID": "", "scan --tenat-id": "--tenat-id", "snapshot qery": "command qery", "config show --help": "",
	} {
		if got := unknown(cli.Reference(), strings.Fields(text)); got != want {
			t.Errorf("atg %s: %q, want %q", text, got, want)
		}
	}
}
