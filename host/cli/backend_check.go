package cli

import (
	"context"
	"fmt"
	"os"
	slashed "path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/conformance"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/launch"
)

type backendTestCmd struct {
	tenantFlag
	Backend string        `arg:"" name:"backend" placeholder:"NAME|PATH" help:"Backend, by its name or the path of its program."`
	Limit   limitFlag     `default:"5" placeholder:"N" help:"Resources that the scans of the test read at most."`
	Within  conf.Duration `default:"1m" placeholder:"DURATION" help:"Time for each check."`
	Check   []string      `placeholder:"PATTERN" help:"Only these checks: by name, or as jobs/*."`
}

// Help is the long help.
func (backendTestCmd) Help() string {
	return `Starts the backend, runs every check of the contract on it, and says which it fails. The checks submit
small scans with the settings that are configured, and delete the snapshots that come of them. A
backend that cannot reach its cloud passes all the same, if its jobs fail as the contract says.

Examples:
  atg backend test local
  atg backend test ./atg-backend-acme -o json
  atg backend test acme --check 'cancel/*,process/*'`
}

// checked is the outcome of one check.
type checked struct {
	Name            string  `json:"name"`
	Requirement     string  `json:"requirement"`
	Section         string  `json:"section"` // the page of the documentation and the heading that explain it
	State           string  `json:"state"`   // passed, failed, skipped
	Reason          string  `json:"reason,omitempty"`
	DurationSeconds float64 `json:"duration_seconds"`
}

// Run checks.
func (c *backendTestCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if c.Backend == config.Remote {
		if err := a.unlock(ctx, settings); err != nil {
			return err
		}
	}
	program, err := c.program(settings)
	if err != nil {
		return err
	}
	chosen, err := c.chosen()
	if err != nil {
		return err
	}
	d := a.dispatcherFor(settings, func(string) (discover.Program, error) { return program, nil })
	subject := &conformance.Subject{
		Settings: settings.Settings(program.Name), Patience: c.Within.Value(),
		Scan:    backend.ScanRequest{TenantID: settings.TenantID, ResourceLimit: int64(c.Limit)},
		Program: &conformance.Program{Path: program.Path, Env: launch.Environment(program.Name, program.Bundled, settings.Backends[program.Name].Env, os.Environ())},
		Only:    chosen,
		Start: func(ctx context.Context) (backend.Backend, func(), error) {
			s, err := d.Connect(ctx, program.Name)
			if err != nil {
				return nil, nil, err
			}
			return s.Backend, func() { s.Close(ctx) }, nil
		},
	}
	outcomes := []checked{}
	failed := 0
	if _, err := conformance.Run(ctx, subject, func(o conformance.Outcome) {
		one := checked{Name: o.Check.Name, Requirement: o.Check.Requirement, Section: o.Check.Section(), State: "passed", Reason: o.Skipped, DurationSeconds: o.Took.Seconds()}
		switch {
		case o.Err != nil:
			one.State, one.Reason = "failed", o.Err.Error()
			failed++
		case o.Skipped != "":
			one.State = "skipped"
		}
		outcomes = append(outcomes, one)
		if !a.flags.Quiet {
			a.console.Aside(func(p *ui.Page) { checkLine(p, one) })
		}
	}); err != nil {
		return err
	}
	if err := a.console.Print(testReport(program, outcomes, failed)); err != nil {
		return err
	}
	if failed > 0 {
		return fault.New(fault.BackendIncompatible, fmt.Sprintf("backend %s fails %d of %d checks", program.Name, failed, len(outcomes)), fault.On(program.Path))
	}
	return nil
}

// chosen says which checks to run.
func (c *backendTestCmd) chosen() (func(conformance.Check) bool, error) {
	if len(c.Check) == 0 {
		return nil, nil //nolint:nilnil // no choice is all
	}
	names := checkNames()
	for _, pattern := range c.Check {
		if !slices.ContainsFunc(names, func(name string) bool { return matchesCheck(pattern, name) }) {
			hint := "atg backend test NAME -o json has the names of all"
			if near := nearest.To(pattern, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("there is no check %q", pattern), fault.Hint("%s", hint))
		}
	}
	return func(check conformance.Check) bool {
		return slices.ContainsFunc(c.Check, func(pattern string) bool { return matchesCheck(pattern, check.Name) })
	}, nil
}

// matchesCheck says whether a pattern is of a check: its name, its area, or with * for any part.
func matchesCheck(pattern, name string) bool {
	ok, err := slashed.Match(pattern, name)
	area, _, _ := strings.Cut(name, "/")
	return err == nil && ok || pattern == area
}

func checkNames() []string {
	var names []string
	for _, check := range conformance.Checks() {
		names = append(names, check.Name)
	}
	return names
}

// program is the one that the argument names: a path has a separator in it, or an extension.
func (c *backendTestCmd) program(settings *config.Config) (discover.Program, error) {
	if config.ValidName(c.Backend) {
		return discover.Find(discover.From(settings), c.Backend)
	}
	path, err := filepath.Abs(c.Backend)
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		return discover.Program{}, fault.New(fault.BackendNotFound, "there is no such program", fault.On(c.Backend), fault.Because(err))
	}
	name := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(path), ".exe"), "atg-backend-")
	return discover.Program{Name: name, Path: path, SHA256: settings.Backends[name].SHA256, Source: "the command line"}, nil
}

func checkLine(p *ui.Page, c checked) {
	tone := map[string]ui.Tone{"passed": ui.Good, "failed": ui.Bad, "skipped": ui.Faint}[c.State]
	took := ui.Toned{Tone: ui.Faint, Text: "  " + ui.Seconds(c.DurationSeconds)}
	p.Line(ui.Toned{Tone: tone, Text: fmt.Sprintf("%-8s", c.State)}, c.Name, took)
	if c.State == "failed" {
		p.Line("         required: ", c.Requirement)
		p.Line("         seen:     ", c.Reason)
		p.Line("         see:      ", ui.Toned{Tone: ui.Faint, Text: c.Section})
	} else if c.Reason != "" {
		p.Line("         ", ui.Toned{Tone: ui.Faint, Text: c.Reason})
	}
}

func testReport(program discover.Program, outcomes []checked, failed int) ui.Document {
	count := map[string]int64{}
	for _, o := range outcomes {
		count[o.State]++
	}
	return ui.Document{
		Data: struct {
			Program discover.Program `json:"program"`
			Passed  bool             `json:"passed"`
			Checks  []checked        `json:"checks"`
		}{program, failed == 0, outcomes},
		Items: ui.Items(outcomes),
		Page: func(p *ui.Page) {
			p.Line("backend ", ui.Toned{Tone: ui.Strong, Text: program.Name}, ": ", ui.Counted(count["passed"], "check", "checks"), " passed, ",
				fmt.Sprint(count["failed"]), " failed, ", fmt.Sprint(count["skipped"]), " skipped")
		},
	}
}
