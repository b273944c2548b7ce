package terraform

import (
	"errors"
	"io"
	"os"
	"sync"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const chunk = 1 << 18

// spool keeps what belongs into one file while units are written side by side, in a temporary file, and gives it
// back in the order of units: memory holds one chunk for each unit that is under way.
type spool struct {
	mu     sync.Mutex
	file   *os.File
	size   int64
	units  [][]piece
	buffer [][]byte
}

type piece struct{ at, size int64 }

func newSpool(units int) (*spool, error) {
	file, err := os.CreateTemp("", "atg-imports-*")
	if err != nil {
		return nil, spoolFailed(err)
	}
	return &spool{file: file, units: make([][]piece, units), buffer: make([][]byte, units)}, nil
}

// close removes the temporary file.
func (s *spool) close() error { return errors.Join(s.file.Close(), os.Remove(s.file.Name())) }

// add adds to what a unit has. Different units may add at the same time.
func (s *spool) add(unit int, b []byte) error {
	s.buffer[unit] = append(s.buffer[unit], b...)
	if len(s.buffer[unit]) < chunk {
		return nil
	}
	err := s.done(unit)
	s.buffer[unit] = make([]byte, 0, chunk+1<<12)
	return err
}

// done is called when a unit adds nothing more.
func (s *spool) done(unit int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buffer[unit]
	s.buffer[unit] = nil
	if len(b) == 0 {
		return nil
	}
	if _, err := s.file.WriteAt(b, s.size); err != nil {
		return spoolFailed(err)
	}
	s.units[unit] = append(s.units[unit], piece{s.size, int64(len(b))})
	s.size += int64(len(b))
	return nil
}

// copy writes all that was added, unit by unit.
func (s *spool) copy(to io.Writer) error {
	for _, pieces := range s.units {
		for _, p := range pieces {
			if _, err := io.Copy(to, io.NewSectionReader(s.file, p.at, p.size)); err != nil {
				return spoolFailed(err)
			}
		}
	}
	return nil
}

func spoolFailed(err error) error {
	return fault.New(fault.ExecutionFailed, "cannot keep the import blocks in a temporary file", fault.Because(err),
		fault.Hint("the folder for temporary files needs space, and must be writable"))
}
