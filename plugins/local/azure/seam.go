package azure

import (
	"errors"
	"slices"
	"sync/atomic"
)

// Resource Graph's pages go by numbers of rows: a row that is deleted before the next page moves another one past
// it, and if one is added too, not even the total tells. So each page but the first begins with the last row of the
// page before: $skip stands above a token's place, as the reference of the API says. Where Azure does not heed it,
// no seam ever fits: then, after a few, pages are taken as they come.

// seams is what is known of $skip beside a token.
type seams struct {
	fitted atomic.Bool  // at least one did
	failed atomic.Int32 // those that did not, before one did
}

// unheeded is how many seams that do not fit show that Azure does not heed $skip.
const unheeded = 6

func (s *seams) heeded() bool { return s.fitted.Load() || s.failed.Load() < unheeded }

// seam is where a page of a query joins the one before.
type seam[T any] struct {
	session *Session
	key     func(*T) string // nil is not to look
	rows    int64           // so far
	last    string          // the key of the last one
	total   int64           // as the page before counted
	asked   bool            // the page under way was asked to begin with it
}

// skip is what to ask for beside the next token; 0 is nothing.
func (m *seam[T]) skip() int64 {
	m.asked = m.key != nil && m.rows > 1 && m.session.seams.heeded()
	if !m.asked {
		return 0
	}
	return m.rows - 1
}

// joins says whether a page goes on where the one before has ended, and takes away what that had already.
func (m *seam[T]) joins(p *Page[T]) bool {
	if m.key == nil {
		return true
	}
	if m.asked {
		at := slices.IndexFunc(p.Rows, func(row T) bool { return m.key(&row) == m.last })
		if at < 0 {
			if p.Total == m.total { // else it is the rows that moved
				m.session.seams.failed.Add(1)
			}
			return false
		}
		m.session.seams.fitted.Store(true)
		p.Rows = slices.Delete(p.Rows, 0, at+1) // rows that were added before it have moved it on
		p.raw = slices.Delete(p.raw, 0, at+1)
	}
	m.total = p.Total
	if n := len(p.Rows); n > 0 {
		m.rows += int64(n)
		m.last = m.key(&p.Rows[n-1])
	}
	return true
}

var errMoved = errors.New("the rows have moved")

func (q *Query) moved() error {
	f := q.fault("lists other rows than a moment ago")
	f.Cause = errMoved
	return f
}

// IsMoved says that rows came or went between two pages of a query.
func IsMoved(err error) bool { return errors.Is(err, errMoved) }
