package arm

import (
	"strconv"
	"sync"
	"unicode/utf8"
)

// pool keeps the memory of templates that are written for the next ones.
type pool struct {
	mu   sync.Mutex
	free [][]byte
}

// get is memory for about so many bytes.
func (p *pool) get(size int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := -1
	for i, b := range p.free {
		if best < 0 || fits(cap(b), cap(p.free[best]), size) {
			best = i
		}
	}
	if best < 0 {
		return make([]byte, 0, size)
	}
	b := p.free[best]
	p.free[best] = p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	if cap(b) < size {
		b = make([]byte, 0, size+size/4) // the next ones are of about the same size, and some larger
	}
	return b
}

// fits says whether memory of a bytes serves better than of b where size are wanted: the smallest that is enough, else the largest.
func fits(a, b, size int) bool {
	if (a >= size) != (b >= size) {
		return a >= size
	}
	return (a < b) == (a >= size)
}

func (p *pool) put(b []byte) {
	if cap(b) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, b[:0])
}

// document is JSON that is being written. It never fails, and takes what it is given in the order in which it is given.
type document struct {
	b     []byte
	depth int
	empty bool // nothing has been written in the innermost list or map
	// compact leaves out what only people need: a template close to Azure's limit is written so.
	compact bool
}

func (d *document) line() {
	if d.compact {
		return
	}
	d.newline()
}

func (d *document) newline() {
	d.b = append(d.b, '\n')
	if d.compact {
		return
	}
	for n := d.depth; n > 0; n-- {
		d.b = append(d.b, ' ', ' ')
	}
}

// next goes to the place of the next item of a list or map.
func (d *document) next() {
	if !d.empty {
		d.b = append(d.b, ',')
	}
	d.empty = false
	d.line()
}

func (d *document) open(bracket byte) {
	d.b = append(d.b, bracket)
	d.depth++
	d.empty = true
}

func (d *document) close(bracket byte) {
	d.depth--
	if !d.empty {
		d.line()
	}
	d.b = append(d.b, bracket)
	d.empty = false
}

// name writes the name of a member that needs no escaping; its value has to follow.
func (d *document) name(name string) {
	d.next()
	d.b = append(d.b, '"')
	d.b = append(d.b, name...)
	d.b = append(d.b, '"')
	d.colon()
}

func (d *document) colon() {
	d.b = append(d.b, ':')
	if !d.compact {
		d.b = append(d.b, ' ')
	}
}

// plain writes a member with a string that is taken as it is: no expression, and nothing that could look like one.
func (d *document) plain(name, value string) {
	d.name(name)
	d.b = appendString(d.b, value)
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	b = appendEscaped(b, s)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf {
			switch c {
			case '"', '\\':
				b = append(b, s[start:i]...)
				b = append(b, '\\', c)
				start = i + 1
			case 0x7f:
				b = append(b, s[start:i]...)
				b = append(b, `\u007f`...)
				start = i + 1
			}
			i++
			continue
		}
		if c < ' ' {
			b = append(b, s[start:i]...)
			b = appendControl(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b = append(b, s[start:i]...)
			b = append(b, "\uFFFD"...)
			start = i + size
		case r == '\u2028' || r == '\u2029' || (r >= 0x80 && r < 0xa0):
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
			start = i + size
		}
		i += size
	}
	return append(b, s[start:]...)
}

func appendControl(b []byte, c byte) []byte {
	switch c {
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendNumber appends a number as Azure wrote it, and as a string what is none.
func appendNumber(b []byte, digits string) []byte {
	if isNumber(digits) {
		return append(b, digits...)
	}
	return strconv.AppendQuoteToASCII(b, digits)
}

// isNumber says whether s is a number of JSON.
func isNumber(s string) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	if s != "" && s[0] == '0' {
		s = s[1:]
	} else if !digits() {
		return false
	}
	if s != "" && s[0] == '.' {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return s == ""
}
