package credential

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// content is what the file holds.
type content struct {
	About string            `json:"about"`
	Keys  map[string]string `json:"keys"` // by origin
}

// read reads the file; one that is not there holds no keys. One that others can read is refused.
func (s *Store) read() (map[string]string, error) {
	none := map[string]string{}
	if s.options.File == "" {
		return none, nil
	}
	f, err := os.Open(s.options.File)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return nil, unusable(s.options.File, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, unusable(s.options.File, err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" { // Windows keeps a profile's files private
		return nil, fault.New(fault.ConfigInvalid, fmt.Sprintf("the file of keys %s is open to others (mode %04o)", s.options.File, mode),
			fault.On(s.options.File), fault.Hint("chmod 600 %s; if others may have read it, let the keys be revoked", s.options.File), fault.From(fault.OriginHost))
	}
	var c content
	if err := json.NewDecoder(f).Decode(&c); err != nil {
		return nil, unusable(s.options.File, errors.New("it does not hold the JSON that atg wrote")) // the decoder's words may hold a key
	}
	if c.Keys == nil {
		return none, nil
	}
	return c.Keys, nil
}

// change reads the file, changes the keys and writes it again, whole or not at all; nobody else changes it
// meanwhile. It writes nothing if there is no key before and after.
func (s *Store) change(edit func(keys map[string]string)) error {
	if s.options.File == "" {
		return unusable("", errors.New("there is no home folder to keep it in"))
	}
	before, err := s.read()
	if err != nil {
		return err
	}
	if edit(before); len(before) == 0 {
		if _, err := os.Lstat(s.options.File); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	dir := filepath.Dir(s.options.File)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unusable(s.options.File, err)
	}
	locked, err := lockedfile.OpenFile(s.options.File+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return unusable(s.options.File, err)
	}
	defer func() { _ = locked.Close() }()
	keys, err := s.read()
	if err != nil {
		return err
	}
	edit(keys)
	if err := replace(s.options.File, content{About: "keys of job services, by origin; written by atg auth login", Keys: keys}); err != nil {
		return unusable(s.options.File, err)
	}
	return nil
}

// replace writes value as JSON into a file that its owner alone can read.
func replace(file string, value any) error {
	next, err := os.CreateTemp(filepath.Dir(file), ".credentials-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }()
	e := json.NewEncoder(next)
	e.SetIndent("", "  ")
	err = e.Encode(value)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), file)
}
