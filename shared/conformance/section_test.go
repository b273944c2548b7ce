package conformance_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/conformance"
)

// What a check names is a heading of the documentation.
func TestSectionsExist(t *testing.T) {
	for _, c := range conformance.Checks() {
		file, heading, ok := strings.Cut(c.Section(), "#")
		content, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file)))
		if err != nil || !ok || heading == "" {
			t.Fatalf("%s: %q: %v", c.Name, c.Section(), err)
		}
		words := strings.ReplaceAll(regexp.QuoteMeta(heading), "-", "[- ]")
		if !regexp.MustCompile(`(?mi)^##+ ` + words + `$`).Match(content) {
			t.Errorf("%s: %s has no heading %q", c.Name, file, heading)
		}
	}
}
