package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// maxFile bounds a configuration file, in bytes.
	maxFile = 1 << 20
	// maxDepth bounds how deep values are nested: a key is as long as the way to it.
	maxDepth = 32
)

// Document is a YAML file.
type Document struct {
	Name   string
	Values map[string]any

	positions map[string]Position
}

// At is where a dotted key stands.
func (d *Document) At(key string) Position { return d.positions[key] }

// Source names the file and the line of a dotted key.
func (d *Document) Source(key string) string {
	if p, ok := d.positions[key]; ok {
		return fmt.Sprintf("%s:%d", d.Name, p.Line)
	}
	return d.Name
}

// ReadFile reads a YAML file of at most 1 MiB whose root is a mapping. Its faults are config_invalid;
// that there is no file stays recognisable with errors.Is(err, fs.ErrNotExist).
func ReadFile(name string) (*Document, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	if len(content) > maxFile {
		return nil, fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s is larger than %d MiB", name, maxFile>>20), fault.On(name))
	}
	return Parse(name, content)
}

func unreadable(name string, err error) error {
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s cannot be read", name), fault.On(name), fault.Because(err),
		fault.Hint("name another file with --config"))
}

// Parse reads YAML. A key without a value counts as absent. A key that stands twice, an alias, a second
// document, values that are nested deeper than 32, and a document that is no mapping are errors.
func Parse(name string, content []byte) (*Document, error) {
	d := &Document{Name: name, Values: map[string]any{}, positions: map[string]Position{}}
	var root, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	if err := decoder.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, syntax(name, err)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, syntax(name, fmt.Errorf("line %d: a second document begins, which nobody would read", second.Line))
	} else if !errors.Is(err, io.EOF) {
		return nil, syntax(name, err)
	}
	if len(root.Content) == 0 || root.Content[0].Tag == "!!null" { // empty, or comments alone
		return d, nil
	}
	if root.Content[0].Kind != yaml.MappingNode {
		return nil, syntax(name, fmt.Errorf("line %d: the file must hold keys and values, as \"backend: local\"", root.Content[0].Line))
	}
	values, err := d.mapping("", root.Content[0], maxDepth)
	if err != nil {
		return nil, syntax(name, err)
	}
	d.Values = values
	return d, nil
}

func syntax(name string, err error) error {
	p := fault.Problem{Message: err.Error()}
	if found := regexp.MustCompile(`line (\d+)`).FindStringSubmatch(err.Error()); found != nil {
		p.Line, _ = strconv.Atoi(found[1])
	}
	return fault.New(fault.ConfigInvalid, fmt.Sprintf("the configuration %s is not the YAML that atg reads", name), fault.On(name), fault.Problems(p))
}

func (d *Document) mapping(prefix string, node *yaml.Node, depth int) (map[string]any, error) {
	values, seen := map[string]any{}, map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if name.Kind != yaml.ScalarNode || name.Tag == "!!merge" {
			return nil, fmt.Errorf("line %d: keys are plain names", name.Line)
		}
		key := join(prefix, name.Value)
		if seen[name.Value] {
			return nil, fmt.Errorf("line %d: the key %q stands twice", name.Line, key)
		}
		seen[name.Value] = true
		d.positions[key] = Position{Line: name.Line, Column: name.Column}
		decoded, err := d.value(key, value, depth-1)
		if err != nil {
			return nil, err
		}
		if decoded != nil {
			values[name.Value] = decoded
		}
	}
	return values, nil
}

func (d *Document) value(key string, node *yaml.Node, depth int) (any, error) {
	if depth == 0 {
		return nil, fmt.Errorf("line %d: values are nested deeper than %d", node.Line, maxDepth)
	}
	switch node.Kind {
	case yaml.MappingNode:
		return d.mapping(key, node, depth)
	case yaml.SequenceNode:
		items := make([]any, 0, len(node.Content))
		for _, n := range node.Content {
			item, err := d.value(key, n, depth-1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, nil
	case yaml.ScalarNode:
		if node.Tag == "!!timestamp" { // a date is a text like any other
			return node.Value, nil
		}
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, fmt.Errorf("line %d: %w", node.Line, err)
		}
		return value, nil
	}
	return nil, errors.New("line " + strconv.Itoa(node.Line) + ": aliases are not supported")
}
