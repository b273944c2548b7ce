package docs

import (
	"context"
	"strings"
)

// protoFolder is where the proto files are.
var protoFolder = []string{"shared", "rpc", "proto", "atg", "backend", "v1"}

// protocolPage has the calls and messages between atg and a backend.
func protocolPage(_ context.Context, root string) ([]Page, error) {
	p, err := readProtocol(source(root, protoFolder...))
	if err != nil {
		return nil, err
	}
	m := page("Calls and messages of the protocol", "What atg asks a backend, and what that answers. [The backend protocol](../backend-protocol.md) tells how a program becomes a backend, and the rules that hold between the calls.",
		"the files in [`shared/rpc/proto`](../../shared/rpc/proto/atg/backend/v1/backend.proto)")
	for _, f := range p.files {
		for _, s := range f.services {
			m.heading(2, "The service `atg.backend.v1."+s.name+"`")
			m.comment(f.comment)
			m.comment(s.comment)
			for _, c := range s.calls {
				m.heading(3, c.name)
				m.para(p.link(c.request) + " → " + p.link(c.response))
				m.comment(c.comment)
			}
		}
	}
	for _, f := range p.files {
		m.heading(2, "`"+f.name+"`")
		if len(f.services) == 0 {
			m.comment(f.comment)
		}
		for _, message := range f.messages {
			m.heading(3, message.name)
			m.comment(message.comment)
			if len(message.fields) == 0 {
				m.para("It has no fields.")
			}
			var rows [][]string
			for _, field := range message.fields {
				kind := p.link(field.kind)
				switch {
				case field.label != "":
					kind = field.label + " " + kind
				case field.oneof != "":
					kind += " (one of `" + field.oneof + "`)"
				}
				rows = append(rows, []string{field.number, ticked(field.name), kind, prose(field.comment)})
			}
			m.table([]string{"number", "field", "type", ""}, rows)
		}
	}
	return []Page{{"protocol.md", m.end()}}, nil
}

// comment is a comment of a proto file: paragraphs, and lists whose items begin with a hyphen.
func (m *markdown) comment(text string) {
	for _, part := range strings.Split(text, "\n\n") {
		intro, list, isList := strings.Cut("\n"+part, "\n- ")
		if intro = strings.TrimSpace(intro); intro != "" {
			m.para(prose(intro))
		}
		if isList {
			m.line("")
			for _, item := range strings.Split(list, "\n- ") {
				m.line("- %s", prose(item))
			}
		}
	}
}

// link leads to a message; other types are code.
func (p protocol) link(kind string) string {
	stream := ""
	if rest, ok := strings.CutPrefix(kind, "stream "); ok {
		stream, kind = "stream of ", rest
	}
	if p.messages[kind] != "" {
		return stream + "[" + kind + "](#" + strings.ToLower(kind) + ")"
	}
	return stream + "`" + kind + "`"
}
