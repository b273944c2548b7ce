package remote

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// maxRatio is by how much a file in an archive may grow when it is unpacked; one below smallFile bytes
	// by more.
	maxRatio  = 200
	smallFile = 1 << 20
	// archivePart is the name of an archive on its way, entryPart that of a file out of it.
	archivePart = ownPrefix + "archive.part"
	entryPart   = ownPrefix + "entry.part"
)

// listArchive answers the files of a job that come as one archive. They have to be unpacked to know their
// sums, but are not kept.
func (c *RemoteClient) listArchive(ctx context.Context, id string) ([]backend.Artifact, error) {
	dir, err := os.MkdirTemp("", "atg-archive-*")
	if err != nil {
		return nil, notWritten(os.TempDir(), err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, notWritten(dir, err)
	}
	defer func() { _ = root.Close() }()
	m := &meter{report: func(backend.Progress) {}}
	return c.withArchive(ctx, id, root, m, func(f *zip.File, h *hasher) (backend.Artifact, error) {
		return unpack(ctx, f, h, io.Discard)
	})
}

// downloadArchive brings the files of a job that come as one archive.
func (c *RemoteClient) downloadArchive(ctx context.Context, id string, root *os.Root, m *meter) ([]backend.Artifact, error) {
	artifacts, err := c.withArchive(ctx, id, root, m, func(f *zip.File, h *hasher) (backend.Artifact, error) {
		return extract(ctx, f, h, root)
	})
	if err == nil {
		m.end()
	}
	return artifacts, err
}

// withArchive brings the archive of a job's files, checks all that it says of itself, and then lets use
// have each file. The archive is removed behind that.
func (c *RemoteClient) withArchive(ctx context.Context, id string, root *os.Root, m *meter, use func(*zip.File, *hasher) (backend.Artifact, error)) ([]backend.Artifact, error) {
	hash := newHasher()
	defer hash.close()
	q := call{method: http.MethodGet, path: api.Fill(api.PathArchive, id), notFound: fault.ArtifactsNotAvailable}
	_ = root.Remove(archivePart) // what an earlier download has left could be another one's
	f := &file{c: c, from: q, root: root, want: backend.Artifact{Path: "files.zip", Size: -1}, part: archivePart, meter: m, hash: hash}
	defer func() { _ = root.Remove(archivePart) }()
	if err := f.open(); err != nil {
		return nil, err
	}
	defer func() { _ = f.out.Close() }()
	if err := f.fetch(ctx); err != nil {
		return nil, err
	}
	files, err := entries(f.out, f.at)
	if err != nil {
		return nil, err
	}
	artifacts := []backend.Artifact{}
	for _, f := range files {
		a, err := use(f, hash)
		if err != nil {
			return nil, err
		}
		artifacts = append(artifacts, a)
	}
	slices.SortFunc(artifacts, func(a, b backend.Artifact) int { return cmp.Compare(a.Path, b.Path) })
	return artifacts, nil
}

// entries are the files of an archive, when all that it says of itself can be trusted.
func entries(archive io.ReaderAt, size int64) ([]*zip.File, error) {
	z, err := zip.NewReader(archive, size)
	if err != nil {
		return nil, untrusted("the job's files came as an archive that is none", err.Error())
	}
	if len(z.File) > maxFiles {
		return nil, untrusted(fmt.Sprintf("the archive of the job's files has more than %d entries", maxFiles), "")
	}
	var files []*zip.File
	var said []backend.Artifact
	var packed uint64
	for _, f := range z.File {
		mode := f.Mode()
		switch {
		case strings.HasSuffix(f.Name, "/") && mode.Type() == fs.ModeDir:
			if why := badPath(strings.TrimSuffix(f.Name, "/")); why != "" {
				return nil, untrusted("a folder's name "+why, f.Name)
			}
			continue
		case !mode.IsRegular():
			return nil, untrusted("the archive of the job's files holds a link, or something else that is no file", f.Name)
		case f.Flags&1 != 0:
			return nil, untrusted("the archive of the job's files is encrypted", f.Name)
		case f.UncompressedSize64 > maxTotal, f.UncompressedSize64 > smallFile && f.UncompressedSize64/maxRatio > f.CompressedSize64:
			return nil, untrusted("a file would grow out of measure when it is unpacked", f.Name)
		}
		if packed += f.CompressedSize64; packed > uint64(size) { //nolint:gosec // a size is not negative
			return nil, untrusted("the files of the archive overlap", f.Name)
		}
		files = append(files, f)
		said = append(said, backend.Artifact{Path: f.Name, Size: int64(f.UncompressedSize64), SHA256: unknownSum})
	}
	return files, checkArtifacts(said)
}

// unknownSum stands for the SHA-256 of a file that is not unpacked yet.
var unknownSum = strings.Repeat("0", 64)

// unpack writes a file of an archive to w, not one byte more than was said, and answers what it is.
func unpack(ctx context.Context, f *zip.File, h *hasher, w io.Writer) (a backend.Artifact, err error) {
	a = backend.Artifact{Path: f.Name, Size: int64(f.UncompressedSize64)} //nolint:gosec // entries has checked it
	damaged := func() error { return untrusted("a file of the archive is damaged", f.Name) }
	content, err := f.Open()
	if err != nil {
		return a, damaged()
	}
	defer func() { _ = content.Close() }()
	h.reset()
	var n int64
	for err == nil {
		if ctx.Err() != nil {
			return a, context.Cause(ctx)
		}
		b := h.buffer()
		var some int
		if some, err = fill(content, b); n+int64(some) > a.Size {
			h.add(b, 0)
			return a, damaged()
		}
		if _, err := w.Write(b[:some]); err != nil {
			h.add(b, 0)
			return a, notWritten(f.Name, err)
		}
		h.add(b, some)
		n += int64(some)
	}
	if err != io.EOF || n != a.Size { //nolint:errorlint // as io.Reader has it
		return a, damaged()
	}
	a.SHA256 = h.total()
	return a, nil
}

// extract unpacks a file into its place below root.
func extract(ctx context.Context, f *zip.File, h *hasher, root *os.Root) (a backend.Artifact, err error) {
	if folder := path.Dir(f.Name); folder != "." {
		if err := root.MkdirAll(folder, 0o700); err != nil {
			return a, notWritten(folder, err)
		}
	}
	_ = root.Remove(entryPart)
	out, err := root.OpenFile(entryPart, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return a, notWritten(f.Name, err)
	}
	defer func() {
		if err != nil {
			_ = root.Remove(entryPart)
		}
	}()
	a, err = unpack(ctx, f, h, out)
	if closing := out.Close(); err == nil && closing != nil {
		err = notWritten(f.Name, closing)
	}
	if err != nil {
		return a, err
	}
	if err := root.Rename(entryPart, f.Name); err != nil {
		return a, notWritten(f.Name, err)
	}
	return a, nil
}
