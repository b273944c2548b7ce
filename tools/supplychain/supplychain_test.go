package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	mit = `MIT License

Copyright (c) 2026 Somebody

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`
	agpl = `This program is free software: you can redistribute it and/or modify
it under the terms of the GNU Affero General Public License as published by
the Free Software Foundation, either version 3 of the License, or
(at your option) any later version.

This program is distributed in the hope that it will be useful,
but WITHOUT ANY WARRANTY; without even the implied warranty of
MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
GNU Affero General Public License for more details.

You should have received a copy of the GNU Affero General Public License
along with this program.  If not, see <https://www.gnu.org/licenses/>.
`
)

// lay writes files below a folder.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLicenses(t *testing.T) {
	for name, c := range map[string]struct {
		files    map[string]string
		packages []string
		want     []string
		texts    int
		says     string // the error
	}{
		"a usual one":                             {map[string]string{"LICENSE": mit, "a.go": "", "NOTICE": "made by somebody"}, []string{"."}, []string{"MIT"}, 2, ""},
		"another name":                            {map[string]string{"COPYING.md": mit}, []string{"."}, []string{"MIT"}, 1, ""},
		"none":                                    {map[string]string{"README.md": mit}, []string{"."}, nil, 0, "no license file"},
		"one that may not be shipped":             {map[string]string{"LICENSE": agpl}, []string{"."}, nil, 0, "is of AGPL-3.0-or-later, which is none of the licences"},
		"one that nobody knows":                   {map[string]string{"LICENSE": "Do with it what you dare."}, []string{"."}, nil, 0, "of no known licence"},
		"words before a known one":                {map[string]string{"LICENSE": strings.Repeat("And you owe us a beer each time. ", 80) + mit}, []string{"."}, nil, 0, "of no known licence"},
		"another in a linked package":             {map[string]string{"LICENSE": mit, "b/LICENSE": agpl, "b/c/c.go": ""}, []string{".", "b/c"}, nil, 0, "b/LICENSE"},
		"another in a package that is not linked": {map[string]string{"LICENSE": mit, "b/LICENSE": agpl, "c/c.go": ""}, []string{".", "c"}, []string{"MIT"}, 1, ""},
		"code that is named so":                   {map[string]string{"LICENSE": mit, "license.go": "package license"}, []string{"."}, []string{"MIT"}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := &module{Path: "example.com/m", Version: "v1.0.0", Dir: lay(t, c.files)}
			for _, p := range c.packages {
				m.Packages = append(m.Packages, filepath.Join(m.Dir, p))
			}
			err := m.license()
			switch {
			case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)):
				t.Errorf("license: %v; want an error with %q", err, c.says)
			case c.says == "" && (err != nil || cmp.Diff(c.want, m.Licenses) != "" || len(m.Texts) != c.texts):
				t.Errorf("license: %v, %v, %d texts", err, m.Licenses, len(m.Texts))
			}
		})
	}
}

// TestNotices checks the licences of this program itself.
func TestNotices(t *testing.T) {
	out := t.TempDir()
	extra := filepath.Join(lay(t, map[string]string{"more.txt": "a notice of something else"}), "more.txt")
	var said bytes.Buffer
	if err := run(t.Context(), []string{"notices", "-out", out, "-extra", extra, "."}, &said); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(out, "THIRD-PARTY.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"github.com/google/licensecheck v0.3.1\n    BSD-3-Clause; in supplychain\n", "\nstd 1.", "Copyright 2009 The Go Authors", "a notice of something else"} {
		if !bytes.Contains(content, []byte(want)) {
			t.Errorf("the notices have no %q:\n%.2000s", want, content)
		}
	}
	if bytes.Contains(content, []byte("go-cmp")) {
		t.Error("what only tests use is in the notices")
	}
	if !strings.Contains(said.String(), "supplychain") {
		t.Errorf("it says %s", said.String())
	}
}

// built is a program, and the licences of what it links.
func built(t *testing.T) (program []byte, licenses string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "supplychain")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-o", file, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"notices", "-out", dir, "."}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	return content, filepath.Join(dir, "licenses.json")
}

func TestBillOfMaterials(t *testing.T) {
	program, licenses := built(t)
	var tarred, zipped bytes.Buffer
	g := gzip.NewWriter(&tarred)
	w := tar.NewWriter(g)
	z := zip.NewWriter(&zipped)
	for name, content := range map[string][]byte{"x/README": []byte("no program"), "x/supplychain": program} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		w.Write(content)
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		f.Write(content)
	}
	w.Close()
	g.Close()
	z.Close()
	t.Setenv("SOURCE_DATE_EPOCH", "1796002759")
	for name, archive := range map[string][]byte{"x.tar.gz": tarred.Bytes(), "x.zip": zipped.Bytes()} {
		t.Run(name, func(t *testing.T) {
			dir := lay(t, map[string]string{name: string(archive)})
			to := filepath.Join(dir, "bom.json")
			args := []string{"sbom", "-version", "v1.2.3", "-licenses", licenses, "-o", to, filepath.Join(dir, name)}
			if err := run(t.Context(), args, nil); err != nil {
				t.Fatal(err)
			}
			first, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			if err := run(t.Context(), args, nil); err != nil {
				t.Fatal(err)
			}
			if second, _ := os.ReadFile(to); !bytes.Equal(first, second) {
				t.Error("twice the same archive gives two bills")
			}
			var b bom
			if err := json.Unmarshal(first, &b); err != nil {
				t.Fatal(err)
			}
			if b.Metadata.Timestamp != "2026-11-30T01:39:19Z" || b.Metadata.Component.Version != "v1.2.3" || b.Components[0].Name != "supplychain" {
				t.Errorf("its head: %+v, %+v", b.Metadata, b.Components[0])
			}
			refs := []string{}
			for _, c := range b.Components[1:] {
				if refs = append(refs, c.Name); len(c.Licenses) != 1 || c.Licenses[0].Expression == "" {
					t.Errorf("%s has no licence", c.Name)
				}
			}
			if d := cmp.Diff([]string{"github.com/google/licensecheck", "std"}, refs); d != "" {
				t.Errorf("modules (-want +got):\n%s", d)
			}
			if d := cmp.Diff([]dependency{{"archive", []string{"program:supplychain"}}, {"program:supplychain", []string{b.Components[1].Ref, b.Components[2].Ref}}}, b.Dependencies); d != "" {
				t.Errorf("dependencies (-want +got):\n%s", d)
			}
		})
	}
	if _, err := billOf("x.tar.gz", "v1", tarred.Bytes(), licensed{}); err == nil || !strings.Contains(err.Error(), "nothing is known of the licence") {
		t.Errorf("modules of unknown licences: %v", err)
	}
}

func TestAnArchiveWithoutPrograms(t *testing.T) {
	var zipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	z.Create("README")
	z.Close()
	for name, content := range map[string][]byte{"none.zip": zipped.Bytes(), "broken.zip": []byte("PK"), "broken.tar.gz": []byte("no gzip")} {
		if _, err := billOf(name, "v1", content, licensed{}); err == nil {
			t.Errorf("%s has a bill of materials", name)
		}
	}
}

func TestPack(t *testing.T) {
	files := map[string][]byte{"b": []byte("#!/bin/sh\n"), "a/c": []byte("text"), chart: []byte("name: atg-server\n" + latest)}
	if err := pin(files, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	for name, zipped := range map[string]bool{"x.tar.gz": false, "x.zip": true} {
		first, err := pack("x", files, zipped, time.Unix(1796002759, 0).UTC())
		if err != nil {
			t.Fatal(err)
		}
		second, err := pack("x", files, zipped, time.Unix(1796002759, 0).UTC())
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: the same files give other bytes, %v", name, err)
		}
		got, err := unpack(name, first)
		if err != nil {
			t.Fatal(err)
		}
		if string(got["x/"+chart]) != "name: atg-server\nappVersion: \"1.2.3\"\n" || string(got["x/a/c"]) != "text" || len(got) != 4 {
			t.Errorf("%s has %q", name, got)
		}
		if sums := string(got["x/SHA256SUMS"]); strings.Count(sums, "\n") != 3 || !strings.Contains(sums, "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1  a/c\n") {
			t.Errorf("%s: sums are %s", name, sums)
		}
	}
	if err := pin(map[string][]byte{chart: []byte("name: atg-server\n")}, "1.2.3"); err == nil {
		t.Error("a chart without a version to set is taken")
	}
}
