package queue

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// InputFile is where the content of an input is kept.
func (s *Store) InputFile(in backend.Input) string {
	return filepath.Join(s.dir, "inputs", filepath.Base(in.SHA256))
}

// foreign says that an input is none that keep has made: its sum, which names its file, is no sum.
func foreign(in backend.Input) bool {
	sum, err := hex.DecodeString(in.SHA256)
	return err != nil || len(sum) != sha256.Size
}

// keep copies a file, so that what is sent later is what it holds now.
func (s *Store) keep(file string) (backend.Input, error) {
	var in backend.Input
	from, err := os.Open(file)
	if err != nil {
		return in, fault.New(fault.InvalidArgument, "the input file cannot be read", fault.Because(err), fault.On(file), fault.From(fault.OriginHost))
	}
	defer func() { _ = from.Close() }()
	dir := filepath.Join(s.dir, "inputs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return in, unwritable(s.dir, err)
	}
	arriving := filepath.Join(dir, "arriving-"+random())
	defer func() { _ = os.Remove(arriving) }()
	hash := sha256.New()
	if err := whole(arriving, func(to *os.File) (err error) {
		in.Size, err = io.Copy(io.MultiWriter(to, hash), from)
		return err
	}); err != nil {
		return in, unwritable(s.dir, err)
	}
	in.SHA256 = hex.EncodeToString(hash.Sum(nil))
	if err := os.Rename(arriving, s.InputFile(in)); err != nil {
		return in, unwritable(s.dir, err)
	}
	return in, nil
}

// whole writes a file for its owner alone, which appears complete or not at all, also after a crash.
func whole(name string, fill func(*os.File) error) error {
	next, err := os.CreateTemp(filepath.Dir(name), ".next-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }()
	err = fill(next)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), name)
}
