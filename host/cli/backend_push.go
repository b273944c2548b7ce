package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
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

type backendPushCmd struct {
	fromFlags
	Words    []string `arg:"" name:"program" placeholder:"NAME|FILE… DESTINATION" help:"Backend by its name, or its programs, and where to: oci://REGISTRY/NAME:TAG or oci-layout:FOLDER:TAG."`
	Platform []string `placeholder:"OS/ARCH=FILE" sep:"none" help:"Program for a platform that the name of its file does not say."`
	Name     string   `placeholder:"NAME" help:"Backend's name, where the names of the files do not say it."`
	Release  string   `placeholder:"VERSION" help:"Version to publish (default: what the program for this platform says)."`
}

// Help is the long help.
func (backendPushCmd) Help() string {
	return `Publishes the programs of a backend in an OCI registry, or in a folder to carry away: an index with a manifest
for each platform, whose layer is the program as it is. A file named atg-backend-NAME_OS_ARCH says its
platform; another one is for this platform. The program for this platform is started, to ask its version.

The same programs make the same digest. It is printed: install by it, and sign it with cosign (cosign 3
with --new-bundle-format=false --use-signing-config=false).

Examples:
  atg backend push acme oci://registry.example.com/acme/backend:1.2
  atg backend push dist/atg-backend-acme_* oci://registry.example.com/acme/backend:1.2
  atg backend push --platform linux/arm64=build/acme-arm64 ./atg-backend-acme oci://registry.example.com/acme/backend:1.2
  atg backend push acme oci-layout:/media/usb/backends:1.2`
}

// Run publishes.
func (c *backendPushCmd) Run(ctx context.Context, a *app) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	i, err := a.installer(settings, c.fromFlags)
	if err != nil {
		return err
	}
	if len(c.Words) < 2 && len(c.Platform) == 0 {
		return usage("name a program, and where to publish it: oci://REGISTRY/NAME:TAG")
	}
	publication := install.Publication{Name: c.Name, Version: c.Release, Destination: c.Words[len(c.Words)-1], Programs: map[string]string{}}
	for _, word := range c.Words[:len(c.Words)-1] {
		if err := c.add(settings, &publication, word); err != nil {
			return err
		}
	}
	for _, word := range c.Platform {
		platform, file, ok := strings.Cut(word, "=")
		if !ok {
			return usage("--platform takes OS/ARCH=FILE, as linux/amd64=atg-backend-acme")
		}
		name, _ := install.PlatformOf(file)
		if err := take(&publication, name, platform, file); err != nil {
			return err
		}
	}
	if publication.Name == "" {
		return usage("the names of the files do not say which backend it is: name it with --name")
	}
	if file, ok := publication.Programs[lockfile.Here()]; ok {
		if err := c.ask(ctx, i, &publication, file); err != nil {
			return err
		}
	}
	shown := a.console.Progress()
	i.Progress = func(p backend.Progress) {
		shown.Event(backend.Event{Kind: backend.EventProgress, Time: time.Now(), Progress: &p})
	}
	done, err := i.Push(ctx, publication)
	shown.Close()
	if err != nil {
		return err
	}
	return a.console.Print(ui.Document{Data: done, Page: func(p *ui.Page) {
		p.Line("published ", ui.Toned{Tone: ui.Strong, Text: done.Name}, " ", done.Version)
		p.Pairs(ui.Pair{Name: "as", Value: done.Destination}, ui.Pair{Name: "digest", Value: done.Digest},
			ui.Pair{Name: "platforms", Value: strings.Join(slices.Sorted(maps.Keys(done.Platforms)), ", ")})
		p.Line(ui.Toned{Tone: ui.Faint, Text: "next: "}, "atg backend install ", done.Pinned)
	}})
}

// add adds a backend that atg finds, or a file.
func (c *backendPushCmd) add(settings *config.Config, p *install.Publication, word string) error {
	if _, err := os.Stat(word); err != nil && config.ValidName(word) {
		found, err := discover.Find(discover.From(settings), word)
		if err != nil {
			return err
		}
		return take(p, word, lockfile.Here(), found.Path)
	}
	name, platform := install.PlatformOf(word)
	return take(p, name, nameOr(platform, lockfile.Here()), word)
}

// take adds a file, of the backend whose other files are there already.
func take(p *install.Publication, name, platform, file string) error {
	if p.Name == "" {
		p.Name = name
	}
	if name != "" && name != p.Name {
		return usage("%s is of the backend %s, and not of %s", filepath.Base(file), name, p.Name)
	}
	if p.Programs[platform] != "" {
		return usage("%s and %s are both for %s: name a platform with --platform OS/ARCH=FILE", p.Programs[platform], file, platform)
	}
	path, err := filepath.Abs(file)
	p.Programs[platform] = path
	return err
}

// ask asks the program what it is.
func (c *backendPushCmd) ask(ctx context.Context, i *install.Installer, p *install.Publication, file string) error {
	d, err := i.Describe(ctx, p.Name, file, "")
	if err != nil {
		return err
	}
	if d.Name != p.Name {
		return fault.New(fault.BackendIncompatible, fmt.Sprintf("the program calls itself %q, and its file %q", d.Name, p.Name), fault.On(file), fault.From(fault.OriginHost),
			fault.Hint("name the backend as its program does"))
	}
	p.Version, p.Summary = nameOr(p.Version, d.Version), d.Summary
	return nil
}
