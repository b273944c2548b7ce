package azure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// Page is a page of rows. What Column and Raw hand out points into it until it is used again.
type Page[T any] struct {
	Rows  []T
	Total int64 // rows of the whole query as this answer counts them; -1 is unknown
	raw   []span
	base  int64 // of what a decoder reads, in the body
	body  bytes.Buffer
}

// span is where a row stands in a page's body.
type span struct{ from, to int64 }

// Raw is row i as Azure sent it; i counts the rows as they were read. It is valid until the page is
// used again.
func (p *Page[T]) Raw(i int) []byte {
	return p.body.Bytes()[p.raw[i].from:p.raw[i].to:p.raw[i].to]
}

// Column is one column of a row: its JSON name without quotes, and its JSON value.
type Column struct {
	Name  []byte
	Value jsontext.Value
}

// Reader reads pages. Each page is read into one that New gives, which may wait for one to become
// free; Take gets it with its rows, or without any, to give it back.
type Reader[T any] struct {
	New  func(context.Context) (*Page[T], error)
	Set  func(*T, Column) error
	Take func(*Page[T]) error
	// Key is what a query is ordered by, and different in each row. With it, Read sees what moves between two
	// pages of Resource Graph, and ends with an error of IsMoved. It may be nil.
	Key func(*T) string
}

// shape is how an API puts rows into an answer.
type shape struct {
	rows string // the member with the rows; empty where the answer is itself the row
	link string // the member that leads to the next page
}

var (
	shapeGraph = shape{"data", "$skipToken"}
	shapeList  = shape{"value", "nextLink"}
	// shapeDirectory is Microsoft Graph's.
	shapeDirectory = shape{"value", "@odata.nextLink"}
	shapeOne       = shape{}
)

// envelope is what stands around the rows of a page.
type envelope struct {
	link      string // to the next page
	truncated bool
	rows      bool
}

var (
	// errForm says that an answer came and is not what it should be.
	errForm = errors.New("the answer is not as documented")
	// errNoRows says that it is whole, but something else.
	errNoRows = errors.New("it has no rows")
)

// read reads a page from the content of an answer. The rows' values point into the page.
func (p *Page[T]) read(content io.Reader, form shape, set func(*T, Column) error) (around envelope, err error) {
	if err := p.take(content); err != nil {
		return around, err
	}
	return p.parse(p.body.Bytes(), 0, form, set)
}

// take reads the content of an answer into the page, in place of what it had.
func (p *Page[T]) take(content io.Reader) error {
	p.Rows, p.raw, p.Total = p.Rows[:0], p.raw[:0], -1
	p.body.Reset()
	_, err := p.body.ReadFrom(io.LimitReader(content, maxPage))
	return err
}

// parse reads rows from a part of the body that begins at base.
func (p *Page[T]) parse(body []byte, base int64, form shape, set func(*T, Column) error) (around envelope, err error) {
	// A decoder over a bytes.Buffer works in its bytes. A buffer of its own leaves them in the page.
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true))
	p.base = base
	switch {
	case form.rows == "":
		around.rows = true
		err = p.row(d, set)
	case d.PeekKind() == '[': // some resource providers list without an envelope
		around.rows = true
		err = elements(d, func() error { return p.row(d, set) })
	default:
		err = p.envelope(d, form, &around, set)
	}
	if err == nil {
		if _, err = d.ReadToken(); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			err = errors.New("something follows the answer")
		}
	}
	if err == nil && !around.rows {
		err = errNoRows
	}
	if err != nil {
		return around, fmt.Errorf("%w: %w", errForm, err)
	}
	return around, nil
}

// envelope reads what is around the rows, and the rows.
func (p *Page[T]) envelope(d *jsontext.Decoder, form shape, around *envelope, set func(*T, Column) error) error {
	return members(d, func(name []byte) error {
		switch string(name) {
		case form.rows:
			around.rows = true
			if d.PeekKind() == 'n' {
				return d.SkipValue()
			}
			return elements(d, func() error { return p.row(d, set) })
		case form.link, "resultTruncated":
			value, err := d.ReadToken()
			if err != nil || value.Kind() != '"' {
				return err
			}
			if string(name) == form.link {
				around.link = value.String()
			} else {
				around.truncated = value.String() == "true"
			}
			return nil
		case "totalRecords", "@odata.count":
			value, err := d.ReadValue()
			if err == nil && value.Kind() == '0' {
				if n, err := strconv.ParseInt(string(value), 10, 64); err == nil {
					p.Total = n
				}
			}
			return err
		}
		return d.SkipValue()
	})
}

// row reads a row.
func (p *Page[T]) row(d *jsontext.Decoder, set func(*T, Column) error) error {
	var row T
	p.Rows = append(p.Rows, row)
	last := &p.Rows[len(p.Rows)-1]
	if err := expect(d, '{'); err != nil {
		return err
	}
	from := p.base + d.InputOffset() - 1
	if err := rest(d, func(name []byte) error {
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		return set(last, Column{name, value})
	}); err != nil {
		return err
	}
	p.raw = append(p.raw, span{from, p.base + d.InputOffset()})
	return nil
}

// members reads an object; member must read the value of each name.
func members(d *jsontext.Decoder, member func(name []byte) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	return rest(d, member)
}

// rest reads an object that has begun.
func rest(d *jsontext.Decoder, member func(name []byte) error) error {
	for d.PeekKind() != '}' {
		name, err := d.ReadValue()
		if err != nil {
			return err
		}
		if err := member(name[1 : len(name)-1]); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// elements reads an array; element must read each value.
func elements(d *jsontext.Decoder, element func() error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

func expect(d *jsontext.Decoder, kind jsontext.Kind) error {
	token, err := d.ReadToken()
	if err == nil && token.Kind() != kind {
		err = fmt.Errorf("there is %s instead of %s", token.Kind(), kind)
	}
	return err
}

// Text is a string's text, and empty for any other value.
func (c Column) Text() string {
	v := c.Value
	switch {
	case v.Kind() != '"':
		return ""
	case bytes.IndexByte(v, '\\') < 0:
		return string(v[1 : len(v)-1])
	}
	text, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "" // the decoder accepts no such string
	}
	return string(text)
}

// JSON is a value other than nothing: null and the empty string, object and array, which Resource
// Graph sends for what a resource does not have, are nil.
func (c Column) JSON() []byte {
	switch string(c.Value) {
	case "null", `""`, "{}", "[]":
		return nil
	}
	return c.Value
}

// Int is a whole number.
func (c Column) Int() (int64, error) {
	return strconv.ParseInt(string(c.Value), 10, 64)
}

// Shrink gives the memory of a page back that is larger than kept, in bytes; most pages need less.
func (p *Page[T]) Shrink(kept int) {
	clear(p.Rows)
	if p.body.Cap() > kept {
		p.body = bytes.Buffer{}
	}
}
