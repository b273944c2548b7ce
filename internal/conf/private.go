package conf

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// CheckPrivate refuses a document that others than its owner can read, because of the secret in key, which stands at. A
// pipe or the like is not judged, nor is a file on Windows, which keeps a user's files private. A file of root's that its group may
// read is taken from another user: so do packages (root:atg, 0640), systemd's credentials and Kubernetes' secrets hand a service what
// it may read and not change.
func CheckPrivate(document *Document, key string, at Position) error {
	if document.Name == "" || runtime.GOOS == "windows" {
		return nil
	}
	info, err := os.Stat(document.Name)
	if err != nil {
		return fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s cannot be looked at", document.Name), fault.Because(err))
	}
	if !info.Mode().IsRegular() || !open(info.Mode(), owner(info), os.Geteuid()) {
		return nil
	}
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s holds a secret and is open to others (mode %04o)", document.Name, info.Mode().Perm()),
		fault.On(document.Name), fault.Hint("chmod 600 %s", document.Name),
		fault.Problems(fault.Problem{Key: key, Message: "is a secret", Line: at.Line, Column: at.Column}))
}

// open says whether a file of that owner is open to others than those whom this process, of user self, has to trust anyway.
func open(mode fs.FileMode, owner, self int) bool {
	if owner == 0 && self != 0 {
		return mode&0o037 != 0
	}
	return mode&0o077 != 0
}
