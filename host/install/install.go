// Package install brings backends to this machine and keeps them: it fetches a program from a file, a folder, a
// web server or an OCI registry, checks who signed it, asks it what it is, and records it in the lock file that
// each launch is checked against. It also publishes backends to a registry.
//
// Whatever is fetched is untrusted: nothing of it is executed before the caller has accepted the Offer, no path in it is
// used, and everything has a limit.
package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// mostBytes is what a program may have, and what is downloaded, at most.
	mostBytes = 512 << 20
	// stalled is how long a download may bring nothing before it is given up.
	stalled = 60 * time.Second
)

// Installer installs backends.
type Installer struct {
	Data     string       // the data folder; programs go to lockfile.Folder
	Lock     string       // the lock file
	Trust    config.Trust // who must have signed
	Platform string       // to install for, os/arch; empty: the one that atg runs on. Describe cannot start any other.
	HTTP     *http.Client // for web servers and registries; of Client
	// Pin is the SHA-256 that the configuration asks of a backend's program; empty: any.
	Pin func(name string) string
	// Describe starts a program of that SHA-256, and asks it what it is.
	Describe func(ctx context.Context, name, path, sha256 string) (backend.Description, error)
	// Progress hears of downloads; nil: nobody does.
	Progress func(backend.Progress)

	stalled time.Duration // instead of the constant, in tests
}

// Request says what to install.
type Request struct {
	Source string   // as ParseSource takes it
	Name   string   // the backend's; empty: as its file is named
	SHA256 string   // that the download must have, in lower-case hex; empty: any
	Keys   []string // one of which must have signed, as in trust.keys; none: as the policy says
	// Locked is what a lock file says of the backend Name: nothing else is installed. Its source and digest replace Source.
	Locked *lockfile.Entry
}

// Offer is a backend that was fetched and checked, and that was neither started nor installed yet. Close removes
// what was fetched.
type Offer struct {
	Name   string
	SHA256 string          // of the program for this platform
	Size   int64           // of it, in bytes
	Entry  lockfile.Entry  // what the lock file will say; the version is as its publisher says, or empty
	Before *lockfile.Entry // what is installed under this name; nil: nothing
	Unsure string          // what is to be said of its signature, if none was verified

	program string // its file, in folder
	folder  string
}

// Same says whether exactly this is installed already.
func (o *Offer) Same() bool {
	return o.Before != nil && o.Before.Platforms[lockfile.Here()].SHA256 == o.SHA256 && o.Before.Source == o.Entry.Source &&
		o.Before.Digest == o.Entry.Digest && o.Before.Signer == o.Entry.Signer
}

// Close removes what was fetched.
func (o *Offer) Close() { _ = os.RemoveAll(o.folder) }

// fetched is what a source has brought.
type fetched struct {
	file      string // the program, or an archive with it
	name      string // of the file where it comes from: atg-backend-NAME and so on
	sum       string // its SHA-256
	source    string // as it can be installed from again
	digest    string // of OCI
	version   string // as its publisher says
	platforms map[string]lockfile.Platform
	proof     proof
}

// Prepare fetches a backend and checks it. Its faults are integrity (not what it should be, not signed as it must be, an
// unsafe archive), backend_not_found (the source has no such thing), backend_incompatible (none for this platform),
// auth_failed (the registry wants another credential), service_unavailable, invalid_argument and config_invalid.
func (i *Installer) Prepare(ctx context.Context, r Request) (offer *Offer, err error) {
	if r.Locked != nil {
		r.Source = r.Locked.Source
		if _, ok := r.Locked.Platforms[i.platform()]; !ok {
			return nil, noPlatform(r.Source, slices.Sorted(maps.Keys(r.Locked.Platforms)), i.platform())
		}
	}
	source, err := ParseSource(r.Source)
	if err != nil {
		return nil, err
	}
	folder, err := i.stage()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(folder)
		}
	}()
	got, err := i.fetch(ctx, source, r, folder)
	if err != nil {
		return nil, err
	}
	if r.SHA256 != "" && got.sum != r.SHA256 {
		return nil, integrity(got.source, "its SHA-256 is %s, and not %s as it should be", got.sum, r.SHA256)
	}
	offer = &Offer{folder: folder, Entry: lockfile.Entry{Version: got.version, Source: got.source, Digest: got.digest, Platforms: got.platforms}}
	if offer.Entry.Signer, offer.Unsure, err = i.verify(got, r.Keys); err != nil {
		return nil, err
	}
	if err := i.open(offer, got, r.Name); err != nil {
		return nil, err
	}
	if r.Locked != nil {
		if err := keep(offer, *r.Locked, got.sum, i.platform()); err != nil {
			return nil, err
		}
	}
	return offer, i.compare(offer, r.Locked != nil)
}

func (i *Installer) platform() string { return cmp.Or(i.Platform, lockfile.Here()) }

func (i *Installer) fetch(ctx context.Context, source Source, r Request, folder string) (*fetched, error) {
	switch source.kind {
	case kindWeb:
		return i.fetchWeb(ctx, source, folder)
	case kindRegistry, kindLayout:
		locked := ""
		if r.Locked != nil && r.Locked.Digest != "" {
			locked = r.Locked.Digest
			source.reference = locked
		}
		return i.fetchOCI(ctx, source, locked, folder)
	}
	return i.fetchLocal(ctx, source, folder)
}

// open finds the program in what was fetched.
func (i *Installer) open(o *Offer, got *fetched, name string) error {
	wanted := func(base string) bool {
		n, platform, ok := parseFile(base)
		return ok && (name == "" || n == name) && (platform == "" || platform == i.platform())
	}
	o.program = filepath.Join(o.folder, fileName("staged")) // with an ending that can be started
	inside, err := unpack(got.file, o.program, wanted, generous)
	switch {
	case errors.Is(err, errNoArchive):
		if err := os.Rename(got.file, o.program); err != nil {
			return unusable(o.folder, err)
		}
	case err != nil:
		f := *fault.Of(err)
		f.Resource = got.source
		return &f
	default:
		got.name = inside
	}
	named, platform, ok := parseFile(got.name)
	switch {
	case name != "":
		named = name
	case !ok:
		return fault.New(fault.InvalidArgument, fmt.Sprintf("%q does not say which backend it is: a program is named atg-backend-NAME", got.name),
			fault.On(got.source), fault.From(fault.OriginHost), fault.Hint("name it with --name NAME"))
	case platform != "" && platform != i.platform():
		return noPlatform(got.source, []string{platform}, i.platform())
	}
	if err := CheckName(named); err != nil {
		return err
	}
	o.Name = named
	if o.SHA256, o.Size, err = sum(o.program); err != nil {
		return unusable(o.folder, err)
	}
	if o.Entry.Platforms == nil {
		o.Entry.Platforms = map[string]lockfile.Platform{}
	}
	p := lockfile.Platform{SHA256: o.SHA256}
	if o.SHA256 != got.sum {
		p.Download = got.sum
	}
	o.Entry.Platforms[i.platform()] = p
	return os.Chmod(o.program, 0o755) //nolint:gosec // a program
}

// keep has an offer be exactly what a lock file says.
func keep(o *Offer, locked lockfile.Entry, download, platform string) error {
	p := locked.Platforms[platform]
	if p.SHA256 != "" && p.SHA256 != o.SHA256 {
		return integrity(locked.Source, "the program of the backend %q is not what the lock file says: its SHA-256 is %s, and not %s", o.Name, o.SHA256, p.SHA256)
	}
	if p.Download != "" && p.Download != download {
		return integrity(locked.Source, "the archive of the backend %q is not what the lock file says: its SHA-256 is %s, and not %s", o.Name, download, p.Download)
	}
	p.SHA256 = o.SHA256
	signer := o.Entry.Signer
	o.Entry = locked
	o.Entry.Signer = cmp.Or(locked.Signer, signer) // the same bytes were signed, whether or not the key is known here
	o.Entry.Platforms = maps.Clone(locked.Platforms)
	o.Entry.Platforms[platform] = p
	return nil
}

// Intact says whether what the lock file entry says is installed here, with every byte.
func (i *Installer) Intact(name string, e lockfile.Entry) bool {
	want := e.Platforms[lockfile.Here()].SHA256
	lock, err := lockfile.Read(i.Lock)
	if err != nil || want == "" || lock.Backends[name].Platforms[lockfile.Here()].SHA256 != want || lock.Backends[name].Signer != e.Signer {
		return false
	}
	got, _, err := sum(filepath.Join(lockfile.Folder(i.Data, want), fileName(name)))
	return err == nil && got == want
}

// compare holds an offer against what is configured and what is installed.
func (i *Installer) compare(o *Offer, locked bool) error {
	if pin := i.Pin(o.Name); pin != "" && !strings.EqualFold(pin, o.SHA256) {
		return fault.New(fault.Integrity, fmt.Sprintf("the program of the backend %q is not the one that the configuration pins: its SHA-256 is %s, the pinned one %s", o.Name, o.SHA256, pin),
			fault.On(o.Entry.Source), fault.From(fault.OriginHost), fault.Hint("if this is the one that you want, set backends.%s.sha256 to it", o.Name))
	}
	lock, err := lockfile.Read(i.Lock)
	if err != nil {
		return err
	}
	before, ok := lock.Backends[o.Name]
	if !ok {
		return nil
	}
	o.Before = &before
	if !locked && before.Signer != "" && before.Signer != o.Entry.Signer {
		now := "is not signed by a key that is trusted"
		if o.Entry.Signer != "" {
			now = "is signed by " + o.Entry.Signer
		}
		return fault.New(fault.Integrity, fmt.Sprintf("the backend %q was signed by %s when it was installed, and this one %s", o.Name, before.Signer, now),
			fault.On(o.Entry.Source), fault.From(fault.OriginHost),
			fault.Hint("if its publisher has changed the key, remove it and install it again: atg backend remove %s", o.Name))
	}
	return nil
}

// Accept asks the program what it is, if it should, and installs it. It starts the program.
func (i *Installer) Accept(ctx context.Context, o *Offer, describe bool) (lockfile.Entry, error) {
	if describe {
		d, err := i.Describe(ctx, o.Name, o.program, o.SHA256)
		if err != nil {
			return lockfile.Entry{}, err
		}
		if d.Name != o.Name {
			return lockfile.Entry{}, fault.New(fault.BackendIncompatible, fmt.Sprintf("the program calls itself %q, and its file %q", d.Name, o.Name),
				fault.On(o.Entry.Source), fault.From(fault.OriginHost), fault.Hint("install it as --name %s, or ask its author", d.Name))
		}
		o.Entry.Version = d.Version
	}
	var old lockfile.Entry
	err := lockfile.Update(ctx, i.Lock, func(f *lockfile.File) error {
		old = f.Backends[o.Name]
		f.Backends[o.Name] = o.Entry
		return i.place(o)
	})
	if err != nil {
		return lockfile.Entry{}, err
	}
	if sum := old.Platforms[lockfile.Here()].SHA256; sum != "" && sum != o.SHA256 {
		i.retire(sum)
	}
	i.tidy(ctx)
	return o.Entry, nil
}

// CheckName says why a backend cannot have that name.
func CheckName(name string) error {
	switch {
	case !config.ValidName(name):
		return fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no name of a backend", name), fault.From(fault.OriginHost),
			fault.Hint("names are of lower-case letters, digits and hyphens"))
	case name == config.Local, name == config.Remote:
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the backend %q belongs to atg: no other can have its name", name), fault.From(fault.OriginHost))
	}
	return nil
}

func integrity(source, format string, args ...any) *fault.Fault {
	return fault.New(fault.Integrity, fmt.Sprintf(format, args...), fault.On(source), fault.From(fault.OriginHost),
		fault.Hint("nothing was installed; ask who publishes it"))
}

func noPlatform(source string, there []string, wanted string) error {
	return fault.New(fault.BackendIncompatible, fmt.Sprintf("there is no program for %s, but for %s", wanted, strings.Join(there, ", ")),
		fault.On(source), fault.From(fault.OriginHost), fault.Hint("ask who publishes it for a build for %s", wanted))
}

func missing(source, what string, err error) error {
	return fault.New(fault.BackendNotFound, what, fault.On(source), fault.Because(err), fault.From(fault.OriginHost))
}

func unusable(path string, err error) error {
	code := fault.ExecutionFailed
	if errors.Is(err, fs.ErrPermission) {
		code = fault.ConfigInvalid
	}
	return fault.New(code, "the folder of backends cannot be used", fault.On(path), fault.Because(err), fault.From(fault.OriginHost))
}
