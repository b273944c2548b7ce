package secrets

import (
	"bytes"
	"fmt"
	"strings"
	"unsafe"
)

// Scanner looks for secrets by their form in what is written to it.
type Scanner struct {
	tail  []byte // of what was written before, so that a secret across two writes is found
	line  int    // lines before tail
	found []string
}

// Write never fails.
func (s *Scanner) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; { // pieces, so that tail and one of them stay small
		n := min(len(rest), 64<<10)
		s.piece(rest[:n])
		rest = rest[n:]
	}
	return len(p), nil
}

func (s *Scanner) piece(p []byte) {
	s.tail = append(s.tail, p...)
	text := unsafe.String(unsafe.SliceData(s.tail), len(s.tail)) // only while s.tail stays as it is
	for i := range forms() {
		f := &forms()[i]
		if len(s.found) >= 10 {
			break
		}
		if at := f.in(text); at >= 0 {
			s.found = append(s.found, fmt.Sprintf("%s in line %d", f.kind, s.line+1+strings.Count(text[:at], "\n")))
		}
	}
	if drop := len(s.tail) - longest; drop > 0 {
		s.line += bytes.Count(s.tail[:drop], []byte("\n"))
		s.tail = append(s.tail[:0], s.tail[drop:]...)
	}
}

// Found are the secrets, each in words that do not tell it.
func (s *Scanner) Found() []string { return s.found }
