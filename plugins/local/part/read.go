package part

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// maxFrame bounds a row: ARM and Resource Graph send pages of 16 MiB at most.
const maxFrame = 64 << 20

// step is how much room is made for a frame, in bytes, before anything of it has come.
const step = 256 << 10

// Reader reads the rows of a finished part.
type Reader struct {
	Header Header

	file  *os.File
	in    *bufio.Reader
	frame []byte
}

// Open opens a finished part below dir, the work folder of a job, after comparing its checksum.
// Errors are ErrDamaged, or of the file system.
func Open(dir string, p backend.Part) (*Reader, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(p.Path)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: file}
	if err := r.begin(p); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Reader) begin(p backend.Part) error {
	sum := sha256.New()
	if _, err := io.Copy(sum, r.file); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
		return fmt.Errorf("%w: %s has another checksum", ErrDamaged, p.Path)
	}
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r.in = bufio.NewReaderSize(s2.NewReader(r.file, s2.ReaderMaxBlockSize(block), s2.ReaderAllocBlock(block)), 64<<10)
	kind, content, err := r.next()
	if err == nil && kind == frameHeader {
		err = json.Unmarshal(content, &r.Header)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%w: %s: %w", ErrDamaged, p.Path, err)
	case kind != frameHeader || r.Header.Version != version:
		return fmt.Errorf("%w: %s is of another format", ErrDamaged, p.Path)
	case r.Header.Key != p.Key:
		return fmt.Errorf("%w: %s is the part %s", ErrDamaged, p.Path, r.Header.Key)
	}
	return nil
}

// Rows hands out the rows, each valid until the next, and then answers the footer.
func (r *Reader) Rows(row func(raw []byte) error) (Footer, error) {
	for rows := int64(0); ; rows++ {
		kind, content, err := r.next()
		if err != nil {
			return Footer{}, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if kind == frameRow {
			if err := row(content); err != nil {
				return Footer{}, err
			}
			continue
		}
		var footer Footer
		if err := json.Unmarshal(content, &footer); kind != frameFooter || err != nil || footer.Rows != rows {
			return Footer{}, fmt.Errorf("%w: it has no footer that fits", ErrDamaged)
		}
		return footer, nil
	}
}

func (r *Reader) next() (kind byte, content []byte, err error) {
	if kind, err = r.in.ReadByte(); err != nil {
		return 0, nil, err
	}
	size, err := binary.ReadUvarint(r.in)
	if err != nil {
		return 0, nil, err
	}
	if size > maxFrame {
		return 0, nil, errors.New("a row is too long")
	}
	r.frame = r.frame[:0]
	for left := int(size); left > 0; left = int(size) - len(r.frame) {
		// A length that is only said makes no room: at most as much again as has come.
		r.frame = slices.Grow(r.frame, min(left, max(len(r.frame), step)))
		from := len(r.frame)
		r.frame = r.frame[:from+min(left, cap(r.frame)-from)]
		if _, err := io.ReadFull(r.in, r.frame[from:]); err != nil {
			return 0, nil, err
		}
	}
	return kind, r.frame, nil
}

// Close closes the file.
func (r *Reader) Close() { _ = r.file.Close() }
