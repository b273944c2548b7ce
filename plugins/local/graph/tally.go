package graph

import (
	"context"
	"strings"
)

// tally counts the resources of a snapshot while they come, so that nobody must read them all for it.
type tally struct {
	resources int64
	sums      [3]map[string]int64
}

// dimensions are what resources are summed up by: the sums of a tally, and of the table sums.
var dimensions = [...]string{"subscription", "type", "location"}

func newTally() tally {
	var t tally
	for i := range t.sums {
		t.sums[i] = map[string]int64{}
	}
	return t
}

// add counts n resources.
func (t *tally) add(subscription, typ, location string, n int64) {
	t.resources += n
	for i, value := range [...]string{subscription, typ, location} {
		if _, known := t.sums[i][value]; !known {
			value = strings.Clone(value) // not to hold on to a row
		}
		t.sums[i][value] += n
	}
}

// untally takes those resources off the tally that are duplicates.
func (w *Writer) untally(ctx context.Context) error {
	rows, err := w.conn.QueryContext(ctx, `SELECT subscription_id, type, location, count(*)
		FROM resources WHERE rowid IN (SELECT row FROM duplicates) GROUP BY 1, 2, 3`)
	if err != nil {
		return err
	}
	defer discard(rows)
	for rows.Next() {
		var subscription, typ, location string
		var n int64
		if err := rows.Scan(&subscription, &typ, &location, &n); err != nil {
			return err
		}
		w.tally.add(subscription, typ, location, -n)
	}
	return rows.Err()
}

// writeSums writes the table sums. A subscription has the name that ARM lists, or else Resource Graph.
func (w *Writer) writeSums(ctx context.Context) error {
	stmt, err := w.conn.PrepareContext(ctx, `INSERT INTO sums VALUES (?1, ?2, CASE ?1 WHEN 'subscription' THEN COALESCE(
		NULLIF((SELECT name FROM subscriptions WHERE subscription_id = ?2), ''),
		(SELECT name FROM containers WHERE id_key = '/subscriptions/' || ?2), '') ELSE '' END, ?3)`)
	if err != nil {
		return err
	}
	defer discard(stmt)
	for i, dimension := range dimensions {
		for value, n := range w.tally.sums[i] {
			if n == 0 {
				continue
			}
			if _, err := stmt.ExecContext(ctx, dimension, value, n); err != nil {
				return err
			}
		}
	}
	_, err = w.conn.ExecContext(ctx, graphSums)
	return err
}

// graphSums are the sums of the graph. Of resource groups the largest are enough: there may be very many.
const graphSums = `
INSERT INTO sums SELECT 'resource_group', key, coalesce((SELECT name FROM containers WHERE id_key = key), ''), n FROM (
	SELECT '/subscriptions/' || subscription_id || '/resourcegroups/' || resource_group AS key, count(*) AS n FROM nodes
	WHERE kind = 'resource' AND state = 'present' AND resource_group <> '' GROUP BY subscription_id, resource_group ORDER BY n DESC, key LIMIT 50);
INSERT INTO sums SELECT 'identity', kind, '', count(*) FROM identities GROUP BY kind;
INSERT INTO sums SELECT 'relationship', edge_labels.kind, '', sum(n) FROM (SELECT label, count(*) AS n FROM edges GROUP BY label) AS counted
	JOIN edge_labels ON edge_labels.label = counted.label GROUP BY edge_labels.kind`
