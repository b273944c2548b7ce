package kql

import (
	"slices"
	"strings"
	"sync"
)

// Index is what a table whose rows do not change keeps of its String columns once a query has
// needed it: eight bytes a row for a hash, two for a column of few values. Its zero value is ready;
// it must not be copied.
type Index struct {
	// Base, unless nil, has the first rows of the table, whose Index is used for them.
	Base Indexed

	mu     sync.Mutex
	hashes map[int]func() []uint64
	codes  map[int]func() *coding
}

// Indexed is a Table with an Index.
type Indexed interface {
	Table
	Index() *Index
}

// coding numbers the distinct values of a column.
type coding struct {
	codes []uint16 // by row
	first []uint32 // by code: the first row that has it
}

// maxCodes bounds the distinct values of a column that is coded.
const maxCodes = 1 << 15

// lowerHashes are hash(tolower(column)) of every row.
func (x *Index) lowerHashes(t Table, column int) []uint64 {
	return once(x, &x.hashes, column, func() []uint64 {
		sums := make([]uint64, t.Len())
		start := 0
		if x.Base != nil {
			start = copy(sums, x.Base.Index().lowerHashes(x.Base, column))
		}
		for row := start; row < len(sums); row++ {
			sums[row] = xxhash64(strings.ToLower(t.Text(uint32(row), column)))
		}
		return sums
	})
}

// coded is nil for a column of too many values.
func (x *Index) coded(t Table, column int) *coding {
	return once(x, &x.codes, column, func() *coding {
		c := &coding{codes: make([]uint16, t.Len())}
		known := map[string]uint16{}
		start := 0
		if x.Base != nil {
			base := x.Base.Index().coded(x.Base, column)
			if base == nil {
				return nil
			}
			start = copy(c.codes, base.codes)
			c.first = slices.Clone(base.first)
			for code, row := range c.first {
				known[t.Text(row, column)] = uint16(code)
			}
		}
		for row := start; row < len(c.codes); row++ {
			text := t.Text(uint32(row), column)
			code, ok := known[text]
			if !ok {
				if len(known) == maxCodes || (row > 1000 && len(known) > row/2) {
					return nil
				}
				code = uint16(len(known))
				known[text] = code
				c.first = append(c.first, uint32(row))
			}
			c.codes[row] = code
		}
		return c
	})
}

// once makes a thing of a column when it is first wanted, however many want it.
func once[T any](x *Index, made *map[int]func() T, column int, build func() T) T {
	x.mu.Lock()
	if *made == nil {
		*made = map[int]func() T{}
	}
	get, ok := (*made)[column]
	if !ok {
		get = sync.OnceValue(build)
		(*made)[column] = get
	}
	x.mu.Unlock()
	return get()
}

// predicate says whether a row of the table below is kept.
type predicate func(row uint32) bool

// predicates splits a condition at its outer "and"s, each part in the cheapest form that it has.
func (r *relation) predicates(s *step, e expr) ([]predicate, error) {
	if both, ok := e.(*binaryExpr); ok && both.op == "and" {
		left, err := r.predicates(s, both.left)
		if err != nil {
			return nil, err
		}
		right, err := r.predicates(s, both.right)
		return append(left, right...), err
	}
	eval, _, err := r.compile(s, e)
	if err != nil {
		return nil, err
	}
	if p := r.partition(e); p != nil {
		return []predicate{p}, nil
	}
	if c := r.codingOf(e); c != nil {
		return []predicate{byCode(c, eval)}, nil
	}
	return []predicate{func(row uint32) bool { return eval(row).isTrue() }}, nil
}

// byCode evaluates a condition once for each value of the only column that it reads.
func byCode(c *coding, eval evaluator) predicate {
	kept := make([]bool, len(c.first))
	for code, row := range c.first {
		kept[code] = eval(row).isTrue()
	}
	return func(row uint32) bool { return kept[c.codes[row]] }
}

// partition recognises hash(tolower(column)) % n == k and hash(tolower(column), n) == k, by which
// clients split a table.
func (r *relation) partition(e expr) predicate {
	equality, ok := e.(*binaryExpr)
	if !ok || equality.op != "==" {
		return nil
	}
	part, ok := positive(equality.right)
	if !ok && !isZero(equality.right) {
		return nil
	}
	var hashed expr
	var parts int64
	switch left := equality.left.(type) {
	case *binaryExpr:
		if left.op != "%" {
			return nil
		}
		hashed = left.left
		parts, ok = positive(left.right)
	case *call:
		if left.name != "hash" || len(left.args) != 2 {
			return nil
		}
		hashed = &call{token: left.token, name: "hash", args: left.args[:1]}
		parts, ok = positive(left.args[1])
	default:
		return nil
	}
	column := r.hashedColumn(hashed)
	indexed, isIndexed := r.table.(Indexed)
	if !ok || column < 0 || !isIndexed {
		return nil
	}
	sums := indexed.Index().lowerHashes(r.table, column)
	return func(row uint32) bool {
		m := int64(sums[row]) % parts
		if m < 0 { // as integerArithmetic
			m += parts
		}
		return m == part
	}
}

// hashedColumn is the table's column of hash(tolower(column)), else -1.
func (r *relation) hashedColumn(e expr) int {
	for _, name := range []string{"hash", "tolower"} {
		c, ok := e.(*call)
		if !ok || c.name != name || len(c.args) != 1 {
			return -1
		}
		e = c.args[0]
	}
	return r.textColumn(e)
}

// textColumn is the table's own String column that an expression names, else -1.
func (r *relation) textColumn(e expr) int {
	ref, ok := e.(*columnRef)
	if !ok || r.table == nil {
		return -1
	}
	if i := r.find(ref.name); i >= 0 && r.columns[i].Type == String {
		return r.columns[i].base
	}
	return -1
}

func positive(e expr) (int64, bool) {
	l, ok := e.(*literal)
	if !ok || l.value.kind != kindLong {
		return 0, false
	}
	return l.value.long, l.value.long > 0
}

func isZero(e expr) bool {
	l, ok := e.(*literal)
	return ok && l.value.kind == kindLong && l.value.long == 0
}

// codingOf is that of the only column that an expression reads, nil if there is none.
func (r *relation) codingOf(e expr) *coding {
	column, ok := r.onlyColumn(e, -1)
	indexed, isIndexed := r.table.(Indexed)
	if !ok || column < 0 || !isIndexed {
		return nil
	}
	return indexed.Index().coded(r.table, column)
}

// onlyColumn goes through the columns that an expression reads, of which one may be known already;
// ok is false if there are several, or others than String columns of the table itself.
func (r *relation) onlyColumn(e expr, known int) (column int, ok bool) {
	parts := []expr{}
	switch e := e.(type) {
	case *literal:
	case *columnRef:
		column := r.textColumn(e)
		return column, column >= 0 && (known < 0 || known == column)
	case *call:
		parts = e.args
	case *membership:
		parts = append(append(parts, e.left), e.list...)
	case *unaryExpr:
		parts = append(parts, e.operand)
	case *binaryExpr:
		parts = append(parts, e.left, e.right)
	default:
		return known, false
	}
	for _, part := range parts {
		if known, ok = r.onlyColumn(part, known); !ok {
			return known, false
		}
	}
	return known, true
}
