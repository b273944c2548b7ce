package ui

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Stream is what a command answers with rows that may be more than fit into memory.
type Stream struct {
	Data  any    // the result without the rows; encodes as one JSON object
	Field string // where JSON and YAML have the rows, in place of what Data has there: rows, changes, nodes
	Rows  Rows
	// Page shows them to people. It may stop before the last row, and has to answer the error of Rows.
	Page func(p *Page, rows Rows) error
}

// Rows are JSON objects that come one after the other, once. The error, if there is one, is the last that comes.
type Rows = iter.Seq2[json.RawMessage, error]

// ReadRows reads rows from r, one in each line, as NDJSON has them. A row is valid until the next one comes.
func ReadRows(r io.Reader) Rows {
	return func(yield func(json.RawMessage, error) bool) {
		lines := bufio.NewReaderSize(r, 256<<10)
		var long []byte
		for number := 1; ; number++ {
			line, err := lines.ReadSlice('\n')
			for long = long[:0]; errors.Is(err, bufio.ErrBufferFull); line, err = lines.ReadSlice('\n') {
				long = append(long, line...)
			}
			if len(long) > 0 {
				long = append(long, line...)
				line = long
			}
			line = bytes.TrimSpace(line)
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				yield(nil, fault.New(fault.Internal, "the rows of the result cannot be read", fault.Because(err), fault.From(fault.OriginHost)))
				return
			case len(line) > 0 && (line[0] != '{' || !json.Valid(line)):
				yield(nil, fault.Newf(fault.Integrity, "line %d of the rows that the backend answered is no JSON object", number))
				return
			case len(line) > 0 && !yield(line, nil), err != nil:
				return
			}
		}
	}
}

// PrintStream prints a result with its rows to stdout in the format asked for. With NDJSON these are the rows alone, as the backend wrote
// them; only what a terminal might obey is escaped.
func (c *Console) PrintStream(s Stream) error {
	if c.options.Seen != nil {
		c.options.Seen(Document{Data: s.Data})
	}
	return c.result(func() error { return c.printStream(s) })
}

func (c *Console) printStream(s Stream) error {
	if c.options.JQ != nil {
		return c.streamJQ(s)
	}
	out := bufio.NewWriterSize(writer{c.out}, 64<<10)
	var err error
	switch c.options.Format {
	case FormatJSON:
		err = s.json(out)
	case FormatYAML:
		err = s.yaml(out)
	case FormatNDJSON:
		err = s.ndjson(out)
	default:
		p := &Page{screen: c.out}
		if err := s.Page(p, s.Rows); err != nil {
			return errors.Join(p.Flush(), err)
		}
		return p.Flush()
	}
	return errors.Join(err, out.Flush())
}

// PrintText prints text from a file to stdout as it is, whatever format was asked for; a terminal gets it cleaned.
func (c *Console) PrintText(r io.Reader) error {
	if err := c.noJQ(); err != nil {
		return err
	}
	return c.result(func() error { return c.printText(r) })
}

func (c *Console) printText(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	out := bufio.NewWriterSize(writer{c.out}, 64<<10)
	for {
		line, err := lines.ReadString('\n')
		if c.out.terminal {
			line = CleanLines(line)
		}
		if _, failed := out.WriteString(line); failed != nil {
			return failed
		}
		switch {
		case errors.Is(err, io.EOF):
			return out.Flush()
		case err != nil:
			return fault.New(fault.Internal, "the text of the result cannot be read", fault.Because(err), fault.From(fault.OriginHost))
		}
	}
}

// writer is a screen for results.
type writer struct{ screen *screen }

// Write writes, with the fault of a result that cannot be written.
func (w writer) Write(b []byte) (int, error) { return len(b), w.screen.write(b) }

// ndjson writes the rows alone.
func (s Stream) ndjson(out *bufio.Writer) error {
	for row, err := range s.Rows {
		if err != nil {
			return err
		}
		_, _ = out.Write(escape(row))
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}

// json writes one object with the rows as its last field.
func (s Stream) json(out *bufio.Writer) error {
	head, err := s.head()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, head, "", "  "); err != nil {
		return fault.New(fault.Internal, "the result is no JSON", fault.Because(err))
	}
	_, _ = out.Write(bytes.TrimSuffix(b.Bytes(), []byte("\n}")))
	fmt.Fprintf(out, ",\n  %q: [", s.Field)
	any := false
	for row, err := range s.Rows {
		if err != nil {
			return err
		}
		if any {
			_ = out.WriteByte(',')
		}
		any = true
		b.Reset()
		if err := json.Indent(&b, escape(row), "    ", "  "); err != nil {
			return fault.New(fault.Internal, "a row of the result is no JSON", fault.Because(err))
		}
		_, _ = out.WriteString("\n    ")
		if _, err := out.Write(b.Bytes()); err != nil {
			return err
		}
	}
	if any {
		_, _ = out.WriteString("\n  ")
	}
	_, err = out.WriteString("]\n}\n")
	return err
}

// yaml is json as YAML.
func (s Stream) yaml(out *bufio.Writer) error {
	head, err := s.head()
	if err != nil {
		return err
	}
	text, err := toYAML(head)
	if err != nil {
		return err
	}
	_, _ = out.Write(text)
	_, _ = out.WriteString(s.Field + ":")
	any := false
	for row, err := range s.Rows {
		if err != nil {
			return err
		}
		if !any {
			_ = out.WriteByte('\n')
		}
		any = true
		// A list of this row alone is an item of the list of all of them.
		text, err := toYAML(append(append([]byte{'['}, row...), ']'))
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			if len(line) > 1 {
				_, _ = out.WriteString("  ")
			}
			if _, err := out.Write(line); err != nil {
				return err
			}
		}
	}
	if !any {
		_, err = out.WriteString(" []\n")
	}
	return err
}

// head is Data as JSON without Field. It has at least the schema's version.
func (s Stream) head() ([]byte, error) {
	object, err := encode(s.Data)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(object))
	wrong := func(err error) error { return fault.New(fault.Internal, "the result is no JSON", fault.Because(err)) }
	if _, err := d.Token(); err != nil {
		return nil, wrong(err)
	}
	head := []byte{'{'}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, wrong(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, wrong(err)
		}
		if key == s.Field {
			continue
		}
		if len(head) > 1 {
			head = append(head, ',')
		}
		head = fmt.Appendf(head, "%q:", key)
		head = append(head, value...)
	}
	return append(head, '}'), nil
}
