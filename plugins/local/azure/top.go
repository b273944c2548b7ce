package azure

import (
	"cmp"
	"strconv"
	"sync"
)

// tops are how many rows to ask of each table in one page, as a session has learnt from the size of
// its rows, so that a page stays below what Resource Graph can send.
type tops struct {
	mu   sync.Mutex
	most int64            // bytes that a page can have; 0 is payloadMost
	rows map[string]int64 // by table; none is maxTop
}

// get is the rows to ask of a table, and how many bytes a page should become: less than it may be,
// for rows differ.
func (t *tops) get(table string) (rows, goal int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows, ok := t.rows[table]
	if !ok {
		rows = maxTop
	}
	return rows, t.goal()
}

func (t *tops) goal() int64 { return cmp.Or(t.most, payloadMost) * 3 / 4 }

// fitted learns from the rows that a query's pages have brought so far.
func (t *tops) fitted(table string, read stretch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set(table, t.goal()*read.rows/max(read.bytes, 1))
}

// tooLarge learns from a page that would have been larger than most, in bytes.
func (t *tops) tooLarge(table string, page stretch, most int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.most = most
	next := t.goal() * page.rows / page.bytes
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

// stretch is so many rows of so many bytes.
type stretch struct{ rows, bytes int64 }

// ahead is what refusals have told of the rows that a query's next pages will bring. Each stretch
// begins where the one before it does and is shorter.
type ahead []stretch

// top is how many rows to ask for next; 0 is whatever one likes.
func (a ahead) top(goal int64) int64 {
	if len(a) == 0 {
		return 0
	}
	nearest := a[len(a)-1]
	if nearest.bytes <= goal {
		return nearest.rows
	}
	return max(1, min(nearest.rows/2, goal*nearest.rows/nearest.bytes))
}

// passed takes away what a page has brought.
func (a ahead) passed(page stretch) ahead {
	for i := range a {
		a[i].rows -= page.rows
		a[i].bytes -= page.bytes
	}
	for len(a) > 0 && a[len(a)-1].rows <= 0 {
		a = a[:len(a)-1]
	}
	return a
}

var payloadSize = expression(`(?i)payload size is (\d+)(?:\D+(\d+))?`)

// payload is how many bytes a page would have had that was too large, and how many it may have.
func (f *failure) payload() (size, most int64) {
	most = payloadMost
	if m := payloadSize().FindStringSubmatch(f.message); m != nil {
		size, _ = strconv.ParseInt(m[1], 10, 64)
		if n, err := strconv.ParseInt(m[2], 10, 64); err == nil && n > 0 {
			most = n
		}
	}
	return max(size, most+1), most
}
