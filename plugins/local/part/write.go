package part

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// block is how much of a part is compressed at once, in bytes. Several parts are written at a time.
const block = 256 << 10

var compressors = sync.Pool{New: func() any {
	return s2.NewWriter(nil, s2.WriterConcurrency(1), s2.WriterBlockSize(block))
}}

// Writer writes a part. Its methods may be called from several goroutines.
type Writer struct {
	path string // where it appears when it is whole
	key  string

	mu   sync.Mutex
	file *os.File // nil once finished or aborted
	disk *bufio.Writer
	sum  hash.Hash
	out  *s2.Writer
	rows int64
	err  error // the first
}

// Create begins the file of a part below dir, the work folder of a job. It must end with Finish or Abort.
func Create(dir string, h Header) (*Writer, error) {
	h.Version = version
	name := filepath.Join(dir, filepath.FromSlash(FileName(h.Key)))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	w := &Writer{path: name, key: h.Key, file: file, disk: bufio.NewWriterSize(file, 64<<10), sum: sha256.New(), out: compressors.Get().(*s2.Writer)}
	w.out.Reset(io.MultiWriter(w.disk, w.sum))
	content, err := json.Marshal(h)
	if err == nil {
		err = w.frame(frameHeader, content)
	}
	if err != nil {
		w.Abort()
		return nil, err
	}
	return w, nil
}

// Add adds rows, each a JSON object.
func (w *Writer) Add(rows ...[]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, row := range rows {
		if err := w.frame(frameRow, row); err != nil {
			return err
		}
		w.rows++
	}
	return nil
}

func (w *Writer) frame(kind byte, content []byte) error {
	if w.err != nil {
		return w.err
	}
	var head [1 + binary.MaxVarintLen64]byte
	head[0] = kind
	n := 1 + binary.PutUvarint(head[1:], uint64(len(content)))
	if _, w.err = w.out.Write(head[:n]); w.err == nil {
		_, w.err = w.out.Write(content)
	}
	return w.err
}

// Finish completes the file, which appears at once, and says what it is. Nothing is synced: whoever reads
// the part again compares the checksum.
func (w *Writer) Finish(f Footer) (backend.Part, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.Rows = w.rows
	content, err := json.Marshal(f)
	if err == nil {
		err = w.frame(frameFooter, content)
	}
	if err == nil {
		err = w.out.Close()
	}
	if err == nil {
		err = w.disk.Flush()
	}
	temporary := w.file.Name()
	if err = errors.Join(err, w.close()); err == nil {
		err = os.Rename(temporary, w.path)
	}
	if err != nil {
		return backend.Part{}, errors.Join(err, os.Remove(temporary))
	}
	return backend.Part{Key: w.key, Path: FileName(w.key), Rows: w.rows, SHA256: hex.EncodeToString(w.sum.Sum(nil))}, nil
}

func (w *Writer) close() error {
	err := w.file.Close()
	w.file = nil
	w.out.Reset(nil)
	compressors.Put(w.out)
	return err
}

// Abort gives the part up. After Finish it does nothing.
func (w *Writer) Abort() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.file == nil {
		return
	}
	name := w.file.Name()
	_ = w.close()
	_ = os.Remove(name)
}
