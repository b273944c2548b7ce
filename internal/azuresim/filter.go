package azuresim

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// filter is a parsed $filter of Resource Manager's lists. The nil filter matches everything.
type filter struct {
	match func(tenant.Row) bool
	byTag bool
}

func (f *filter) matches(row tenant.Row) bool { return f.match == nil || f.match(row) }

var errFilter = errors.New("invalid filter")

var filterToken = regexp.MustCompile(`^\s*('(?:[^']|'')*'|[A-Za-z][A-Za-z0-9/]*|[(),])`)

// parseFilter reads the documented forms: comparisons by eq and ne, substringof, startswith, joined
// by and, or and parentheses. A tag's name and value belong together and are joined by and alone.
func parseFilter(text string) (*filter, error) {
	f := &filter{}
	p := &filterParser{filter: f}
	for rest := text; strings.TrimSpace(rest) != ""; {
		found := filterToken.FindStringSubmatchIndex(rest)
		if found == nil {
			return nil, errFilter
		}
		p.tokens = append(p.tokens, rest[found[2]:found[3]])
		rest = rest[found[1]:]
	}
	if len(p.tokens) == 0 {
		return f, nil
	}
	match, err := p.disjunction()
	if err != nil || len(p.tokens) > 0 {
		return nil, errFilter
	}
	f.match = match
	return f, nil
}

type filterParser struct {
	filter *filter
	tokens []string
}

func (p *filterParser) accept(word string) bool {
	if len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], word) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *filterParser) take() string {
	if len(p.tokens) == 0 {
		return ""
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

func (p *filterParser) text() (string, error) {
	token := p.take()
	if len(token) < 2 || token[0] != '\'' {
		return "", errFilter
	}
	return strings.ReplaceAll(token[1:len(token)-1], "''", "'"), nil
}

type rowTest = func(tenant.Row) bool

func (p *filterParser) disjunction() (rowTest, error) {
	left, err := p.conjunction()
	for err == nil && p.accept("or") {
		var right rowTest
		before := left
		if right, err = p.conjunction(); err == nil {
			left = func(row tenant.Row) bool { return before(row) || right(row) }
		}
	}
	return left, err
}

func (p *filterParser) conjunction() (rowTest, error) {
	left, err := p.term()
	for err == nil && p.accept("and") {
		var right rowTest
		before := left
		if right, err = p.term(); err == nil {
			left = func(row tenant.Row) bool { return before(row) && right(row) }
		}
	}
	return left, err
}

func (p *filterParser) term() (rowTest, error) {
	switch {
	case p.accept("("):
		match, err := p.disjunction()
		if err == nil && !p.accept(")") {
			err = errFilter
		}
		return match, err
	case p.accept("substringof"):
		return p.function(true, strings.Contains)
	case p.accept("startswith"):
		return p.function(false, strings.HasPrefix)
	}
	field := strings.ToLower(p.take())
	negated := p.accept("ne")
	if !negated && !p.accept("eq") {
		return nil, errFilter
	}
	value, err := p.text()
	if err != nil {
		return nil, err
	}
	if field == "tagname" && !negated {
		return p.tag(value)
	}
	read, ok := filterFields[field]
	if !ok {
		return nil, errFilter
	}
	return func(row tenant.Row) bool { return strings.EqualFold(read(row), value) != negated }, nil
}

// tag matches a tag by its name, and by its value where "and tagValue eq" follows.
func (p *filterParser) tag(name string) (rowTest, error) {
	p.filter.byTag = true
	anyValue, value := true, ""
	if len(p.tokens) >= 4 && strings.EqualFold(p.tokens[0], "and") && strings.EqualFold(p.tokens[1], "tagValue") {
		p.tokens = p.tokens[2:]
		if !p.accept("eq") {
			return nil, errFilter
		}
		var err error
		if value, err = p.text(); err != nil {
			return nil, err
		}
		anyValue = false
	}
	return func(row tenant.Row) bool {
		for key, got := range tagsOf(row) {
			if strings.EqualFold(key, name) && (anyValue || got == value) {
				return true
			}
		}
		return false
	}, nil
}

// function reads substringof('text', field) and startswith(field, 'text').
func (p *filterParser) function(textFirst bool, test func(value, part string) bool) (rowTest, error) {
	var part string
	var err error
	if !p.accept("(") {
		return nil, errFilter
	}
	if textFirst {
		if part, err = p.text(); err != nil || !p.accept(",") {
			return nil, errFilter
		}
	}
	field := strings.ToLower(p.take())
	if !textFirst {
		if !p.accept(",") {
			return nil, errFilter
		}
		if part, err = p.text(); err != nil {
			return nil, err
		}
	}
	if !p.accept(")") {
		return nil, errFilter
	}
	part = strings.ToLower(part)
	if field == "tagname" {
		p.filter.byTag = true
		return func(row tenant.Row) bool {
			for key := range tagsOf(row) {
				if test(strings.ToLower(key), part) {
					return true
				}
			}
			return false
		}, nil
	}
	read, ok := filterFields[field]
	if !ok {
		return nil, errFilter
	}
	return func(row tenant.Row) bool { return test(strings.ToLower(read(row)), part) }, nil
}

// filterFields are the properties that a filter may name.
var filterFields = map[string]func(tenant.Row) string{
	"location":             func(row tenant.Row) string { return row.Text("location") },
	"resourcetype":         func(row tenant.Row) string { return row.Text("type") },
	"name":                 func(row tenant.Row) string { return row.Text("name") },
	"resourcegroup":        func(row tenant.Row) string { return row.Text("resourceGroup") },
	"identity/principalid": func(row tenant.Row) string { return member(row, "identity", "principalId") },
	"plan":                 func(row tenant.Row) string { return member(row, "plan", "name") },
	"plan/publisher":       func(row tenant.Row) string { return member(row, "plan", "publisher") },
	"plan/product":         func(row tenant.Row) string { return member(row, "plan", "product") },
	"plan/name":            func(row tenant.Row) string { return member(row, "plan", "name") },
	"plan/version":         func(row tenant.Row) string { return member(row, "plan", "version") },
	"plan/promotioncode":   func(row tenant.Row) string { return member(row, "plan", "promotionCode") },
}

func member(row tenant.Row, column, name string) string {
	var members map[string]any
	if err := json.Unmarshal(row.JSON(column), &members); err != nil {
		return ""
	}
	text, _ := members[name].(string)
	return text
}

func tagsOf(row tenant.Row) map[string]string {
	var tags map[string]string
	if err := json.Unmarshal(row.JSON("tags"), &tags); err != nil {
		return nil
	}
	return tags
}
