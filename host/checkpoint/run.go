package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Run is a scan that this atg runs. It ends with Keep, Remove or Close; a process that is killed ends it too.
type Run struct {
	store   *Store
	dir     string
	record  Record
	parts   []backend.Part  // of earlier jobs
	keys    map[string]bool // of all its parts
	journal *os.File
	lock    *os.File
}

// Scan is what is kept of it.
func (r *Run) Scan() Scan { return Scan{Record: r.record, Parts: slices.Clone(r.parts), Running: true} }

// WorkDir is the folder for the files of its parts.
func (r *Run) WorkDir() string { return filepath.Join(r.dir, workName) }

// Finished is how many parts are kept.
func (r *Run) Finished() int { return len(r.keys) }

// Began enters the job that works on it from now on.
func (r *Run) Began(job string) error {
	r.record.Jobs = append(r.record.Jobs, job)
	r.record.Ended = ""
	return r.write()
}

// Tenant enters the tenant that the job has found.
func (r *Run) Tenant(id string) error {
	if r.record.TenantID == id || id == "" {
		return nil
	}
	r.record.TenantID = id
	return r.write()
}

// Part enters a finished part. A line is one write, so that what a crash leaves is whole lines and at most
// the beginning of one.
func (r *Run) Part(p backend.Part) error {
	line, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if _, err := r.journal.Write(append(line, '\n')); err != nil {
		return err
	}
	r.keys[p.Key] = true
	return nil
}

// Keep ends it so that it can be resumed; why says what kept it from being whole.
func (r *Run) Keep(why fault.Code) error {
	r.record.Ended = why
	err := r.write()
	r.Close()
	return err
}

// Remove ends it and forgets all of it.
func (r *Run) Remove() {
	if unlock, err := r.store.mutex(); err == nil {
		defer unlock()
	}
	r.remove()
}

func (r *Run) remove() {
	// Without a record nobody takes it up; and where files that are open stay, the lock's has to be closed.
	_ = os.Remove(filepath.Join(r.dir, recordName))
	r.Close()
	_ = os.RemoveAll(r.dir)
}

// Close ends it and leaves what is kept of it as it stands.
func (r *Run) Close() {
	if r.journal != nil {
		_ = r.journal.Close()
	}
	_ = r.lock.Close() // and with it the lock is gone
}

// open opens the journal behind its whole lines.
func (r *Run) open(whole int64) error {
	file, err := os.OpenFile(filepath.Join(r.dir, journalName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	r.journal = file
	return file.Truncate(whole)
}

func (r *Run) write() error {
	r.record.UpdatedAt = r.store.now().UTC()
	return writeRecord(r.dir, r.record)
}
