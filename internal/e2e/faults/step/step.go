// Package step is what the fault matrix and its backend have in common: how the backend says at which step of a job it is, and
// waits there until it may go on; what a job is asked to do; and what its files have to be.
package step

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

// Variable names the unix socket of whoever hears of steps.
const Variable = "ATG_FAULTS_CONTROL"

// The steps of a job, as its backend sees them.
const (
	Describe  = "describe"  // asked what it is; of no job yet
	Submit    = "submit"    // asked to do a job
	Watch     = "watch"     // asked for a job's events
	Plan      = "plan"      // asked into which shards a scan may be cut
	Run       = "run"       // the work begins
	Shard     = "shard"     // the work on a shard begins
	Part      = "part"      // a part is written, and not yet announced
	Parted    = "parted"    // it is announced
	Merge     = "merge"     // the parts of shards are put together
	Finish    = "finish"    // the work is done, and nobody knows yet
	Snapshot  = "snapshot"  // asked for the snapshot's file
	Artifacts = "artifacts" // asked for the job's files; the snapshot is stored
)

// What a backend is told at a step.
const (
	Go    = "go"    // go on
	Hang  = "hang"  // never answer, whatever is cancelled
	Fail  = "fail"  // the attempt fails with an error that another attempt may not meet
	Waste = "waste" // take memory until somebody ends it
)

// Arrival is a backend at a step.
type Arrival struct {
	Tenant string `json:"tenant"` // which names the job
	Step   string `json:"step"`
	Key    string `json:"key,omitempty"` // of the part
	PID    int    `json:"pid"`           // of the backend
	Worker int    `json:"worker"`        // process id of its worker
}

// At says where the backend is, and answers what it is told. Whoever does not answer for good is gone, and everything with it.
func At(ctx context.Context, a Arrival) string {
	a.PID, a.Worker = os.Getpid(), os.Getppid()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", os.Getenv(Variable))
	if err != nil {
		return Go // nobody wants to know
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var told string
	if json.NewEncoder(conn).Encode(a) != nil || json.NewDecoder(conn).Decode(&told) != nil {
		return Go
	}
	return told
}

// Wish is what a job is asked to do. It travels as the tags of a scan's filter.
type Wish struct {
	Parts  int   // of the scan
	Shards bool  // its plan is large enough for shards
	Bytes  int64 // of each file that it makes
}

// Tags are a wish as tags.
func (w Wish) Tags() map[string]string {
	return map[string]string{"parts": strconv.Itoa(w.Parts), "shards": strconv.FormatBool(w.Shards), "bytes": strconv.FormatInt(w.Bytes, 10)}
}

// ParseWish reads it of tags.
func ParseWish(tags map[string]string) (w Wish, err error) {
	for _, read := range []func() error{
		func() (err error) { w.Parts, err = strconv.Atoi(tags["parts"]); return err },
		func() (err error) { w.Shards, err = strconv.ParseBool(tags["shards"]); return err },
		func() (err error) { w.Bytes, err = strconv.ParseInt(tags["bytes"], 10, 64); return err },
	} {
		if err := read(); err != nil {
			return w, fmt.Errorf("no wish of this backend: %w", err)
		}
	}
	return w, nil
}

// Content is what a file of a tenant's job holds: bytes that nothing can compress, and that follow from the names alone.
func Content(tenant, name string, size int64) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(tenant + "\x00" + name))).Read(b) // never fails
	return b
}

// SnapshotBytes is the size of a snapshot's file, whose name is "snapshot" for Content.
const SnapshotBytes = 100_000

// PartName is the file of a part, and its key.
func PartName(i int) string { return fmt.Sprintf("part-%02d", i) }

// Sum is the SHA-256 of b in hexadecimal.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Files are the artifacts of a scan: their content by path. The first is made of the parts, so that a part that was lost
// or damaged on its way spoils it.
func Files(tenant string, w Wish) map[string][]byte {
	var all []byte
	for i := range w.Parts {
		all = append(all, Content(tenant, PartName(i), w.Bytes)...)
	}
	return map[string][]byte{"parts.bin": all, "report/own.bin": Content(tenant, "own.bin", w.Bytes)}
}
