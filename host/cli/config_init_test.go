//go:build unix

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/dispatch"
)

// said is what appears on the terminal, and what a person then types; a line, unless it ends otherwise.
type said struct{ question, answer string }

// interviewed runs a command at a terminal, where somebody answers. It answers also what the terminal showed.
func interviewed(t *testing.T, f *fake, environ []string, answers []said, args ...string) (r result, shown string) {
	t.Helper()
	control, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = control.Close() }()
	var g grammar
	parser, err := newParser(&g, args)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{flags: &g.globals, root: parser.Model.Node, backends: &dispatch.Processes{}}
	a.process = Process{Args: args, Environ: append([]string{"ATG_KEYRING=off", "NO_COLOR=1"}, environ...)}
	a.process.Streams.In, a.process.Streams.Out, a.process.Streams.Err = tty, &out, tty
	a.start = func(context.Context, string) (dispatch.Program, error) { return program{f, make(chan struct{})}, nil }

	screen := make(chan string, 1)
	go func() {
		var text strings.Builder
		seen, chunk := 0, make([]byte, 4096)
		for {
			n, err := control.Read(chunk)
			text.Write(chunk[:n])
			for len(answers) > 0 {
				at := strings.Index(text.String()[seen:], answers[0].question)
				if at < 0 {
					break
				}
				seen += at + len(answers[0].question)
				_, _ = control.WriteString(answers[0].answer)
				answers = answers[1:]
			}
			if err != nil {
				screen <- strings.ReplaceAll(text.String(), "\r\n", "\n")
				return
			}
		}
	}()
	code := run(t.Context(), a, &g, parser)
	_ = tty.Close()
	shown = <-screen
	if len(answers) > 0 {
		t.Errorf("%q was not asked:\n%s", answers[0].question, shown)
	}
	return result{code, out.String(), ""}, shown
}

const localSchema = `{"properties": {"cloud": {"type": "string", "enum": ["public", "china", "custom"], "default": "public"},
	"auth": {"type": "string", "enum": ["auto", "cli", "client-certificate"], "default": "auto"},
	"client_id": {"type": "string"}, "client_certificate_file": {"type": "string"}}}`

func TestInterview(t *testing.T) {
	const guid = "00000000-0000-0000-0000-000000000001"
	for name, c := range map[string]struct {
		args    string
		exists  string // what the configuration holds before; empty is none
		answers []said
		code    int
		file    string // relative to the folder of the configuration
		want    string // behind the comment; empty is as before
		out     []string
	}{
		"all defaults": {
			answers: []said{{"profile", "\n"}, {"Number or name: [local]", "\n"}, {"Tenant", "\n"}, {"[public]", "\n"}, {"[auto]", "\n"}},
			file:    "config.yaml", want: "backend: local\n", out: []string{"wrote ", "next: atg doctor", "atg scan"},
		},
		"a tenant, a cloud and a certificate": {
			answers: []said{{"profile", "\n"}, {"Number", "1\n"}, {"Tenant", "contoso\n"}, {"neither", guid + "\n"}, {"[public]", "chna\n"}, {"none of them", "china\n"},
				{"[auto]", "3\n"}, {"application", "app\n"}, {"File with", "c.pem\n"}},
			file: "config.yaml", want: "backend: local\ntenant_id: " + guid + "\nbackends:\n  local:\n    settings:\n      auth: client-certificate\n      client_certificate_file: c.pem\n      client_id: app\n      cloud: china\n",
		},
		"a service, in a profile": {
			answers: []said{{"profile", "Prod!\n"}, {"no name of a profile", "prod\n"}, {"Number", "remote\n"}, {"Tenant", "\n"}, {"Address", "http://atg.example.com\n"},
				{"https", "https://atg.example.com\n"}, {"authority", "\n"}, {"Its key", "hunter2\n"}, {"cannot be reached?", "y\n"}},
			file: "profiles/prod.yaml", want: "backend: remote\nfallback: local\nbackends:\n  remote:\n    settings:\n      service_url: https://atg.example.com\n",
			out: []string{"profiles/prod.yaml", "the key is kept in ", "credentials.json", "atg --profile prod doctor"},
		},
		"a key that is refused": {
			args:    "--profile prod --remote",
			answers: []said{{"[remote]", "\n"}, {"Tenant", "\n"}, {"Address", "https://atg.example.com\n"}, {"authority", "\n"}, {"Its key", "hunter3\n"}, {"cannot be reached?", "\n"}, {"does not take the key", ""}},
			file:    "profiles/prod.yaml", want: "backend: remote\nbackends:\n  remote:\n    settings:\n      service_url: https://atg.example.com\n",
		},
		"what exists stays": {
			exists: "backend: acme\n", answers: []said{{"profile", "\n"}, {"exists. Replace it?", "\n"}}, code: 130, file: "config.yaml",
		},
		"what exists is replaced": {
			exists: "backend: acme\n", answers: []said{{"profile", "\n"}, {"exists. Replace it?", "y\n"}, {"Number", "\n"}, {"Tenant", "\n"}, {"[public]", "\n"}, {"[auto]", "\n"}},
			file: "config.yaml", want: "backend: local\n",
		},
		"without being asked, with --force": {
			args: "--force", exists: "backend: acme\n", answers: []said{{"profile", "\n"}, {"Number", "\n"}, {"Tenant", "\n"}, {"[public]", "\n"}, {"[auto]", "\n"}},
			file: "config.yaml", want: "backend: local\n",
		},
		"a profile leaves the configuration alone": {
			exists: "backend: acme\n", answers: []said{{"profile", "test\n"}, {"Number", "\n"}, {"Tenant", "\n"}, {"[public]", "\n"}, {"[auto]", "\n"}},
			file: "config.yaml",
		},
		"the end of input writes nothing": {
			answers: []said{{"profile", "\n"}, {"Number", "\n"}, {"Tenant", "\x04"}}, code: 130, file: "config.yaml",
		},
		"nobody is asked with --no-input": {args: "--no-input", file: "config.yaml", want: strings.SplitN(string(config.Template()), "\n", 2)[1]},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			folder := filepath.Join(home, "atg")
			if c.exists != "" {
				if err := os.MkdirAll(folder, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(c.exists), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			f := newFake(nil)
			f.schema, f.key = localSchema, "hunter2"
			r, shown := interviewed(t, f, []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home}, c.answers, append([]string{"config", "init"}, strings.Fields(c.args)...)...)
			if r.code != c.code {
				t.Errorf("exit %d, %s", r.code, shown)
			}
			for _, w := range c.out {
				if !strings.Contains(r.out, w) {
					t.Errorf("%q does not say %q", r.out, w)
				}
			}
			if strings.Contains(shown, "hunter") {
				t.Errorf("the key shows: %s", shown)
			}
			got, err := os.ReadFile(filepath.Join(folder, c.file))
			if c.want == "" {
				if string(got) != c.exists {
					t.Errorf("it holds %q", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, content, _ := strings.Cut(string(got), "\n")
			if d := cmp.Diff(c.want, content); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.file, d)
			}
			if info, err := os.Stat(filepath.Join(folder, c.file)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
		})
	}
}
