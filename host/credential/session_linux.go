package credential

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/godbus/dbus/v5"
)

// reachable says whether there is a session bus, on which the keyring is. Without one the library would
// start one, for a keyring that nobody could unlock.
func reachable() bool {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	_, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "bus"))
	return err == nil
}

// absent says whether an error means that there is no keyring: the bus is gone, or nobody on it is one and
// nobody can be started.
func absent(err error) bool {
	if gone := (*net.OpError)(nil); errors.As(err, &gone) {
		return true
	}
	var answer dbus.Error
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
		"org.freedesktop.DBus.Error.Spawn.ServiceNotFound", "org.freedesktop.DBus.Error.Spawn.ExecFailed", "org.freedesktop.DBus.Error.Spawn.ChildExited":
		return true
	}
	return false
}
