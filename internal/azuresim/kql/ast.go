package kql

// Query is a parsed query: a table and the operators that its rows go through.
type Query struct {
	// Table is the name as written; empty means the default table, resources.
	Table string
	steps []step
}

// Limited says that the query itself bounds its result with limit, take or top, on which Resource
// Graph pages no further.
func (q *Query) Limited() bool {
	for _, s := range q.steps {
		if s.kind == stepLimit || s.kind == stepTop {
			return true
		}
	}
	return false
}

type stepKind uint8

const (
	stepWhere stepKind = iota
	stepProject
	stepProjectAway
	stepProjectKeep
	stepProjectRename
	stepExtend
	stepOrder
	stepLimit
	stepTop
	stepCount
	stepSummarize
	stepDistinct
)

// step is one operator between two pipes.
type step struct {
	kind    stepKind
	name    string
	exprs   []namedExpr // where (one), project, extend, rename; aggregates of summarize
	by      []namedExpr // keys of summarize
	columns []string    // project-away and -keep, distinct; a trailing * matches a prefix
	order   []orderKey
	limit   int
}

type namedExpr struct {
	name string // empty where the query gives none
	expr expr
}

type orderKey struct {
	expr       expr
	descending bool
	nullsFirst bool
}

type expr interface{ at() token }

type literal struct {
	token
	value Value
	typ   Type
}

type columnRef struct {
	token
	name string
}

// member is base.name, base['name'] or base[index].
type member struct {
	base  expr
	index expr
}

type call struct {
	token
	name string
	args []expr
}

type unaryExpr struct {
	token
	operand expr
}

type binaryExpr struct {
	token
	op          string
	left, right expr
}

// membership is left in (…), with its negated and case-insensitive forms.
type membership struct {
	token
	left    expr
	list    []expr
	negated bool
	fold    bool
}

func (t token) at() token   { return t }
func (m *member) at() token { return m.base.at() }
