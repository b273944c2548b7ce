package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// yamlReader turns YAML's nodes into values.
type yamlReader struct {
	block    *block
	problems *problems
	budget   *budget
	within   map[*yaml.Node]bool // anchors whose aliases are being read: one that is in itself has no end
}

// readYAML reads a block of YAML, which may be of several documents. Those that can be read are the answer; what is wrong is told.
func readYAML(b *block, p *problems, left *budget) (all []Value) {
	r := &yamlReader{block: b, problems: p, budget: left, within: map[*yaml.Node]bool{}}
	decoder := yaml.NewDecoder(bytes.NewReader(b.text))
	for {
		var document yaml.Node
		err := decode(decoder, &document)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			r.syntax(err)
			return all
		}
		for _, n := range document.Content {
			v, err := r.value(n, 0)
			if err != nil {
				return all
			}
			all = append(all, v)
		}
	}
}

// decode decodes the next document. A decoder that gives up in a way that it should not is an error like every other.
func decode(d *yaml.Decoder, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return d.Decode(n)
}

// yamlLine is how the decoder says where.
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?(?:line (\d+): )?((?s).*)$`)

// syntax tells an error of the decoder.
func (r *yamlReader) syntax(err error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	line, text := 1, err.Error()
	if m != nil {
		text = m[2]
		if n, e := strconv.Atoi(m[1]); e == nil {
			line = n
		}
	}
	r.problems.wrong(r.block.at(line-1, 0), "", yamlHint(text), "this is no YAML: %s", short(strings.TrimSpace(text)))
}

// yamlHint says what is most often wrong.
func yamlHint(text string) string {
	switch {
	case strings.Contains(text, "cannot start any token") && strings.Contains(text, `'\t'`), strings.Contains(text, "found a tab character"):
		return "indent by spaces"
	case strings.Contains(text, "mapping values are not allowed"):
		return "put text that has a colon and a space in it between quotes"
	}
	return ""
}

// at is the place of a node in the file.
func (r *yamlReader) at(n *yaml.Node) Position { return r.block.at(n.Line-1, max(n.Column-1, 0)) }

func (r *yamlReader) value(n *yaml.Node, depth int) (v Value, err error) {
	v.At = r.at(n)
	switch {
	case depth > maxDepth:
		r.problems.wrong(v.At, "", "", "values are nested more than %d levels deep", maxDepth)
		return v, errStop
	case !r.budget.take():
		r.problems.wrong(v.At, "", "split the specification into several", "the specification has too many values")
		return v, errStop
	}
	switch n.Kind {
	case yaml.AliasNode:
		if r.within[n.Alias] {
			r.problems.wrong(v.At, "", "", "the alias *%s stands for something that it is a part of itself", short(n.Value))
			return v, errStop
		}
		r.within[n.Alias] = true
		v, err = r.value(n.Alias, depth)
		delete(r.within, n.Alias)
		return v, err
	case yaml.SequenceNode:
		r.within[n] = n.Anchor != ""
		defer delete(r.within, n)
		v.Kind = template.List
		v.Items = make([]Value, 0, len(n.Content))
		for _, c := range n.Content {
			item, err := r.value(c, depth+1)
			if err != nil {
				return v, err
			}
			v.Items = append(v.Items, item)
		}
	case yaml.MappingNode:
		r.within[n] = n.Anchor != ""
		defer delete(r.within, n)
		return r.object(n, depth, v)
	default:
		r.scalar(n, &v)
	}
	return v, nil
}

func (r *yamlReader) object(n *yaml.Node, depth int, v Value) (Value, error) {
	v.Kind = template.Map
	v.Fields = make([]Field, 0, len(n.Content)/2)
	seen := names{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		f := Field{At: r.at(key)}
		for key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.ShortTag() == "!!merge":
			r.problems.wrong(f.At, "", "write the members out", "merging (<<) is not supported")
			continue
		case key.Kind != yaml.ScalarNode:
			r.problems.wrong(f.At, "", "", "the name of a member has to be text")
			continue
		}
		f.Name = key.Value
		var err error
		if f.Value, err = r.value(n.Content[i+1], depth+1); err != nil {
			return v, err
		}
		if !seen.twice(&v, f, r.problems) {
			v.Fields = append(v.Fields, f)
		}
	}
	return v, nil
}

// jsonNumber is the form of JSON's numbers.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// scalar reads a scalar as YAML 1.2's core schema has it.
func (r *yamlReader) scalar(n *yaml.Node, v *Value) {
	tag := n.ShortTag()
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) == 0 && jsonNumber.MatchString(n.Value) {
		tag = "!!float" // also one that no machine's number holds, which the library takes for text
	}
	switch tag {
	case "!!null":
		v.Kind = template.Null
	case "!!bool":
		v.Kind, v.Bool = template.Bool, strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		v.Kind, v.Text = template.Number, n.Value
		switch {
		case len(n.Value) > maxDigits:
			r.problems.wrong(v.At, "", "", "the number has more than %d digits", maxDigits)
			v.Text = "0"
		case jsonNumber.MatchString(n.Value):
		default:
			v.Text = r.number(n, v.At)
		}
	case "!!str", "!!timestamp":
		v.Kind, v.Text = template.String, n.Value
	default:
		r.problems.wrong(v.At, "", "leave the tag out", "the tag %s is not supported", short(tag))
		v.Kind, v.Text = template.String, n.Value
	}
}

// number is a number that YAML writes in a form that JSON does not have.
func (r *yamlReader) number(n *yaml.Node, at Position) string {
	text := strings.TrimPrefix(strings.ReplaceAll(n.Value, "_", ""), "+")
	if jsonNumber.MatchString(text) {
		return text
	}
	prefix := strings.ToLower(strings.TrimPrefix(text, "-"))
	if i, ok := new(big.Int).SetString(text, 0); ok && (strings.HasPrefix(prefix, "0x") || strings.HasPrefix(prefix, "0o") || strings.HasPrefix(prefix, "0b")) {
		return i.String()
	}
	r.problems.wrong(at, "", "put it between quotes if it is text", "%s is no number that JSON has", short(n.Value))
	return "0"
}
