package config

import (
	_ "embed" // the template
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

//go:embed template.yaml
var template []byte

// Template is a configuration file in which everything is explained and nothing is set.
func Template() []byte { return append([]byte(nil), template...) }

// Init writes the template to path, readable by the user alone, and its folder if there is none. The
// file appears complete or not at all. An existing one is replaced only if force is set;
// fault.Conflict otherwise.
func Init(path string, force bool) error {
	exists := fault.New(fault.Conflict, fmt.Sprintf("the configuration %s exists already", path),
		fault.On(path), fault.Hint("replace it with --force"), fault.From(fault.OriginHost))
	if target, err := filepath.EvalSymlinks(path); err == nil { // a link stays one: its target is replaced
		if !force {
			return exists
		}
		path = target
	}
	if err := write(path, template, force); errors.Is(err, fs.ErrExist) {
		return exists
	} else if err != nil {
		return fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s cannot be written", path),
			fault.On(path), fault.Because(err), fault.From(fault.OriginHost))
	}
	return nil
}

func write(path string, content []byte, replace bool) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".config-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if !replace {
		// a link, unlike a rename, never replaces what came in between; not every file system has links
		if err := os.Link(file.Name(), path); err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
		if _, err := os.Lstat(path); err == nil {
			return fs.ErrExist
		}
	}
	return os.Rename(file.Name(), path)
}
