package query

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// third is a reader of the snapshot that keeps the third format readable.
func third(t *testing.T) *graph.Reader {
	t.Helper()
	r, err := graph.OpenFile(t.Context(), "../testdata/20260304-050607891-athird.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// run asks a query and answers its result and the rows.
func run(t *testing.T, q Query, request *backend.SnapshotQueryRequest) (*backend.SnapshotQueryResult, string, error) {
	t.Helper()
	q.Dir = t.TempDir()
	if err := Check(request); err != nil {
		return nil, "", err
	}
	result, err := q.Run(t.Context(), request)
	if left, readErr := os.ReadDir(q.Dir); readErr != nil || len(left) > 1 {
		t.Errorf("more than the rows is left: %v, %v", left, readErr)
	}
	if err != nil {
		return nil, "", err
	}
	rows, err := os.ReadFile(filepath.Join(q.Dir, result.Rows))
	if err != nil {
		t.Fatal(err)
	}
	return result, string(rows), nil
}

func TestRows(t *testing.T) {
	const values = `SELECT * FROM (VALUES
		(1, 'a', 1.0, '{"a":' || char(10) || '[1,  2]}', '2026-03-04T05:06:07Z', x'00ff', NULL, '=1+1'),
		(9007199254740993, 'b "quoted", ' || char(10), 0.1, '["x"]', '2026-03-04T05:06:07.5+01:00', NULL, NULL, '[no JSON'))`
	cases := map[string]struct {
		request backend.SnapshotQueryRequest
		columns string
		rows    string
	}{
		"values": {backend.SnapshotQueryRequest{SQL: values},
			"column1 integer, column2 text, column3 real, column4 json, column5 time, column6 text, column7 text, column8 text",
			`{"column1":1,"column2":"a","column3":1.0,"column4":{"a":[1,2]},"column5":"2026-03-04T05:06:07Z","column6":"00ff","column7":null,"column8":"=1+1"}
{"column1":9007199254740993,"column2":"b \"quoted\", \n","column3":0.1,"column4":["x"],"column5":"2026-03-04T05:06:07.5+01:00","column6":null,"column7":null,"column8":"[no JSON"}
`},
		"CSV": {backend.SnapshotQueryRequest{SQL: values, Format: "csv"},
			"column1 integer, column2 text, column3 real, column4 json, column5 time, column6 text, column7 text, column8 text",
			"column1,column2,column3,column4,column5,column6,column7,column8\r\n" +
				`1,a,1.0,"{""a"":[1,2]}",2026-03-04T05:06:07Z,00ff,,'=1+1` + "\r\n" +
				`9007199254740993,"b ""quoted"", ` + "\n" + `",0.1,"[""x""]",2026-03-04T05:06:07.5+01:00,,,[no JSON` + "\r\n"},
		"negative numbers are no formulas": {backend.SnapshotQueryRequest{SQL: "SELECT -1 AS a, '-1' AS b, '@x' AS c, ' x' AS d", Format: "csv"},
			"a integer, b text, c text, d text", "a,b,c,d\r\n-1,'-1,'@x,\" x\"\r\n"},
		"names that come twice":   {backend.SnapshotQueryRequest{SQL: "SELECT 1 AS a, 2 AS a, 3 AS a_2"}, "a integer, a_2 integer, a_2_2 integer", `{"a":1,"a_2":2,"a_2_2":3}` + "\n"},
		"kinds that differ":       {backend.SnapshotQueryRequest{SQL: "SELECT column1 AS a FROM (VALUES (1), ('x'), ('{}'))"}, "a text", "{\"a\":1}\n{\"a\":\"x\"}\n{\"a\":{}}\n"},
		"numbers":                 {backend.SnapshotQueryRequest{SQL: "SELECT 9223372036854775807 AS a, 1e300 AS b, 9e999 AS c, 0.30000000000000004 AS d"}, "a integer, b real, c real, d real", `{"a":9223372036854775807,"b":1e+300,"c":"+Inf","d":0.30000000000000004}` + "\n"},
		"booleans":                {backend.SnapshotQueryRequest{SQL: "SELECT guest, enabled FROM identities"}, "guest boolean, enabled boolean", `{"guest":false,"enabled":null}` + "\n"},
		"JSON as Azure wrote it":  {backend.SnapshotQueryRequest{SQL: "SELECT name, properties FROM resources WHERE type = 'microsoft.storage/storageaccounts'"}, "name text, properties json", `{"name":"Data","properties":{"provisioningState":"Succeeded"}}` + "\n"},
		"a view that hides":       {backend.SnapshotQueryRequest{SQL: "SELECT key, subscription FROM resources ORDER BY key LIMIT 1"}, "key text, subscription text", `{"key":"/providers/microsoft.authorization/policydefinitions/p","subscription":"First"}` + "\n"},
		"the table that it hides": {backend.SnapshotQueryRequest{SQL: "SELECT id_key FROM main.resources ORDER BY 1 LIMIT 1"}, "id_key text", `{"id_key":"/providers/microsoft.authorization/policydefinitions/p"}` + "\n"},
		"no rows":                 {backend.SnapshotQueryRequest{SQL: "SELECT name, sku FROM resources WHERE 0"}, "name text, sku json", ""},
		"arguments":               {backend.SnapshotQueryRequest{SQL: "SELECT ?2 AS a, ?1 AS b", Args: []string{"x'; --", "2"}}, "a text, b text", `{"a":"2","b":"x'; --"}` + "\n"},
		"named parameters":        {backend.SnapshotQueryRequest{SQL: "SELECT :b AS a, @c AS b, $d AS c, :b AS d", Args: []string{"x", "y", "z"}}, "a text, b text, c text, d text", `{"a":"x","b":"y","c":"z","d":"x"}` + "\n"},
		"comments":                {backend.SnapshotQueryRequest{SQL: "-- what\nSELECT 1 AS a; -- that\n /* all */ ;"}, "a integer", `{"a":1}` + "\n"},
	}
	r := third(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			result, rows, err := run(t, Query{Reader: r}, &c.request)
			if err != nil {
				t.Fatal(err, fault.As(err).Hint)
			}
			var columns []string
			for _, c := range result.Columns {
				columns = append(columns, c.Name+" "+c.Type)
			}
			if diff := cmp.Diff(c.columns, strings.Join(columns, ", ")); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.rows, rows); diff != "" {
				t.Error(diff)
			}
			if result.Snapshot != r.Snapshot().ID || result.Truncated || c.request.Format == "" && result.RowCount != int64(strings.Count(rows, "\n")) {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestRowLimit(t *testing.T) {
	r := third(t)
	for limit, truncated := range map[int64]bool{1: true, 3: true, 4: false, 5: false} {
		for _, q := range []backend.SnapshotQueryRequest{{SQL: "SELECT id FROM resources"}} {
			q.RowLimit = limit
			result, rows, err := run(t, Query{Reader: r}, &q)
			if err != nil {
				t.Fatal(err)
			}
			if n := int64(strings.Count(rows, "\n")); result.Truncated != truncated || n != min(limit, 4) || n != result.RowCount {
				t.Errorf("limit %d: %+v\n%s", limit, result, rows)
			}
		}
	}
}

func TestWrongQueries(t *testing.T) {
	cases := map[string]struct {
		request       backend.SnapshotQueryRequest
		message, hint string
	}{
		"nothing":                {backend.SnapshotQueryRequest{}, "either SQL or the name", "--list"},
		"both":                   {backend.SnapshotQueryRequest{SQL: "SELECT 1", Name: "public-ips"}, "either SQL or the name", ""},
		"blank":                  {backend.SnapshotQueryRequest{SQL: " -- nothing"}, "the query is empty", ""},
		"format":                 {backend.SnapshotQueryRequest{SQL: "SELECT 1", Format: "xml"}, `no format "xml"`, "ndjson and csv"},
		"limit":                  {backend.SnapshotQueryRequest{SQL: "SELECT 1", RowLimit: -1}, "less than 0", ""},
		"no SQL":                 {backend.SnapshotQueryRequest{SQL: "SELEC 1"}, `at character 1: near "SELEC": syntax error`, "docs/query.md"},
		"place":                  {backend.SnapshotQueryRequest{SQL: "SELECT name\nFROM resources\nWHERE ünused = 1"}, "at line 3, character 7: no such column: ünused", ""},
		"no table":               {backend.SnapshotQueryRequest{SQL: "SELECT * FROM resuorces"}, "no such table: resuorces", "did you mean resources? there are the views containers, "},
		"no column":              {backend.SnapshotQueryRequest{SQL: "SELECT r.nam FROM resources AS r"}, "no such column: r.nam", "did you mean name? resources has the columns key, id, name, "},
		"a text in wrong quotes": {backend.SnapshotQueryRequest{SQL: `SELECT * FROM nodes WHERE kind = "tenant"`}, `no such column: "tenant"`, "single quotes"},
		"no function":            {backend.SnapshotQueryRequest{SQL: "SELECT lenght('x')"}, "no such function: lenght", "lang_corefunc"},
		"two statements":         {backend.SnapshotQueryRequest{SQL: "SELECT 1; SELECT 2"}, "more than one statement", ""},
		"a wrong second one":     {backend.SnapshotQueryRequest{SQL: "SELECT 1; DROP"}, "more than one statement", ""},
		"too few arguments":      {backend.SnapshotQueryRequest{SQL: "SELECT ?, ?", Args: []string{"1"}}, "2 parameters, and there are 1 arguments", ""},
		"too many arguments":     {backend.SnapshotQueryRequest{SQL: "SELECT 1", Args: []string{"1"}}, "0 parameters, and there are 1 arguments", ""},
		"fails while it runs":    {backend.SnapshotQueryRequest{SQL: "SELECT json_extract('{', '$.a')"}, "the query failed: malformed JSON", ""},
		"no named query":         {backend.SnapshotQueryRequest{Name: "public-ip"}, `no query "public-ip"`, "did you mean public-ips?"},
		"a named one with much":  {backend.SnapshotQueryRequest{Name: "public-ips", Args: []string{"x"}}, "takes 0 arguments, not 1", ""},
		"no number":              {backend.SnapshotQueryRequest{Name: "expiring-credentials", Args: []string{"soon"}}, `DAYS is a number of days, not "soon"`, "expiring-credentials [DAYS]"},
		"no ports":               {backend.SnapshotQueryRequest{Name: "open-ports", Args: []string{"22,,x"}}, `PORTS is a list of ports with commas between them, not "22,,x"`, ""},
		"a NUL":                  {backend.SnapshotQueryRequest{SQL: "SELECT 1\x00; DROP TABLE resources"}, "NUL", ""},
	}
	r := third(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, _, err := run(t, Query{Reader: r}, &c.request)
			f := fault.As(err)
			if f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, c.message) || !strings.Contains(f.Hint, c.hint) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// A query can read the snapshot and nothing else.
func TestReadOnly(t *testing.T) {
	wrong := []string{
		"DELETE FROM resources", "DELETE FROM main.resources", "INSERT INTO main.meta VALUES ('a', 'b')", "UPDATE main.meta SET value = ''", "DROP TABLE main.meta", "DROP VIEW temp.nodes",
		"REPLACE INTO main.meta VALUES ('id', 'b')", "CREATE TABLE x (a)", "CREATE TEMP TABLE x (a)", "CREATE TEMP VIEW x AS SELECT 1", "CREATE INDEX x ON resources (id)", "CREATE VIRTUAL TABLE temp.x USING fts5(a)",
		"CREATE TEMP TRIGGER x INSTEAD OF DELETE ON resources BEGIN SELECT 1; END", "ALTER TABLE main.meta RENAME TO x", "WITH a AS (SELECT 1) DELETE FROM main.meta", "DELETE FROM main.meta RETURNING *",
		"ATTACH 'x.db' AS x", "ATTACH ':memory:' AS x", "DETACH main", "VACUUM", "VACUUM INTO 'x.db'", "REINDEX", "ANALYZE", "BEGIN", "COMMIT", "SAVEPOINT x", "EXPLAIN DELETE FROM main.meta",
		"PRAGMA query_only = OFF", "PRAGMA writable_schema = ON", "PRAGMA temp_store_directory = '/'", "PRAGMA hard_heap_limit = 0", "PRAGMA user_version", "PRAGMA journal_mode = WAL", "SELECT * FROM pragma_table_info('nodes')",
		"UPDATE sqlite_schema SET sql = ''", "DELETE FROM sqlite_temp_schema",
	}
	r := third(t)
	t.Chdir(t.TempDir())
	for _, sql := range wrong {
		_, _, err := run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{SQL: sql})
		if f := fault.As(err); f == nil || f.Code != fault.InvalidArgument || !strings.Contains(f.Message, "a query is read-only") {
			t.Errorf("%s: %+v", sql, f)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("files were made: %v, %v", left, err)
	}
	_, rows, err := run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{SQL: "SELECT count(*) AS n FROM main.meta"})
	if err != nil || rows != "{\"n\":18}\n" {
		t.Errorf("%s, %v", rows, err)
	}
}

func TestDamagedSnapshot(t *testing.T) {
	content, err := os.ReadFile("../testdata/20260304-050607891-athird.db")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "damaged.db")
	const page = 32768
	for i := 2 * page; i < len(content); i++ { // the first two have the schema and the description
		content[i] = 0xaa
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := graph.OpenFile(t.Context(), file)
	if err == nil {
		t.Cleanup(r.Close)
		_, _, err = run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{SQL: "SELECT * FROM resources"})
	}
	if fault.CodeOf(err) != fault.Integrity {
		t.Error(err)
	}
}

func TestList(t *testing.T) {
	result, rows, err := run(t, Query{}, &backend.SnapshotQueryRequest{Name: backend.QueryList})
	if err != nil || result.Snapshot != "" || result.RowCount != int64(len(namedQueries())) || !strings.Contains(rows, `{"name":"public-ips","summary":"Public IP`) {
		t.Errorf("%+v, %v\n%s", result, err, rows)
	}
	result, _, err = run(t, Query{}, &backend.SnapshotQueryRequest{Name: backend.QueryList, RowLimit: 1, Format: "csv"})
	if err != nil || result.RowCount != 1 || result.Truncated != (len(namedQueries()) > 1) {
		t.Errorf("%+v, %v", result, err)
	}
}

// Another version of the driver may have another form: then nothing works, and this says why.
func TestHandle(t *testing.T) {
	s, err := openSession(t.Context(), third(t), usualBounds)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	if s.handle == 0 {
		t.Error("there is no handle")
	}
	if err := s.compile("SELECT", nil); err == nil || errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// Snapshots of earlier formats have the same views.
func TestEarlierFormats(t *testing.T) {
	for _, id := range []string{"20260304-050607891-afirst", "20260304-050607891-second"} {
		t.Run(id, func(t *testing.T) {
			earlier, err := graph.OpenFile(t.Context(), "../testdata/"+id+".db")
			if err != nil {
				t.Fatal(err)
			}
			r, err := earlier.WithGraph(t.Context(), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			for _, v := range viewNames() {
				if _, _, err := run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{SQL: "SELECT * FROM " + v}); err != nil {
					t.Errorf("%s: %v", v, err)
				}
			}
			result, rows, err := run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{SQL: "SELECT count(*) > 0 AS n FROM edges WHERE kind = 'CONTAINS'"})
			if err != nil || rows != "{\"n\":1}\n" || result.Snapshot != id {
				t.Errorf("%+v %s, %v", result, rows, err)
			}
		})
	}
}
