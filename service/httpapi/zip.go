package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io"
	"sort"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// archive is a zip file that is written nowhere. All of it follows from the list of files but for their checksums, so its
// size is known at once and every byte has its place; what is read is made as it is read. Files are stored uncompressed,
// each followed by a data descriptor with its CRC-32: it is known once the file has passed, and only a reader who begins
// behind a file makes the archive read it again. Format: APPNOTE.TXT 6.3.10 of PKWARE.
type archive struct {
	files []backend.Artifact
	date  int // of MS-DOS
	time  int
	open  func(backend.Artifact) (io.ReadSeekCloser, error)
	crcs  *crcCache

	starts []int64 // of each file's local header, then of the central directory
	size   int64
	tail   []byte // central directory and end, once it was made

	at      int64
	current int // the file that is open, -1 is none
	from    io.ReadSeekCloser
	reached int64 // where its next byte stands
	passed  int64 // up to where its checksum is known
	sum     uint32
}

// archiveFormat is a part of the ETag: another layout is another archive.
const archiveFormat = 2

func newArchive(files []backend.Artifact, made time.Time, crcs *crcCache, open func(backend.Artifact) (io.ReadSeekCloser, error)) *archive {
	z := &archive{files: files, open: open, crcs: crcs, current: -1}
	made = made.UTC()
	z.date = max(0, made.Year()-1980)<<9 | int(made.Month())<<5 | made.Day()
	z.time = made.Hour()<<11 | made.Minute()<<5 | made.Second()/2
	var offset int64
	for i, f := range files {
		z.starts = append(z.starts, offset)
		offset += z.localLength(i) + f.Size + z.descriptorLength(i)
	}
	z.starts = append(z.starts, offset)
	for i, f := range files {
		offset += centralSize + int64(len(f.Path))
		if z.large(i) {
			offset += central64Size
		}
	}
	if z.end64(offset) {
		offset += end64Size
	}
	z.size = offset + endSize
	return z
}

// large says that a file needs the 64-bit records.
func (z *archive) large(i int) bool { return z.files[i].Size >= max32 || z.starts[i] >= max32 }

// end64 says that the end needs the 64-bit records, if the central directory ends at an offset.
func (z *archive) end64(end int64) bool { return len(z.files) >= max16 || end >= max32 }

func (z *archive) localLength(i int) int64 {
	n := int64(localSize + len(z.files[i].Path))
	if z.large(i) {
		n += local64Size
	}
	return n
}

func (z *archive) descriptorLength(i int) int64 {
	if z.large(i) {
		return descriptor64
	}
	return descriptorSize
}

// etag is strong: the same list of files is the same archive.
func (z *archive) etag() string {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, archiveFormat, z.date, z.time)
	for _, f := range z.files {
		_, _ = fmt.Fprintf(h, "%q %d %s\n", f.Path, f.Size, f.SHA256)
	}
	return `"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16]) + `"`
}

// Seek is io.Seeker.
func (z *archive) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += z.at
	case io.SeekEnd:
		offset += z.size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek before the beginning")
	}
	z.at = offset
	return offset, nil
}

// Close closes the file that is open.
func (z *archive) Close() error {
	z.current = -1
	if z.from == nil {
		return nil
	}
	from := z.from
	z.from = nil
	return from.Close()
}

// Read is io.Reader.
func (z *archive) Read(p []byte) (int, error) {
	if z.at >= z.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := z.readSome(p)
	z.at += int64(n)
	return n, err
}

// readSome reads from the one record or file that stands at the present place.
func (z *archive) readSome(p []byte) (int, error) {
	i := sort.Search(len(z.starts), func(i int) bool { return z.starts[i] > z.at }) - 1
	in := z.at - z.starts[i]
	if i == len(z.files) {
		if z.tail == nil {
			if err := z.makeTail(); err != nil {
				return 0, err
			}
		}
		return copy(p, z.tail[in:]), nil
	}
	header := z.localLength(i)
	if in < header {
		return copy(p, z.local(i)[in:]), nil
	}
	in -= header
	if in < z.files[i].Size {
		return z.content(p, i, in)
	}
	d, err := z.descriptor(i)
	if err != nil {
		return 0, err
	}
	return copy(p, d[in-z.files[i].Size:]), nil
}

// content reads from a file.
func (z *archive) content(p []byte, i int, offset int64) (int, error) {
	f := z.files[i]
	if z.current != i {
		if err := z.Close(); err != nil {
			return 0, err
		}
		from, err := z.open(f)
		if err != nil {
			return 0, err
		}
		z.current, z.from, z.reached, z.passed, z.sum = i, from, 0, 0, 0
	}
	if z.reached != offset {
		if _, err := z.from.Seek(offset, io.SeekStart); err != nil {
			return 0, err
		}
		z.reached = offset
	}
	n, err := z.from.Read(p[:min(int64(len(p)), f.Size-offset)])
	z.reached += int64(n)
	if z.passed == offset {
		z.sum = crc32.Update(z.sum, crc32.IEEETable, p[:n])
		z.passed = z.reached
		if z.passed == f.Size {
			z.crcs.put(f.SHA256, z.sum)
		}
	}
	if n > 0 {
		return n, nil
	}
	if err == nil || err == io.EOF { //nolint:errorlint // readers return EOF as it is
		err = io.ErrUnexpectedEOF
	}
	return 0, fmt.Errorf("%s: %w", f.Path, err)
}

// crc is the checksum of a file; if it did not pass by, the file is read for it.
func (z *archive) crc(i int) (uint32, error) {
	f := z.files[i]
	if f.Size == 0 {
		return 0, nil
	}
	if sum, ok := z.crcs.get(f.SHA256); ok {
		return sum, nil
	}
	from, err := z.open(f)
	if err != nil {
		return 0, err
	}
	defer from.Close() //nolint:errcheck // it was only read
	h := crc32.NewIEEE()
	b := streamBuffers.Get().(*[]byte)
	defer streamBuffers.Put(b)
	if n, err := io.CopyBuffer(h, from, *b); err != nil || n != f.Size {
		return 0, fmt.Errorf("%s: %d of %d bytes: %w", f.Path, n, f.Size, err)
	}
	z.crcs.put(f.SHA256, h.Sum32())
	return h.Sum32(), nil
}

// crcCache remembers CRC-32s of files by their SHA-256.
type crcCache struct {
	mu   sync.Mutex
	sums map[string]uint32
}

// maxCRCs is how many are remembered: about 10 MB.
const maxCRCs = 1 << 16

func (c *crcCache) get(sha string) (uint32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum, ok := c.sums[sha]
	return sum, ok
}

func (c *crcCache) put(sha string, sum uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sums == nil || len(c.sums) >= maxCRCs {
		c.sums = map[string]uint32{}
	}
	c.sums[sha] = sum
}
