package tenant

import (
	"bufio"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// yamlWriter writes YAML of one style: two spaces a level, a member a line, text plain where nobody can take it for something else and
// between double quotes where they could.
type yamlWriter struct {
	*bufio.Writer
	// text is a string of a value as it is written; where says which member holds it.
	text func(parts []template.Part, where *member) string
	// name is the name of a member of an object.
	name func(name string, where *member) string
}

const spaces = "                                                                "

// pad begins a line.
func (y *yamlWriter) pad(indent int) {
	for ; indent > len(spaces); indent -= len(spaces) {
		_, _ = y.WriteString(spaces) // it remembers its first error
	}
	_, _ = y.WriteString(spaces[:indent])
}

// key writes a member's name and the colon.
func (y *yamlWriter) key(indent int, name string) {
	quoted := quote(name)
	if len(quoted) > longestKey {
		_, _ = y.WriteString("? " + quoted + "\n")
		y.pad(indent)
	} else {
		_, _ = y.WriteString(quoted)
	}
	_ = y.WriteByte(':')
}

// longestKey is how long a name before a colon may be: YAML 1.2, 8.2.2, says 1024 characters.
const longestKey = 1000

// line writes a member whose value is text.
func (y *yamlWriter) line(indent int, name, text string) {
	y.pad(indent)
	_, _ = y.WriteString(name + ": " + quote(text) + "\n")
}

// member writes a member of an object, with its value below it.
func (y *yamlWriter) member(indent int, name string, v *template.Value, where *member) {
	y.key(indent, name)
	y.value(indent+2, v, where)
}

// value writes what stands behind a colon, and all below it; its own lines are indented so far.
func (y *yamlWriter) value(indent int, v *template.Value, where *member) {
	switch {
	case v.Kind == template.Map && len(v.Fields) > 0:
		_ = y.WriteByte('\n')
		y.fields(indent, v, where, true)
	case v.Kind == template.List && len(v.Items) > 0:
		_ = y.WriteByte('\n')
		y.items(indent, v, where)
	default:
		_, _ = y.WriteString(" " + y.scalar(v, where) + "\n")
	}
}

func (y *yamlWriter) scalar(v *template.Value, where *member) string {
	switch v.Kind {
	case template.Bool:
		return fmt.Sprint(v.Bool)
	case template.Number:
		return v.Text[0].Literal
	case template.String:
		return quote(y.text(v.Text, where))
	case template.List:
		return "[]"
	case template.Map:
		return "{}"
	}
	return "null"
}

// fields writes the members of an object; first says that also the first one begins a line. Azure tells them in whatever order, so that they
// stand in that of their names, the name of an item before all: what is the same reads the same.
func (y *yamlWriter) fields(indent int, v *template.Value, where *member, first bool) {
	sorted := slices.SortedFunc(slices.Values(v.Fields), func(a, b template.Field) int {
		switch {
		case a.Name == b.Name:
			return 0
		case a.Name == "name":
			return -1
		case b.Name == "name":
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	for i := range sorted {
		f := &sorted[i]
		if i > 0 || first {
			y.pad(indent)
		}
		y.member(indent, y.name(f.Name, where), &f.Value, where.below(v, f.Name))
	}
}

func (y *yamlWriter) items(indent int, v *template.Value, where *member) {
	for i := range v.Items {
		item, in := &v.Items[i], where.item()
		y.pad(indent)
		_ = y.WriteByte('-')
		switch {
		case item.Kind == template.Map && len(item.Fields) > 0:
			_ = y.WriteByte(' ')
			y.fields(indent+2, item, in, false)
		default:
			y.value(indent+2, item, in)
		}
	}
}

// quote is text as a scalar.
func quote(text string) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r >= 0xfff0 && r <= 0xffff && r != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// numeric are texts that a reader of YAML, of any version, may take for a number or a time.
var numeric = regexp.MustCompile(`^[0-9][0-9A-Fa-f_.:xXoObB+eETZ \-]*$`)

// plain says that text can stand without quotes.
func plain(text string) bool {
	if text == "" || len(text) > 400 || text[len(text)-1] == ' ' || text[len(text)-1] == ':' {
		return false
	}
	if len(text) <= len("false") {
		switch strings.ToLower(text) {
		case "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf":
			return false
		}
	}
	for i, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r == '/', r == '$', r >= utf8.RuneSelf && unicode.IsLetter(r):
		case r >= '0' && r <= '9':
			if i == 0 && numeric.MatchString(text) && !form.IsGUID(text) {
				return false
			}
		case i > 0 && strings.ContainsRune(" .-+@(){}=;,*^&!%|<>~", r):
		case i > 0 && r == ':':
			if text[i+1] == ' ' {
				return false
			}
		default:
			return false
		}
	}
	return true
}
