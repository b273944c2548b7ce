package httpapi

import (
	"encoding/binary"
	"math"
)

// Sizes and signatures of the records of a zip file.
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

	flags     = 1<<3 | 1<<11 // data descriptor; names in UTF-8
	stored    = 0
	version   = 20
	version64 = 45
	unix      = 3 << 8
	mode      = 0o100600 // a file that its owner alone may read: it may tell of the tenant
	script    = 0o100700 // the same, to be run
	extra64   = 1        // the extra field with 64-bit sizes
	max32     = math.MaxUint32
	max16     = math.MaxUint16
)

// record is a record being written. What does not fit into a field fills it, which says that it stands in a larger one.
type record []byte

func (b record) u16(v int) record {
	return binary.LittleEndian.AppendUint16(b, uint16(min(v, max16))) //nolint:gosec // it fits, and none is negative
}

func (b record) u32(v int64) record {
	return binary.LittleEndian.AppendUint32(b, uint32(min(v, max32))) //nolint:gosec // as above
}

func (b record) u64(v int64) record {
	return binary.LittleEndian.AppendUint64(b, uint64(v)) //nolint:gosec // none is negative
}

func (b record) text(s string) record { return append(b, s...) }

// common is what local and central headers share, from the version on.
func (z *archive) common(b record, needs int, sum uint32, size int64, name string, extra int) record {
	b = b.u16(needs).u16(flags).u16(stored).u16(z.time).u16(z.date)
	return b.u32(int64(sum)).u32(size).u32(size).u16(len(name)).u16(extra)
}

// local is the header before a file. Checksum and sizes stand in the descriptor behind it.
func (z *archive) local(i int) record {
	name, b := z.files[i].Path, record(nil).u32(sigLocal)
	if !z.large(i) {
		return z.common(b, version, 0, 0, name, 0).text(name)
	}
	b = z.common(b, version64, 0, max32, name, local64Size).text(name)
	return b.u16(extra64).u16(local64Size - 4).u64(0).u64(0)
}

// descriptor is the record behind a file.
func (z *archive) descriptor(i int) (record, error) {
	sum, err := z.crc(i)
	if err != nil {
		return nil, err
	}
	size, b := z.files[i].Size, record(nil).u32(sigDescriptor).u32(int64(sum))
	if z.large(i) {
		return b.u64(size).u64(size), nil
	}
	return b.u32(size).u32(size), nil
}

// central appends a file's entry in the central directory.
func (z *archive) central(b record, i int) (record, error) {
	sum, err := z.crc(i)
	if err != nil {
		return nil, err
	}
	name, size, offset := z.files[i].Path, z.files[i].Size, z.starts[i]
	needs, extra, shown, at := version, 0, size, offset
	if z.large(i) {
		needs, extra, shown, at = version64, central64Size, max32, max32
	}
	b = z.common(b.u32(sigCentral).u16(unix|needs), needs, sum, shown, name, extra)
	b = b.u16(0).u16(0).u16(0) // no comment, on the first disk, no text
	attributes := int64(mode)
	if z.files[i].Executable() {
		attributes = script
	}
	b = b.u32(attributes << 16).u32(at).text(name)
	if z.large(i) {
		b = b.u16(extra64).u16(central64Size - 4).u64(size).u64(size).u64(offset)
	}
	return b, nil
}

// makeTail makes the central directory and the end.
func (z *archive) makeTail() error {
	start, n := z.starts[len(z.files)], len(z.files)
	b := make(record, 0, z.size-start)
	var err error
	for i := range z.files {
		if b, err = z.central(b, i); err != nil {
			return err
		}
	}
	length := int64(len(b))
	if end := start + length; z.end64(end) {
		b = b.u32(sigEnd64).u64(56 - 12) // the length of the rest of this record
		b = b.u16(unix | version64).u16(version64).u32(0).u32(0)
		b = b.u64(int64(n)).u64(int64(n)).u64(length).u64(start)
		b = b.u32(sigLocator64).u32(0).u64(end).u32(1)
	}
	z.tail = b.u32(sigEnd).u16(0).u16(0).u16(n).u16(n).u32(length).u32(start).u16(0)
	return nil
}
