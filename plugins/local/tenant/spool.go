package tenant

import (
	"bufio"
	"errors"
	"io"
	"os"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// spool keeps a part of the file until what stands before it is known, outside of memory.
type spool struct {
	*bufio.Writer
	file *os.File
}

func newSpool() (*spool, error) {
	file, err := os.CreateTemp("", "atg-spec-*")
	if err != nil {
		return nil, spoolFault(err)
	}
	return &spool{Writer: bufio.NewWriterSize(file, 1<<16), file: file}, nil
}

func spoolFault(err error) error {
	return fault.New(fault.ExecutionFailed, "cannot keep parts of the specification in a temporary file", fault.Because(err),
		fault.Hint("the folder for temporary files needs space, and must be writable"))
}

// moveTo writes what it holds to w, and forgets it.
func (s *spool) moveTo(w io.Writer) error {
	if err := s.Flush(); err != nil {
		return spoolFault(err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return spoolFault(err)
	}
	if _, err := io.Copy(w, s.file); err != nil {
		return spoolFault(err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return spoolFault(err)
	}
	if err := s.file.Truncate(0); err != nil {
		return spoolFault(err)
	}
	return nil
}

// Close removes it.
func (s *spool) Close() error {
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
