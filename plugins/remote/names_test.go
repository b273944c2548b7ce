package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// unsafePaths lead elsewhere, or cannot be on each system.
var unsafePaths = []string{
	"", ".", "..", "/", "/etc/passwd", "../x", "a/../../x", "a/..", "./a", "a//b", "a/", "/a", `..\x`, `a\b`, `C:\x`, "C:x", "a:stream",
	"a\x00b", "a\nb", "a\x7fb", "a\xffb", "a?", "a*", "a<b", "a>b", `a"b`, "a|b", "a.", "a ", " a", "a/b./c",
	"con", "CON", "con.tf", "dir/Aux.txt", "nul", "NUL.tar.gz", "prn", "com1", "COM9.log", "lpt1", "COM¹", "lpt³.x", "CONIN$", "conout$", "com0", "nul .txt",
	".atg-x", ".ATG-archive.part", strings.Repeat("a", 256), strings.Repeat("a/", 32) + "a",
}

var safePaths = []string{
	"a", "main.tf", "a/b/c.bicep", ".hidden", "..a", "a..b", "con1", "com10", "comx", "console.log", "aux_", "lpt", "ä/ö.md", "日本/語", "a b", "a.part",
	strings.Repeat("a", 255), strings.Repeat("a/", 31) + "a",
}

func TestPaths(t *testing.T) {
	for _, path := range unsafePaths {
		if badPath(path) == "" {
			t.Errorf("%q is taken", path)
		}
	}
	for _, path := range safePaths {
		if why := badPath(path); why != "" {
			t.Errorf("%q %s", path, why)
		}
	}
}

func TestPlaces(t *testing.T) {
	cases := map[string]struct {
		paths []string
		clash bool
	}{
		"different files":          {[]string{"a", "b", "c/a", "c/b", "c/d/a"}, false},
		"twice":                    {[]string{"a", "b", "a"}, true},
		"letters":                  {[]string{"Main.tf", "main.tf"}, true},
		"letters in a folder":      {[]string{"A/x", "a/y"}, true},
		"letters of other scripts": {[]string{"Ärger", "ärger"}, true},
		"accents":                  {[]string{"é", "e\u0301"}, true},
		"a file and a folder":      {[]string{"a", "a/b"}, true},
		"a folder and a file":      {[]string{"a/b", "a"}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var artifacts []backend.Artifact
			for _, p := range c.paths {
				artifacts = append(artifacts, backend.Artifact{Path: p, SHA256: sum("")})
			}
			err := checkArtifacts(artifacts)
			if c.clash != (err != nil) || c.clash && fault.CodeOf(err) != fault.Integrity {
				t.Errorf("the answer is %v", err)
			}
		})
	}
}

func TestCheckArtifacts(t *testing.T) {
	many := make([]backend.Artifact, maxFiles+1)
	for i := range many {
		many[i] = backend.Artifact{Path: fmt.Sprint(i), SHA256: sum("")}
	}
	cases := map[string][]backend.Artifact{
		"too many":          many,
		"too large":         {{Path: "a", Size: maxTotal, SHA256: sum("")}, {Path: "b", Size: 1, SHA256: sum("")}},
		"beyond numbers":    {{Path: "a", Size: 1<<63 - 1, SHA256: sum("")}, {Path: "b", Size: 1<<63 - 1, SHA256: sum("")}},
		"less than none":    {{Path: "a", Size: -1, SHA256: sum("")}},
		"no sum":            {{Path: "a"}},
		"half a sum":        {{Path: "a", SHA256: sum("")[:32]}},
		"a sum in capitals": {{Path: "a", SHA256: strings.ToUpper(sum(""))}},
		"a path for a sum":  {{Path: "a", SHA256: strings.Repeat("../", 21) + "x"}},
	}
	for name, artifacts := range cases {
		if err := checkArtifacts(artifacts); fault.CodeOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := checkArtifacts(many[:maxFiles]); err != nil {
		t.Error(err)
	}
}

// Whatever a service calls a file: what is taken stays in its folder, and can be made there.
func FuzzPath(f *testing.F) {
	for _, p := range append(unsafePaths, safePaths...) {
		f.Add(p)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, path string) {
		if badPath(path) != "" {
			return
		}
		local := filepath.FromSlash(path)
		if !filepath.IsLocal(local) || filepath.Clean(local) != local {
			t.Fatalf("%q leads elsewhere", path)
		}
		inside, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(inside, local)
		if len(name) > 3000 {
			return
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
}
