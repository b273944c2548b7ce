package credential

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/zalando/go-keyring"
)

// TestNoKeyring: a bus that is gone, or has none, is no reason to complain.
func TestNoKeyring(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "gone"))
	s := system{note: t.Logf}
	if _, err := s.get(t.Context(), origin); !errors.Is(err, errNoKeyring) {
		t.Errorf("got %v", err)
	}
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{dbus.Error{Name: "org.freedesktop.DBus.Error.ServiceUnknown"}, true},
		{dbus.Error{Name: "org.freedesktop.Secret.Error.IsLocked"}, false},
		{errors.New("prompt dismissed"), false},
	} {
		if got := absent(tc.err); got != tc.want {
			t.Errorf("%v: got %v", tc.err, got)
		}
	}
}

// TestSystem: what is set is there, and what is removed is not.
func TestSystem(t *testing.T) {
	keyring.MockInit()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/mocked")
	s := system{note: t.Logf}
	if err := s.set(t.Context(), origin, "k"); err != nil {
		t.Fatal(err)
	}
	if key, err := s.get(t.Context(), origin); err != nil || key != "k" {
		t.Errorf("got %q, %v", key, err)
	}
	if _, err := s.get(t.Context(), "https://other:443"); !errors.Is(err, errNone) {
		t.Errorf("got %v", err)
	}
	if err := s.remove(t.Context(), origin); err != nil {
		t.Fatal(err)
	}
	if err := s.remove(t.Context(), origin); !errors.Is(err, errNone) {
		t.Errorf("got %v", err)
	}
}
