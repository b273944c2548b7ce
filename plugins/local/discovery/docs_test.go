package discovery

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The documentation lists the tables that a scan reads.
func TestDocumentedTables(t *testing.T) {
	page, err := os.ReadFile("../../../docs/scan.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "### Tables of Resource Graph\n")
	section, _, ends := strings.Cut(section, "\n##")
	if !found || !ends {
		t.Fatal("docs/scan.md has no section on the tables of Resource Graph")
	}
	var documented, read []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(section, -1) {
		documented = append(documented, row[1])
	}
	for _, t := range tables {
		read = append(read, t.name)
	}
	slices.Sort(documented)
	slices.Sort(read)
	if d := cmp.Diff(read, documented); d != "" {
		t.Errorf("tables (-read +documented):\n%s", d)
	}
}
