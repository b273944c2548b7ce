package kql

import "strings"

// aggregate gathers one group's values of one aggregate function.
type aggregate interface {
	add(Value)
	result() Value
}

type aggregateColumn struct {
	argument evaluator // nil for count()
	make     func() aggregate
}

type group struct {
	keys   []Value
	states []aggregate
}

func (r *relation) summarize(s *step) error {
	keys, err := r.compileNamed(s, s.by)
	if err != nil {
		return err
	}
	columns, err := groupColumns(s, keys)
	if err != nil {
		return err
	}
	var aggregateColumns []aggregateColumn
	for i, item := range s.exprs {
		name, c, typ, err := r.compileAggregate(s, item, i)
		if err != nil {
			return err
		}
		columns = append(columns, Column{Name: name, Type: typ})
		aggregateColumns = append(aggregateColumns, c)
	}
	groups := r.group(keys, aggregateColumns)
	if len(groups) == 0 && len(keys) == 0 && len(aggregateColumns) > 0 {
		groups = append(groups, newGroup(nil, aggregateColumns))
	}
	rows := make([][]Value, len(groups))
	for i, g := range groups {
		rows[i] = g.keys
		for _, state := range g.states {
			rows[i] = append(rows[i], state.result())
		}
	}
	r.become(columns, rows)
	return nil
}

// groupColumns checks what the rows are grouped by.
func groupColumns(s *step, keys []column) ([]Column, error) {
	var columns []Column
	for _, key := range keys {
		if key.Type == Dynamic {
			return nil, semantic("Summarize group key '%s' is of a 'dynamic' type. Please use an explicit cast (for example, '%s ... by tostring(%s)') as grouping by a 'dynamic' type is not supported.", key.Name, s.name, key.Name)
		}
		columns = append(columns, key.Column)
	}
	return columns, nil
}

// group splits the rows by their keys, in the order in which the keys first appear.
func (r *relation) group(keys []column, columns []aggregateColumn) []*group {
	if codings := r.codingsOf(keys); len(codings) > 0 {
		return r.groupByCode(keys, codings, columns)
	}
	var groups []*group
	byKey := map[string]*group{}
	var text []byte
	for _, row := range r.rows {
		values := make([]Value, len(keys))
		text = text[:0]
		for i, key := range keys {
			values[i] = key.eval(row)
			text = append(values[i].appendJSON(text), 0)
		}
		g, ok := byKey[string(text)]
		if !ok {
			g = newGroup(values, columns)
			byKey[string(text)] = g
			groups = append(groups, g)
		}
		g.add(row, columns)
	}
	return groups
}

func (g *group) add(row uint32, columns []aggregateColumn) {
	for i, c := range columns {
		var v Value
		if c.argument != nil {
			v = c.argument(row)
		}
		g.states[i].add(v)
	}
}

// codingsOf are those of columns to group by; none unless each has one.
func (r *relation) codingsOf(keys []column) []*coding {
	indexed, ok := r.table.(Indexed)
	if !ok || len(keys) > 4 { // four codes fit a word
		return nil
	}
	var codings []*coding
	for _, key := range keys {
		if key.base < 0 || key.Type != String {
			return nil
		}
		c := indexed.Index().coded(r.table, key.base)
		if c == nil {
			return nil
		}
		codings = append(codings, c)
	}
	return codings
}

// groupByCode is group without reading the keys of each row.
func (r *relation) groupByCode(keys []column, codings []*coding, columns []aggregateColumn) []*group {
	var groups []*group
	byCode := map[uint64]*group{}
	last, g := uint64(0), (*group)(nil)
	for _, row := range r.rows {
		code := uint64(0)
		for _, c := range codings {
			code = code<<16 | uint64(c.codes[row])
		}
		if g == nil || code != last { // rows of a group often stand together
			known := false
			if g, known = byCode[code]; !known {
				values := make([]Value, len(keys))
				for i, key := range keys {
					values[i] = key.eval(row)
				}
				g = newGroup(values, columns)
				byCode[code] = g
				groups = append(groups, g)
			}
			last = code
		}
		g.add(row, columns)
	}
	return groups
}

func newGroup(keys []Value, columns []aggregateColumn) *group {
	g := &group{keys: keys}
	for _, c := range columns {
		g.states = append(g.states, c.make())
	}
	return g
}

func (r *relation) compileAggregate(s *step, item namedExpr, position int) (string, aggregateColumn, Type, error) {
	c, ok := item.expr.(*call)
	if !ok || !aggregates[c.name] {
		if ok && functions[c.name].body == nil {
			return "", aggregateColumn{}, 0, &Error{Code: CodeUnknownFunction, Message: "Unknown function: '" + c.name + "'."}
		}
		return "", aggregateColumn{}, 0, semantic("'%s' operator: an aggregate function is expected", s.name)
	}
	wanted := 1
	if c.name == "count" {
		wanted = 0
	}
	if len(c.args) != wanted {
		return "", aggregateColumn{}, 0, semantic("'%s' operator: %s(): function expects %d argument(s).", s.name, c.name, wanted)
	}
	var result aggregateColumn
	typ := Long
	if wanted == 1 {
		var err error
		if result.argument, typ, err = r.compile(s, c.args[0]); err != nil {
			return "", result, 0, err
		}
	}
	name := item.name
	if name == "" {
		name = impliedAggregate(c, position)
	}
	switch c.name {
	case "count":
		result.make = func() aggregate { return &counter{} }
	case "countif":
		if typ != Bool {
			return "", result, 0, semantic("'%s' operator: countif(): expects a Boolean argument.", s.name)
		}
		typ, result.make = Long, func() aggregate { return &counter{onlyTrue: true} }
	case "dcount":
		typ, result.make = Long, func() aggregate { return &collector{distinct: true, count: true} }
	case "make_list":
		typ, result.make = Dynamic, func() aggregate { return &collector{} }
	case "make_set":
		typ, result.make = Dynamic, func() aggregate { return &collector{distinct: true} }
	case "any", "take_any":
		result.make = func() aggregate { return &extreme{first: true} }
	case "min", "max":
		sign := map[string]int{"min": -1, "max": 1}[c.name]
		result.make = func() aggregate { return &extreme{sign: sign} }
	default: // sum and avg
		if !numeric(typ) {
			return "", result, 0, semantic("'%s' operator: %s(): argument #1 expected to be a numeric expression", s.name, c.name)
		}
		mean := c.name == "avg"
		if mean {
			typ = Real
		}
		result.make = func() aggregate { return &adder{mean: mean} }
	}
	return name, result, typ, nil
}

// impliedAggregate names a column after its function and argument: count_, dcount_type, list_name.
func impliedAggregate(c *call, position int) string {
	prefix := strings.TrimPrefix(strings.TrimPrefix(c.name, "make_"), "take_")
	if len(c.args) == 0 || c.name == "countif" {
		return prefix + "_"
	}
	if name := impliedName(c.args[0], position); !strings.HasPrefix(name, "Column") {
		return prefix + "_" + name
	}
	return prefix + "_"
}

func (r *relation) distinct(s *step) error {
	var list []namedExpr
	for _, name := range s.columns {
		if name == "*" {
			for _, c := range r.columns {
				list = append(list, namedExpr{expr: &columnRef{name: c.Name}})
			}
			continue
		}
		list = append(list, namedExpr{expr: &columnRef{name: name}})
	}
	return r.summarize(&step{name: s.name, by: list})
}

type counter struct {
	onlyTrue bool
	n        int64
}

func (c *counter) add(v Value) {
	if !c.onlyTrue || v.isTrue() {
		c.n++
	}
}

func (c *counter) result() Value { return longValue(c.n) }

type collector struct {
	distinct, count bool
	seen            map[string]bool
	values          []Value
}

func (c *collector) add(v Value) {
	if v.kind == kindNull {
		return
	}
	if c.distinct {
		key := string(v.appendJSON(nil))
		if c.seen[key] {
			return
		}
		if c.seen == nil {
			c.seen = map[string]bool{}
		}
		c.seen[key] = true
	}
	c.values = append(c.values, v)
}

func (c *collector) result() Value {
	if c.count {
		return longValue(int64(len(c.values)))
	}
	return arrayValue(c.values)
}

// extreme keeps the smallest, largest or first value.
type extreme struct {
	sign  int
	first bool
	value Value
}

func (e *extreme) add(v Value) {
	if v.kind == kindNull {
		return
	}
	if e.value.kind == kindNull {
		e.value = v
		return
	}
	if order, ok := compare(v, e.value); ok && !e.first && order*e.sign > 0 {
		e.value = v
	}
}

func (e *extreme) result() Value { return e.value }

type adder struct {
	mean  bool
	n     int64
	whole int64
	real  float64
	float bool
}

func (a *adder) add(v Value) {
	f, ok := v.number()
	if !ok {
		return
	}
	a.n++
	a.real += f
	a.whole += v.long
	a.float = a.float || v.kind == kindReal
}

func (a *adder) result() Value {
	switch {
	case a.mean && a.n == 0:
		return Value{}
	case a.mean:
		return realValue(a.real / float64(a.n))
	case a.float:
		return realValue(a.real)
	}
	return longValue(a.whole)
}
