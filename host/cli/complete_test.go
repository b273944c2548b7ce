package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/ui"
)

// completed are the words that completion offers, and :files or :folders.
func completed(t *testing.T, environ []string, words ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if code := complete(t.Context(), Process{Environ: environ, Streams: ui.Streams{Out: &out}}, words); code != 0 {
		t.Errorf("exit code %d", code)
	}
	var values []string
	for line := range strings.Lines(out.String()) {
		value, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		values = append(values, value)
	}
	return values
}

func TestComplete(t *testing.T) {
	home := t.TempDir()
	config := filepath.Join(home, "atg.yaml")
	if err := os.WriteFile(config, []byte("profiles: {prod: {backend: remote}, test: {}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock := `{"schema_version": 1, "backends": {"acme": {"source": "/x", "platforms": {"plan9/mips": {"sha256": "` + strings.Repeat("0a", 32) + `"}}}}}`
	if err := os.MkdirAll(filepath.Join(home, "atg"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "atg", "backends.lock.json"), []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		words []string
		want  []string
	}{
		"a command":              {[]string{"sn"}, []string{"snapshot"}},
		"a verb":                 {[]string{"job", "s"}, []string{"show", "submit"}},
		"a flag":                 {[]string{"scan", "--dep"}, []string{"--depth"}},
		"one that was given":     {[]string{"scan", "--depth", "resources", "--dep"}, nil},
		"one that may be again":  {[]string{"scan", "--subscription", "a", "--subsc"}, []string{"--subscription"}},
		"a global flag":          {[]string{"--prof"}, []string{"--profile"}},
		"a value":                {[]string{"scan", "--depth", ""}, []string{"resources", "children", "extensions"}},
		"a value behind =":       {[]string{"scan", "--depth=c"}, []string{"--depth=children"}},
		"of a short flag":        {[]string{"scan", "-o", "j"}, []string{"json"}},
		"an argument's":          {[]string{"completion", "z"}, []string{"zsh"}},
		"a profile":              {[]string{"--config", config, "--profile", ""}, []string{"prod", "test"}},
		"a profile behind =":     {[]string{"--config=" + config, "--profile=p"}, []string{"--profile=prod"}},
		"a folder":               {[]string{"generate-iac", "--output-dir", ""}, []string{":folders"}},
		"what is installed":      {[]string{"backend", "upgrade", ""}, []string{"acme"}},
		"what is locked":         {[]string{"backend", "install", "--locked", ""}, []string{"acme"}},
		"what to install":        {[]string{"backend", "install", ""}, []string{":files"}},
		"what to publish":        {[]string{"backend", "push", "a"}, []string{"acme", ":files"}},
		"a file":                 {[]string{"create-tenant", ""}, []string{":files"}},
		"the configuration":      {[]string{"--config", ""}, []string{":files"}},
		"a topic":                {[]string{"help", "exit"}, []string{"exit-codes"}},
		"names of snapshots":     {[]string{"snapshot", "show", "@l"}, []string{"@latest"}},
		"behind a full line":     {[]string{"snapshot", "show", "x", ""}, nil},
		"of an unknown command":  {[]string{"no-such", ""}, nil},
		"behind an unknown flag": {[]string{"scan", "--no-such", "--depth", "r"}, []string{"resources"}},
		"arguments alone":        {[]string{"scan", "--", "--dep"}, nil},
		"nothing":                {nil, completed(t, nil, "")},
	} {
		t.Run(name, func(t *testing.T) {
			environ := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "PATH="}
			if d := cmp.Diff(c.want, completed(t, environ, c.words...)); d != "" {
				t.Errorf("words (-want +got):\n%s", d)
			}
		})
	}
}

// TestEachNamedValueIsAFlagOrAnArgument: a flag that is renamed would lose its completion without a word.
func TestEachNamedValueIsAFlagOrAnArgument(t *testing.T) {
	var g grammar
	parser, err := newParser(&g, nil)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	nodes := slices.Concat([]*kong.Node{parser.Model.Node}, parser.Model.Children)
	for len(nodes) > 0 {
		node := nodes[0]
		if nodes = nodes[1:]; node.Parent != nil {
			nodes = append(nodes, node.Children...)
		}
		for _, f := range node.Flags {
			known[f.Name] = true
		}
		for _, arg := range node.Positional {
			known[strings.TrimPrefix(path(node), "atg ")+" "+arg.Name] = true
		}
	}
	for name := range valuesOf {
		if !known[name] {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestExtensionsCompleteTheirOwnWords(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"atg-fleet":      "#!/bin/sh\necho \"$*\"\n",
		"atg-fleet.json": `{"summary": "Many\u001b[31m ships.", "complete": true}`,
		"atg-quiet":      "#!/bin/sh\necho never\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"PATH=" + dir + ":/bin:/usr/bin", "HOME=" + dir}
	if d := cmp.Diff([]string{"__complete go --f"}, completed(t, environ, "fleet", "go", "--f")); d != "" {
		t.Errorf("of one that offers it (-want +got):\n%s", d)
	}
	if got := completed(t, environ, "quiet", ""); got != nil {
		t.Errorf("of one that does not: %v", got)
	}
	var out bytes.Buffer
	if code := complete(t.Context(), Process{Environ: environ, Streams: ui.Streams{Out: &out}}, []string{"fl"}); code != 0 || out.String() != "fleet\tMany[31m ships.\n" {
		t.Errorf("%d, %q", code, out.String())
	}
}
