package remote

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
)

const (
	bufferSize  = 512 << 10 // bytes
	bufferCount = 4
)

// hasher computes a SHA-256 beside whoever reads and writes what it is of, so that a download takes as
// long as the slower of both. One goroutine uses it.
type hasher struct {
	sum  hash.Hash
	free chan []byte
	todo chan func()
}

// newHasher makes a hasher; close ends it.
func newHasher() *hasher {
	h := &hasher{sum: sha256.New(), free: make(chan []byte, bufferCount), todo: make(chan func(), bufferCount)}
	for range bufferCount {
		h.free <- nil // made when it is needed: most files are small
	}
	go func() {
		for do := range h.todo {
			do()
		}
	}()
	return h
}

func (h *hasher) close() { close(h.todo) }

// buffer answers a buffer, which add takes back.
func (h *hasher) buffer() []byte {
	if b := <-h.free; b != nil {
		return b[:bufferSize]
	}
	return make([]byte, bufferSize)
}

// add takes a buffer and counts its first n bytes in.
func (h *hasher) add(b []byte, n int) {
	if n == 0 {
		h.free <- b
		return
	}
	h.todo <- func() {
		_, _ = h.sum.Write(b[:n]) // never fails
		h.free <- b
	}
}

// addAll counts all of a reader in.
func (h *hasher) addAll(r io.Reader) (n int64, err error) {
	for err == nil {
		var some int
		b := h.buffer()
		some, err = r.Read(b)
		h.add(b, some)
		n += int64(some)
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// reset begins anew.
func (h *hasher) reset() { h.todo <- h.sum.Reset }

// total is the SHA-256 of what was counted in, in lower-case hexadecimal.
func (h *hasher) total() string {
	sum := make(chan string)
	h.todo <- func() { sum <- hex.EncodeToString(h.sum.Sum(nil)) }
	return <-sum
}
