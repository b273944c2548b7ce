package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

const stateFile = "azuresim.json"

// stateDir is the folder that serve and env share, by default one of the user's own.
func stateDir(dir string) (string, error) {
	if dir == "" {
		base := os.Getenv("XDG_RUNTIME_DIR")
		if base == "" {
			base = filepath.Join(os.TempDir(), fmt.Sprintf("atg-%d", os.Getuid()))
		}
		dir = filepath.Join(base, "atg-azuresim")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the state folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("make the state folder: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("the state folder %s is open to others: chmod 700 it, because the client secret is written there", dir)
	}
	return dir, nil
}

// writeState replaces the state file at once, so that env never reads half of one.
func writeState(dir string, line []byte) error {
	temporary, err := os.CreateTemp(dir, stateFile+".*") // 0600
	if err != nil {
		return fmt.Errorf("write the state file: %w", err)
	}
	_, err = temporary.Write(line)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), filepath.Join(dir, stateFile))
	}
	if err != nil {
		return fmt.Errorf("write the state file: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return nil
}

// removeState removes the state file unless another simulator has written it since.
func removeState(dir string, line []byte) {
	path := filepath.Join(dir, stateFile)
	if now, err := os.ReadFile(path); err == nil && bytes.Equal(now, line) {
		os.Remove(path) //nolint:errcheck // a stale file names an address where nothing listens
	}
}

type envCmd struct {
	StateDir string `help:"State folder of the running simulator (default: as for serve)." type:"path"`
	Shell    string `enum:"sh,powershell" default:"sh" help:"Whose syntax to print: sh or powershell."`
}

func (c *envCmd) Run(std *streams) error {
	dir, err := stateDir(c.StateDir)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no simulator is running with state folder %s: start one with atg-azuresim serve", dir)
	}
	if err != nil {
		return err
	}
	var state ready
	if err := json.Unmarshal(raw, &state); err != nil {
		return fmt.Errorf("read the state of the simulator: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(state.Env)) {
		if _, err := fmt.Fprintln(std.out, assignment(c.Shell, name, state.Env[name])); err != nil {
			return err
		}
	}
	return nil
}

// assignment sets a variable in a shell, quoted so that the value is taken as it is.
func assignment(shell, name, value string) string {
	if shell == "powershell" {
		return fmt.Sprintf("$env:%s = '%s'", name, strings.ReplaceAll(value, "'", "''"))
	}
	return fmt.Sprintf("export %s='%s'", name, strings.ReplaceAll(value, "'", `'\''`))
}
