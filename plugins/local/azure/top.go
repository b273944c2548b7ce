package azure

import (
	"strconv"
	"sync"
)

// tops are how many rows to ask of each table in one page, as a session has learnt from the size of
// its rows, so that a page stays below what Resource Graph can send.
type tops struct {
	mu   sync.Mutex
	rows map[string]int64 // by table; none is maxTop
}

// payloadGoal is how large a page should become: rows differ.
const payloadGoal = payloadMost * 3 / 4

func (t *tops) get(table string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rows, ok := t.rows[table]; ok {
		return rows
	}
	return maxTop
}

// fitted learns from the rows that a query's pages have brought so far.
func (t *tops) fitted(table string, rows, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(table, payloadGoal*rows/max(bytes, 1))
}

// tooLarge learns from a page of top rows that would have been size bytes.
func (t *tops) tooLarge(table string, top, size int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := payloadGoal * top / size
	if now, ok := t.rows[table]; !ok || next < now { // another query may have learnt the same
		t.set(table, next)
	}
}

func (t *tops) set(table string, rows int64) {
	if t.rows == nil {
		t.rows = map[string]int64{}
	}
	t.rows[table] = min(max(rows, 1), maxTop)
}

// ahead is what refusals have told of the rows that a query's next pages will bring: so many rows have
// so many bytes. Each stretch begins where the one before it does and is shorter.
type ahead []stretch

type stretch struct{ rows, bytes int64 }

// top is how many rows to ask for next; 0 is whatever one likes.
func (a ahead) top() int64 {
	if len(a) == 0 {
		return 0
	}
	nearest := a[len(a)-1]
	if nearest.bytes <= payloadGoal {
		return nearest.rows
	}
	return max(1, min(nearest.rows/2, payloadGoal*nearest.rows/nearest.bytes))
}

// passed takes away what a page has brought.
func (a ahead) passed(rows, bytes int64) ahead {
	for i := range a {
		a[i].rows -= rows
		a[i].bytes -= bytes
	}
	for len(a) > 0 && a[len(a)-1].rows <= 0 {
		a = a[:len(a)-1]
	}
	return a
}

var payloadSize = expression(`(?i)payload size is (\d+)`)

// size is how many bytes a page would have had that was too large.
func (f *failure) size() int64 {
	if m := payloadSize().FindStringSubmatch(f.message); m != nil {
		if n, err := strconv.ParseInt(m[1], 10, 64); err == nil && n > payloadMost {
			return n
		}
	}
	return payloadMost + 1
}
