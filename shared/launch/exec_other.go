//go:build !linux

package launch

import "os"

// handlePath is path: this platform starts programs by name alone.
func handlePath(_ *os.File, path string) string { return path }
