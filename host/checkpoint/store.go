package checkpoint

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// keep is how long what a scan has read is worth keeping: Azure goes on changing.
const keep = 7 * 24 * time.Hour

// Last is the name of the scan that was begun or resumed last.
const Last = "last"

// Store keeps scans in a folder. Several atg may use it at once.
type Store struct {
	dir string
	now func() time.Time
}

// New is the store in the folder dir, which need not exist.
func New(dir string) *Store { return &Store{dir: dir, now: time.Now} }

// Start begins a scan, and removes what nobody will resume: scans older than seven days, and those that were
// stopped before a part was finished. It fills Run and the times of r.
func (s *Store) Start(r Record) (*Run, error) {
	unlock, err := s.mutex()
	if err != nil {
		return nil, err
	}
	defer unlock()
	s.expire()
	r.StartedAt = s.now().UTC().Truncate(time.Second)
	r.Run = r.StartedAt.Format("20060102T150405Z") + "-" + random()
	dir := filepath.Join(s.dir, r.Run)
	if err := os.MkdirAll(filepath.Join(dir, workName), 0o700); err != nil {
		return nil, s.unusable(err)
	}
	run, err := s.take(dir)
	if err == nil && run == nil {
		err = errors.New("another atg has taken its lock")
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, s.unusable(err)
	}
	run.record = r
	if err := errors.Join(run.write(), run.open(0)); err != nil {
		run.remove()
		return nil, s.unusable(err)
	}
	return run, nil
}

// Resume takes up a scan that was begun before, by the id of one of its jobs, an unambiguous beginning of it,
// or Last. It answers fault.InvalidArgument with what there is to resume, or fault.Conflict if another atg
// runs it.
func (s *Store) Resume(name string) (*Run, error) {
	unlock, err := s.mutex()
	if err != nil {
		return nil, err
	}
	defer unlock()
	scans, err := s.list()
	if err != nil {
		return nil, err
	}
	scan, err := choose(scans, name)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, scan.Run)
	run, err := s.take(dir)
	if err != nil {
		return nil, s.unusable(err)
	}
	if run == nil {
		return nil, fault.New(fault.Conflict, "another atg is running this scan", fault.On(scan.ID()), fault.From(fault.OriginHost),
			fault.Hint("wait for its end, or stop it with Ctrl-C where it runs"))
	}
	parts, whole, err := readJournal(dir)
	run.record, run.parts = scan.Record, parts
	for _, p := range parts {
		run.keys[p.Key] = true
	}
	if err = errors.Join(err, run.open(whole)); err != nil {
		run.Close()
		return nil, s.unusable(err)
	}
	return run, nil
}

// choose finds the scan of that name, the newest first in scans.
func choose(scans []Scan, name string) (Scan, error) {
	if len(scans) == 0 {
		return Scan{}, fault.New(fault.InvalidArgument, "there is no scan to resume", fault.From(fault.OriginHost),
			fault.Hint("one that ends before it is whole can be resumed for seven days; start it without --resume"))
	}
	if name == Last {
		return scans[0], nil
	}
	found := called(scans, func(id string) bool { return id == name })
	if len(found) == 0 && name != "" {
		found = called(scans, func(id string) bool { return strings.HasPrefix(id, name) })
	}
	message := fmt.Sprintf("the ids of %d scans begin with %q", len(found), name)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		message, found = fmt.Sprintf("there is no scan %q to resume, but there are others", name), scans
	}
	var problems []fault.Problem
	for _, scan := range found {
		problems = append(problems, fault.Problem{Key: scan.ID(), Message: scan.String()})
	}
	return Scan{}, fault.New(fault.InvalidArgument, message, fault.Problems(problems...), fault.From(fault.OriginHost),
		fault.Hint("name one by its id, the beginning of it, or the word last"))
}

// called are the scans of which an id is meant.
func called(scans []Scan, meant func(id string) bool) (found []Scan) {
	for _, scan := range scans {
		if meant(scan.Run) || slices.ContainsFunc(scan.Jobs, meant) {
			found = append(found, scan)
		}
	}
	return found
}

// List answers the scans that are not whole, the newest first.
func (s *Store) List() ([]Scan, error) {
	if _, err := os.Stat(s.dir); err != nil {
		return nil, nil //nolint:nilerr // nothing was kept yet
	}
	unlock, err := s.mutex()
	if err != nil {
		return nil, err
	}
	defer unlock()
	return s.list()
}

func (s *Store) list() ([]Scan, error) {
	var scans []Scan
	for _, dir := range s.folders() {
		record, err := readRecord(dir)
		if err != nil {
			continue // it is being removed, or of another version
		}
		scan := Scan{Record: record}
		if scan.Parts, _, err = readJournal(dir); err != nil {
			return nil, s.unusable(err)
		}
		run, err := s.take(dir)
		if err != nil {
			return nil, s.unusable(err)
		}
		if scan.Running = run == nil; !scan.Running {
			run.Close()
		}
		scans = append(scans, scan)
	}
	slices.SortFunc(scans, func(a, b Scan) int {
		if c := b.UpdatedAt.Compare(a.UpdatedAt); c != 0 {
			return c
		}
		return strings.Compare(b.Run, a.Run)
	})
	return scans, nil
}

// expire removes what nobody will resume.
func (s *Store) expire() {
	for _, dir := range s.folders() {
		info, err := os.Stat(dir)
		if err != nil {
			continue
		}
		updated, empty := info.ModTime(), false
		if record, err := readRecord(dir); err == nil {
			parts, _, err := readJournal(dir)
			updated, empty = record.UpdatedAt, err == nil && len(parts) == 0
		}
		if !empty && s.now().Sub(updated) < keep {
			continue
		}
		if run, err := s.take(dir); err == nil && run != nil {
			run.remove()
		}
	}
}

// folders are those of the scans.
func (s *Store) folders() []string {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, filepath.Join(s.dir, e.Name()))
		}
	}
	return dirs
}

// take takes the lock of a scan; nil if another has it.
func (s *Store) take(dir string) (*Run, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	taken, err := lock(file)
	if err != nil || !taken {
		_ = file.Close()
		return nil, err
	}
	return &Run{store: s, dir: dir, lock: file, keys: map[string]bool{}}, nil
}

// mutex keeps other atg from looking at locks, until unlock: looking takes them for a moment.
func (s *Store) mutex() (unlock func(), err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, s.unusable(err)
	}
	locked, err := lockedfile.OpenFile(filepath.Join(s.dir, "store.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, s.unusable(err)
	}
	return func() { _ = locked.Close() }, nil
}

func (s *Store) unusable(err error) error {
	return fault.New(fault.ExecutionFailed, "the folder of unfinished scans cannot be used", fault.Because(err), fault.On(s.dir), fault.From(fault.OriginHost))
}

func random() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
