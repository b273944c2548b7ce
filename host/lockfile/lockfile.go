// Package lockfile keeps the record of what was installed: of each backend its version, where it came from,
// who signed it, and the SHA-256 of its program on every platform. Each launch of an installed backend is
// checked against it, and another machine can install exactly the same from a copy of it.
package lockfile

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// schemaVersion is the version of the form of the file that this atg writes, and the newest that it reads.
	schemaVersion = 1
	// mostBytes bounds the file: a thousand backends with ten platforms each are below 2 MiB.
	mostBytes = 4 << 20
)

// File is what the file holds.
type File struct {
	SchemaVersion int              `json:"schema_version"`
	Backends      map[string]Entry `json:"backends"` // by NAME
}

// Entry is an installed backend.
type Entry struct {
	Version string `json:"version,omitempty"` // as the backend describes itself; empty: it was not asked
	Source  string `json:"source"`            // as it can be installed from again: a path, a folder, an https URL, oci://…, oci-layout:…
	// Digest is that of the OCI index or manifest which the source's tag stood for: sha256:HEX. Empty: the source is none of OCI.
	Digest    string              `json:"digest,omitempty"`
	Signer    string              `json:"signer,omitempty"` // minisign:KEYID or cosign:SHA256 of the key; empty: no signature was verified
	Platforms map[string]Platform `json:"platforms"`        // by os/arch, as Go names them
}

// Platform is the program for one platform.
type Platform struct {
	// SHA256 is that of the program, in lower-case hex. Empty: only the archive around it is known, as nobody has unpacked it yet.
	SHA256 string `json:"sha256,omitempty"`
	// Download is the SHA-256 of what was downloaded, where that is an archive around the program.
	Download string `json:"download,omitempty"`
}

// Here is the platform that this atg runs on.
func Here() string { return runtime.GOOS + "/" + runtime.GOARCH }

// Read reads the file; one that is not there is empty. Whatever is wrong with it is fault.Integrity: nothing
// that it should vouch for can be trusted then.
func Read(path string) (*File, error) {
	empty := &File{SchemaVersion: schemaVersion, Backends: map[string]Entry{}}
	if path == "" {
		return empty, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, nil
	}
	if err != nil {
		return nil, damaged(path, err)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && runtime.GOOS != "windows" && info.Mode()&0o002 != 0 {
		return nil, damaged(path, errors.New("everybody may write to it"), fault.Hint("chmod o-w %s, and look at what it says", path))
	}
	text, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return nil, damaged(path, err)
	}
	f, err := Parse(text)
	if err != nil {
		return nil, damaged(path, err)
	}
	return f, nil
}

func damaged(path string, err error, options ...fault.Option) error {
	options = append([]fault.Option{
		fault.On(path), fault.From(fault.OriginHost), fault.Because(err),
		fault.Hint("put back the copy that you trust, or remove the file and install the backends again"),
	}, options...)
	return fault.New(fault.Integrity, "the lock file of the installed backends cannot be trusted: "+err.Error(), options...)
}

// Parse reads the text of a lock file. It takes nothing that it does not understand.
func Parse(text []byte) (*File, error) {
	if len(text) > mostBytes {
		return nil, fmt.Errorf("it is larger than %d MiB", mostBytes>>20)
	}
	var head struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	if head.SchemaVersion != schemaVersion {
		return nil, fmt.Errorf("its schema_version is %d, and this atg reads %d", head.SchemaVersion, schemaVersion)
	}
	f := &File{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(f); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the end of it")
	}
	if f.Backends == nil {
		f.Backends = map[string]Entry{}
	}
	for name, e := range f.Backends {
		if err := e.check(name); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (e Entry) check(name string) error {
	switch {
	case !config.ValidName(name), name == config.Local, name == config.Remote:
		return fmt.Errorf("%q is no name of an installed backend", name)
	case e.Source == "":
		return fmt.Errorf("the backend %q has no source", name)
	case len(e.Platforms) == 0:
		return fmt.Errorf("the backend %q has no platform", name)
	case e.Digest != "" && !IsDigest(e.Digest):
		return fmt.Errorf("the digest of the backend %q is none", name)
	}
	for platform, p := range e.Platforms {
		if system, processor, ok := strings.Cut(platform, "/"); !ok || system == "" || processor == "" {
			return fmt.Errorf("%q of the backend %q is no platform", platform, name)
		}
		if p == (Platform{}) || p.SHA256 != "" && !IsSHA256(p.SHA256) || p.Download != "" && !IsSHA256(p.Download) {
			return fmt.Errorf("the SHA-256 of the backend %q on %s is none", name, platform)
		}
	}
	return nil
}

// IsSHA256 says whether text is a SHA-256 in lower-case hex.
func IsSHA256(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == 32 && strings.ToLower(text) == text
}

// IsDigest says whether text is sha256: and such a SHA-256.
func IsDigest(text string) bool {
	sum, ok := strings.CutPrefix(text, "sha256:")
	return ok && IsSHA256(sum)
}

// Update changes the file: other atg that do so wait. It appears by atomic rename. What change answers ends it with nothing changed.
func Update(ctx context.Context, path string, change func(*File) error) error {
	if path == "" {
		return fault.New(fault.ConfigInvalid, "there is no home folder to keep the lock file in", fault.From(fault.OriginHost), fault.Hint("set HOME"))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return unwritable(path, err)
	}
	unlock, err := mutex(ctx, path+".mutex")
	if err != nil {
		return cmp.Or(context.Cause(ctx), unwritable(path, err))
	}
	defer unlock()
	f, err := Read(path)
	if err != nil {
		return err
	}
	if err := change(f); err != nil {
		return err
	}
	if err := write(path, f); err != nil {
		return unwritable(path, err)
	}
	return nil
}

func unwritable(path string, err error) error {
	return fault.New(fault.ExecutionFailed, "the lock file of the installed backends cannot be written", fault.On(path), fault.Because(err), fault.From(fault.OriginHost))
}

// mutex waits for the lock until ctx ends.
func mutex(ctx context.Context, path string) (unlock func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	type taken struct {
		unlock func()
		err    error
	}
	got := make(chan taken, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(path).Lock()
		got <- taken{unlock, err}
	}()
	select {
	case t := <-got:
		return t.unlock, t.err
	case <-ctx.Done():
		go func() {
			if t := <-got; t.err == nil {
				t.unlock()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

func write(path string, f *File) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if _, err := Parse(text); err != nil { // what could not be read again must not take the place of what can
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".backends.lock-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// Folder is where the program of that SHA-256 is kept below the data folder. Its name is that of its content, so
// that an upgrade touches no program that runs, and happens at the moment at which the lock file changes.
func Folder(data, sha256 string) string { return filepath.Join(data, "backends", "store", sha256) }
