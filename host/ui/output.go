package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Format is how a result is printed.
type Format string

// The formats.
const (
	FormatTable  Format = "table" // for people
	FormatJSON   Format = "json"  // one object, indented
	FormatYAML   Format = "yaml"
	FormatNDJSON Format = "ndjson" // an object a line: one of each item, where a result is a list
)

// SchemaVersion is the number of what JSON, YAML and NDJSON print. Fields are added under the same
// number; it grows when one changes its meaning or goes.
const SchemaVersion = 1

// Document is what a command answers.
type Document struct {
	Data  any         // encodes as one JSON object
	Items []any       // encode as one JSON object each; with NDJSON they are printed in place of Data
	Page  func(*Page) // for people
}

// Items are the items of a list for a Document. They are never nil, so that an empty list prints
// nothing as NDJSON.
func Items[T any](list []T) []any {
	items := make([]any, len(list))
	for i, item := range list {
		items[i] = item
	}
	return items
}

// Print prints a result to stdout in the format asked for.
func (c *Console) Print(d Document) error {
	if c.options.Seen != nil {
		c.options.Seen(d)
	}
	return c.result(func() error { return c.print(d) })
}

func (c *Console) print(d Document) error {
	if c.options.JQ != nil {
		return c.printJQ(d)
	}
	switch c.options.Format {
	case FormatJSON:
		object, err := encode(d.Data)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := json.Indent(&b, object, "", "  "); err != nil {
			return fault.New(fault.Internal, "the result is no JSON", fault.Because(err))
		}
		b.WriteByte('\n')
		return c.out.write(b.Bytes())
	case FormatNDJSON:
		items := d.Items
		if items == nil {
			items = []any{d.Data}
		}
		for _, item := range items {
			object, err := encode(item)
			if err != nil {
				return err
			}
			if err := c.out.write(append(object, '\n')); err != nil {
				return err
			}
		}
		return nil
	case FormatYAML:
		object, err := encode(d.Data)
		if err != nil {
			return err
		}
		text, err := toYAML(object)
		if err != nil {
			return err
		}
		return c.out.write(text)
	}
	return c.show(d.Page)
}

// Show shows a page on stdout, whatever format was asked for: help, and what has no other form.
func (c *Console) Show(page func(*Page)) error {
	if err := c.noJQ(); err != nil {
		return err
	}
	return c.result(func() error { return c.show(page) })
}

// noJQ refuses an expression for a result that is no JSON.
func (c *Console) noJQ() error {
	if c.options.JQ == nil {
		return nil
	}
	return fault.New(fault.InvalidArgument, "--jq looks at JSON, and this is text", fault.From(fault.OriginHost))
}

func (c *Console) show(page func(*Page)) error {
	p := &Page{screen: c.out}
	page(p)
	return p.Flush()
}

// Aside shows a page on stderr: what a question is about.
func (c *Console) Aside(page func(*Page)) {
	p := &Page{screen: c.err}
	page(p)
	c.err.print(p.text.String())
}

// encode is v as a JSON object in one line that begins with the schema's version. Control characters
// that JSON allows as they are, and a terminal might obey, are escaped.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.New(fault.Internal, "the result cannot be encoded", fault.Because(err))
	}
	object := escape(bytes.TrimSpace(b.Bytes()))
	if len(object) < 2 || object[0] != '{' {
		return nil, fault.Newf(fault.Internal, "a result of %T is no JSON object", v)
	}
	head := `{"schema_version":` + strconv.Itoa(SchemaVersion)
	if object[1] != '}' {
		head += ","
	}
	return append([]byte(head), object[1:]...), nil
}

func escape(b []byte) []byte {
	var out []byte
	rest := 0
	for i, r := range string(b) {
		if r >= 0x7f && unsafe(r) {
			out = append(out, b[rest:i]...)
			out = fmt.Appendf(out, `\u%04x`, r)
			rest = i + len(string(r))
		}
	}
	if out == nil {
		return b
	}
	return append(out, b[rest:]...)
}

// toYAML turns JSON into YAML and keeps the order of fields and the spelling of numbers.
func toYAML(object []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	node, err := yamlNode(d)
	if err != nil {
		return nil, fault.New(fault.Internal, "the result is no JSON", fault.Because(err))
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(node); err != nil {
		return nil, fault.New(fault.Internal, "the result cannot be written as YAML", fault.Because(err))
	}
	if err := e.Close(); err != nil {
		return nil, fault.New(fault.Internal, "the result cannot be written as YAML", fault.Because(err))
	}
	return escape(b.Bytes()), nil
}

func yamlNode(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		node := &yaml.Node{Kind: yaml.MappingNode}
		if t == '[' {
			node.Kind = yaml.SequenceNode
		}
		for d.More() { // of an object, keys and values in turn
			child, err := yamlNode(d)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		if len(node.Content) == 0 {
			node.Style = yaml.FlowStyle
		}
		_, err := d.Token()
		return node, err
	case string:
		node := scalar("!!str", t)
		if strings.ContainsFunc(t, unsafe) {
			node.Style = yaml.DoubleQuotedStyle // in which an escape means what it means in JSON
		}
		return node, nil
	case json.Number:
		if _, err := t.Int64(); err == nil {
			return scalar("!!int", t.String()), nil
		}
		return scalar("!!float", t.String()), nil
	case bool:
		return scalar("!!bool", strconv.FormatBool(t)), nil
	}
	return scalar("!!null", "null"), nil
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}
