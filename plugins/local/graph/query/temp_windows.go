package query

import (
	"os"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// tempSize is how many bytes SQLite's temporary files have.
func tempSize() int64 {
	entries, err := os.ReadDir(graph.TemporaryDir())
	if err != nil {
		return 0
	}
	total := int64(0)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasPrefix(e.Name(), graph.TemporaryPrefix) {
			total += info.Size()
		}
	}
	return total
}
