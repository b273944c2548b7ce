package terraform

import "github.com/azure-tenant-grapher/atg/plugins/local/iac/template"

const (
	// deepest is the level below which values are written on one line: indentation would make the text grow with the
	// square of the depth.
	deepest = 40
	// widest is how many bytes, roughly, a list on one line may have.
	widest = 80
)

// fields writes the members of an object, each on a line of its own at a level. Consecutive members of one line have their
// equals signs below each other.
func (w *writer) fields(fields []template.Field, level int) {
	for i := 0; i < len(fields); {
		width, end := 0, i
		for ; end < len(fields) && w.short(&fields[end].Value, level); end++ {
			width = max(width, keyWidth(fields[end].Name))
		}
		for ; i < end; i++ {
			w.b = appendSpaces(w.b, 2*level)
			w.b = appendKey(w.b, fields[i].Name)
			w.b = appendSpaces(w.b, width-keyWidth(fields[i].Name))
			w.b = append(w.b, " = "...)
			w.flat(&fields[i].Value)
			w.b = append(w.b, '\n')
		}
		if i < len(fields) {
			w.b = appendSpaces(w.b, 2*level)
			w.b = appendKey(w.b, fields[i].Name)
			w.b = append(w.b, " = "...)
			w.long(&fields[i].Value, level)
			w.b = append(w.b, '\n')
			i++
		}
	}
}

// short says whether a member at a level is written on one line.
func (w *writer) short(v *template.Value, level int) bool {
	switch v.Kind {
	case template.Map:
		return len(v.Fields) == 0 || level >= deepest
	case template.List:
		return len(v.Items) == 0 || level >= deepest || narrow(v.Items)
	default:
		return true
	}
}

// narrow says whether a list has only scalars, and few enough for one line.
func narrow(items []template.Value) bool {
	room := widest
	for i := range items {
		if kind := items[i].Kind; kind == template.Map || kind == template.List {
			return false
		}
		room -= 4
		for _, p := range items[i].Text {
			room -= len(p.Literal)
			if p.Ref != nil || p.Parameter != nil {
				room -= widest / 2
			}
		}
		if room < 0 {
			return false
		}
	}
	return true
}

// long writes an object or a list over several lines; the first goes on where the text is.
func (w *writer) long(v *template.Value, level int) {
	if v.Kind == template.Map {
		w.b = append(w.b, "{\n"...)
		w.fields(v.Fields, level+1)
		w.b = append(appendSpaces(w.b, 2*level), '}')
		return
	}
	w.b = append(w.b, "[\n"...)
	for i := range v.Items {
		item := &v.Items[i]
		w.b = appendSpaces(w.b, 2*level+2)
		if w.short(item, level+1) {
			w.flat(item)
		} else {
			w.long(item, level+1)
		}
		w.b = append(w.b, ",\n"...)
	}
	w.b = append(appendSpaces(w.b, 2*level), ']')
}

// flat writes a value on one line.
func (w *writer) flat(v *template.Value) {
	switch v.Kind {
	case template.Null:
		w.b = append(w.b, "null"...)
	case template.Bool:
		if v.Bool {
			w.b = append(w.b, "true"...)
		} else {
			w.b = append(w.b, "false"...)
		}
	case template.Number:
		if len(v.Text) == 1 && number(v.Text[0].Literal) {
			w.b = append(w.b, v.Text[0].Literal...)
			return
		}
		w.expression(v.Text)
	case template.String:
		w.expression(v.Text)
	case template.List:
		w.b = append(w.b, '[')
		for i := range v.Items {
			if i > 0 {
				w.b = append(w.b, ", "...)
			}
			w.flat(&v.Items[i])
		}
		w.b = append(w.b, ']')
	case template.Map:
		if len(v.Fields) == 0 {
			w.b = append(w.b, "{}"...)
			return
		}
		w.b = append(w.b, "{ "...)
		for i := range v.Fields {
			if i > 0 {
				w.b = append(w.b, ", "...)
			}
			w.b = append(appendKey(w.b, v.Fields[i].Name), " = "...)
			w.flat(&v.Fields[i].Value)
		}
		w.b = append(w.b, " }"...)
	}
}

// expression writes a string: a literal in quotes, a lone reference bare, and anything else as a template.
func (w *writer) expression(parts []template.Part) {
	if w.self(parts) {
		parts = w.unfold(nil, parts)
	}
	if len(parts) == 1 {
		switch p := &parts[0]; {
		case p.Parameter != nil:
			w.parameter(p.Parameter)
		case p.Ref != nil:
			w.reference(p.Ref)
		default:
			w.b = appendQuoted(w.b, p.Literal)
		}
		return
	}
	w.b = append(w.b, '"')
	for i := 0; i < len(parts); {
		switch p := &parts[i]; {
		case p.Parameter != nil:
			w.b = append(w.b, "${"...)
			w.parameter(p.Parameter)
			w.b = append(w.b, '}')
			i++
		case p.Ref != nil:
			w.b = append(w.b, "${"...)
			w.reference(p.Ref)
			w.b = append(w.b, '}')
			i++
		default: // literals side by side are one: an escape may span them
			text := p.Literal
			for i++; i < len(parts) && parts[i].Parameter == nil && parts[i].Ref == nil; i++ {
				text += parts[i].Literal
			}
			w.b = appendText(w.b, text, i < len(parts))
		}
	}
	w.b = append(w.b, '"')
}

// self says whether parts refer to the resource that is being written, which Terraform does not allow.
func (w *writer) self(parts []template.Part) bool {
	for i := range parts {
		if ref := parts[i].Ref; ref != nil && ref.Node != template.NoNode && ref.Node == w.node {
			return true
		}
	}
	return false
}

// unfold replaces references to the resource itself by its id.
func (w *writer) unfold(to, parts []template.Part) []template.Part {
	for _, p := range parts {
		if p.Ref != nil && p.Ref.Node == w.node {
			to = append(to, p.Ref.ID...)
		} else {
			to = append(to, p)
		}
	}
	return to
}

// divide takes the strings with secrets out of the members of an object, as far as only objects lead to them: rest and secrets
// together are what there was. A list stays whole in rest: in which order the provider merges lists differs between
// its versions. An object that has nothing left is not in rest, unless it was empty.
func divide(fields []template.Field) (rest, secrets []template.Field) {
	for _, f := range fields {
		switch {
		case f.Value.Kind == template.String && secret(f.Value.Text):
			secrets = append(secrets, f)
			continue
		case f.Value.Kind == template.Map && len(f.Value.Fields) > 0:
			some, hidden := divide(f.Value.Fields)
			if len(hidden) > 0 {
				secrets = append(secrets, template.Field{Name: f.Name, Value: template.Value{Kind: template.Map, Fields: hidden}})
				if len(some) == 0 {
					continue
				}
				f.Value.Fields = some
			}
		}
		rest = append(rest, f)
	}
	return rest, secrets
}

func secret(parts []template.Part) bool {
	for _, p := range parts {
		if p.Parameter != nil && p.Parameter.Secret {
			return true
		}
	}
	return false
}
