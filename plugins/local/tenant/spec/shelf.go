package spec

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/s2"
)

// place is where something packed is: in which box of a shelf, and where in that.
type place struct{ box, offset int32 }

// text is the place as a value holds it.
func (p place) text() string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(uint32(p.box))<<32|uint64(uint32(p.offset)))) //nolint:gosec // bits
}

// placeOf is the place that a packed value holds.
func placeOf(v *Value) place {
	n := binary.LittleEndian.Uint64([]byte(v.Text))
	return place{int32(n >> 32), int32(n)} //nolint:gosec // bits
}

// shelf keeps what is packed in boxes, each of which is compressed. It is for concurrent use.
type shelf struct {
	mu    sync.Mutex
	boxes [][]byte
	last  [2]opened // those that were opened last: whoever looks at a resource often looks at another one meanwhile
}

// opened is a box that was unpacked.
type opened struct {
	box     int32
	content string
}

// box makes room for one.
func (s *shelf) box() int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes = append(s.boxes, nil)
	return int32(len(s.boxes) - 1) //nolint:gosec // each has some bytes
}

// put fills a box.
func (s *shelf) put(box int32, content []byte) {
	packed := s2.Encode(nil, content)
	packed = append(make([]byte, 0, len(packed)), packed...) // there was room for what cannot be compressed
	s.mu.Lock()
	defer s.mu.Unlock()
	s.boxes[box] = packed
}

// open is what begins at a place.
func (s *shelf) open(at place) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, one := range s.last {
		if one.content != "" && one.box == at.box {
			if i > 0 {
				s.last[0], s.last[i] = one, s.last[0]
			}
			return one.content[at.offset:]
		}
	}
	content, err := s2.Decode(nil, s.boxes[at.box])
	if err != nil {
		panic(fmt.Sprintf("what was packed is broken: %v", err)) // memory is
	}
	s.last[1] = s.last[0]
	s.last[0] = opened{at.box, string(content)}
	return s.last[0].content[at.offset:]
}
