package azure

import (
	"math"
	"sync/atomic"
	"time"
)

// share is which fraction of what a principal may do is this process's: others may call as the same one. The zero value
// is all.
type share struct{ bits atomic.Uint64 }

// of is the fraction.
func (s *share) of() float64 {
	if s == nil {
		return 1
	}
	if bits := s.bits.Load(); bits != 0 {
		return math.Float64frombits(bits)
	}
	return 1
}

func (s *share) set(fraction float64) { s.bits.Store(math.Float64bits(fraction)) }

// span is how far apart calls are that would be so far apart if all were this process's.
func (s *share) span(d time.Duration) time.Duration { return time.Duration(float64(d) / s.of()) }

// SetShare says which fraction, above 0 and at most 1, of what its principals may do is the client's from now on. It
// holds for max_rps, too. Azure's own answers still count for what is left.
func (c *Client) SetShare(fraction float64) { c.share.set(fraction) }
