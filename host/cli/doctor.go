package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/extension"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/internal/diskspace"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type doctorCmd struct{}

// Help is the long help.
func (doctorCmd) Help() string {
	return `Looks at everything that a command needs, and says of each trouble what to do: the configuration, the
backends and their pins, the credential, what it may do and the least role that would do, the network, the
clock, and the disk. It changes nothing. Exits with 0 if nothing is wrong, though something may be missing;
else with the code of the first trouble.

Examples:
  atg doctor
  atg --backend remote doctor
  atg doctor --jq '.checks[] | select(.state != "ok") | .name + ": " + .message'`
}

// The states of a check.
const (
	checkOK      = "ok"
	checkMissing = "missing" // something can be done without
	checkFailed  = "failed"
)

// finding is one thing that doctor has looked at.
type finding struct {
	Area    string `json:"area"`
	Name    string `json:"name"`
	State   string `json:"state"` // ok, missing, failed
	Message string `json:"message,omitempty"`
	Remedy  string `json:"remedy,omitempty"`

	fault *fault.Fault
}

// doctor collects checks.
type doctor struct {
	a      *app
	checks []finding
}

func (d *doctor) ok(area, name, message string) {
	d.checks = append(d.checks, finding{Area: area, Name: name, State: checkOK, Message: message})
}

func (d *doctor) trouble(area, name, state string, err error) {
	f := fault.Of(err)
	if len(f.Problems) == 0 {
		d.checks = append(d.checks, finding{area, name, state, f.Error(), f.Hint, f})
		return
	}
	for _, p := range f.Problems {
		d.checks = append(d.checks, finding{area, p.Key, state, p.Message, p.Hint, f})
	}
}

// Run looks.
func (doctorCmd) Run(ctx context.Context, a *app) error {
	d := &doctor{a: a}
	d.ok("atg", "version", versionLine()+", "+runtime.GOOS+"/"+runtime.GOARCH)
	c, err := a.config()
	if err != nil {
		d.trouble("configuration", "file", checkFailed, err)
		if c, err = config.Load(config.Options{Environ: []string{"HOME=" + a.process.Getenv("HOME")}}); err != nil { // where things are, at least
			return d.show()
		}
	} else {
		d.configuration(c)
		d.backends(ctx, c)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	d.disks(c.Paths)
	d.extensions()
	return d.show()
}

func (d *doctor) configuration(c *config.Config) {
	if c.File == "" {
		d.ok("configuration", "file", "there is none, and none is needed; atg config init writes one")
	} else {
		d.ok("configuration", "file", c.File)
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		if value := d.a.process.Getenv(name); value != "" {
			d.ok("network", name, "calls go through the proxy "+withoutUser(value))
		}
	}
}

// withoutUser is a proxy's address without what may be a password.
func withoutUser(address string) string {
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		return address[at+1:]
	}
	return address
}

// backends looks at every backend's program, and asks the chosen one for its health.
func (d *doctor) backends(ctx context.Context, c *config.Config) {
	for _, p := range discover.List(discover.From(c)) {
		switch {
		case p.Fault == nil:
			message := p.Path
			if len(p.Shadowed) > 0 {
				message += ", which hides " + strings.Join(p.Shadowed, ", ")
			}
			d.ok("backends", p.Name, message)
		case p.Name == c.Backend:
			d.trouble("backends", p.Name, checkFailed, p.Fault)
		default:
			d.trouble("backends", p.Name, checkMissing, p.Fault)
		}
	}
	area := "backend " + c.Backend
	dispatcher, err := d.a.dispatcher(ctx)
	if err != nil {
		d.trouble(area, "settings", checkFailed, err)
		return
	}
	h, err := dispatcher.Health(ctx, c.Backend)
	if err != nil {
		d.trouble(area, "start", checkFailed, err)
		return
	}
	for _, dependency := range h.Dependencies {
		switch f := dependency.Fault; {
		case dependency.Healthy:
			d.ok(area, dependency.Name, dependency.Message)
		default:
			if f == nil {
				f = fault.New(fault.ServiceUnavailable, dependency.Message)
			}
			state := checkFailed
			if dependency.Optional {
				state = checkMissing
			}
			d.trouble(area, dependency.Name, state, f)
		}
	}
	if len(h.Dependencies) == 0 && !h.Healthy {
		d.trouble(area, "health", checkFailed, fault.New(fault.ServiceUnavailable, h.Message))
	}
}

// The room that the disk of atg's folders should have, in bytes: a snapshot of 100,000 resources takes some 300 MB while it is made.
const (
	roomWanted = 1 << 30
	roomNeeded = 100 << 20
)

// disks looks at the folders that atg writes to. Those that are not there yet will be made.
func (d *doctor) disks(p config.Paths) {
	for _, folder := range []struct{ name, path string }{{"data", p.Data}, {"state", p.State}, {"cache", p.Cache}, {"temporary", os.TempDir()}} {
		if folder.path == "" {
			continue
		}
		at := existing(folder.path)
		free, err := diskspace.Free(at)
		switch writable := canWrite(at); {
		case writable != nil:
			d.trouble("disk", folder.name, checkFailed, fault.New(fault.ExecutionFailed, folder.path+" cannot be written", fault.Because(writable),
				fault.Hint("make it writable for you, or name another: XDG_DATA_HOME, XDG_STATE_HOME, XDG_CACHE_HOME, TMPDIR")))
		case err == nil && free < roomWanted:
			state := checkMissing
			if free < roomNeeded {
				state = checkFailed
			}
			d.trouble("disk", folder.name, state, fault.New(fault.ExecutionFailed, fmt.Sprintf("%s has %s left", folder.path, ui.Size(int64(free))),
				fault.Hint("make room: atg snapshot list says what snapshots take, atg snapshot delete removes some")))
		default:
			d.ok("disk", folder.name, fmt.Sprintf("%s, %s free", folder.path, ui.Size(int64(min(free, 1<<62)))))
		}
	}
}

// existing is the folder, or the nearest above it that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) || filepath.Dir(path) == path {
			return path
		}
		path = filepath.Dir(path)
	}
}

// canWrite tries to make a file.
func canWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".atg-doctor-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// extensions tells of programs that are never called.
func (d *doctor) extensions() {
	for _, e := range extension.List(extension.Options{Path: d.a.process.Getenv("PATH")}) {
		name := "atg " + e.Name
		var g grammar
		for _, c := range g.commands() {
			if c.name == e.Name {
				d.trouble("extensions", name, checkMissing, fault.New(fault.Conflict, e.Path+" is never called: the command is atg's own", fault.Hint("give the program another name")))
				name = ""
			}
		}
		if name != "" {
			d.ok("extensions", name, e.Path)
		}
	}
}

// show prints what was found, and answers the first trouble.
func (d *doctor) show() error {
	var first *fault.Fault
	for _, c := range d.checks {
		if c.State == checkFailed && first == nil {
			first = c.fault
		}
	}
	err := d.a.console.Print(ui.Document{
		Data: struct {
			Healthy bool      `json:"healthy"`
			Checks  []finding `json:"checks"`
		}{first == nil, d.checks},
		Items: ui.Items(d.checks),
		Page:  d.page,
	})
	if err != nil || first == nil {
		return err
	}
	return fault.New(first.Code, "something is wrong; what to do stands with it", fault.From(fault.OriginHost))
}

// page shows each area with its checks, and each remedy below its trouble.
func (d *doctor) page(p *ui.Page) {
	tones := map[string]ui.Toned{checkOK: {Tone: ui.Good, Text: "ok      "}, checkMissing: {Tone: ui.Warning, Text: "missing "}, checkFailed: {Tone: ui.Bad, Text: "failed  "}}
	area := ""
	for _, c := range d.checks {
		if c.Area != area {
			area = c.Area
			p.Title(area)
		}
		p.Prose(2, 10, tones[c.State], ui.Toned{Tone: ui.Strong, Text: c.Name}, "  ", c.Message)
		if c.Remedy != "" {
			p.Prose(10, 10, c.Remedy)
		}
	}
}
