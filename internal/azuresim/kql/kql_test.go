package kql

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rows is a small table for tests.
type rows struct {
	columns []Column
	cells   [][]string // JSON
}

func (t *rows) Columns() []Column { return t.columns }
func (t *rows) Len() int          { return len(t.cells) }
func (t *rows) AppendJSON(dst []byte, row uint32, column int) []byte {
	return append(dst, t.cells[row][column]...)
}

func (t *rows) Text(row uint32, column int) string {
	var s string
	if err := json.Unmarshal([]byte(t.cells[row][column]), &s); err != nil {
		panic(err)
	}
	return s
}

func (t *rows) ByID() []uint32 {
	order := make([]uint32, len(t.cells))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int { return strings.Compare(t.cells[a][0], t.cells[b][0]) })
	return order
}

func testTable() *rows {
	return &rows{
		columns: []Column{{Name: "id"}, {Name: "name"}, {Name: "type"}, {Name: "location"}, {Name: "properties", Type: Dynamic}, {Name: "tags", Type: Dynamic}, {Name: "zones", Type: Dynamic}},
		cells: [][]string{
			{`"/c"`, `"vm-web-01"`, `"microsoft.compute/virtualmachines"`, `"westeurope"`, `{"size":"D4","cores":4,"disks":[{"lun":0},{"lun":1}],"on":true,"os":{"kind":"Linux"}}`, `{"env":"prod","cost center":"A"}`, `["1","2"]`},
			{`"/a"`, `"VM-DB-01"`, `"microsoft.compute/virtualmachines"`, `"westeurope"`, `{"size":"E8","cores":8,"disks":[],"on":false,"os":{"kind":"Windows"}}`, `{"env":"dev"}`, `["3"]`},
			{`"/b"`, `"disk \"one\""`, `"microsoft.compute/disks"`, `"northeurope"`, `{"size":64.5}`, `null`, `null`},
			{`"/d"`, `"kv"`, `"microsoft.keyvault/vaults"`, `""`, `{"uri":"https://kv.vault.azure.net/","cores":"four"}`, `{}`, `null`},
		},
	}
}

func run(t *testing.T, source string) (*Result, error) {
	t.Helper()
	query, err := Parse(source)
	if err != nil {
		return nil, err
	}
	table := testTable()
	return query.Run(func(name string) (View, bool) {
		switch name {
		case "resources":
			return View{Table: table}, true
		case "few":
			return View{Table: table, Rows: []uint32{1, 3}}, true
		}
		return View{}, false
	})
}

// TestQueries runs queries against four rows; want holds the rows of the answer, one a line.
func TestQueries(t *testing.T) {
	tests := map[string]string{
		"resources | project name":                                     "vm-web-01 VM-DB-01 disk \"one\" kv",
		"where type =~ 'Microsoft.KeyVault/vaults' | project name":     "kv",
		"RESOURCES | where name == 'kv' | project name":                "kv",
		"few | project name":                                           "VM-DB-01 kv",
		"resources | where name != 'kv' | project id":                  "/c /a /b",
		"resources | where name =~ 'vm-db-01' | project id":            "/a",
		"resources | where name !~ 'vm-db-01' | project id":            "/c /b /d",
		"resources | where name == 'vm-db-01' | project id":            "",
		"resources | where name in ('kv', \"vm-web-01\") | project id": "/c /d",
		"resources | where name !in ('kv') | project id":               "/c /a /b",
		"resources | where name in~ ('KV','vm-db-01') | project id":    "/a /d",
		"resources | where name !in~ ('KV') | project id":              "/c /a /b",
		"resources | where name has 'db' | project id":                 "/a",
		"resources | where name has 'd' | project id":                  "",
		"resources | where name !has 'vm' | project id":                "/b /d",
		"resources | where name has_cs 'vm' | project id":              "/c",
		"resources | where name hasprefix 'we' | project id":           "/c",
		"resources | where name hassuffix 'eb' | project id":           "/c",
		"resources | where name contains 'B-0' | project id":           "/c /a",
		"resources | where name contains_cs 'b-0' | project id":        "/c",
		"resources | where name !contains 'b-0' | project id":          "/b /d",
		"resources | where name startswith 'vm-' | project id":         "/c /a",
		"resources | where name !startswith 'VM-' | project id":        "/b /d",
		"resources | where name startswith_cs 'vm-' | project id":      "/c",
		"resources | where name endswith '01' | project id":            "/c /a",
		"resources | where name !endswith '01' | project id":           "/b /d",
		`resources | where name matches regex "^[vV]" | project id`:    "/c /a",

		"resources | where properties.cores > 4 | project id":                                     "/a",
		"resources | where properties.cores >= 4 | project id":                                    "/c /a",
		"resources | where properties.cores < 5 and location == 'westeurope' | project id":        "/c",
		"resources | where properties.cores <= 4 | project id":                                    "/c",
		"resources | where properties.size == 64.5 | project id":                                  "/b",
		"resources | where properties.on == true | project id":                                    "/c",
		"resources | where properties['size'] == 'D4' | project id":                               "/c",
		"resources | where properties.os.kind =~ 'linux' | project id":                            "/c",
		"resources | where tags['cost center'] == 'A' | project id":                               "/c",
		"resources | where properties.disks[1].lun == 1 | project id":                             "/c",
		"resources | where properties.disks[-1].lun == 1 | project id":                            "/c",
		"resources | where zones[0] == '3' | project id":                                          "/a",
		"resources | where tags.env != 'prod' | project id":                                       "/a /b /d",
		"resources | where isnull(tags.env) | project id":                                         "/b /d",
		"resources | where isnotnull(zones) | project id":                                         "/c /a",
		"resources | where isempty(location) | project id":                                        "/d",
		"resources | where isnotempty(tags.env) and not(name == 'vm-web-01') | project id":        "/a",
		"resources | where (name == 'kv' or name == 'x') or id == '/a' | project id":              "/a /d",
		"resources | where name == 'kv' or name == 'vm-web-01' and id == '/zz' | project id":      "/d",
		"resources | where array_length(properties.disks) == 2 | project id":                      "/c",
		"resources | where toint(properties.cores) % 8 == 0 | project id":                         "/a",
		"resources | where -3 % 8 == 5 and 3 % -8 == 3 | project id":                              "/c /a /b /d",
		"resources | where 7 / 2 == 3 and 7.0 / 2 == 3.5 and 1 + 2 * 3 == 7 | count":              "4",
		"resources | where hash(tolower('World'), 100) >= 0 and hash('World', 100) == 51 | count": "4",
		"resources | where hash('World') == 1846988464401551951 | count":                          "4",

		"resources | project id, upper = toupper(name) | where upper == 'KV'":           "/d,KV",
		"resources | extend n = strlen(name) | where n < 4 | project name, n":           "kv,2",
		"resources | extend name = 'x' | project name | take 1":                         "x",
		"resources | project-away properties, tags, zones, loc* | limit 1":              "/c,vm-web-01,microsoft.compute/virtualmachines",
		"resources | project-keep na* | take 1":                                         "vm-web-01",
		"resources | project-rename n = name | project n | take 1":                      "vm-web-01",
		"resources | project p = properties.os | take 1":                                `{"kind":"Linux"}`,
		"resources | project s = strcat(location, '/', name, 1) | take 1":               "westeurope/vm-web-011",
		"resources | project i = iff(location == '', 'none', location) | take 4":        "westeurope westeurope northeurope none",
		"resources | project c = coalesce(location, 'none') | order by c asc | take 1":  "none",
		"resources | project s = substring(name, 3, 3) | take 2":                        "web DB-",
		"resources | project s = split(name, '-')[0] | take 2":                          "vm VM",
		"resources | where id == '/c' | project k = bag_keys(tags)":                     `["env","cost center"]`,
		"resources | where id == '/c' | project j = parse_json('{\"a\": [1, 2]}').a[1]": "2",
		"resources | project ['odd name'] = name | take 1":                              "vm-web-01",

		"resources | order by id asc | project id":                                                       "/a /b /c /d",
		"resources | order by id | project id":                                                           "/d /c /b /a",
		"few | sort by id asc | project id":                                                              "/a /d",
		"resources | order by location asc, id desc | project id":                                        "/d /b /c /a",
		"resources | project id, c = toint(properties.cores) | order by c asc":                           "/b, /d, /c,4 /a,8",
		"resources | project id, c = toint(properties.cores) | order by c desc":                          "/a,8 /c,4 /b, /d,",
		"resources | project id, c = toint(properties.cores) | order by c desc nulls first | project id": "/b /d /a /c",
		"resources | top 2 by name desc | project name":                                                  "vm-web-01 kv",
		"resources | limit 2 | project id":                                                               "/c /a",
		"resources | take 0":                                                                             "",
		"resources | count":                                                                              "4",
		"resources | where id == 'none' | count":                                                         "0",

		"resources | summarize count() by location | order by location asc":                                         ",1 northeurope,1 westeurope,2",
		"resources | summarize n = count(), big = countif(properties.cores > 4) by type | order by n desc | take 1": "microsoft.compute/virtualmachines,2,1",
		"resources | summarize dcount(location), min(id), max(id)":                                                  "3,/a,/d",
		"resources | summarize sum(toint(properties.cores)), avg(toint(properties.cores))":                          "12,6",
		"resources | summarize make_set(location)":                                                                  `["westeurope","northeurope",""]`,
		"resources | where id == 'none' | summarize count()":                                                        "0",
		"resources | summarize by type | count":                                                                     "3",
		"resources | summarize count() by tostring(tags.env) | where tags_env == 'prod'":                            "prod,1",
		"resources | distinct type | count":                                                                         "3",
		"resources | distinct type, location | count":                                                               "3",

		"resources // the table\n| where name == 'kv' // one\n| project id": "/d",
		"resources | where name == @'disk \"one\"' | project id;":           "/b",
		`resources | where name == "disk \"one\"" | project id`:             "/b",
		`resources | where name == 'k\u0076' | project id`:                  "/d",
	}
	for source, want := range tests {
		t.Run(source, func(t *testing.T) {
			result, err := run(t, source)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range result.Len() {
				var cells []json.RawMessage
				if err := json.Unmarshal(result.AppendArray(nil, i), &cells); err != nil {
					t.Fatal(err)
				}
				got = append(got, plain(cells))
			}
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// plain writes cells without the quotes of strings; null is nothing.
func plain(cells []json.RawMessage) string {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		if json.Unmarshal(cell, &texts[i]) != nil {
			texts[i] = string(cell)
		}
	}
	return strings.Join(texts, ",")
}

func TestRefusals(t *testing.T) {
	tests := map[string]Error{
		// These three are what Resource Graph answers, as others have reported it.
		"where where":                                   {Code: CodeParserFailure, Line: 1, Column: 11, Token: "<EOF>"},
		"resources | parse id with * '/' x":             {Code: CodeInvalidQueryLanguage, Line: -1, Column: -1, Token: "parse"},
		"resources | where cout(id) == 1":               {Code: CodeUnknownFunction, Message: "Unknown function: 'cout'."},
		"nosuchtable | count":                           {Code: CodeDisallowedTable, Message: "Table nosuchtable is invalid, unsupported or disallowed."},
		"":                                              {Code: CodeParserFailure, Line: 1, Token: "<EOF>"},
		"resources | syntax error":                      {Code: CodeParserFailure, Line: 1, Column: 12, Token: "syntax"},
		"resources\n| where name ==":                    {Code: CodeParserFailure, Line: 2, Column: 15, Token: "<EOF>"},
		"resources | where name == 'open":               {Code: CodeParserFailure, Line: 1, Column: 26, Token: "'", Expected: "'"},
		"resources | where (name == 'x'":                {Code: CodeParserFailure, Line: 1, Column: 30, Token: "<EOF>", Expected: ")"},
		"resources | where name ? 'x'":                  {Code: CodeParserFailure, Line: 1, Column: 23, Token: "?"},
		"resources | limit many":                        {Code: CodeParserFailure, Line: 1, Column: 18, Token: "many"},
		"resources | order name":                        {Code: CodeParserFailure, Line: 1, Column: 18, Token: "name", Expected: "by"},
		"resources | where name == 'a' 'b'":             {Code: CodeParserFailure, Line: 1, Column: 30, Token: "'b'"},
		"resources | join (resourcecontainers) on id":   {Code: CodeInvalidQueryLanguage, Line: -1, Column: -1, Token: "join"},
		"union resources, resourcecontainers":           {Code: CodeInvalidQueryLanguage, Line: -1, Column: -1, Token: "union"},
		"resources | mv-expand zones":                   {Code: CodeInvalidQueryLanguage, Line: -1, Column: -1, Token: "mv-expand"},
		"resources | where compliant":                   {Code: CodeSemanticError, Message: "'where' operator: Failed to resolve column or scalar expression named 'compliant'"},
		"resources | where Name == 'kv'":                {Code: CodeSemanticError, Message: "'where' operator: Failed to resolve column or scalar expression named 'Name'"},
		"resources | where name":                        {Code: CodeSemanticError, Message: "'where' operator: Filter expression should be Boolean, but is of type string."},
		"resources | where name == 1":                   {Code: CodeSemanticError, Message: "'where' operator: Cannot compare values of types string and long. Try adding explicit casts"},
		"resources | project name, name":                {Code: CodeSemanticError, Message: "'project' operator: A column named 'name' already exists."},
		"resources | project-away nothing":              {Code: CodeSemanticError, Message: "'project-away' operator: Failed to resolve column or scalar expression named 'nothing'"},
		"resources | where name.x == 'a'":               {Code: CodeSemanticError, Message: "'where' operator: a path expression needs a value of type dynamic, not string"},
		"resources | order by tags":                     {Code: CodeSemanticError, Message: "'order' operator: the sort key is of a 'dynamic' type. Please use an explicit cast (for example, 'tostring(...)')."},
		"resources | summarize count() by tags.env":     {Code: CodeSemanticError, Message: "Summarize group key 'tags_env' is of a 'dynamic' type. Please use an explicit cast (for example, 'summarize ... by tostring(tags_env)') as grouping by a 'dynamic' type is not supported."},
		"resources | extend n = count()":                {Code: CodeSemanticError, Message: "'extend' operator: Function 'count' cannot be invoked in the current context"},
		"resources | summarize cout()":                  {Code: CodeUnknownFunction, Message: "Unknown function: 'cout'."},
		"resources | where strlen(name, id) == 1":       {Code: CodeSemanticError, Message: "'where' operator: strlen(): function expects 1 argument(s)."},
		"resources | where name has 1":                  {Code: CodeSemanticError, Message: "'where' operator: operator 'has' needs values of type string, not string and long"},
		"resources | where name + 1 == 2":               {Code: CodeSemanticError, Message: "'where' operator: Arithmetic expression cannot be carried-out between string and long."},
		"resources | where name matches regex '('":      {Code: CodeSemanticError, Message: "'where' operator: regex pattern is invalid: ("},
		"resources | where " + strings.Repeat("(", 300): {Code: CodeParserFailure, Line: 1, Column: 18 + maxDepth, Token: "("},
	}
	for source, want := range tests {
		t.Run(source, func(t *testing.T) {
			_, err := run(t, source)
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v, want an error", err)
			}
			if want.Message == "" {
				want.Message = want.Code
			}
			if diff := cmp.Diff(want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALongQueryIsRefusedBeforeItExhaustsTheStack(t *testing.T) {
	for _, source := range []string{
		"resources | where 1" + strings.Repeat("+1", 2*maxLinks) + " == 2",
		"resources | project properties" + strings.Repeat(".a", 2*maxLinks),
	} {
		if _, err := run(t, source); !errors.As(err, new(*Error)) {
			t.Errorf("got %v, want a refusal", err)
		}
	}
}

func TestResultKnowsHowItCanBePaged(t *testing.T) {
	tests := map[string]struct{ hasID, limited bool }{
		"resources":                            {true, false},
		"resources | project name":             {false, false},
		"resources | project key = id":         {true, false},
		"resources | project id = tolower(id)": {false, false},
		"resources | project id | limit 5":     {true, true},
		"resources | top 5 by id":              {true, true},
		"resources | summarize count() by id":  {false, false},
	}
	for source, want := range tests {
		t.Run(source, func(t *testing.T) {
			query, err := Parse(source)
			if err != nil {
				t.Fatal(err)
			}
			result, err := run(t, source)
			if err != nil {
				t.Fatal(err)
			}
			if result.HasID() != want.hasID || query.Limited() != want.limited {
				t.Errorf("HasID %v, Limited %v; want %v", result.HasID(), query.Limited(), want)
			}
		})
	}
}

// FuzzParse looks for queries that break the parser, or what runs them, instead of being refused.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"resources | where hash(tolower(id)) % 4 == 1 | project id, name | order by id asc",
		"where tags['a b'].c[0] !in~ ('x', @'y') and not(isnull(zones)) | summarize n = count() by tostring(tags.env)",
		"resources | project-away p*, ['odd name'] // end", "'\\u00", "resources | top 5 by strcat(id,'') desc nulls last;",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		result, err := run(t, source)
		if err != nil {
			if !errors.As(err, new(*Error)) {
				t.Errorf("%v is no refusal", err)
			}
			return
		}
		for i := range result.Len() {
			if row := result.AppendObject(nil, i); !json.Valid(row) {
				t.Errorf("row %d is no JSON: %s", i, row)
			}
		}
	})
}
