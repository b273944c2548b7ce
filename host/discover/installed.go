package discover

import (
	"fmt"
	"os"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// lock reads the lock file. Where it cannot be trusted, nothing is installed, and the reason is answered too.
func (o Options) lock() (*lockfile.File, error) {
	f, err := lockfile.Read(o.Lock)
	if err != nil {
		return &lockfile.File{}, err
	}
	return f, nil
}

// installed fills p with what the lock file says of it.
func (o Options) installed(p *Program, path string, e lockfile.Entry) {
	p.Path, p.Source, p.Installed = path, "backends.lock.json", &e
	sum := e.Platforms[lockfile.Here()].SHA256
	if p.SHA256 == "" { // that of the configuration wins
		p.SHA256 = sum
	}
	if _, err := os.Lstat(path); err != nil || sum == "" {
		p.Fault = fault.New(fault.BackendNotFound, fmt.Sprintf("the lock file names the backend %q, but its program for %s is not here", p.Name, lockfile.Here()),
			fault.On(path), fault.From(fault.OriginHost), fault.Hint("%s", p.Repair()))
		return
	}
	if p.Fault = usable(p.Name, path, true); p.Fault == nil {
		p.Fault = o.unsigned(p.Name, e.Source, e)
	}
}

// unsigned says that a policy asks for a signature which a backend has not; what is not installed has none.
func (o Options) unsigned(name, source string, e lockfile.Entry) *fault.Fault {
	if require, _ := o.Trust.For(source); !require || e.Source == source && e.Signer != "" {
		return nil
	}
	return fault.New(fault.Integrity, fmt.Sprintf("no signature of the backend %q was verified, and the configuration asks for one", name), fault.On(source),
		fault.From(fault.OriginHost), fault.Hint("install it again, signed by a key of trust.keys, or say in trust.sources that this source needs none"))
}

// Repair is what helps where a program is not the one that it is pinned to; empty where the configuration pins it.
func (p Program) Repair() string {
	if p.Installed == nil || p.SHA256 != p.Installed.Platforms[lockfile.Here()].SHA256 {
		return ""
	}
	return fmt.Sprintf("atg backend install --locked %s puts back what was installed from %s", p.Name, p.Installed.Source)
}
