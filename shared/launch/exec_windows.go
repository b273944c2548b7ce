package launch

import (
	"errors"

	"golang.org/x/sys/windows"
)

// executable is true: on Windows the extension decides, and the start itself tells.
func executable(string) bool { return true }

// badFormat says that Windows does not know the file's format, or not this processor's variety.
func badFormat(err error) bool {
	return errors.Is(err, windows.ERROR_BAD_EXE_FORMAT) || errors.Is(err, windows.ERROR_EXE_MACHINE_TYPE_MISMATCH)
}
