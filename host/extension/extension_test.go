package extension_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/extension"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func install(t *testing.T, dir, name string, mode os.FileMode) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, nil, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindAndList(t *testing.T) {
	first, second, beside := t.TempDir(), t.TempDir(), t.TempDir()
	cost := install(t, first, "atg-cost", 0o700)
	install(t, second, "atg-cost", 0o700)
	install(t, first, "atg-backend-acme", 0o700)
	install(t, first, "atg-Upper", 0o700)
	install(t, first, "other", 0o700)
	onPath := install(t, second, "atg-server", 0o700)
	own := install(t, beside, "atg-server", 0o700)
	atg := install(t, beside, "atg", 0o700)
	if err := os.Mkdir(filepath.Join(first, "atg-folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	o := extension.Options{Path: strings.Join([]string{"", ".", first, filepath.Join(first, "missing"), second}, string(os.PathListSeparator)), Program: atg}

	var names []string
	for _, e := range extension.List(o) {
		names = append(names, e.Name)
	}
	if d := cmp.Diff([]string{"cost", "server"}, names); d != "" {
		t.Errorf("List (-want +got):\n%s", d)
	}
	for name, want := range map[string]string{"cost": cost, "server": own, "backend-acme": "", "folder": "", "Upper": "", "../cost": "", "nothing": ""} {
		got, err := extension.Find(o, name)
		if got.Path != want || (want == "") != (fault.CodeOf(err) == fault.InvalidArgument) {
			t.Errorf("Find(%q) = %+v, %v; want %q", name, got, err, want)
		}
	}
	o.Program = cost
	if got, err := extension.Find(o, "server"); err != nil || got.Path != onPath {
		t.Errorf("a server on the PATH alone: %+v, %v", got, err)
	}
	if hint := fault.As(extension.Unknown(o, "csot", []string{"scan"})).Hint; !strings.Contains(hint, "atg cost?") {
		t.Errorf("hint = %q", hint)
	}
	if hint := fault.As(extension.Unknown(o, "scna", []string{"scan"})).Hint; !strings.Contains(hint, "atg scan?") {
		t.Errorf("hint = %q", hint)
	}
	if runtime.GOOS != "windows" {
		install(t, second, "atg-plain", 0o600)
		if _, err := extension.Find(o, "plain"); err == nil {
			t.Error("a file that cannot be executed is an extension")
		}
	}
}

func TestEnvironment(t *testing.T) {
	environ := []string{"PATH=p", "ATG_API_KEY=k", "azure_client_secret=s", "AZURE_CLIENT_ID=i", "ARM_OIDC_TOKEN=o", "ATG_BACKEND=b"}
	secrets := []string{"ATG_API_KEY", "ATG_SECRET_SQL_ADMIN", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_PASSWORD", "AZURE_STORAGE_KEY", "AZURE_STORAGE_CONNECTION_STRING",
		"AZURE_DEVOPS_EXT_PAT", "ARM_CLIENT_SECRET", "ARM_ACCESS_KEY", "ARM_SAS_TOKEN", "ARM_OIDC_REQUEST_TOKEN", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_HEADER"}
	for _, name := range secrets {
		if got := extension.Environment("cost", nil, []string{name + "=hunter2"}); len(got) > 0 {
			t.Errorf("a stranger gets %v", got)
		}
		if got := extension.Environment("cost", []string{name}, []string{name + "=hunter2"}); len(got) != 1 {
			t.Errorf("%s is allowed, but withheld", name)
		}
	}
	cases := map[string]struct {
		name  string
		allow []string
		want  []string
	}{
		"a stranger":       {"cost", nil, []string{"PATH=p", "AZURE_CLIENT_ID=i", "ATG_BACKEND=b"}},
		"what is allowed":  {"cost", []string{"ATG_API_KEY", "AZURE_*"}, []string{"PATH=p", "ATG_API_KEY=k", "azure_client_secret=s", "AZURE_CLIENT_ID=i", "ATG_BACKEND=b"}},
		"atg's own server": {"server", nil, environ},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, extension.Environment(c.name, c.allow, environ)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
