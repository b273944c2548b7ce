package export

import (
	"encoding/json"
	"io"
)

// jsonl writes a JSON object a line: first one of the whole, then the nodes, then the edges.
type jsonl struct {
	w      io.Writer
	line   []byte
	failed error
}

func newJSONL(w []io.Writer, h head) sink {
	j := &jsonl{w: w[0]}
	j.begin("graph")
	j.text("tenant_id", h.Tenant)
	j.text("tenant_name", h.Name)
	j.truth("complete", h.Complete)
	j.truth("filtered", h.Filtered)
	j.truth("pseudonymized", h.Hidden)
	j.failed = j.flush()
	return j
}

func (j *jsonl) node(n *node) error {
	j.begin("node")
	for _, p := range n.common() {
		j.text(p.name, p.text)
	}
	for i := range n.more {
		a := &n.more[i]
		switch c := columns[a.column]; c.kind {
		case jsonColumn:
			j.member(c.name)
			j.line = append(j.line, a.json...)
		case boolColumn:
			j.truth(c.name, a.truth)
		default:
			j.text(c.name, a.text)
		}
	}
	return j.flush()
}

func (j *jsonl) edge(e *edge) error {
	j.begin("edge")
	j.text("source", e.sourceKey)
	j.text("kind", e.kind)
	j.text("target", e.targetKey)
	for _, p := range e.texts() {
		j.text(p.name, p.text)
	}
	if e.reversed {
		j.truth("reversed", true)
	}
	return j.flush()
}

func (j *jsonl) end() error { return j.failed }

func (j *jsonl) begin(record string) {
	j.line = append(j.line[:0], '{')
	j.text("record", record)
}

func (j *jsonl) member(name string) {
	if len(j.line) > 1 {
		j.line = append(j.line, ',')
	}
	j.line = appendQuoted(j.line, name)
	j.line = append(j.line, ':')
}

func (j *jsonl) text(name, text string) {
	j.member(name)
	j.line = appendQuoted(j.line, text)
}

func (j *jsonl) truth(name string, truth bool) {
	j.member(name)
	if truth {
		j.line = append(j.line, "true"...)
	} else {
		j.line = append(j.line, "false"...)
	}
}

func (j *jsonl) flush() error {
	j.line = append(j.line, '}', '\n')
	_, err := j.w.Write(j.line)
	return err
}

// appendQuoted appends a text as JSON.
func appendQuoted(to []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, err := json.Marshal(text)
			if err != nil { // no text fails
				return append(to, `""`...)
			}
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, text...)
	return append(to, '"')
}
