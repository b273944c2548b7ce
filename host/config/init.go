package config

import (
	"bytes"
	_ "embed" // the template
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

//go:embed template.yaml
var template []byte

// Template is a configuration file in which everything is explained and nothing is set.
func Template() []byte { return append([]byte(nil), template...) }

// Answers are what somebody wants of atg. They are the content of a configuration file, or of a profile's.
type Answers struct {
	Backend  string
	TenantID string         // empty: the only one in reach
	Fallback string         // empty is none
	Settings map[string]any // of the backend
}

// Compose is the file that says so, and no more than that. It is checked already: fault.ConfigInvalid where the answers make no sense.
func Compose(a Answers) ([]byte, error) {
	type section struct {
		Settings map[string]any `yaml:"settings"`
	}
	content := struct {
		Backend  string             `yaml:"backend"`
		TenantID string             `yaml:"tenant_id,omitempty"`
		Fallback string             `yaml:"fallback,omitempty"`
		Backends map[string]section `yaml:"backends,omitempty"`
	}{Backend: a.Backend, TenantID: a.TenantID, Fallback: a.Fallback}
	if len(a.Settings) > 0 {
		content.Backends = map[string]section{a.Backend: {a.Settings}}
	}
	var b bytes.Buffer
	b.WriteString("# What atg config init was told. docs/configuration.md explains each key; atg config init --stdout prints all of them.\n")
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(content), e.Close()); err != nil {
		return nil, fault.New(fault.Internal, "the answers cannot be written as YAML", fault.Because(err), fault.From(fault.OriginHost))
	}
	return b.Bytes(), check(b.Bytes())
}

// check loads a file with that content, as if nothing else were configured.
func check(content []byte) error {
	dir, err := os.MkdirTemp("", "atg-config-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	_, err = Load(Options{Flags: Flags{Config: path}})
	return err
}

// Init writes a configuration to path, readable by the user alone, and its folder if there is none. The
// file appears complete or not at all. An existing one is replaced only if force is set;
// fault.Conflict otherwise.
func Init(path string, content []byte, force bool) error {
	exists := fault.New(fault.Conflict, fmt.Sprintf("the configuration %s exists already", path),
		fault.On(path), fault.Hint("replace it with --force"), fault.From(fault.OriginHost))
	if target, err := filepath.EvalSymlinks(path); err == nil { // a link stays one: its target is replaced
		if !force {
			return exists
		}
		path = target
	}
	if err := write(path, content, force); errors.Is(err, fs.ErrExist) {
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
