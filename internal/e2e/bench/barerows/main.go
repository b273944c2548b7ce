// Command barerows is what the generation of code is held against: it reads every row of a snapshot in the order of ids, decodes its
// properties, encodes them again, and writes them to a file, one after the other. It prints how many there were.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: barerows SNAPSHOT OUT")
		os.Exit(2)
	}
	rows, err := copyRows(context.Background(), os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(rows)
}

func copyRows(ctx context.Context, snapshot, out string) (rows int64, err error) {
	r, err := graph.OpenFile(ctx, snapshot)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	lookup, err := r.Lookup(ctx)
	if err != nil {
		return 0, err
	}
	defer lookup.Close()
	file, err := os.Create(out)
	if err != nil {
		return 0, err
	}
	buffered := bufio.NewWriterSize(file, 64<<10)
	to := json.NewEncoder(buffered)
	err = r.Heads(ctx, func(h graph.Head) error {
		row, err := lookup.Row(ctx, h.Place)
		if err != nil {
			return err
		}
		var properties any
		if len(row.Properties) > 0 {
			if err := json.Unmarshal(row.Properties, &properties); err != nil {
				return err
			}
		}
		rows++
		return to.Encode(map[string]any{"id": row.ID, "type": row.Type, "properties": properties})
	})
	return rows, errors.Join(err, buffered.Flush(), file.Close())
}
