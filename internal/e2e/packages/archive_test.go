//go:build packages && linux

package packages

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestSums: every file of a release has its sum, and it is right.
func TestSums(t *testing.T) {
	listed := map[string]string{}
	content, err := os.ReadFile(filepath.Join(*dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines(string(content)) {
		sum, name, ok := strings.Cut(line, "  ")
		if !ok {
			t.Fatalf("%q is no line of a list of sums", line)
		}
		listed[name] = sum
	}
	actual := map[string]string{}
	for _, pattern := range []string{"*.tar.gz", "*.zip", "*.deb", "*.rpm", "*.cdx.json"} {
		files, err := filepath.Glob(filepath.Join(*dist, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			actual[filepath.Base(file)] = fmt.Sprintf("%x", sha256.Sum256(content))
		}
	}
	if d := cmp.Diff(actual, listed); d != "" || len(actual) < 8 {
		t.Errorf("SHA256SUMS of %d files (-actual +listed):\n%s", len(actual), d)
	}
}

// unpacked unpacks an archive and answers the one folder in it.
func unpacked(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	output(t, "tar", "-xzf", archive, "-C", dir)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || !entries[0].IsDir() {
		t.Fatalf("%s has %v, %v", archive, entries, err)
	}
	return filepath.Join(dir, entries[0].Name())
}

// in runs a command with a home of its own and nothing of this machine's Azure, and answers what it prints.
func in(t *testing.T, home string, environ []string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	c.Dir = home
	c.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home, "TMPDIR=" + t.TempDir(), "LANG=C.UTF-8", "ATG_KEYRING=off"}, environ...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// files lists the files and links below a folder.
func files(t *testing.T, dir string) (list []string) {
	t.Helper()
	for _, path := range lines(output(t, "find", dir, "!", "-type", "d")) {
		if path != "" {
			list = append(list, strings.TrimPrefix(path, dir+"/"))
		}
	}
	return list
}

// TestTheArchive: unpacked and installed without root and without a network, it works, and goes again.
func TestTheArchive(t *testing.T) {
	from, home := unpacked(t, one(t, "atg_*_linux_amd64.tar.gz")), t.TempDir()
	install := []string{filepath.Join(from, "install.sh"), "--prefix", filepath.Join(home, ".local")}
	in(t, home, nil, install...)
	atg := filepath.Join(home, ".local/bin/atg")
	if out := in(t, home, nil, atg, "version"); !strings.HasPrefix(out, "atg v") {
		t.Errorf("atg version: %s", out)
	}
	if out := in(t, home, nil, atg, "backend", "list"); !strings.Contains(out, "local") || !strings.Contains(out, "remote") {
		t.Errorf("atg backend list: %s", out)
	}
	in(t, home, simulate(t), atg, "scan", "--depth", "resources")
	in(t, home, nil, install...) // again, over what is there
	installed := files(t, filepath.Join(home, ".local"))
	for _, want := range []string{"bin/atg", "bin/atg-server", "lib/atg/atg-backend-local", "lib/atg/atg-backend-remote", "share/bash-completion/completions/atg", "share/man/man1/atg.1"} {
		if !slices.Contains(installed, want) {
			t.Errorf("%s is not installed", want)
		}
	}
	in(t, home, nil, append(install, "--uninstall")...)
	left := slices.DeleteFunc(files(t, filepath.Join(home, ".local")), func(f string) bool { return strings.HasPrefix(f, "share/atg/") || strings.HasPrefix(f, "state/atg/") })
	if len(left) > 0 {
		t.Errorf("after removal there still are %q", left)
	}
}

// TestTheBundle: where there is no network, all that is needed is in one archive, and one notices if it was damaged on its way.
func TestTheBundle(t *testing.T) {
	from, home := unpacked(t, one(t, "offline/atg-offline_*_linux_amd64.tar.gz")), t.TempDir()
	install := []string{filepath.Join(from, "install.sh"), "--prefix", filepath.Join(home, ".local")}
	in(t, home, nil, install...)
	atg := filepath.Join(home, ".local/bin/atg")
	in(t, home, nil, atg, "backend", "install", "--yes", filepath.Join(from, "backends/hello"))
	if out := in(t, home, nil, atg, "backend", "info", "hello"); !strings.Contains(out, "inventory") { // one of its settings: it was started
		t.Errorf("atg backend info hello: %s", out)
	}
	for _, want := range []string{"docs/install.md", "charts/atg-server/values.yaml", "packages/" + filepath.Base(one(t, "atg_*_amd64.deb")), "sbom.cdx.json", "THIRD-PARTY.txt"} {
		if _, err := os.Stat(filepath.Join(from, want)); err != nil {
			t.Error(err)
		}
	}
	if chart, err := os.ReadFile(filepath.Join(from, "charts/atg-server/Chart.yaml")); err != nil || bytes.Contains(chart, []byte("latest")) {
		t.Errorf("the chart runs no version of its own: %s, %v", chart, err)
	}
	if err := os.WriteFile(filepath.Join(from, "atg-backend-remote"), []byte("damaged"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), install[0], install[1:]...).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("atg-backend-remote: FAILED")) {
		t.Errorf("a damaged bundle is installed: %v\n%s", err, out)
	}
}

// bill is what this test reads of a bill of materials.
type bill struct {
	BOMFormat, SpecVersion string
	Metadata               struct {
		Component struct{ Version string }
	}
	Components []struct {
		Ref      string `json:"bom-ref"`
		Type     string
		Name     string
		Version  string
		Hashes   []struct{ Alg, Content string }
		Licenses []struct{ Expression string }
	}
	Dependencies []struct {
		Ref       string
		DependsOn []string
	}
}

// TestTheBillOfMaterials: it names what Go has recorded in the programs, each with a licence, and the programs by their sums.
func TestTheBillOfMaterials(t *testing.T) {
	for _, name := range []string{"atg", "atg-azuresim"} {
		archive := one(t, name+"_*_linux_amd64.tar.gz")
		content, err := os.ReadFile(archive + ".cdx.json")
		if err != nil {
			t.Fatal(err)
		}
		var b bill
		if err := json.Unmarshal(content, &b); err != nil {
			t.Fatal(err)
		}
		if b.BOMFormat != "CycloneDX" || b.SpecVersion != "1.6" || !strings.HasPrefix(b.Metadata.Component.Version, "v") {
			t.Errorf("its head: %+v", b.Metadata)
		}
		needs, sums, licensed := map[string][]string{}, map[string]string{}, map[string]bool{}
		for _, d := range b.Dependencies {
			needs[d.Ref] = d.DependsOn
		}
		for _, c := range b.Components {
			licensed[c.Ref] = len(c.Licenses) > 0 && c.Licenses[0].Expression != ""
			if c.Type == "application" {
				sums[c.Name] = c.Hashes[0].Content
			}
		}
		from := unpacked(t, archive)
		programs := map[string]string{}
		for _, file := range files(t, from) {
			content, err := os.ReadFile(filepath.Join(from, file))
			if err != nil {
				t.Fatal(err)
			}
			info, err := buildinfo.Read(bytes.NewReader(content))
			if err != nil {
				continue
			}
			programs[file] = fmt.Sprintf("%x", sha256.Sum256(content))
			var want []string
			for _, d := range info.Deps {
				want = append(want, "pkg:golang/"+d.Path+"@"+strings.ReplaceAll(d.Version, "+", "%2B"))
			}
			want = append(want, "pkg:golang/std@"+strings.TrimPrefix(info.GoVersion, "go"))
			slices.Sort(want)
			if d := cmp.Diff(want, needs["program:"+file]); d != "" {
				t.Errorf("%s (-recorded +listed):\n%s", file, d)
			}
			for _, ref := range want {
				if !licensed[ref] {
					t.Errorf("%s has no licence", ref)
				}
			}
		}
		if d := cmp.Diff(programs, sums); d != "" || len(programs) == 0 {
			t.Errorf("programs (-archive +bill):\n%s", d)
		}
		notices, err := os.ReadFile(filepath.Join(from, "THIRD-PARTY.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range slices.Sorted(maps.Keys(licensed)) {
			module, version, _ := strings.Cut(strings.TrimPrefix(ref, "pkg:golang/"), "@")
			if line := "\n" + module + " " + strings.ReplaceAll(version, "%2B", "+") + "\n"; strings.HasPrefix(ref, "pkg:") && !bytes.Contains(notices, []byte(line)) {
				t.Errorf("THIRD-PARTY.txt does not name %s", ref)
			}
		}
	}
}

// TestTheFormula: Homebrew's formula is Ruby, and has the sums of the archives.
func TestTheFormula(t *testing.T) {
	file := one(t, "homebrew/Formula/atg.rb")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"atg_*_linux_amd64.tar.gz"} {
		archive := one(t, name)
		of, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{filepath.Base(archive), fmt.Sprintf("%x", sha256.Sum256(of)), `bin.install_symlink libexec/"atg"`} {
			if !bytes.Contains(content, []byte(want)) {
				t.Errorf("the formula has no %s", want)
			}
		}
	}
	if _, err := exec.LookPath("ruby"); err != nil {
		t.Log("ruby is NOT INSTALLED, so nobody has read the formula as Ruby")
		return
	}
	output(t, "ruby", "-c", file)
}
