package ui

import (
	"io"

	"golang.org/x/sys/windows"
)

// enableColor lets an older Windows console understand escape sequences.
func enableColor(w io.Writer) {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok {
		return
	}
	handle := windows.Handle(f.Fd())
	var mode uint32
	if windows.GetConsoleMode(handle, &mode) == nil {
		_ = windows.SetConsoleMode(handle, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING)
	}
}
