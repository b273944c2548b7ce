package query

import (
	"crypto/sha256"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzQuery: whatever SQL, name or arguments somebody sends, the answer is rows of JSON or a fault that says what is wrong with the query, in
// bounded time; nothing is written but the rows, and the snapshot stays as it is.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"SELECT * FROM resources", "SELECT 1; DELETE FROM resources", "ATTACH '/tmp/x' AS x", "PRAGMA writable_schema=1", "SELECT load_extension('x')", "SELECT readfile('/etc/passwd')",
		"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r) SELECT count(*) FROM r", "SELECT zeroblob(1000000000)", "VACUUM INTO '/tmp/x'", "CREATE TEMP TABLE t(a)", "SELECT ?1, :a",
		"SELECT json_each.value, x'ff', 1e999, -0.0, 'a\u0000b' FROM json_each('[1]')", "EXPLAIN SELECT 1", "SELECT fts3_tokenizer('x')", "BEGIN", "\x00", "--", "SELECT \xff", "VALUES(1),(2)",
		"INSERT INTO resources SELECT * FROM resources RETURNING id", "SELECT * FROM sqlite_dbpage", "SELECT printf('%.*c', 100000000, 'x')",
	} {
		f.Add(q, "", "", 3)
	}
	for _, q := range namedQueries() {
		f.Add("", q.name, "x\x1b[2J'\"%", 0)
	}
	r, file := writeFile(f, strings.NewReader(`{"table":"resources","id":"/subscriptions/s/resourceGroups/g/providers/a/b/c","name":"c","type":"a/b","subscription":"s","group":"g","properties":{"a":[1]}}`+"\n"))
	sum := func() [32]byte {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		return sha256.Sum256(content)
	}
	before := sum()
	f.Fuzz(func(t *testing.T, sql, name, argument string, limit int) {
		request := &backend.SnapshotQueryRequest{SQL: sql, Name: name, RowLimit: int64(limit)}
		if argument != "" {
			request.Args = []string{argument}
		}
		began := time.Now()
		result, rows, err := run(t, Query{Reader: r, Timeout: 2 * time.Second, bounds: bounds{value: 1 << 20, memory: maxMemory, temp: 1 << 20, grace: 2 * time.Second}}, request)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
		if err != nil {
			if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument {
				t.Errorf("%v", err)
			}
		} else {
			lines := strings.Split(strings.TrimSuffix(rows, "\n"), "\n")
			if result.RowCount == 0 {
				lines = nil
			}
			if int64(len(lines)) != result.RowCount || limit > 0 && len(lines) > limit {
				t.Errorf("%d lines are said to be %d rows", len(lines), result.RowCount)
			}
			for _, line := range lines {
				if !json.Valid([]byte(line)) {
					t.Errorf("%q", line)
				}
			}
		}
		if sum() != before {
			t.Fatal("the snapshot has changed")
		}
	})
}
