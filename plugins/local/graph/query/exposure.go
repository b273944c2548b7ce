package query

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// exposures are the named queries whose rows are counted when a snapshot is described, and how.
var exposures = []struct{ query, name, count string }{
	{"public-ips", "public IP addresses in use", "count(DISTINCT iif(attached_to = '', NULL, id))"},
	{"public-storage", "storage accounts open to the internet", "count(*)"},
	{"open-ports", "rules that open ports for management or databases to the internet", "count(*)"},
	{"owners", "users, groups and applications that may give subscriptions away", "count(DISTINCT principal_id)"},
	{"privileged-guests", "guests who may change things", "count(DISTINCT principal_id)"},
	{"expiring-credentials", "credentials that have expired, or will within 30 days", "count(*)"},
	{"dangling", "references to what is not in the snapshot", "count(*)"},
	{"untagged", "resources and resource groups without tags", "count(*)"},
}

// ExposureVersion changes with what Exposure counts.
var ExposureVersion = sync.OnceValue(func() string {
	hash := sha256.New()
	for _, e := range exposures {
		q, _ := find(&backend.SnapshotQueryRequest{Name: e.query})
		fmt.Fprintln(hash, e.query, e.name, e.count, q.sql)
	}
	for _, v := range views() {
		fmt.Fprintln(hash, v.name, v.sql)
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
})

// Exposure counts what deserves a look: each with the name of the query that lists it. It needs a reader with a graph. At 100,000 resources it takes about half a second.
func Exposure(ctx context.Context, r *graph.Reader) ([]backend.Count, error) {
	defer limitMemory(usualBounds.memory)()
	counts, faults := make([]backend.Count, len(exposures)), make([]error, len(exposures))
	todo := make(chan int)
	var done sync.WaitGroup
	for range 2 {
		done.Go(func() {
			s, err := openSession(ctx, r, usualBounds)
			if err == nil {
				defer s.close()
			}
			for i := range todo {
				if faults[i] = err; err == nil {
					counts[i], faults[i] = s.exposure(ctx, i)
				}
			}
		})
	}
	for i := range exposures {
		todo <- i
	}
	close(todo)
	done.Wait()
	for _, err := range faults {
		if err != nil {
			return nil, ranInto(r, usualBounds, err)
		}
	}
	return counts, nil
}

func (s *session) exposure(ctx context.Context, i int) (backend.Count, error) {
	e := exposures[i]
	c := backend.Count{Key: e.query, Name: e.name}
	q, err := find(&backend.SnapshotQueryRequest{Name: e.query})
	if err != nil {
		return c, err
	}
	values, err := q.arguments(nil)
	if err != nil {
		return c, err
	}
	var args []any
	for i, p := range q.parameters {
		args = append(args, sql.Named(p.name, values[i]))
	}
	err = s.conn.QueryRowContext(ctx, "SELECT "+e.count+" FROM (\n"+q.sql+"\n)", args...).Scan(&c.Count)
	return c, err
}
