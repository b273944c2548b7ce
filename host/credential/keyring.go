package credential

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"
)

// service is the name under which atg's keys stand in a keyring; the user is the service's origin.
const service = "atg"

// How long a keyring may take: it may ask its owner to unlock it.
const (
	quick    = 3 * time.Second // then the user is told
	patience = time.Minute     // then it is as good as none
)

var (
	errNone      = keyring.ErrNotFound
	errNoKeyring = errors.New("there is no keyring here")
)

// ring is a keyring. A key that is not there is errNone; one that cannot be there, errNoKeyring.
type ring interface {
	get(ctx context.Context, origin string) (string, error)
	set(ctx context.Context, origin, key string) error
	remove(ctx context.Context, origin string) error
}

// system is the operating system's keyring.
type system struct {
	note func(format string, args ...any)
}

func (s system) get(ctx context.Context, origin string) (key string, err error) {
	return s.wait(ctx, func() (string, error) { return keyring.Get(service, origin) })
}

func (s system) set(ctx context.Context, origin, key string) error {
	_, err := s.wait(ctx, func() (string, error) { return "", keyring.Set(service, origin, key) })
	return err
}

func (s system) remove(ctx context.Context, origin string) error {
	_, err := s.wait(ctx, func() (string, error) { return "", keyring.Delete(service, origin) })
	return err
}

// wait asks the keyring, which knows no cancellation: what takes too long is left behind, and ends with the
// process.
func (s system) wait(ctx context.Context, ask func() (string, error)) (string, error) {
	if !reachable() {
		return "", errNoKeyring
	}
	type answer struct {
		key string
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		key, err := ask()
		answered <- answer{key, err}
	}()
	slow, late := time.NewTimer(quick), time.NewTimer(patience)
	defer slow.Stop()
	defer late.Stop()
	for {
		select {
		case a := <-answered:
			if errors.Is(a.err, keyring.ErrUnsupportedPlatform) || absent(a.err) {
				a.err = errNoKeyring
			}
			return a.key, a.err
		case <-slow.C:
			s.note("waiting for the keyring, which may want to be unlocked; ATG_KEYRING=off goes without it")
		case <-late.C:
			return "", fmt.Errorf("it does not answer within %s", patience)
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}
