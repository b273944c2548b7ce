package spec

import "github.com/azure-tenant-grapher/atg/plugins/local/iac/template"

// Position is a place in the Markdown file. Both count from 1; the column counts characters.
type Position struct{ Line, Column int32 }

// Value is a value of a block, with the place where it stands. Its strings are as they are written: references in them are not resolved.
type Value struct {
	Kind   template.ValueKind
	Bool   bool
	At     Position
	Text   string  // of a String; of a Number the digits as JSON writes them
	Items  []Value // of a List
	Fields []Field // of a Map, in their order; names are unique
}

// Field is a member of a Map.
type Field struct {
	Name  string
	At    Position
	Value Value
}

// member is a map's member; nil is none.
func (v *Value) member(name string) *Value {
	for i := range v.Fields {
		if v.Fields[i].Name == name {
			return &v.Fields[i].Value
		}
	}
	return nil
}

// text is the text of a member that is a string; empty if there is none.
func (v *Value) text(name string) string {
	if m := v.member(name); m != nil && m.Kind == template.String {
		return m.Text
	}
	return ""
}

// empty says that there is no value.
func (v *Value) empty() bool {
	switch v.Kind {
	case template.Null:
		return true
	case template.Map:
		return len(v.Fields) == 0
	case template.List:
		return len(v.Items) == 0
	}
	return false
}

// kinds are the kinds in words.
var kinds = map[template.ValueKind]string{
	template.Null: "nothing", template.Bool: "true or false", template.Number: "a number", template.String: "text", template.List: "a list", template.Map: "an object",
}
