// Package checkpoint keeps the finished parts of scans that are not whole yet, so that atg scan --resume
// goes on from them, also after the machine or atg itself was stopped in the middle.
//
// Each scan has a folder of its own:
//
//	record.json   what was asked for, of whom, and how it ended; replaced as a whole
//	parts.ndjson  the finished parts, a line each, appended as they come
//	work/         where the backend keeps the files of the parts
//	lock          held by the atg that runs the scan
//
// No secret is among them: a request names a tenant and filters.
package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Record says what a scan was asked for, and what became of it.
type Record struct {
	Run       string               `json:"run"`            // the name of its folder
	Jobs      []string             `json:"jobs,omitempty"` // that have worked on it, by id, the latest last
	Backend   string               `json:"backend"`
	Profile   string               `json:"profile,omitempty"`
	TenantID  string               `json:"tenant_id,omitempty"` // that was found, or asked for
	Request   *backend.ScanRequest `json:"request"`
	StartedAt time.Time            `json:"started_at"`
	UpdatedAt time.Time            `json:"updated_at"`
	// Ended is why the latest job did not make it whole; empty while it runs, and if it was killed.
	Ended fault.Code `json:"ended,omitempty"`
}

// Scan is a scan that is not whole.
type Scan struct {
	Record
	Parts   []backend.Part // that are finished, each key once
	Running bool           // an atg works on it
}

// ID is by what a user calls it: the id of its latest job.
func (s Scan) ID() string {
	if len(s.Jobs) == 0 {
		return s.Run
	}
	return s.Jobs[len(s.Jobs)-1]
}

// Rows are those of the finished parts.
func (s Scan) Rows() (n int64) {
	for _, p := range s.Parts {
		n += p.Rows
	}
	return n
}

// String says in a few words what a user needs to know it again.
func (s Scan) String() string {
	tenant := "tenant " + s.TenantID
	if s.TenantID == "" {
		tenant = "the only tenant in reach"
	}
	if s.Backend != "local" {
		tenant += ", backend " + s.Backend
	}
	if s.Profile != "" {
		tenant += ", profile " + s.Profile
	}
	state := "stopped in the middle"
	switch {
	case s.Running:
		state = "running"
	case s.Ended != "":
		state = string(s.Ended)
	}
	return fmt.Sprintf("%s, begun %s, %s: %d finished parts with %d rows", tenant, s.StartedAt.Format("2006-01-02 15:04:05 UTC"), state, len(s.Parts), s.Rows())
}

const (
	recordName  = "record.json"
	journalName = "parts.ndjson"
	lockName    = "lock"
	workName    = "work"
)

// readRecord reads the record in a folder. One with something that this version does not know is not read:
// it would go on with less than was asked for.
func readRecord(dir string) (Record, error) {
	var r Record
	content, err := os.ReadFile(filepath.Join(dir, recordName))
	if err != nil {
		return r, err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, err
	}
	if r.Run != filepath.Base(dir) || r.Backend == "" || r.Request == nil {
		return r, errors.New("it is not what atg wrote")
	}
	return r, nil
}

func writeRecord(dir string, r Record) error {
	content, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(dir, ".record-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }()
	_, err = next.Write(append(content, '\n'))
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return err
	}
	return os.Rename(next.Name(), filepath.Join(dir, recordName))
}

// readJournal reads the finished parts; of a part that was read twice, the later one. Whole is how long the
// journal is without a last line that was cut off. A line that is none of ours is passed over: its part is
// read again.
func readJournal(dir string) (parts []backend.Part, whole int64, err error) {
	content, err := os.ReadFile(filepath.Join(dir, journalName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	content = content[:bytes.LastIndexByte(content, '\n')+1]
	at := map[string]int{}
	for line := range strings.Lines(string(content)) {
		var p backend.Part
		if json.Unmarshal([]byte(line), &p) != nil || p.Key == "" || !filepath.IsLocal(filepath.FromSlash(p.Path)) {
			continue
		}
		if i, again := at[p.Key]; again {
			parts[i] = p
			continue
		}
		at[p.Key] = len(parts)
		parts = append(parts, p)
	}
	return parts, int64(len(content)), nil
}
