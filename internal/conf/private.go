package conf

import (
	"fmt"
	"os"
	"runtime"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// CheckPrivate refuses a document that others than its owner can read, because of the secret in key, which stands at. A
// pipe or the like is not judged, nor is a file on Windows, which keeps a user's files private.
func CheckPrivate(document *Document, key string, at Position) error {
	if document.Name == "" || runtime.GOOS == "windows" {
		return nil
	}
	info, err := os.Stat(document.Name)
	if err != nil {
		return fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s cannot be looked at", document.Name), fault.Because(err))
	}
	if !info.Mode().IsRegular() || info.Mode()&0o077 == 0 {
		return nil
	}
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s holds a secret and is open to others (mode %04o)", document.Name, info.Mode().Perm()),
		fault.On(document.Name), fault.Hint("chmod 600 %s", document.Name),
		fault.Problems(fault.Problem{Key: key, Message: "is a secret", Line: at.Line, Column: at.Column}))
}
