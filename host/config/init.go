package config

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

//go:embed template.yaml
var template []byte

// Template is a configuration file in which everything is explained and nothing is set.
func Template() []byte { return slices.Clone(template) }

// Init writes the template to path, readable by the user alone, and its folder if there is none. An
// existing file is replaced only if force is set; fault.Conflict otherwise.
func Init(path string, force bool) error {
	failed := func(err error) error {
		return fault.New(fault.ExecutionFailed, fmt.Sprintf("the configuration %s cannot be written", path), fault.On(path), fault.Because(err),
			fault.Hint("name another file with --config"))
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return failed(err)
	}
	temporary, err := os.CreateTemp(dir, ".config-*") // mode 0600
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	if _, err := temporary.Write(template); err != nil {
		_ = temporary.Close()
		return failed(err)
	}
	if err := temporary.Close(); err != nil {
		return failed(err)
	}
	if force {
		err = os.Rename(temporary.Name(), path)
	} else {
		err = os.Link(temporary.Name(), path) // fails where there is one, without a moment in between
	}
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, fmt.Sprintf("there is a configuration already: %s", path), fault.On(path), fault.Hint("--force replaces it"))
	}
	if err != nil {
		return failed(err)
	}
	return nil
}
