package install

import (
	"context"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Freshness is what a source has now, beside what is installed.
type Freshness struct {
	Outdated bool         `json:"outdated"`
	Pinned   bool         `json:"pinned,omitempty"`  // the source means the same for ever
	Version  string       `json:"version,omitempty"` // at the source, as its publisher says
	Digest   string       `json:"digest,omitempty"`  // at the source
	Fault    *fault.Fault `json:"fault,omitempty"`   // why it is not known
}

// Look asks the source of an installed backend what it has, without fetching a program from a registry. A program of a web server
// has to be fetched, as nothing else tells what it is.
func (i *Installer) Look(ctx context.Context, e lockfile.Entry) Freshness {
	f, err := i.look(ctx, e)
	if err != nil {
		f.Fault = fault.Of(err)
	}
	return f
}

func (i *Installer) look(ctx context.Context, e lockfile.Entry) (f Freshness, err error) {
	s, err := ParseSource(e.Source)
	if err != nil {
		return f, err
	}
	if f.Pinned = s.pinned(); f.Pinned {
		return f, nil
	}
	have := e.Platforms[i.platform()]
	known := have.Download
	if known == "" {
		known = have.SHA256
	}
	if s.kind == kindRegistry || s.kind == kindLayout {
		target, err := i.target(ctx, s)
		if err != nil {
			return f, err
		}
		root, found, err := i.variants(ctx, target, s)
		if err != nil {
			return f, err
		}
		f.Digest, f.Version = root.Digest.String(), found[i.platform()].version
		f.Outdated = f.Digest != e.Digest
		return f, nil
	}
	folder, err := i.stage()
	if err != nil {
		return f, err
	}
	defer (&Offer{folder: folder}).Close()
	got, err := i.fetch(ctx, s, Request{}, folder)
	if err == nil {
		f.Outdated = got.sum != known
	}
	return f, err
}
