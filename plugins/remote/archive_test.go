package remote

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// entry adds a file to an archive.
func entry(z *zip.Writer, name, content string, method uint16, mode fs.FileMode) {
	h := &zip.FileHeader{Name: name, Method: method}
	h.SetMode(mode)
	f, err := z.CreateHeader(h)
	if err == nil {
		_, err = f.Write([]byte(content))
	}
	if err != nil {
		panic(err)
	}
}

func TestArchive(t *testing.T) {
	files := map[string]string{"empty": "", "main.tf": fileText, "a/b/large.json": large(2*bufferSize + 9), "packed.md": strings.Repeat("abc", 100)}
	s, dir := newStock(files), t.TempDir()
	s.zip = zipOf(func(z *zip.Writer) {
		entry(z, "a/", "", zip.Store, fs.ModeDir|0o755)
		for path, content := range files {
			method := zip.Store
			if path == "packed.md" {
				method = zip.Deflate
			}
			entry(z, path, content, method, 0o644)
		}
	})
	breaks := len(s.zip) / 2
	s.give = func(w http.ResponseWriter, r *http.Request, n int, content string) {
		if n == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			w.Header().Set("ETag", `"`+sum(content)+`"`)
			_, _ = io.WriteString(w, content[:breaks])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		serve(w, r, content)
	}
	play(t, s.played, func(t *testing.T, c *RemoteClient) {
		var last backend.Progress
		got, err := c.DownloadArtifacts(t.Context(), "j1", dir, func(p backend.Progress) { last = p })
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(artifactsOf(files), got); d != "" {
			t.Errorf("artifacts (-want +got): %s", d)
		}
		if err := holds(dir, files); err != nil {
			t.Error(err)
		}
		if d := cmp.Diff([]string{"", fmt.Sprintf("bytes=%d-", breaks)}, s.ranges); d != "" {
			t.Errorf("ranges (-want +got): %s", d)
		}
		if last.Done != last.Total || last.Total != int64(len(s.zip)) {
			t.Errorf("the last progress is %+v", last)
		}
		listed, err := c.ListArtifacts(t.Context(), "j1")
		if d := cmp.Diff(got, listed); d != "" || err != nil {
			t.Errorf("listed (-want +got): %s %v", d, err)
		}
	})
}

// A stream of an archive without a length is taken as well, but begun anew when it breaks.
func TestArchiveWithoutALength(t *testing.T) {
	files := map[string]string{"main.tf": large(bufferSize)}
	s, dir := newStock(files), t.TempDir()
	s.zip = zipOf(func(z *zip.Writer) { entry(z, "main.tf", files["main.tf"], zip.Store, 0o644) })
	s.give = func(w http.ResponseWriter, _ *http.Request, n int, content string) {
		w.(http.Flusher).Flush()
		if n == 1 {
			_, _ = io.WriteString(w, content[:1000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, content)
	}
	s.download(t, dir, func(t *testing.T, _ []backend.Artifact, _ []backend.Progress, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if err := holds(dir, files); err != nil {
			t.Error(err)
		}
		if d := cmp.Diff([]string{"", ""}, s.ranges); d != "" {
			t.Errorf("ranges (-want +got): %s", d)
		}
	})
}

// deflated is a file of an archive that says what it likes of itself.
func deflated(name, content string, said uint64) string {
	return zipOf(func(z *zip.Writer) {
		var packed bytes.Buffer
		f, _ := flate.NewWriter(&packed, flate.BestCompression)
		_, _ = io.WriteString(f, content)
		_ = f.Close()
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(content)), CompressedSize64: uint64(packed.Len()), UncompressedSize64: said}
		h.SetMode(0o644)
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = w.Write(packed.Bytes())
		}
		if err != nil {
			panic(err)
		}
	})
}

func TestArchiveIsChecked(t *testing.T) {
	one := func(name, content string, mode fs.FileMode) string {
		return zipOf(func(z *zip.Writer) {
			entry(z, "good.tf", "x", zip.Store, 0o644)
			entry(z, name, content, zip.Store, mode)
		})
	}
	zeros := strings.Repeat("\x00", 4<<20)
	cases := map[string]string{
		"nothing":                   "",
		"no archive":                "PK nonsense",
		"half an archive":           one("a", fileText, 0o644)[:60],
		"a link":                    one("a", "/etc/passwd", fs.ModeSymlink|0o777),
		"a device":                  one("a", "", fs.ModeDevice|0o644),
		"a pipe":                    one("a", "", fs.ModeNamedPipe|0o644),
		"a folder that is a link":   one("a/", "", fs.ModeSymlink|0o777),
		"the same file twice":       one("good.tf", "y", 0o644),
		"the same file in capitals": one("GOOD.tf", "y", 0o644),
		"a file as a folder":        one("good.tf/x", "y", 0o644),
		"a damaged file":            strings.Replace(one("a", fileText, 0o644), "resource", "Resource", 1),
		"a bomb":                    deflated("a", zeros, uint64(len(zeros))),
		"a bomb that says nothing":  deflated("a", zeros, 10),
		"a bomb beyond measure":     deflated("a", "x", 1<<62),
		"less than it says":         deflated("a", "abc", 100),
		"overlapping files":         overlapping(),
		"an encrypted file":         encrypted(),
	}
	for _, path := range unsafePaths {
		if !strings.HasSuffix(path, "/") { // else it is a folder
			cases[fmt.Sprintf("the path %.40q", path)] = one(path, "x", 0o644)
			cases[fmt.Sprintf("the folder %.40q", path)] = one(path+"/", "", fs.ModeDir|0o755)
		}
	}
	s := newStock(nil)
	play(t, s.played, func(t *testing.T, c *RemoteClient) { // of all cases: a client costs more than a case
		for name, content := range cases {
			above := t.TempDir()
			dir := filepath.Join(above, "inside")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if s.zip = content; content == "" {
				s.zip = "\n"
			}
			_, listErr := c.ListArtifacts(t.Context(), "j1")
			_, err := c.DownloadArtifacts(t.Context(), "j1", dir, func(backend.Progress) {})
			if fault.CodeOf(err) != fault.Integrity || fault.CodeOf(listErr) != fault.Integrity {
				t.Errorf("%s: the answers are %v, %v", name, err, listErr)
			}
			files, err := contents(above)
			delete(files, "inside/good.tf") // which came before
			if err != nil || len(files) > 0 {
				t.Errorf("%s: %v remains, %v", name, files, err)
			}
		}
	})
}

func TestArchiveOfTooManyFiles(t *testing.T) {
	z := repeated(maxFiles + 1)
	if _, err := entries(strings.NewReader(z), int64(len(z))); fault.CodeOf(err) != fault.Integrity {
		t.Errorf("the answer is %v", err)
	}
}

// overlapping is an archive in which two files are the same bytes, as bombs have it.
func overlapping() string {
	z := []byte(zipOf(func(z *zip.Writer) {
		entry(z, "a", large(1000), zip.Store, 0o644)
		entry(z, "b", large(1000), zip.Store, 0o644)
	}))
	// the second directory entry points to the first file's bytes, and the second file's are cut out
	first := bytes.Index(z, []byte("PK\x01\x02"))
	second := first + bytes.Index(z[first+4:], []byte("PK\x01\x02")) + 4
	body := bytes.Index(z[4:], []byte("PK\x03\x04")) + 4
	end := bytes.LastIndex(z, []byte("PK\x05\x06"))
	binary.LittleEndian.PutUint32(z[second+42:], 0)
	binary.LittleEndian.PutUint32(z[end+16:], uint32(body))
	return string(z[:body]) + string(z[first:])
}

// repeated is an archive that lists a file so many times.
func repeated(n int) string {
	z := []byte(zipOf(func(z *zip.Writer) { entry(z, "a", "", zip.Store, 0o644) }))
	first, end := bytes.Index(z, []byte("PK\x01\x02")), bytes.LastIndex(z, []byte("PK\x05\x06"))
	list := bytes.Repeat(z[first:end], n)
	binary.LittleEndian.PutUint16(z[end+8:], uint16(n))
	binary.LittleEndian.PutUint16(z[end+10:], uint16(n))
	binary.LittleEndian.PutUint32(z[end+12:], uint32(len(list)))
	return string(z[:first]) + string(list) + string(z[end:])
}

func encrypted() string {
	z := []byte(zipOf(func(z *zip.Writer) { entry(z, "a", "x", zip.Store, 0o644) }))
	z[bytes.Index(z, []byte("PK\x01\x02"))+8] |= 1
	return string(z)
}

// FuzzArchive: whatever an archive is, nothing of it gets out of its folder, and it takes no more space than it
// says.
func FuzzArchive(f *testing.F) {
	f.Add([]byte(zipOf(func(z *zip.Writer) { entry(z, "a/b", fileText, zip.Deflate, 0o644) })))
	f.Add([]byte(overlapping()))
	f.Add([]byte(deflated("a", "abc", 100)))
	f.Fuzz(func(t *testing.T, content []byte) {
		files, err := entries(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		above := t.TempDir()
		dir := filepath.Join(above, "inside")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		h := newHasher()
		defer h.close()
		want := map[string]string{}
		for _, file := range files {
			if file.UncompressedSize64 > 1<<20 {
				return
			}
			a, err := extract(context.WithoutCancel(t.Context()), file, h, root)
			if err != nil {
				continue
			}
			content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(a.Path)))
			if err != nil || sum(string(content)) != a.SHA256 || int64(len(content)) != a.Size {
				t.Errorf("%+v is %d bytes, %v", a, len(content), err)
			}
			want["inside/"+a.Path] = string(content)
		}
		got, err := contents(above)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("written (-want +got): %s %v", d, err)
		}
	})
}
