package query

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// class is what is known of a column before its first row.
type class uint8

const (
	classAny     class = iota // an expression: its values tell
	classText                 // a column of texts, which are never taken for JSON
	classJSON                 // a column of JSON
	classBoolean              // a column of 0 and 1
)

// column is a column of the result.
type column struct {
	name  string
	class class
	key   []byte // `"name":`
	seen  seen
}

// seen are the kinds of values that a column had.
type seen struct{ text, integer, real, json, boolean, time bool }

// writer writes rows as they come.
type writer struct {
	file    *os.File
	out     *bufio.Writer
	csv     bool
	columns []column
	scratch []byte
}

func newWriter(path string, csv bool) (*writer, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &writer{file: f, out: bufio.NewWriterSize(f, 256<<10), csv: csv}, nil
}

func (w *writer) close() error { return errors.Join(w.out.Flush(), w.file.Close()) }

// begin takes the columns. Of several with one name the later ones get a number.
func (w *writer) begin(columns []column) error {
	used := map[string]bool{}
	for i := range columns {
		c := &columns[i]
		name := c.name
		for n := 2; used[name]; n++ {
			name = c.name + "_" + strconv.Itoa(n)
		}
		used[name] = true
		c.name = name
		c.key = append(quote(nil, name), ':')
	}
	w.columns = columns
	if !w.csv {
		return nil
	}
	for i, c := range columns {
		w.cell(i, c.name, true)
	}
	_, err := w.out.WriteString("\r\n")
	return err
}

// row writes a row. Its values are nil, int64, float64, string or []byte.
func (w *writer) row(values []any) error {
	if w.csv {
		for i, v := range values {
			text, isText := w.columns[i].text(v)
			w.cell(i, text, isText)
		}
		_, err := w.out.WriteString("\r\n")
		return err
	}
	b := w.scratch[:0]
	b = append(b, '{')
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, w.columns[i].key...)
		b = w.columns[i].append(b, v)
	}
	b = append(b, '}', '\n')
	w.scratch = b
	_, err := w.out.Write(b)
	if cap(w.scratch) > 1<<20 { // a row that is rare
		w.scratch = nil
	}
	return err
}

// append adds a value as JSON.
func (c *column) append(b []byte, v any) []byte {
	text, isText := c.text(v)
	switch {
	case v == nil:
		return append(b, "null"...)
	case isText:
		return quote(b, text)
	}
	return append(b, text...)
}

// text is a value as text, and whether that is to be quoted in JSON: numbers, booleans, objects and lists are not. It notes the kind.
func (c *column) text(v any) (text string, isText bool) {
	switch v := v.(type) {
	case int64:
		if c.class == classBoolean && (v == 0 || v == 1) {
			c.seen.boolean = true
			return strconv.FormatBool(v == 1), false
		}
		c.seen.integer = true
		return strconv.FormatInt(v, 10), false
	case float64:
		c.seen.real = true
		if math.IsInf(v, 0) { // JSON has no such number
			return strconv.FormatFloat(v, 'g', -1, 64), true
		}
		return formatReal(v), false
	case string:
		if c.isJSON(v) {
			c.seen.json = true
			return oneLine(v), false
		}
		if c.class == classAny && isTime(v) {
			c.seen.time = true
		} else {
			c.seen.text = true
		}
		return v, true
	case []byte:
		c.seen.text = true
		return hex.EncodeToString(v), true
	}
	return "", false
}

// formatReal writes the shortest number that reads back as the same one, and always as a real: 1.0.
func formatReal(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

// isJSON says that a text is a JSON object or list, of a column that may have one.
func (c *column) isJSON(v string) bool {
	if c.class == classText || v == "" || v[0] != '{' && v[0] != '[' {
		return false
	}
	return json.Valid([]byte(v))
}

// oneLine is JSON without line breaks, which may stand between its tokens.
func oneLine(v string) string {
	if !strings.ContainsAny(v, "\n\r") {
		return v
	}
	var b bytes.Buffer
	if json.Compact(&b, []byte(v)) != nil {
		return v
	}
	return b.String()
}

// quote adds a text as JSON. What is no UTF-8 is replaced.
func quote(b []byte, text string) []byte {
	b, _ = jsontext.AppendQuote(b, text)
	return b
}

// cell writes a cell of CSV as RFC 4180 has it. A text that a spreadsheet would take for a formula gets an apostrophe before it.
func (w *writer) cell(i int, text string, isText bool) {
	if i > 0 {
		_ = w.out.WriteByte(',')
	}
	if isText && text != "" && strings.IndexByte("=+-@\t\r", text[0]) >= 0 {
		text = "'" + text
	}
	if !strings.ContainsAny(text, "\",\r\n") && !strings.HasPrefix(text, " ") && !strings.HasSuffix(text, " ") {
		_, _ = w.out.WriteString(text)
		return
	}
	_ = w.out.WriteByte('"')
	_, _ = w.out.WriteString(strings.ReplaceAll(text, `"`, `""`))
	_ = w.out.WriteByte('"')
}

// isTime says that a text is a time as RFC 3339 has it.
func isTime(v string) bool {
	if len(v) < len("2006-01-02T15:04:05Z") || v[4] != '-' || v[10] != 'T' {
		return false
	}
	_, err := time.Parse(time.RFC3339Nano, v)
	return err == nil
}

// types are the columns with the types of what was written: that of all values, or text where they differ.
func (w *writer) types() []backend.Column {
	columns := make([]backend.Column, len(w.columns))
	for i, c := range w.columns {
		columns[i] = backend.Column{Name: c.name, Type: c.typ()}
	}
	return columns
}

func (c *column) typ() string {
	switch s := c.seen; s {
	case seen{integer: true}:
		return "integer"
	case seen{real: true}, seen{real: true, integer: true}:
		return "real"
	case seen{json: true}:
		return "json"
	case seen{boolean: true}:
		return "boolean"
	case seen{time: true}:
		return "time"
	case seen{}: // NULL alone
		switch c.class {
		case classJSON:
			return "json"
		case classBoolean:
			return "boolean"
		}
	}
	return "text"
}
