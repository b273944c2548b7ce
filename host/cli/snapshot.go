package cli

import (
	"reflect"
	"strings"
)

// snapshotVerbs are the commands on snapshots. Each verb is a file of its own, snapshot_VERB.go, and a line here.
type snapshotVerbs struct {
	// the store
	List   snapshotListCmd   `cmd:"" help:"List snapshots, newest first."`
	Show   snapshotShowCmd   `cmd:"" help:"Show what is in a snapshot, and what could not be read."`
	Pull   snapshotPullCmd   `cmd:"" help:"Copy a snapshot into a local file."`
	Delete snapshotDeleteCmd `cmd:"" help:"Delete snapshots."`

	// what is in one
	Query snapshotQueryCmd `cmd:"" help:"Ask a snapshot with SQL, or a question that has a name."`

	// its graph
	Path  snapshotPathCmd  `cmd:"" help:"Show how two things are connected."`
	Reach snapshotReachCmd `cmd:"" help:"Show what a principal or resource can reach."`

	// for other programs
	Export snapshotExportCmd `cmd:"" help:"Write a snapshot for Neo4j, Graphviz and others."`

	// one against another
	Diff snapshotDiffCmd `cmd:"" help:"Compare two snapshots."`
}

var (
	_ verb = (*snapshotListCmd)(nil)
	_ verb = (*snapshotShowCmd)(nil)
	_ verb = (*snapshotPullCmd)(nil)
	_ verb = (*snapshotDeleteCmd)(nil)

	_ verb = (*snapshotQueryCmd)(nil)

	_ verb = (*snapshotPathCmd)(nil)
	_ verb = (*snapshotReachCmd)(nil)
	_ verb = (*snapshotExportCmd)(nil)

	_ verb = (*snapshotDiffCmd)(nil)
)

// verbNames are the commands of a group, as its help lists them: list, show, pull.
func verbNames(group any) string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeOf(group)) {
		names = append(names, strings.ToLower(field.Name))
	}
	return strings.Join(names, ", ")
}
