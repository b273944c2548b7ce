package httpapi_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/azure-tenant-grapher/atg/service/httpapi"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

// store is files in memory, and how often each was opened.
type store struct {
	files  []backend.Artifact
	by     map[string]string
	opened map[string]int
}

func newStore(contents map[string]string, order ...string) *store {
	s := &store{by: contents, opened: map[string]int{}}
	for _, path := range order {
		s.files = append(s.files, backend.Artifact{Path: path, Size: int64(len(contents[path])), SHA256: sha(contents[path])})
	}
	return s
}

func (s *store) open(f backend.Artifact) (io.ReadSeekCloser, error) {
	s.opened[f.Path]++
	return content{bytes.NewReader([]byte(s.by[f.Path]))}, nil
}

var made = time.Date(2026, 5, 4, 13, 14, 16, 0, time.UTC)

func TestArchive(t *testing.T) {
	contents := map[string]string{"a.txt": "hello", "deep/ü b.bin": strings.Repeat("0123456789", 10_000), "deploy.sh": "#!/bin/sh", "empty": "", "z": "z"}
	s := newStore(contents, "a.txt", "deep/ü b.bin", "deploy.sh", "empty", "z")
	z, size, _ := httpapi.NewArchive(s.files, made, nil, s.open)
	whole, err := io.ReadAll(z)
	if err != nil || int64(len(whole)) != size {
		t.Fatalf("%d of %d bytes, %v", len(whole), size, err)
	}
	if s.opened["a.txt"] != 1 || s.opened["deep/ü b.bin"] != 1 {
		t.Errorf("opened %v: a file that passed was read again", s.opened)
	}
	r, err := zip.NewReader(bytes.NewReader(whole), size)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in) // checks the CRC-32
		if err != nil || string(b) != contents[s.files[i].Path] || f.Name != s.files[i].Path {
			t.Errorf("%s: %d bytes, %v", f.Name, len(b), err)
		}
		mode := fs.FileMode(0o600)
		if f.Name == "deploy.sh" {
			mode = 0o700
		}
		if f.Method != zip.Store || !f.Modified.Equal(made) || f.Mode().Perm() != mode || f.NonUTF8 {
			t.Errorf("%s: method %d, modified %v, mode %v", f.Name, f.Method, f.Modified, f.Mode())
		}
	}
}

// TestArchiveFromAnywhere reads the archive as ranges do, and checks that every byte is the same from wherever it is read.
func TestArchiveFromAnywhere(t *testing.T) {
	s := newStore(map[string]string{"a": strings.Repeat("a", 1000), "b": "", "c": strings.Repeat("c", 3000)}, "a", "b", "c")
	z, _, _ := httpapi.NewArchive(s.files, made, nil, s.open)
	whole, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if err := iotest.TestReader(z, whole); err != nil {
		t.Error(err)
	}
	for range 300 {
		fresh, size, _ := httpapi.NewArchive(s.files, made, nil, s.open)
		from := rand.Int64N(size)
		length := 1 + rand.Int64N(size-from)
		if _, err := fresh.Seek(from-size, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(io.LimitReader(iotest.OneByteReader(fresh), length))
		if err != nil || !bytes.Equal(b, whole[from:from+length]) {
			t.Fatalf("bytes %d to %d differ, %v", from, from+length, err)
		}
	}
}

func TestEmptyArchive(t *testing.T) {
	z, size, _ := httpapi.NewArchive(nil, made, nil, nil)
	b, err := io.ReadAll(z)
	if err != nil || int64(len(b)) != size {
		t.Fatalf("%d of %d bytes, %v", len(b), size, err)
	}
	if r, err := zip.NewReader(bytes.NewReader(b), size); err != nil || len(r.File) != 0 {
		t.Errorf("%v", err)
	}
}

// readerAt reads an archive as zip.NewReader wants it: its end, and what that leads to.
type readerAt struct{ io.ReadSeeker }

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	if _, err := r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	return io.ReadFull(r.ReadSeeker, p)
}

// zeros is a file of nothing else.
type zeros struct{ io.ReadSeeker }

func (zeros) Close() error                                { return nil }
func (zeros) ReadAt(p []byte, _ int64) (n int, err error) { return len(p), nil }

// TestLargeArchive has files and offsets beyond 32 bits, of which only the small ones are read.
func TestLargeArchive(t *testing.T) {
	small := "behind 10 GB"
	large := func(name string, size int64) backend.Artifact {
		return backend.Artifact{Path: name, Size: size, SHA256: name}
	}
	files := []backend.Artifact{
		large("5 GB", 5_000_000_000), large("just below", 1<<32-2), large("just there", 1<<32-1), {Path: "small", Size: int64(len(small)), SHA256: sha(small)},
	}
	known := map[string]uint32{"5 GB": 1, "just below": 2, "just there": 3}
	z, size, _ := httpapi.NewArchive(files, made, known, func(f backend.Artifact) (io.ReadSeekCloser, error) {
		if f.Path == "small" {
			return content{bytes.NewReader([]byte(small))}, nil
		}
		return zeros{io.NewSectionReader(zeros{}, 0, f.Size)}, nil
	})
	r, err := zip.NewReader(readerAt{z}, size)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.File {
		if int64(f.UncompressedSize64) != files[i].Size || f.Name != files[i].Path {
			t.Errorf("%s: %d bytes", f.Name, f.UncompressedSize64)
		}
	}
	last := r.File[3]
	in, err := last.Open()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(in); err != nil || string(b) != small {
		t.Errorf("%q, %v", b, err)
	}
	if off, err := last.DataOffset(); err != nil || off <= 1<<33 {
		t.Errorf("at %d, %v", off, err)
	}
}

func TestArchiveOfManyFiles(t *testing.T) {
	var files []backend.Artifact
	for n := range 70_000 {
		files = append(files, backend.Artifact{Path: fmt.Sprintf("f%d", n), SHA256: "empty"})
	}
	z, size, _ := httpapi.NewArchive(files, made, nil, nil)
	r, err := zip.NewReader(readerAt{z}, size)
	if err != nil || len(r.File) != len(files) || r.File[69_999].Name != "f69999" {
		t.Fatalf("%v", err)
	}
}

func TestAnArchiveWhoseFilesAreNotAsListed(t *testing.T) {
	broken := errors.New("broken")
	short := newStore(map[string]string{"a": "short"}, "a")
	short.files[0].Size = 100
	cases := map[string]func(backend.Artifact) (io.ReadSeekCloser, error){
		"too short": short.open,
		"gone":      func(backend.Artifact) (io.ReadSeekCloser, error) { return nil, broken },
	}
	for name, open := range cases {
		t.Run(name, func(t *testing.T) {
			z, size, _ := httpapi.NewArchive(short.files, made, nil, open)
			if b, err := io.ReadAll(z); err == nil || int64(len(b)) >= size {
				t.Errorf("%d bytes, %v", len(b), err)
			}
			if _, err := z.Seek(-30, io.SeekEnd); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAll(z); err == nil {
				t.Error("the directory of a broken file could be read")
			}
		})
	}
	if _, err := short.open(short.files[0]); err != nil {
		t.Fatal(err)
	}
}

func TestTheETagOfAnArchiveIsThatOfItsFiles(t *testing.T) {
	tags := map[string]string{}
	for name, s := range map[string]*store{
		"a": newStore(map[string]string{"a": "1"}, "a"), "other content": newStore(map[string]string{"a": "2"}, "a"), "other name": newStore(map[string]string{"b": "1"}, "b"),
	} {
		_, _, etag := httpapi.NewArchive(s.files, made, nil, s.open)
		_, _, again := httpapi.NewArchive(s.files, made, nil, s.open)
		if etag != again || tags[etag] != "" {
			t.Errorf("%s: %s, then %s", name, etag, again)
		}
		tags[etag] = name
	}
}

func TestFilesWithRanges(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	text := "0123456789"
	g.complete(id, &backend.ScanResult{}, map[string]string{"dir/a %?#ü.txt": text, "big": strings.Repeat("x", 1<<20)})
	g.snapshot("s1", text)
	for _, path := range []string{api.FilePath(id, "dir/a %?#ü.txt"), api.Fill(api.PathSnapshotFile, "s1")} {
		whole := g.get(path)
		etag := `"` + sha(text) + `"`
		if string(whole.body) != text || whole.Header.Get("ETag") != etag || whole.Header.Get("Content-Length") != "10" ||
			whole.Header.Get("Accept-Ranges") != "bytes" || whole.Header.Get("Content-Type") != "application/octet-stream" ||
			!strings.HasPrefix(whole.Header.Get("Content-Disposition"), "attachment; filename") {
			t.Errorf("%s: %q %v", path, whole.body, whole.Header)
		}
		cases := map[string]struct {
			header map[string]string
			status int
			body   string
		}{
			"the first":      {map[string]string{"Range": "bytes=0-0"}, 206, "0"},
			"the rest":       {map[string]string{"Range": "bytes=7-"}, 206, "789"},
			"the last":       {map[string]string{"Range": "bytes=-2"}, 206, "89"},
			"the same file":  {map[string]string{"Range": "bytes=7-", "If-Range": etag}, 206, "789"},
			"another file":   {map[string]string{"Range": "bytes=7-", "If-Range": `"x"`}, 200, text},
			"known":          {map[string]string{"If-None-Match": etag}, 304, ""},
			"known to other": {map[string]string{"If-None-Match": `"x"`}, 200, text},
		}
		for name, c := range cases {
			if a := g.do(request{method: "GET", path: path, header: c.header}); a.StatusCode != c.status || string(a.body) != c.body {
				t.Errorf("%s, %s: %d %q", path, name, a.StatusCode, a.body)
			}
		}
		refused := g.do(request{method: "GET", path: path, header: map[string]string{"Range": "bytes=10-"}})
		problem(t, refused, http.StatusRequestedRangeNotSatisfiable)
		if refused.Header.Get("Content-Range") != "bytes */10" {
			t.Errorf("%s: Content-Range %q", path, refused.Header.Get("Content-Range"))
		}
		problem(t, g.do(request{method: "GET", path: path, header: map[string]string{"If-Match": `"x"`}}), http.StatusPreconditionFailed)
		head := g.do(request{method: "HEAD", path: path})
		if head.StatusCode != http.StatusOK || head.ContentLength != 10 || len(head.body) != 0 {
			t.Errorf("HEAD %s: %d, %d bytes", path, head.StatusCode, head.ContentLength)
		}
	}
	if p := problem(t, g.get(api.FilePath(id, "nothing")), 404); p.Code != "artifacts_not_available" {
		t.Errorf("%+v", p)
	}
}

func TestTheArchiveOverHTTP(t *testing.T) {
	g := newRig(t, nil)
	id := g.scan()
	files := map[string]string{"a/1.txt": "one", "b.bin": strings.Repeat("0123456789abcdef", 1<<14)}
	g.complete(id, &backend.ScanResult{}, files)
	path := api.Fill(api.PathArchive, id)
	head := g.do(request{method: "HEAD", path: path})
	var whole answer
	for _, http1 := range []bool{true, false} {
		whole = g.do(request{method: "GET", path: path, http1: http1})
		if whole.StatusCode != http.StatusOK || whole.ContentLength != int64(len(whole.body)) || head.ContentLength != whole.ContentLength ||
			head.Header.Get("ETag") != whole.Header.Get("ETag") || whole.Header.Get("Content-Type") != "application/zip" ||
			whole.Header.Get("Content-Disposition") != "attachment; filename="+id+".zip" {
			t.Errorf("%d, %d bytes, %v", whole.StatusCode, len(whole.body), whole.Header)
		}
	}
	r, err := zip.NewReader(bytes.NewReader(whole.body), whole.ContentLength)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if f.CRC32 != crc32.ChecksumIEEE([]byte(files[f.Name])) {
			t.Errorf("%s has another checksum", f.Name)
		}
	}
	// in two parts, as after a break
	half := len(whole.body) / 2
	rest := g.do(request{method: "GET", path: path, header: map[string]string{"Range": fmt.Sprintf("bytes=%d-", half), "If-Range": whole.Header.Get("ETag")}})
	if rest.StatusCode != http.StatusPartialContent || !bytes.Equal(rest.body, whole.body[half:]) {
		t.Errorf("the rest: %d, %d bytes", rest.StatusCode, len(rest.body))
	}
	if known := g.do(request{method: "GET", path: path, header: map[string]string{"If-None-Match": whole.Header.Get("ETag")}}); known.StatusCode != http.StatusNotModified {
		t.Errorf("known: %d", known.StatusCode)
	}
}
