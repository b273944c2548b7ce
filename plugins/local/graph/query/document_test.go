package query

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs/query.md has every view with every column, and every query that has a name with its arguments.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/query.md")
	if err != nil {
		t.Fatal(err)
	}
	views, named, _ := strings.Cut(string(text), "## Queries that have names")
	quoted := regexp.MustCompile("`([^`]+)`")

	documented := map[string][]string{}
	for _, section := range strings.Split(views, "\n### ")[1:] {
		name := quoted.FindStringSubmatch(section)[1]
		for row := range strings.Lines(section) {
			if !strings.HasPrefix(row, "| `") {
				continue
			}
			first, _, _ := strings.Cut(row[2:], " |")
			for _, m := range quoted.FindAllStringSubmatch(first, -1) {
				documented[name] = append(documented[name], m[1])
			}
		}
		slices.Sort(documented[name])
	}
	s, err := openSession(t.Context(), third(t), usualBounds)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	real := map[string][]string{}
	for _, v := range viewNames() {
		real[v] = s.columnsOf(v)
		slices.Sort(real[v])
	}
	if diff := cmp.Diff(real, documented); diff != "" {
		t.Errorf("views (-are +documented):\n%s", diff)
	}

	var want, got []string
	for _, q := range namedQueries() {
		want = append(want, "| `"+q.usage()+"` | "+q.summary)
	}
	for row := range strings.Lines(named) {
		if strings.HasPrefix(row, "| `") {
			got = append(got, row[:min(len(row), len(want[min(len(got), len(want)-1)]))])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("named queries (-are +documented):\n%s", diff)
	}
}
