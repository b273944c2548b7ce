//go:build unix && shells

package e2e

import (
	"path/filepath"
	"testing"
)

// TestShells has shells complete lines: make shells, which knows those that are installed. That bash does is among the scripts of make
// test. PowerShell cannot be had here.
func TestShells(t *testing.T) {
	for _, shell := range []string{"zsh", "fish"} {
		t.Run(shell, func(t *testing.T) { runScripts(t, filepath.Join("testdata", "shells", shell), nil) })
	}
}
