package credential

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// memory is a keyring in memory.
type memory struct {
	keys map[string]string
	err  error // of every call
}

func (m *memory) get(_ context.Context, origin string) (string, error) {
	if m.err != nil {
		return "", m.err
	}
	if key, ok := m.keys[origin]; ok {
		return key, nil
	}
	return "", errNone
}

func (m *memory) set(_ context.Context, origin, key string) error {
	if m.err == nil {
		m.keys[origin] = key
	}
	return m.err
}

func (m *memory) remove(_ context.Context, origin string) error {
	if m.err != nil {
		return m.err
	}
	if _, ok := m.keys[origin]; !ok {
		return errNone
	}
	delete(m.keys, origin)
	return nil
}

const origin = "https://atg.example.com:443"

// store makes a store whose file does not exist yet.
func store(t *testing.T, m *memory) (*Store, *[]string) {
	t.Helper()
	var notes []string
	s := New(Options{
		Keyring: m != nil, File: filepath.Join(t.TempDir(), "atg", "credentials.json"),
		Note: func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) },
	})
	s.ring = m
	return s, &notes
}

func check(t *testing.T, s *Store, want string, from Source) {
	t.Helper()
	key, source, err := s.Get(t.Context(), origin)
	if err != nil || key.Reveal() != want || source != from {
		t.Errorf("got %q from %q, %v; want %q from %q", key.Reveal(), source, err, want, from)
	}
}

func TestInTheKeyring(t *testing.T) {
	m := &memory{keys: map[string]string{}}
	s, notes := store(t, m)
	check(t, s, "", "")
	if from, err := s.Put(t.Context(), origin, secret.New("k1")); err != nil || from != Keyring {
		t.Fatalf("put: %q, %v", from, err)
	}
	check(t, s, "k1", Keyring)
	if _, err := os.Stat(s.options.File); err == nil {
		t.Error("there is a file beside the keyring")
	}
	if from, err := s.Delete(t.Context(), origin); err != nil || !slices.Equal(from, []Source{Keyring}) {
		t.Errorf("delete: %q, %v", from, err)
	}
	check(t, s, "", "")
	if from, err := s.Delete(t.Context(), origin); err != nil || len(from) > 0 {
		t.Errorf("delete again: %q, %v", from, err)
	}
	if len(*notes) > 0 {
		t.Errorf("notes %q", *notes)
	}
}

func TestInTheFile(t *testing.T) {
	for name, m := range map[string]*memory{
		"keyring off": nil, "no keyring": {err: errNoKeyring}, "locked for good": {err: errors.New("prompt dismissed")},
	} {
		t.Run(name, func(t *testing.T) {
			s, notes := store(t, m)
			if from, err := s.Put(t.Context(), origin, secret.New("k1")); err != nil || from != File {
				t.Fatalf("put: %q, %v", from, err)
			}
			if len(*notes) != 1 || !strings.Contains((*notes)[0], s.options.File) || strings.Contains((*notes)[0], "k1") {
				t.Errorf("notes %q", *notes)
			}
			check(t, s, "k1", File)
			if from, err := s.Delete(t.Context(), origin); !slices.Equal(from, []Source{File}) || (err != nil) != (name == "locked for good") {
				t.Errorf("delete: %q, %v", from, err)
			}
			if _, err := s.Put(t.Context(), origin, secret.New("k1")); err != nil {
				t.Fatal(err)
			}
			*notes = nil
			check(t, s, "k1", File)
			info, err := os.Stat(s.options.File)
			if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
			if m != nil {
				m.err, m.keys = nil, map[string]string{}
			} else {
				s.options.Keyring, s.ring = true, &memory{keys: map[string]string{}}
			}
			if from, err := s.Put(t.Context(), origin, secret.New("k2")); err != nil || from != Keyring { // there is a keyring by now
				t.Fatalf("put: %q, %v", from, err)
			}
			if content, err := os.ReadFile(s.options.File); err != nil || strings.Contains(string(content), "k1") {
				t.Errorf("the file still holds %q, %v", content, err)
			}
			check(t, s, "k2", Keyring)
		})
	}
}

// TestKeyringWins: a key in the keyring is newer or safer than one in the file.
func TestKeyringWins(t *testing.T) {
	m := &memory{err: errNoKeyring}
	s, _ := store(t, m)
	if _, err := s.Put(t.Context(), origin, secret.New("file")); err != nil {
		t.Fatal(err)
	}
	m.err, m.keys = nil, map[string]string{origin: "ring"}
	check(t, s, "ring", Keyring)
	if from, err := s.Delete(t.Context(), origin); err != nil || !slices.Equal(from, []Source{Keyring, File}) {
		t.Errorf("delete: %q, %v", from, err)
	}
	check(t, s, "", "")
}

func TestOthersKeysStay(t *testing.T) {
	s, _ := store(t, nil)
	var done sync.WaitGroup
	for i := range 10 { // at once
		done.Go(func() {
			if _, err := (&Store{options: Options{File: s.options.File, Note: func(string, ...any) {}}}).Put(t.Context(), fmt.Sprintf("https://h%d:443", i), secret.New("k")); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if keys, err := s.read(); err != nil || len(keys) != 10 {
		t.Errorf("%d keys are left, %v", len(keys), err)
	}
}

func TestBadFile(t *testing.T) {
	for name, tc := range map[string]struct {
		content string
		mode    os.FileMode
		hint    string
	}{
		"open to others": {`{"keys": {"https://atg.example.com:443": "hunter2"}}`, 0o644, "chmod 600"},
		"no JSON":        {`{"keys": {"https://atg.example.com:443": hunter2}}`, 0o600, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := store(t, nil)
			if err := os.MkdirAll(filepath.Dir(s.options.File), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.options.File, []byte(tc.content), tc.mode); err != nil {
				t.Fatal(err)
			}
			_, _, get := s.Get(t.Context(), origin)
			_, put := s.Put(t.Context(), origin, secret.New("k"))
			_, remove := s.Delete(t.Context(), origin)
			for _, err := range []error{get, put, remove} {
				f := fault.Of(err)
				if f == nil || f.Code != fault.ConfigInvalid || !strings.Contains(f.Hint, tc.hint) || strings.Contains(f.Error(), "hunter2") {
					t.Errorf("got %+v", f)
				}
			}
		})
	}
}

func TestSlowKeyring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var notes []string
		s := system{note: func(format string, _ ...any) { notes = append(notes, format) }}
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
		_, err := s.wait(t.Context(), func() (string, error) { <-release; return "", nil })
		if err == nil || !strings.Contains(err.Error(), "1m0s") || len(notes) != 1 {
			t.Errorf("got %v, notes %q", err, notes)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(fault.New(fault.Interrupted, "interrupted"))
		if _, err := s.wait(ctx, func() (string, error) { <-release; return "", nil }); fault.CodeOf(err) != fault.Interrupted {
			t.Errorf("got %v", err)
		}
	})
}

func TestOrigin(t *testing.T) {
	for service, want := range map[string]string{
		"https://ATG.example.com": origin, "https://atg.example.com:443/base/": origin, "https://atg.example.com:8443": "https://atg.example.com:8443",
		"https://[::1]:8443/": "https://[::1]:8443", "https://[::1]": "https://[::1]:443", "": "", "atg.example.com": "", "https://": "", "http://a": "http://a:80",
	} {
		if got := Origin(service); got != want {
			t.Errorf("%q: got %q, want %q", service, got, want)
		}
	}
}
