// Package queue keeps submissions that could not be sent, on this machine, until atg job flush sends them.
// An entry has everything that is sent but no secret: not the key, which the configuration has when it is
// sent.
package queue

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Entry is a submission that waits.
type Entry struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at"`
	// Where it is to be sent: the backend, by the configuration file and the profile that were in effect, to
	// the service with this origin (https://host:port). Empty ones were the usual ones.
	Backend string `json:"backend"`
	Config  string `json:"config,omitempty"`
	Profile string `json:"profile,omitempty"`
	Service string `json:"service,omitempty"`

	Operation      backend.Operation `json:"operation"`
	Request        json.RawMessage   `json:"request"`
	IdempotencyKey string            `json:"idempotency_key"`
	Inputs         []backend.Input   `json:"inputs,omitempty"`
	OutputDir      string            `json:"output_dir,omitempty"` // for the files of the job, absolute
	Overwrite      bool              `json:"overwrite,omitempty"`

	// SentAt is the first time at which it may have reached the service although there was no answer; nil is
	// never.
	SentAt *time.Time `json:"sent_at,omitempty"`
	// Refused is why the service did not take it; nil is not asked yet.
	Refused *fault.Fault `json:"refused,omitempty"`
}

// Decode is the request as its type.
func (e Entry) Decode() (backend.Request, error) {
	r := backend.NewRequest(e.Operation)
	if r == nil {
		return nil, broken(e.ID, fmt.Errorf("there is no operation %q", e.Operation))
	}
	if err := json.Unmarshal(e.Request, r); err != nil {
		return nil, broken(e.ID, err)
	}
	return r, nil
}

// Store keeps entries in a folder, one file each, beside the input files that they need.
type Store struct{ dir string }

// New is the store in the folder dir, which need not exist. An empty one keeps nothing.
func New(dir string) *Store { return &Store{dir: dir} }

// Add keeps a submission with the input files of its request, by the path that the request gives each. It
// fills ID, CreatedAt, Request and Inputs.
func (s *Store) Add(e Entry, request backend.Request, inputs map[string]string) (Entry, error) {
	var err error
	if e.Request, err = json.Marshal(request); err != nil {
		return e, unwritable(s.dir, err)
	}
	e.Operation, e.CreatedAt = request.Operation(), time.Now().UTC().Round(time.Millisecond)
	e.ID = e.CreatedAt.Format("20060102T150405Z") + "-" + random()
	unlock, err := s.lock("store.lock")
	if err != nil {
		return e, err
	}
	defer unlock()
	for path, file := range inputs {
		in, err := s.keep(file)
		if err != nil {
			return e, err
		}
		in.Path = path
		e.Inputs = append(e.Inputs, in)
	}
	slices.SortFunc(e.Inputs, func(a, b backend.Input) int { return strings.Compare(a.Path, b.Path) })
	return e, s.write(e)
}

// Update writes what has become of an entry.
func (s *Store) Update(e Entry) error {
	unlock, err := s.lock("store.lock")
	if err != nil {
		return err
	}
	defer unlock()
	return s.write(e)
}

// Remove forgets an entry, and the input files that no other needs.
func (s *Store) Remove(e Entry) error {
	unlock, err := s.lock("store.lock")
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.Remove(s.file(e.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unwritable(s.dir, err)
	}
	rest, problems, err := s.List()
	if err != nil || len(problems) > 0 { // one that cannot be read may need anything
		return err
	}
	for _, in := range e.Inputs {
		if slices.ContainsFunc(rest, func(other Entry) bool {
			return slices.ContainsFunc(other.Inputs, func(o backend.Input) bool { return o.SHA256 == in.SHA256 })
		}) {
			continue
		}
		if err := os.Remove(s.InputFile(in)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return unwritable(s.dir, err)
		}
	}
	return nil
}

// List reads the entries, the oldest first. One that cannot be read hides none of the others: its fault is
// among the problems.
func (s *Store) List() (entries []Entry, problems []*fault.Fault, err error) {
	if s.dir == "" {
		return nil, nil, nil
	}
	files, err := filepath.Glob(filepath.Join(escaped(s.dir), "*.json"))
	if err != nil {
		return nil, nil, unwritable(s.dir, err)
	}
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".json")
		content, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it was sent meanwhile
		}
		var e Entry
		if err == nil {
			err = json.Unmarshal(content, &e)
		}
		if err == nil && (e.ID != id || e.Operation == "" || e.IdempotencyKey == "" || slices.ContainsFunc(e.Inputs, foreign)) {
			err = errors.New("it is not what atg wrote")
		}
		if err != nil {
			problems = append(problems, broken(id, err))
			continue
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return entries, problems, nil
}

// Lock keeps others from sending at the same time, until unlock. It waits for them, which waiting tells the
// user; the end of ctx ends that with its cause.
func (s *Store) Lock(ctx context.Context, waiting func()) (unlock func(), err error) {
	type answer struct {
		unlock func()
		err    error
	}
	answered, left := make(chan answer), make(chan struct{})
	defer close(left)
	go func() { // a lock cannot be given up, but be given back
		unlock, err := s.lock("flush.lock")
		select {
		case answered <- answer{unlock, err}:
		case <-left:
			if err == nil {
				unlock()
			}
		}
	}()
	slow := time.NewTimer(time.Second)
	defer slow.Stop()
	for {
		select {
		case a := <-answered:
			return a.unlock, a.err
		case <-slow.C:
			waiting()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *Store) lock(name string) (unlock func(), err error) {
	if s.dir == "" {
		return nil, unwritable("", errors.New("there is no home folder to keep it in"))
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, unwritable(s.dir, err)
	}
	locked, err := lockedfile.OpenFile(filepath.Join(s.dir, name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unwritable(s.dir, err)
	}
	return func() { _ = locked.Close() }, nil
}

func (s *Store) file(id string) string { return filepath.Join(s.dir, id+".json") }

func (s *Store) write(e Entry) error {
	content, err := json.MarshalIndent(e, "", "  ")
	if err == nil {
		err = whole(s.file(e.ID), func(f *os.File) error {
			_, err := f.Write(append(content, '\n'))
			return err
		})
	}
	if err != nil {
		return unwritable(s.dir, err)
	}
	return nil
}

// escaped takes the meaning from what filepath.Glob would read as a pattern.
func escaped(dir string) string {
	if filepath.Separator != '/' { // there is no escaping on Windows, and no need: names hold no * and ?
		return dir
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

func random() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func unwritable(dir string, err error) error {
	if f := fault.As(err); f != nil {
		return f
	}
	return fault.New(fault.ExecutionFailed, "the queue of submissions cannot be used", fault.Because(err), fault.On(dir), fault.From(fault.OriginHost))
}

func broken(id string, err error) *fault.Fault {
	return fault.New(fault.ExecutionFailed, fmt.Sprintf("the queued submission %s cannot be read", id), fault.Because(err), fault.On(id), fault.From(fault.OriginHost))
}
