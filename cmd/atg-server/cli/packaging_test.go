package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/service"
)

// What packages and charts say to atg-server has to be what it understands.

const packaging = "../../../packaging"

// grammar is the parser of the command line, which parses into c.
func grammar(t *testing.T, c *commands) *kong.Kong {
	t.Helper()
	parser, err := kong.New(c, kong.Name("atg-server"), kong.Vars{"version": ""}, kong.Exit(func(int) { t.Error("it wants to exit") }), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// variables are those that the command line reads.
func variables(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, f := range n.Flags {
			for _, env := range f.Envs {
				known[env] = true
			}
		}
		for _, child := range n.Children {
			walk(child)
		}
	}
	var c commands
	walk(grammar(t, &c).Model.Node)
	return known
}

// started parses the arguments of a process that starts the service.
func parseStart(t *testing.T, args []string) startCmd {
	t.Helper()
	var c commands
	if _, err := grammar(t, &c).Parse(args); err != nil {
		t.Errorf("%q: %v", args, err)
	}
	return c.Start
}

// loads reads a configuration for a role, with a URL of NATS above it if that comes from the environment.
func loads(t *testing.T, content, role, nats string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "server.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	above := given(map[string]any{"role": role, "nats.url": nats})
	if _, err := service.LoadConfig(file, above, flagOf, func(string) string { return "" }); err != nil {
		t.Errorf("as %s: %v\n%s", role, err, content)
	}
}

func read(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestTheUnitOfSystemd(t *testing.T) {
	unit := read(t, packaging, "systemd/atg-server.service")
	line := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/atg-server (.*)$`).FindStringSubmatch(unit)
	if line == nil {
		t.Fatal("it starts nothing")
	}
	if c := parseStart(t, strings.Fields(line[1])); c.Config != "/etc/atg/server.yaml" {
		t.Errorf("its configuration is %q", c.Config)
	}
	known, found := variables(t), regexp.MustCompile(`ATG_[A-Z_]+`).FindAllString(unit, -1)
	if len(found) < 2 {
		t.Errorf("only the variables %q are in the unit", found)
	}
	for _, v := range found {
		if !known[v] {
			t.Errorf("there is no variable %s", v)
		}
	}
}

func TestTheExampleOfAConfiguration(t *testing.T) {
	content := read(t, packaging, "server.yaml")
	loads(t, content, "", "")
	whole := regexp.MustCompile(`(?m)^# (nats:|tenants:|  )`).ReplaceAllString(content, "$1")
	if strings.Count(whole, "\n# ") > strings.Count(content, "\n# ")-6 {
		t.Fatal("its examples are not where the test looks for them")
	}
	loads(t, whole, "worker", "")
}

// manifest is what this test reads of a rendered chart.
type manifest struct {
	Kind       string
	StringData map[string]string `yaml:"stringData"`
	Notes      string
	Spec       struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Args []string
					Env  []struct{ Name, Value string }
				}
			}
		}
	}
}

func TestWhatTheChartSets(t *testing.T) {
	files, err := filepath.Glob("../../../tools/helm/testdata/want/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rendered charts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			var config, notes string
			roles, urls := map[string]bool{}, false
			known := variables(t)
			for decoder := yaml.NewDecoder(bytes.NewReader([]byte(read(t, file)))); ; {
				var m manifest
				if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				config += m.StringData["server.yaml"]
				notes += m.Notes
				for _, c := range m.Spec.Template.Spec.Containers {
					start := parseStart(t, c.Args)
					if roles[start.Role] = true; start.Config != "/etc/atg/server.yaml" {
						t.Errorf("%s: its configuration is %q", start.Role, start.Config)
					}
					for _, e := range c.Env {
						if strings.HasPrefix(e.Name, "ATG_") && !known[e.Name] {
							t.Errorf("there is no variable %s", e.Name)
						}
						urls = urls || e.Name == "ATG_SERVER_NATS_URL"
					}
				}
			}
			nats := ""
			if urls {
				nats = "tls://atg:secret@nats:4222"
			}
			if len(roles) != 2 || !roles["api"] || !roles["worker"] {
				t.Errorf("the roles are %v", roles)
			}
			for role := range roles {
				loads(t, config, role, nats)
			}
			command := regexp.MustCompile(`(?s)-- \\\n\s+atg-server ([^\n]+)`).FindStringSubmatch(notes)
			if command == nil {
				t.Fatalf("the notes say nothing of keys:\n%s", notes)
			}
			var c commands
			if _, err := grammar(t, &c).Parse(strings.Fields(command[1])); err != nil || c.Keys.Create.Name != "NAME" {
				t.Errorf("the notes say %q: %v", command[1], err)
			}
		})
	}
}
