package install

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// errNoArchive says that a file is neither .tar.gz nor .zip.
var errNoArchive = errors.New("no archive")

// limits of an archive.
type limits struct {
	entries int
	program int64 // bytes of the program
	total   int64 // bytes of everything in it
}

var generous = limits{entries: 10_000, program: mostBytes, total: 2 * mostBytes}

// unpack takes the one program out of an archive, into the file to. Nothing else of it is written, and no path in
// it is used; an archive with paths that lead out of it, links or devices is refused all the same: it was made to do harm,
// or by mistake. It answers the base name of the program, or errNoArchive.
func unpack(archive, to string, wanted func(base string) bool, most limits) (string, error) {
	file, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	magic := make([]byte, 4)
	n, _ := io.ReadFull(file, magic)
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	u := unpacker{to: to, wanted: wanted, most: most}
	switch magic = magic[:n]; {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		err = u.tar(file)
	case bytes.Equal(magic, []byte("PK\x03\x04")), bytes.Equal(magic, []byte("PK\x05\x06")):
		err = u.zip(file)
	default:
		return "", errNoArchive
	}
	if err == nil && u.found == "" {
		err = unsafeArchive("no program atg-backend-NAME for this platform is in it")
	}
	if err != nil && fault.As(err) == nil {
		err = unsafeArchive("it cannot be read: %v", err)
	}
	return u.found, err
}

type unpacker struct {
	to      string
	wanted  func(base string) bool
	most    limits
	entries int
	total   int64
	found   string
}

func unsafeArchive(format string, args ...any) error {
	return integrity("", "the archive is refused: "+format, args...)
}

func (u *unpacker) tar(r io.Reader) error {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	// also what the reader of the tar skips has been unpacked
	archive := tar.NewReader(&bounded{r: unzipped, left: u.most.total + int64(u.most.entries)*1536})
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch header.Typeflag {
		case tar.TypeReg, tar.TypeDir:
		case tar.TypeXGlobalHeader:
			continue
		default:
			return unsafeArchive("%q is a link or a device", header.Name)
		}
		if err := u.entry(header.Name, header.Typeflag == tar.TypeDir, header.Size, archive); err != nil {
			return err
		}
	}
}

func (u *unpacker) zip(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	archive, err := zip.NewReader(file, info.Size())
	if err != nil {
		return err
	}
	for _, f := range archive.File {
		if kind := f.Mode().Type(); kind != 0 && kind != fs.ModeDir {
			return unsafeArchive("%q is a link or a device", f.Name)
		}
		if f.UncompressedSize64 > uint64(u.most.total) { //nolint:gosec // a limit of ours
			return unsafeArchive("it unpacks to more than %d MiB", u.most.total>>20)
		}
		content, err := f.Open()
		if err != nil {
			return err
		}
		err = u.entry(f.Name, f.Mode().IsDir(), int64(f.UncompressedSize64), content) //nolint:gosec // bounded above
		if err = errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return nil
}

// entry looks at what is in the archive, and takes it if it is the program.
func (u *unpacker) entry(name string, folder bool, size int64, content io.Reader) error {
	u.entries++
	u.total += size
	base := path.Base(name)
	switch {
	case !safePath(name):
		return unsafeArchive("the path %q leads out of it", name)
	case u.entries > u.most.entries:
		return unsafeArchive("more than %d files are in it", u.most.entries)
	case u.total > u.most.total:
		return unsafeArchive("it unpacks to more than %d MiB", u.most.total>>20)
	case folder || !u.wanted(base):
		return nil
	case u.found != "":
		return unsafeArchive("%s and %s are in it, and one program should be", u.found, base)
	case size > u.most.program:
		return unsafeArchive("%s has more than %d MiB", base, u.most.program>>20)
	}
	u.found = base
	out, err := os.OpenFile(u.to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	written, err := io.Copy(out, io.LimitReader(content, u.most.program+1))
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	if written != size {
		return unsafeArchive("%s has %d bytes, and should have %d", base, written, size)
	}
	return nil
}

// safePath says whether a path stays below the folder that it begins in, on every system.
func safePath(name string) bool {
	name = strings.TrimPrefix(strings.TrimSuffix(name, "/"), "./")
	return name == "." || name == "" || fs.ValidPath(name) && !strings.ContainsAny(name, "\\:\x00")
}

// bounded reads so much and no more.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("it unpacks to too much")
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}
