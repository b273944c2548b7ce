// Package credential keeps the keys of job services: in the system's keyring, or where there is none, in a
// file that its owner alone can read. A key belongs to one service, named by its origin.
package credential

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// Source is where a key is kept.
type Source string

// The places, the strongest first.
const (
	Keyring Source = "keyring"
	File    Source = "file"
)

// Options say where keys are kept.
type Options struct {
	Keyring bool   // use the system's, where there is one
	File    string // path of the file; it and its folder need not exist
	// Note tells the user what happens beside what was asked for; nil tells nobody.
	Note func(format string, args ...any)
}

// Store keeps keys.
type Store struct {
	options Options
	ring    ring
}

// New makes a store.
func New(o Options) *Store {
	if o.Note == nil {
		o.Note = func(string, ...any) {}
	}
	return &Store{options: o, ring: system{note: o.Note}}
}

// Origin names a service by its URL: scheme, host in small letters, and port, as https://atg.example.com:443.
// It is empty for what is no URL with a host.
func Origin(service string) string {
	u, err := url.Parse(service)
	if err != nil || u.Scheme == "" || u.Hostname() == "" {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Get is the key for a service and where it is kept; both are empty if there is none.
func (s *Store) Get(ctx context.Context, origin string) (secret.String, Source, error) {
	if s.options.Keyring {
		key, err := s.ring.get(ctx, origin)
		switch {
		case err == nil && key != "":
			return secret.New(key), Keyring, nil
		case ctx.Err() != nil:
			return secret.String{}, "", context.Cause(ctx)
		case err != nil && !errors.Is(err, errNone) && !errors.Is(err, errNoKeyring):
			s.options.Note("the keyring cannot be read: %v", err)
		}
	}
	keys, err := s.read()
	if err != nil || keys[origin] == "" {
		return secret.String{}, "", err
	}
	return secret.New(keys[origin]), File, nil
}

// Put keeps the key for a service, in place of the one before, and answers where: in the file only if there
// is no keyring that takes it, which the user is told.
func (s *Store) Put(ctx context.Context, origin string, key secret.String) (Source, error) {
	why := errors.New("ATG_KEYRING is off")
	if s.options.Keyring {
		why = s.ring.set(ctx, origin, key.Reveal())
		if why == nil {
			return Keyring, s.change(func(keys map[string]string) { delete(keys, origin) })
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
	}
	if err := s.change(func(keys map[string]string) { keys[origin] = key.Reveal() }); err != nil {
		return "", err
	}
	s.options.Note("the key is kept in the file %s, which you alone can read, and not in the keyring: %v", s.options.File, why)
	return File, nil
}

// Delete forgets the key for a service and answers where it was kept: nowhere, or in one place or both. It
// forgets the one in the file also where the keyring does not answer.
func (s *Store) Delete(ctx context.Context, origin string) ([]Source, error) {
	var from []Source
	var stuck error
	if s.options.Keyring {
		switch err := s.ring.remove(ctx, origin); {
		case err == nil:
			from = append(from, Keyring)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !errors.Is(err, errNone) && !errors.Is(err, errNoKeyring):
			stuck = fault.New(fault.ExecutionFailed, "the keyring does not remove the key", fault.Because(err), fault.On(origin), fault.From(fault.OriginHost))
		}
	}
	keys, err := s.read()
	if err != nil {
		return from, err
	}
	if keys[origin] != "" {
		if err := s.change(func(keys map[string]string) { delete(keys, origin) }); err != nil {
			return from, err
		}
		from = append(from, File)
	}
	return from, stuck
}

func unusable(file string, err error) error {
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the file of keys %s cannot be used", file), fault.Because(err), fault.On(file), fault.From(fault.OriginHost))
}
