package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/discover"
	"github.com/azure-tenant-grapher/atg/host/install"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/host/ui"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// fromFlags are the flags of verbs that speak with a registry or a web server.
type fromFlags struct {
	CAFile string `name:"ca-file" type:"path" placeholder:"FILE" help:"Certificates that the server is trusted by, beside the system's (default: trust.ca_file)."`
}

type backendInstallCmd struct {
	fromFlags
	Sources  []string `arg:"" optional:"" name:"source" placeholder:"SOURCE" help:"File, folder, https://…, oci://REGISTRY/NAME:TAG, oci://…@sha256:…, oci-layout:FOLDER:TAG; with --locked, names of backends."`
	Name     string   `placeholder:"NAME" help:"Backend's name, where the name of its file does not say it."`
	SHA256   string   `name:"sha256" placeholder:"HEX" help:"SHA-256 that the file or the download must have."`
	Key      []string `sep:"none" placeholder:"KEY" help:"Public key, or its file, that must have signed: of minisign, or of cosign."`
	Locked   bool     `help:"Install exactly what the lock file says."`
	LockFile string   `type:"path" placeholder:"FILE" help:"Lock file that --locked reads (default: your own)."`
	NoVerify bool     `help:"Do not start the program to ask what it is."`
	Yes      bool     `short:"y" help:"Do not ask."`
}

// Help is the long help.
func (backendInstallCmd) Help() string {
	return `Fetches the program of a backend, checks its digest and who signed it, and shows both. If you agree, it is
started once to say what it is, and recorded in the lock file: from then on each launch is refused (exit
code 7) when the program is not the one that was installed.

A file may be the program atg-backend-NAME itself or a .tar.gz or .zip with it, also as
atg-backend-NAME_OS_ARCH; a file beside it that ends in .minisig is its signature. In a registry, cosign's
signatures are understood. What must be signed, and by whom, the section trust of the configuration says.
Servers are spoken with by HTTPS alone; a registry's credentials are those of docker login.

Examples:
  atg backend install ./atg-backend-acme
  atg backend install https://example.com/atg-backend-acme_linux_amd64.tar.gz --key acme.pub
  atg backend install oci://registry.example.com/acme/backend:1.2
  atg backend install oci://registry.example.com/acme/backend@sha256:9f86d0… --yes
  atg backend install oci-layout:/media/usb/backends:1.2      # without a network
  atg backend install --locked --lock-file ci/backends.lock.json`
}

// installed is a backend that was installed, or was already.
type installed struct {
	Name   string `json:"name"`
	State  string `json:"state"` // installed, upgraded, already, restored
	SHA256 string `json:"sha256"`
	lockfile.Entry
}

// Run installs.
func (c *backendInstallCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	i, err := a.installer(settings, c.fromFlags)
	if err != nil {
		return err
	}
	if c.Locked {
		return c.locked(ctx, a, i, settings)
	}
	switch {
	case len(c.Sources) != 1:
		return usage("name what to install: a file, a folder, a URL or oci://REGISTRY/NAME:TAG")
	case c.LockFile != "":
		return usage("--lock-file is read with --locked")
	case c.SHA256 != "" && !lockfile.IsSHA256(strings.ToLower(c.SHA256)):
		return usage("--sha256 takes 64 hexadecimal digits, as sha256sum prints them")
	case c.Name != "" && install.CheckName(c.Name) != nil:
		return install.CheckName(c.Name)
	case !c.Yes && !a.console.CanAsk():
		return needsFlag("installing a backend")
	}
	done, err := a.install(ctx, i, install.Request{Source: c.Sources[0], Name: c.Name, SHA256: strings.ToLower(c.SHA256), Keys: c.Key}, !c.NoVerify, c.Yes)
	if err != nil {
		return err
	}
	if path := settings.Backends[done.Name].Path; path != "" {
		a.console.Note("it is not used: backends.%s.path of the configuration names %s", done.Name, path)
	}
	return a.console.Print(ui.Document{Data: done, Page: func(p *ui.Page) {
		p.Line(done.State, " ", ui.Toned{Tone: ui.Strong, Text: done.Name}, " ", done.Version)
		p.Pairs(done.pairs()...)
		p.Line(ui.Toned{Tone: ui.Faint, Text: "next: "}, "atg backend test ", done.Name)
	}})
}

func (d *installed) pairs() []ui.Pair {
	return []ui.Pair{
		{Name: "source", Value: d.Source}, {Name: "digest", Value: d.Digest}, {Name: "sha256", Value: d.SHA256}, {Name: "signer", Value: d.Signer},
		{Name: "platforms", Value: strings.Join(slices.Sorted(maps.Keys(d.Platforms)), ", ")},
	}
}

// locked installs what a lock file says.
func (c *backendInstallCmd) locked(ctx context.Context, a *app, i *install.Installer, settings *config.Config) error {
	if c.SHA256 != "" || c.Name != "" {
		return usage("with --locked, the lock file says which program it is")
	}
	file := nameOr(c.LockFile, settings.Paths.Lock)
	lock, err := lockfile.Read(file)
	if err != nil {
		return err
	}
	names := c.Sources
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(lock.Backends))
	}
	if len(names) == 0 {
		return fault.New(fault.InvalidArgument, "the lock file names no backend", fault.On(file), fault.From(fault.OriginHost))
	}
	all := []*installed{}
	for _, name := range names {
		e, ok := lock.Backends[name]
		if !ok {
			return fault.New(fault.BackendNotFound, fmt.Sprintf("the lock file does not name the backend %q", name), fault.On(file), fault.From(fault.OriginHost))
		}
		if i.Intact(name, e) {
			all = append(all, &installed{name, "already", e.Platforms[lockfile.Here()].SHA256, e})
			continue
		}
		done, err := a.install(ctx, i, install.Request{Name: name, Locked: &e, Keys: c.Key}, false, true)
		if err != nil {
			return err
		}
		all = append(all, done)
	}
	return a.console.Print(ui.Document{
		Data: struct {
			Backends []*installed `json:"backends"`
		}{all},
		Items: ui.Items(all),
		Page: func(p *ui.Page) {
			for _, d := range all {
				p.Line(d.State, " ", ui.Toned{Tone: ui.Strong, Text: d.Name}, " ", d.Version)
			}
		},
	})
}

// install fetches a backend, shows it, asks, and installs it.
func (a *app) install(ctx context.Context, i *install.Installer, r install.Request, describe, yes bool) (*installed, error) {
	shown := a.console.Progress()
	i.Progress = func(p backend.Progress) {
		shown.Event(backend.Event{Kind: backend.EventProgress, Time: time.Now(), Progress: &p})
	}
	offer, err := i.Prepare(ctx, r)
	shown.Close()
	if err != nil {
		return nil, err
	}
	defer offer.Close()
	state := "installed"
	switch {
	case offer.Same(): // it was agreed to
		state, yes = "already", true
		if !i.Intact(offer.Name, offer.Entry) {
			state = "restored"
		}
		if offer.Before.Version != "" {
			offer.Entry.Version, describe = offer.Before.Version, false
		}
	case offer.Before != nil:
		state = "upgraded"
	}
	if !yes || !offer.Same() && !a.flags.Quiet {
		a.console.Aside(func(p *ui.Page) { offerPage(p, offer) })
	}
	if !yes {
		question := "Start it once to ask what it is, and install it?"
		if !describe {
			question = "Install it?"
		}
		if err := a.confirm(ctx, question); err != nil {
			return nil, err
		}
	}
	entry, err := i.Accept(ctx, offer, describe)
	if err != nil {
		return nil, err
	}
	return &installed{offer.Name, state, offer.SHA256, entry}, nil
}

// offerPage shows what a person should know before agreeing.
func offerPage(p *ui.Page, o *install.Offer) {
	p.Line("backend ", ui.Toned{Tone: ui.Strong, Text: o.Name}, " ", o.Entry.Version)
	pairs := []ui.Pair{{Name: "source", Value: o.Entry.Source}, {Name: "digest", Value: o.Entry.Digest}, {Name: "sha256", Value: o.SHA256}, {Name: "size", Value: ui.Size(o.Size)}}
	if o.Entry.Signer != "" {
		pairs = append(pairs, ui.Pair{Name: "signer", Value: o.Entry.Signer})
	} else {
		pairs = append(pairs, ui.Pair{Name: "signer", Value: ui.Toned{Tone: ui.Warning, Text: "none: " + o.Unsure}})
	}
	if o.Before != nil && !o.Same() {
		pairs = append(pairs, ui.Pair{Name: "replaces", Value: o.Before.Version + " from " + o.Before.Source})
	}
	p.Pairs(pairs...)
}

// installer installs where and as the configuration says.
func (a *app) installer(settings *config.Config, from fromFlags) (*install.Installer, error) {
	client, err := install.Client(nameOr(from.CAFile, settings.Trust.CAFile))
	if err != nil {
		return nil, err
	}
	return &install.Installer{
		Data: settings.Paths.Data, Lock: settings.Paths.Lock, Trust: settings.Trust, HTTP: client,
		Pin: func(name string) string { return settings.Backends[name].SHA256 },
		Describe: func(ctx context.Context, name, path, sha256 string) (backend.Description, error) {
			return a.dispatcherFor(settings, func(string) (discover.Program, error) {
				return discover.Program{Name: name, Path: path, SHA256: sha256, Source: "what is being installed"}, nil
			}).Describe(ctx, name)
		},
	}, nil
}
