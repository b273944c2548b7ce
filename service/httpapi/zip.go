package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
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
	date  uint16 // of MS-DOS
	time  uint16
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

// Sizes and signatures of the records.
const (
	localSize      = 30
	local64Size    = 20 // the extra field of a local header
	descriptorSize = 16
	descriptor64   = 24
	centralSize    = 46
	central64Size  = 28 // the extra field of a central header
	endSize        = 22
	end64Size      = 56 + 20 // the record and its locator

	sigLocal      = 0x04034b50
	sigDescriptor = 0x08074b50
	sigCentral    = 0x02014b50
	sigEnd64      = 0x06064b50
	sigLocator64  = 0x07064b50
	sigEnd        = 0x06054b50

	flags        = 1<<3 | 1<<11 // data descriptor; names in UTF-8
	version      = 20
	version64    = 45
	madeBy       = 3 << 8   // Unix
	mode         = 0o100600 // a file that its owner alone may read: it may tell of the tenant
	max32        = math.MaxUint32
	max16        = math.MaxUint16
	formatNumber = 1 // part of the ETag: another layout is another archive
)

func newArchive(files []backend.Artifact, made time.Time, crcs *crcCache, open func(backend.Artifact) (io.ReadSeekCloser, error)) *archive {
	z := &archive{files: files, open: open, crcs: crcs, current: -1}
	made = made.UTC()
	z.date = uint16(max(0, made.Year()-1980)<<9 | int(made.Month())<<5 | made.Day()) //nolint:gosec // years to 2107 fit
	z.time = uint16(made.Hour()<<11 | made.Minute()<<5 | made.Second()/2)            //nolint:gosec // it fits
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
	_, _ = fmt.Fprintln(h, formatNumber, z.date, z.time)
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

var le = binary.LittleEndian

func (z *archive) local(i int) []byte {
	f, needs, size, extra := z.files[i], uint16(version), uint32(0), []byte(nil)
	if z.large(i) {
		needs, size = version64, max32
		extra = append(extra, 1, 0, 16, 0)
		extra = append(extra, make([]byte, 16)...) // the sizes stand in the descriptor
	}
	b := le.AppendUint32(nil, sigLocal)
	b = le.AppendUint16(b, needs)
	b = le.AppendUint16(b, flags)
	b = le.AppendUint16(b, 0) // stored
	b = le.AppendUint16(b, z.time)
	b = le.AppendUint16(b, z.date)
	b = le.AppendUint32(b, 0) // the checksum stands in the descriptor
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(f.Path))) //nolint:gosec // paths are shorter
	b = le.AppendUint16(b, uint16(len(extra)))  //nolint:gosec // 0 or 20
	return append(append(b, f.Path...), extra...)
}

func (z *archive) descriptor(i int) ([]byte, error) {
	sum, err := z.crc(i)
	if err != nil {
		return nil, err
	}
	size := uint64(z.files[i].Size) //nolint:gosec // sizes are not negative
	b := le.AppendUint32(nil, sigDescriptor)
	b = le.AppendUint32(b, sum)
	if z.large(i) {
		return le.AppendUint64(le.AppendUint64(b, size), size), nil
	}
	return le.AppendUint32(le.AppendUint32(b, uint32(size)), uint32(size)), nil //nolint:gosec // it is not large
}

func (z *archive) central(b []byte, i int) ([]byte, error) {
	sum, err := z.crc(i)
	if err != nil {
		return nil, err
	}
	f := z.files[i]
	needs, size, offset, extra := uint16(version), uint32(f.Size), uint32(z.starts[i]), []byte(nil) //nolint:gosec // unless it is large
	if z.large(i) {
		needs, size, offset = version64, max32, max32
		extra = append(extra, 1, 0, 24, 0)
		extra = le.AppendUint64(extra, uint64(f.Size))      //nolint:gosec // sizes are not negative
		extra = le.AppendUint64(extra, uint64(f.Size))      //nolint:gosec // as above
		extra = le.AppendUint64(extra, uint64(z.starts[i])) //nolint:gosec // as above
	}
	b = le.AppendUint32(b, sigCentral)
	b = le.AppendUint16(b, madeBy|needs)
	b = le.AppendUint16(b, needs)
	b = le.AppendUint16(b, flags)
	b = le.AppendUint16(b, 0) // stored
	b = le.AppendUint16(b, z.time)
	b = le.AppendUint16(b, z.date)
	b = le.AppendUint32(b, sum)
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, size)
	b = le.AppendUint16(b, uint16(len(f.Path))) //nolint:gosec // paths are shorter
	b = le.AppendUint16(b, uint16(len(extra)))  //nolint:gosec // 0 or 28
	b = append(b, 0, 0, 0, 0, 0, 0)             // no comment, the first disk, no attributes of MS-DOS
	b = le.AppendUint32(b, mode<<16)
	b = le.AppendUint32(b, offset)
	return append(append(b, f.Path...), extra...), nil
}

// makeTail makes the central directory and the end.
func (z *archive) makeTail() error {
	start, n := z.starts[len(z.files)], len(z.files)
	b := slices.Grow([]byte(nil), int(z.size-start))
	var err error
	for i := range z.files {
		if b, err = z.central(b, i); err != nil {
			return err
		}
	}
	length := uint64(len(b))
	if end := start + int64(length); z.end64(end) { //nolint:gosec // it fits in memory
		b = le.AppendUint32(b, sigEnd64)
		b = le.AppendUint64(b, 56-12) // the rest of this record
		b = le.AppendUint16(b, madeBy|version64)
		b = le.AppendUint16(b, version64)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0) // the first disk
		b = le.AppendUint64(b, uint64(n))     //nolint:gosec // not negative
		b = le.AppendUint64(b, uint64(n))     //nolint:gosec // not negative
		b = le.AppendUint64(b, length)
		b = le.AppendUint64(b, uint64(start)) //nolint:gosec // not negative
		b = le.AppendUint32(b, sigLocator64)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(end)) //nolint:gosec // not negative
		b = le.AppendUint32(b, 1)           // disks
	}
	count := uint16(min(n, max16)) //nolint:gosec // it fits
	b = le.AppendUint32(b, sigEnd)
	b = append(b, 0, 0, 0, 0) // the first disk
	b = le.AppendUint16(b, count)
	b = le.AppendUint16(b, count)
	b = le.AppendUint32(b, uint32(min(length, max32)))       //nolint:gosec // it fits
	b = le.AppendUint32(b, uint32(min(start, int64(max32)))) //nolint:gosec // it fits
	z.tail = append(b, 0, 0)                                 // no comment
	return nil
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
