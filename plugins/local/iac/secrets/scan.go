package secrets

import (
	"bytes"
	"fmt"
	"strings"
	"unsafe"
)

// Scanner looks for secrets by their form in what is written to it. It takes a line as a whole, as Looks does, however it is cut into
// writes.
type Scanner struct {
	held  []byte // what was written and not looked through: the last line, until it is whole
	line  int    // lines before held
	found []string
}

// A line is held until it is whole, but no longer than longestLine; of one that is longer, the last overlap bytes are looked through
// again with what follows.
const (
	longestLine = 256 << 10
	overlap     = 16 << 10
)

// most is how many secrets are told.
const most = 10

// Write never fails.
func (s *Scanner) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; { // pieces, so that held stays small
		n := min(len(rest), 64<<10)
		s.piece(rest[:n])
		rest = rest[n:]
	}
	return len(p), nil
}

func (s *Scanner) piece(p []byte) {
	whole := bytes.LastIndexByte(p, '\n') + 1
	if whole > 0 {
		whole += len(s.held)
	}
	s.held = append(s.held, p...)
	switch {
	case whole > 0:
		s.look(whole)
		s.drop(whole)
	case len(s.held) >= longestLine:
		s.look(len(s.held))
		s.drop(len(s.held) - overlap)
	}
}

// look looks through what is held, up to a place.
func (s *Scanner) look(until int) {
	text := unsafe.String(unsafe.SliceData(s.held), until) //nolint:gosec // read only while s.held stays as it is
	for i := range forms() {
		f := &forms()[i]
		if len(s.found) >= most {
			return
		}
		if at := f.in(text); at >= 0 {
			s.tell(fmt.Sprintf("%s in line %d", f.kind, s.line+1+strings.Count(text[:at], "\n")))
		}
	}
}

// tell keeps what was found, once.
func (s *Scanner) tell(found string) {
	for _, f := range s.found {
		if f == found {
			return
		}
	}
	s.found = append(s.found, found)
}

// drop drops the first bytes of what is held.
func (s *Scanner) drop(n int) {
	s.line += bytes.Count(s.held[:n], []byte("\n"))
	s.held = append(s.held[:0], s.held[n:]...)
}

// Found are the secrets in all that was written, each in words that do not tell it.
func (s *Scanner) Found() []string {
	s.look(len(s.held))
	return s.found
}
