//go:build !windows

package ui

import "io"

// enableColor does nothing: terminals here understand escape sequences.
func enableColor(io.Writer) {}
