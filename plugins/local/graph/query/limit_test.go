package query

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "

// What runs for ever is ended by the time, also within one function of SQLite.
func TestTime(t *testing.T) {
	cases := map[string]string{
		"counts":                   endless + "SELECT count(*) FROM n",
		"behind its first row":     "SELECT 1 UNION ALL SELECT * FROM (" + endless + "SELECT count(*) FROM n)",
		"answers rows":             endless + "SELECT i FROM n",
		"sorts":                    endless + "SELECT i FROM n ORDER BY i DESC",
		"joins":                    "SELECT count(*) FROM nodes a, nodes b, nodes c, nodes d, nodes e, nodes f, nodes g, nodes h, nodes i, nodes j",
		"searches in one function": "SELECT instr(hex(zeroblob(2000000)), hex(zeroblob(300000)) || '1')",
	}
	r := third(t)
	hasty := usualBounds
	hasty.grace = 100 * time.Millisecond
	for name, sql := range cases {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, _, err := run(t, Query{Reader: r, Timeout: 50 * time.Millisecond, bounds: hasty}, &backend.SnapshotQueryRequest{SQL: sql})
			if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, "did not end within 50ms") || !strings.Contains(f.Hint, "query_timeout") {
				t.Error(err)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	q := Query{Reader: third(t), Dir: t.TempDir()}
	_, err := q.Run(ctx, &backend.SnapshotQueryRequest{SQL: endless + "SELECT count(*) FROM n"})
	if fault.CodeOf(err) != fault.Interrupted {
		t.Error(err)
	}
}

// limited is how many queries the limit of memory is for.
func limited() int {
	memory.Lock()
	defer memory.Unlock()
	return memory.queries
}

// Whatever a query makes, it stays within its limits of memory.
func TestMemory(t *testing.T) {
	small := bounds{value: 1 << 20, memory: 16 << 20, temp: 1 << 30, grace: time.Minute}
	cases := map[string]struct{ sql, want string }{
		"a blob":                    {"SELECT randomblob(1000000000)", "a value of more than 1 MB"},
		"zeros":                     {"SELECT length(zeroblob(1000000000))", "a value of more than 1 MB"},
		"a format":                  {"SELECT printf('%.*c', 1000000000, 'x')", "a value of more than 1 MB"},
		"a text by and by":          {endless + "SELECT length(group_concat(hex(zeroblob(5000)))) FROM (SELECT i FROM n LIMIT 300)", "a value of more than 1 MB"},
		"JSON":                      {endless + "SELECT length(json_group_array(hex(zeroblob(5000)))) FROM (SELECT i FROM n LIMIT 300)", "a value of more than 1 MB"},
		"many texts at once":        {"SELECT " + strings.Repeat("hex(zeroblob(500000)), ", 100) + "1", "more than 16 MB of memory"},
		"a row that is too large":   {endless + "SELECT DISTINCT " + strings.Repeat("hex(zeroblob(50000)) || i, ", 20) + "1 FROM n", "a value of more than 1 MB"},
		"columns":                   {"SELECT " + strings.Repeat("1, ", 600) + "1", "too many columns"},
		"depth":                     {"SELECT " + strings.Repeat("- ", 500) + "1", "Expression tree is too large"},
		"a pattern":                 {"SELECT '0' LIKE '" + strings.Repeat("%0", 1000) + "1'", "too complex"},
		"SQL":                       {"SELECT '" + strings.Repeat("x", maxSQL) + "'", "longer than"},
		"a file":                    {"SELECT readfile('/etc/passwd')", "no such function"},
		"an extension":              {"SELECT load_extension('x')", "not authorized"},
		"what is within all limits": {endless + "SELECT sum(length(hex(zeroblob(400000)))) FROM (SELECT i FROM n LIMIT 20)", ""},
	}
	r, before := third(t), limited() // those that TestTime has left behind
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := run(t, Query{Reader: r, bounds: small}, &backend.SnapshotQueryRequest{SQL: c.sql})
			if c.want == "" && err == nil {
				return
			}
			if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || c.want == "" || !strings.Contains(f.Message, c.want) {
				t.Error(err)
			}
		})
	}
	if after := limited(); after > before {
		t.Errorf("the limit of memory stays: %d queries, and there were %d", after, before)
	}
}

// Sorting takes temporary files where memory does not do, and these have a bound.
func TestTemporaryFiles(t *testing.T) {
	const sort = endless + "SELECT sum(length(x)) AS n FROM (SELECT hex(zeroblob(50000)) || i AS x FROM (SELECT i FROM n LIMIT 1000) ORDER BY x LIMIT 900)"
	r := third(t)
	b := bounds{value: 1 << 20, memory: 60 << 20, temp: 1 << 30, grace: time.Minute}
	_, rows, err := run(t, Query{Reader: r, bounds: b}, &backend.SnapshotQueryRequest{SQL: sort})
	if err != nil || !strings.HasPrefix(rows, "{\"n\":9000") {
		t.Errorf("%s, %v", rows, err)
	}
	b.temp = 1 << 20
	_, _, err = run(t, Query{Reader: r, bounds: b}, &backend.SnapshotQueryRequest{SQL: strings.ReplaceAll(sort, "LIMIT", "LIMIT 1000 *")})
	if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, "more than 1 MB for what it sorts") {
		t.Error(err)
	}
}

func TestTemporaryFilesThatAreOpen(t *testing.T) {
	before := tempSize()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 12345)); err != nil {
		t.Fatal(err)
	}
	if got := tempSize() - before; got != 12345 {
		t.Errorf("%d bytes", got)
	}
}
