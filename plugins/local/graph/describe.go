package graph

import (
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// SchemaVersion is the version of the format that this package writes, in PRAGMA user_version. It
// reads this one and every earlier one.
const SchemaVersion = 3

// applicationID marks a finished snapshot, in PRAGMA application_id: the letters ATGS.
const applicationID = 0x41544753

// metaEntries are the rows of the table meta. What depends on the finished file, its size and
// checksum, cannot be among them.
func metaEntries(s backend.Snapshot, request backend.ScanRequest, counts Counts) (map[string]string, error) {
	asked, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	return map[string]string{
		"id":               s.ID,
		"tenant_id":        s.TenantID,
		"tenant_name":      s.TenantName,
		"job_id":           s.JobID,
		"created_at":       s.CreatedAt.Format(time.RFC3339Nano),
		"duration_seconds": strconv.FormatFloat(s.DurationSeconds, 'f', 3, 64),
		"complete":         strconv.FormatBool(s.Complete),
		"filtered":         strconv.FormatBool(s.Filtered),
		"producer":         s.Producer,
		"schema_version":   strconv.Itoa(s.SchemaVersion),
		"request":          string(asked),
		"subscriptions":    number(s.Subscriptions),
		"resources":        number(s.Resources),
		"relationships":    number(s.Relationships),
		"identities":       number(s.Identities),
		"role_assignments": number(s.RoleAssignments),
		"rows_without_id":  number(counts.WithoutID),
		"duplicates":       number(counts.Duplicates),
	}, nil
}

// readMeta reads the table meta back. Keys that it does not know are left alone.
func readMeta(ctx context.Context, db *sql.DB) (backend.Snapshot, *backend.ScanRequest, error) {
	var s backend.Snapshot
	request := new(backend.ScanRequest)
	number := func(n *int64) func(string) error {
		return func(v string) (err error) { *n, err = strconv.ParseInt(v, 10, 64); return err }
	}
	word := func(w *string) func(string) error {
		return func(v string) error { *w = v; return nil }
	}
	truth := func(b *bool) func(string) error {
		return func(v string) (err error) { *b, err = strconv.ParseBool(v); return err }
	}
	fields := map[string]func(string) error{
		"id":               word(&s.ID),
		"tenant_id":        word(&s.TenantID),
		"tenant_name":      word(&s.TenantName),
		"job_id":           word(&s.JobID),
		"created_at":       func(v string) (err error) { s.CreatedAt, err = time.Parse(time.RFC3339Nano, v); return err },
		"duration_seconds": func(v string) (err error) { s.DurationSeconds, err = strconv.ParseFloat(v, 64); return err },
		"complete":         truth(&s.Complete),
		"filtered":         truth(&s.Filtered),
		"producer":         word(&s.Producer),
		"schema_version":   func(v string) (err error) { s.SchemaVersion, err = strconv.Atoi(v); return err },
		"request":          func(v string) error { return json.Unmarshal([]byte(v), request) },
		"subscriptions":    number(&s.Subscriptions),
		"resources":        number(&s.Resources),
		"relationships":    number(&s.Relationships),
		"identities":       number(&s.Identities),
		"role_assignments": number(&s.RoleAssignments),
	}
	rows, err := db.QueryContext(ctx, `SELECT key, value FROM meta`)
	if err != nil {
		return s, nil, err
	}
	defer discard(rows)
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return s, nil, err
		}
		if set := fields[key]; set != nil {
			if err := set(value); err != nil {
				return s, nil, fmt.Errorf("meta %s: %w", key, err)
			}
			delete(fields, key)
		}
	}
	if err := rows.Err(); err != nil {
		return s, nil, err
	}
	for key := range fields {
		return s, nil, fmt.Errorf("meta %s is missing", key)
	}
	return s, request, nil
}

// storedFault is a fault with its cause as text.
type storedFault struct {
	*fault.Fault
	Cause string `json:"cause,omitempty"`
}

func encodeFault(f *fault.Fault) ([]byte, error) {
	if f == nil {
		return nil, nil
	}
	stored := storedFault{Fault: f}
	if f.Cause != nil {
		stored.Cause = f.Cause.Error()
	}
	return json.Marshal(stored)
}

func decodeFault(text []byte) (*fault.Fault, error) {
	if len(text) == 0 {
		return nil, nil
	}
	stored := storedFault{Fault: new(fault.Fault)}
	if err := json.Unmarshal(text, &stored); err != nil {
		return nil, err
	}
	if stored.Cause != "" {
		stored.Fault.Cause = errors.New(stored.Cause)
	}
	return stored.Fault, nil
}

// headerSize is the size of the header of an SQLite file (https://www.sqlite.org/fileformat2.html).
const headerSize = 100

// checkFile tells cheaply whether the file at path is a whole snapshot of a version that can be
// read, and its size. The faults are fault.Integrity, and fault.Unsupported for a newer version.
func checkFile(path string) (size int64, version int, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, 0, err
	}
	if !info.Mode().IsRegular() {
		return 0, 0, broken(path, "is not a regular file", nil)
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer discard(f)
	var header [headerSize]byte
	if _, err := io.ReadFull(f, header[:]); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, 0, broken(path, "is cut off: it is shorter than its header", nil)
	} else if err != nil {
		return 0, 0, err
	}
	if string(header[:16]) != "SQLite format 3\x00" || binary.BigEndian.Uint32(header[68:]) != applicationID {
		return 0, 0, broken(path, "is no snapshot of atg", nil)
	}
	page := int64(binary.BigEndian.Uint16(header[16:]))
	if page == 1 {
		page = 65536
	}
	if want := page * int64(binary.BigEndian.Uint32(header[28:])); info.Size() != want {
		return 0, 0, broken(path, fmt.Sprintf("is cut off or was added to: it has %d bytes, not %d", info.Size(), want), nil)
	}
	version = int(binary.BigEndian.Uint32(header[60:]))
	if version > SchemaVersion {
		return 0, 0, fault.New(fault.Unsupported, fmt.Sprintf("%s was made by a newer atg: its format is %d, and this atg reads up to %d",
			path, version, SchemaVersion), fault.On(path), fault.Hint("upgrade atg"))
	}
	if version < 1 {
		return 0, 0, broken(path, fmt.Sprintf("has the unknown format %d", version), nil)
	}
	return info.Size(), version, nil
}

// broken says that a file in the store cannot be read as a snapshot, and what is wrong with it.
func broken(path, what string, cause error) error {
	return fault.New(fault.Integrity, path+" "+what, fault.On(path), fault.Because(cause),
		fault.Hint("scan again, or bring the file back from where it was copied; `atg snapshot delete` removes it"))
}
