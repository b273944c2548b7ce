package cli

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/ui"
)

func TestFields(t *testing.T) {
	for line, want := range map[string][]string{
		"":                               nil,
		"less -R":                        {"less", "-R"},
		"  less\t-R ":                    {"less", "-R"},
		`"C:\Program Files\less.exe" -R`: {`C:\Program Files\less.exe`, "-R"},
		`less --prompt='a "b"' ""`:       {"less", `--prompt=a "b"`, ""},
		"less; rm -rf /":                 {"less;", "rm", "-rf", "/"},
	} {
		if d := cmp.Diff(want, fields(line)); d != "" {
			t.Errorf("%s (-want +got):\n%s", line, d)
		}
	}
}

func TestWhichPager(t *testing.T) {
	home := t.TempDir()
	bin := filepath.Join(home, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "less"), nil, 0o700); err != nil {
		t.Fatal(err)
	}
	configured := filepath.Join(home, "atg.yaml")
	if err := os.WriteFile(configured, []byte("pager: most -s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env  []string
		path string
		want []string // nil is none
	}{
		"less":                          {nil, bin, []string{"less"}},
		"no less":                       {nil, home, nil},
		"PAGER":                         {[]string{"PAGER=more"}, bin, []string{"more"}},
		"the configuration":             {[]string{"PAGER=more", "ATG_CONFIG=" + configured}, bin, []string{"most", "-s"}},
		"ATG_PAGER":                     {[]string{"PAGER=more", "ATG_CONFIG=" + configured, "ATG_PAGER=less -S"}, bin, []string{"less", "-S"}},
		"cat is none":                   {[]string{"PAGER=cat"}, bin, nil},
		"off":                           {[]string{"ATG_PAGER=off", "PAGER=more"}, bin, nil},
		"a configuration that is wrong": {[]string{"PAGER=more", "ATG_CONFIG=/no/such"}, bin, []string{"more"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", c.path)
			a := &app{flags: &globals{}, process: Process{Environ: append([]string{"HOME=" + home, "ATG_API_KEY=secret"}, c.env...)}}
			a.console = newConsole(a.process, globals{})
			pager, ok := a.pager()
			if d := cmp.Diff(c.want, pager.Args); d != "" || ok != (c.want != nil) {
				t.Errorf("%v (-want +got):\n%s", ok, d)
			}
			if ok && (!slices.Contains(pager.Env, "LESS=FRX") || slices.Contains(pager.Env, "ATG_API_KEY=secret")) {
				t.Errorf("its environment is %v", pager.Env)
			}
		})
	}
}

func TestTheUsersLessIsKept(t *testing.T) {
	a := &app{flags: &globals{}, process: Process{Environ: []string{"HOME=" + t.TempDir(), "LESS=-i", "PAGER=less"}}}
	a.console = ui.New(ui.Streams{}, ui.Options{})
	if pager, _ := a.pager(); !slices.Contains(pager.Env, "LESS=-i") || slices.Contains(pager.Env, "LESS=FRX") {
		t.Errorf("its environment is %v", pager.Env)
	}
}
