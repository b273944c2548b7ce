package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// prefix is of the path of every module of the list.
const prefix = "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/"

// module is a line of modules.txt.
type module struct {
	path    string // below prefix
	version string
	sum     string // of its files, as in go.sum
	dir     string // where Go keeps it
}

// readModules reads modules.txt.
func readModules(file string) ([]*module, error) {
	var all []*module
	err := eachLine(file, func(fields []string) error {
		if len(fields) != 3 {
			return fmt.Errorf("%s: %q", file, fields)
		}
		all = append(all, &module{path: fields[0], version: fields[1], sum: fields[2]})
		return nil
	})
	return all, err
}

// fetch has Go download the modules, as far as it does not have them, and compares their hashes. Go itself compares
// them with its checksum database.
func fetch(all []*module) error {
	work, err := os.MkdirTemp("", "armschema")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte("module fetch\n"), 0o600); err != nil {
		return err
	}
	args := []string{"mod", "download", "-json"}
	byPath := map[string]*module{}
	for _, m := range all {
		args = append(args, prefix+m.path+"@"+m.version)
		byPath[prefix+m.path+"@"+m.version] = m
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Stderr = work, os.Stderr
	out, failed := cmd.Output()
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var got struct{ Path, Version, Error, Dir, Sum string }
		if err := d.Decode(&got); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return errors.Join(failed, err)
		}
		m := byPath[got.Path+"@"+got.Version]
		switch {
		case m == nil:
			return fmt.Errorf("%s@%s was not asked for", got.Path, got.Version)
		case got.Error != "":
			return errors.New(got.Error)
		case got.Sum != m.sum:
			return fmt.Errorf("%s@%s has the hash %s, not %s", got.Path, got.Version, got.Sum, m.sum)
		}
		m.dir = got.Dir
	}
	for _, m := range all {
		if m.dir == "" {
			return errors.Join(fmt.Errorf("%s@%s was not downloaded", m.path, m.version), failed)
		}
	}
	return failed
}
