package query

import (
	"embed"
	"path"
	"strings"
	"sync"
)

//go:embed views/*.sql
var viewFiles embed.FS

// view is a view of the documented schema. They are made on each query's own connection, not stored: so they can grow without a new format of
// snapshots, and snapshots of every format have them. One that has the name of a table hides it; main.NAME is the table.
type view struct{ name, sql string }

var views = sync.OnceValue(func() []view {
	entries, _ := viewFiles.ReadDir("views") // it is embedded
	all := make([]view, len(entries))
	for i, e := range entries {
		text, _ := viewFiles.ReadFile(path.Join("views", e.Name()))
		all[i] = view{strings.TrimSuffix(e.Name(), ".sql"), string(text)}
	}
	return all
})

func viewNames() []string {
	var names []string
	for _, v := range views() {
		names = append(names, v.name)
	}
	return names
}
