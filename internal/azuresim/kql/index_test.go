package kql

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// words is a table of two columns, with an index or without.
type words struct {
	rows    [][2]string
	indices Index
	reads   int
}

func (w *words) Columns() []Column { return []Column{{Name: "id"}, {Name: "type"}} }
func (w *words) Len() int          { return len(w.rows) }
func (w *words) ByID() []uint32    { return nil }

func (w *words) Text(row uint32, column int) string {
	w.reads++
	return w.rows[row][column]
}

func (w *words) AppendJSON(dst []byte, row uint32, column int) []byte {
	return AppendString(dst, w.rows[row][column])
}

type indexedWords struct{ *words }

func (w indexedWords) Index() *Index { return &w.indices }

func randomWords(seed uint64) *words {
	random := rand.New(rand.NewPCG(seed, 0))
	w := &words{}
	for i := range 5000 {
		id := "/Ä/" + strconv.Itoa(i)
		if random.IntN(2) == 0 {
			id = strings.ToLower(id)
		}
		w.rows = append(w.rows, [2]string{id, []string{"", "a/b", "A/B", "c/d"}[random.IntN(4)]})
	}
	return w
}

// TestIndexChangesNothing runs queries on a table with an index and on the same one without.
func TestIndexChangesNothing(t *testing.T) {
	const seed = 7
	w := randomWords(seed)
	longer := &words{rows: w.rows}
	longer.indices.Base = indexedWords{&words{rows: w.rows[:3000]}}
	for _, source := range []string{
		"resources | where hash(tolower(id)) % 25 == 7",
		"resources | where hash(tolower(id)) % 25 == 0",
		"resources | where hash(tolower(id)) % 25 == 25",
		"resources | where hash(tolower(id)) % 25 == -1",
		"resources | where hash(tolower(id), 25) == 7",
		"resources | where hash(id) % 3 == 1",
		"resources | where hash(tolower(type)) % 3 == 1",
		"resources | where isnotempty(type) and hash(tolower(id)) % 2 == 1 and type =~ 'A/b'",
		"resources | where not(type in~ ('A/B')) or type == 'A/B'",
		"resources | where type startswith 'a' | summarize count() by type | order by type asc",
		"resources | project-rename kind = type | where kind has 'd' | summarize n = count(), any(id) by kind",
		"resources | extend type = toupper(type) | where type == 'A/B' | summarize count() by type",
		"resources | summarize count() by id | count",
		"resources | summarize dcount(id), max(id) by type, type2 = type",
		"resources | distinct type",
		"resources | where id == type",
		"resources | where 1 == 1",
	} {
		t.Run(source, func(t *testing.T) {
			results := [3]string{}
			for i, table := range []Table{w, indexedWords{w}, indexedWords{longer}} {
				query, err := Parse(source)
				if err != nil {
					t.Fatal(err)
				}
				result, err := query.Run(func(string) (View, bool) { return View{Table: table}, true })
				if err != nil {
					t.Fatal(err)
				}
				for row := range result.Len() {
					results[i] += fmt.Sprintln(string(result.AppendObject(nil, row)))
				}
			}
			if diff := cmp.Diff(results[0], results[1]); diff != "" {
				t.Errorf("seed %d: with the index (-without +with):\n%s", seed, diff)
			}
			if diff := cmp.Diff(results[0], results[2]); diff != "" {
				t.Errorf("seed %d: with the index of a part (-without +with):\n%s", seed, diff)
			}
		})
	}
}

// TestPartitionsReadNoRow holds that a second partition of a table costs no look at its cells.
func TestPartitionsReadNoRow(t *testing.T) {
	w := randomWords(1)
	total := 0
	for part := range 16 {
		query, err := Parse(fmt.Sprintf("resources | where hash(tolower(id)) %% 16 == %d | where type != 'c/d'", part))
		if err != nil {
			t.Fatal(err)
		}
		if part == 1 {
			w.reads = 0
		}
		result, err := query.Run(func(string) (View, bool) { return View{Table: indexedWords{w}}, true })
		if err != nil {
			t.Fatal(err)
		}
		total += result.Len()
	}
	if w.reads > 16*4 { // one of each type for each query
		t.Errorf("%d cells read by 15 queries on a table that is indexed", w.reads)
	}
	if total == 0 {
		t.Error("no rows in any partition")
	}
}
