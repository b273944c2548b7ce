//go:build packages && linux

package packages

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// output is what a command of this machine prints; it has to succeed.
func output(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func lines(s string) []string {
	all := strings.Split(strings.TrimSpace(s), "\n")
	slices.Sort(all)
	return all
}

// TestTheRPMs: they hold what the debs hold, in the places of their distributions, and are what rpm takes for sound.
func TestTheRPMs(t *testing.T) {
	if _, err := exec.LookPath("rpm"); err != nil {
		t.Log("rpm is NOT INSTALLED, so nobody has looked at the rpms")
		return
	}
	for _, name := range []string{"atg", "atg-server"} {
		t.Run(name, func(t *testing.T) {
			rpm, deb := one(t, name+"-[0-9]*.x86_64.rpm"), one(t, name+"_*_amd64.deb")
			output(t, "rpm", "--checksig", "--nosignature", rpm)
			var want []string
			for _, line := range strings.Split(strings.TrimSpace(output(t, "sh", "-c", "dpkg-deb --fsys-tarfile "+deb+" | tar -t")), "\n") {
				path := strings.TrimPrefix(line, ".")
				if strings.HasSuffix(path, "/") || strings.HasSuffix(path, "changelog.gz") {
					continue
				}
				want = append(want, strings.Replace(path, "/zsh/vendor-completions/", "/zsh/site-functions/", 1))
			}
			slices.Sort(want)
			got := slices.DeleteFunc(lines(output(t, "rpm", "-qp", "--queryformat", "[%{FILENAMES} %{FILEMODES:perms}\n]", rpm)), func(l string) bool { return strings.Contains(l, " d") })
			for i, l := range got {
				got[i], _, _ = strings.Cut(l, " ")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("files (-deb +rpm):\n%s", d)
			}
			head := output(t, "rpm", "-qp", "--queryformat", "%{NAME}|%{LICENSE}|%{BUILDHOST}|%{ARCH}", rpm)
			if head != name+"|Apache-2.0|localhost|x86_64" {
				t.Errorf("its head is %s", head)
			}
			root := t.TempDir()
			output(t, "rpm", "--root", root, "--install", "--nodeps", "--noscripts", rpm)
			if out := output(t, filepath.Join(root, "usr/lib/atg", name), "--version"); !strings.Contains(out, "v") {
				t.Errorf("%s --version: %s", name, out)
			}
		})
	}
	rpm := one(t, "atg-server-[0-9]*.x86_64.rpm")
	if out := strings.TrimSpace(output(t, "rpm", "-qp", "--configfiles", rpm)); out != "/etc/atg/server.yaml" {
		t.Errorf("its configuration files: %s", out)
	}
	if out := output(t, "rpm", "-qp", "--scripts", rpm); !strings.Contains(out, "systemd-sysusers") || !strings.Contains(out, "try-restart") {
		t.Errorf("its scripts: %s", out)
	}
	if out := output(t, "rpm", "-qp", "--requires", rpm); !slices.Contains(lines(out), "atg") {
		t.Errorf("it needs: %s", out)
	}
}
