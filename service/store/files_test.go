package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func content(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)}).Read(b)
	return b
}

func artifactOf(path string, content []byte) backend.Artifact {
	sum := sha256.Sum256(content)
	return backend.Artifact{Path: path, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

func artifact(path string) jobs.FileName {
	return jobs.FileName{Kind: jobs.KindArtifact, Of: "job-1", Path: path}
}

func put(t testing.TB, s *Store, name jobs.FileName, content []byte) backend.Artifact {
	t.Helper()
	a, err := s.Put(t.Context(), name, bytes.NewReader(content), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func read(t testing.TB, s *Store, name jobs.FileName) []byte {
	t.Helper()
	f, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func usage(t testing.TB, s *Store) int64 {
	t.Helper()
	n, err := s.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFilesOfEverySize(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	other := neighbour(t, s)
	for _, size := range []int{
		0, 1, chunkSize - 1, chunkSize, chunkSize + 1, segmentSize - 1, segmentSize, segmentSize + 1, 2*segmentSize + chunkSize + 5,
	} {
		want := content(size)
		name := artifact("file")
		wantArtifact := artifactOf("file", want)
		if diff := cmp.Diff(wantArtifact, put(t, s, name, want)); diff != "" {
			t.Errorf("%d: %s", size, diff)
		}
		f, err := other.Open(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wantArtifact, f.Artifact()); diff != "" {
			t.Errorf("%d: %s", size, diff)
		}
		if size <= 1 {
			if err := iotest.TestReader(f, want); err != nil {
				t.Errorf("%d: %v", size, err)
			}
		}
		for _, at := range []int{0, 1, chunkSize - 1, chunkSize, segmentSize - 1, segmentSize, size - 1, size, size / 3} {
			if at < 0 || at > size {
				continue
			}
			if n, err := f.Seek(int64(at), io.SeekStart); err != nil || n != int64(at) {
				t.Fatal(n, err)
			}
			got, err := io.ReadAll(io.LimitReader(f, 1000))
			if err != nil || !bytes.Equal(got, want[at:min(at+1000, size)]) {
				t.Errorf("%d bytes, from %d: %d bytes: %v", size, at, len(got), err)
			}
		}
		f.Close()
		if got := read(t, other, name); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: other content", size)
		}
	}
}

func TestSeek(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	put(t, s, artifact("file"), []byte("0123456789"))
	f, err := s.Open(t.Context(), artifact("file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, c := range []struct {
		offset int64
		whence int
		want   int64
		next   string
	}{{3, io.SeekStart, 3, "3"}, {2, io.SeekCurrent, 6, "6"}, {-1, io.SeekEnd, 9, "9"}, {5, io.SeekEnd, 15, ""}, {-15, io.SeekCurrent, 0, "0"}} {
		at, err := f.Seek(c.offset, c.whence)
		next, _ := io.ReadAll(io.LimitReader(f, 1))
		if err != nil || at != c.want || string(next) != c.next {
			t.Errorf("%+v: at %d, %q: %v", c, at, next, err)
		}
	}
	if _, err := f.Seek(-1, io.SeekStart); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("before the beginning: %v", err)
	}
}

func TestPutReplacesAndDeleteFrees(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	name := artifact("file")
	empty := usage(t, s)
	put(t, s, name, content(3*chunkSize))
	once := usage(t, s)
	if once < 3*chunkSize {
		t.Errorf("%d bytes are used by a file of %d", once, 3*chunkSize)
	}
	want := content(3*chunkSize - 1)
	put(t, s, name, want)
	if twice := usage(t, s); twice > once {
		t.Errorf("%d bytes instead of %d after a file was replaced", twice, once)
	}
	if got := read(t, s, name); !bytes.Equal(got, want) {
		t.Error("the old content is still there")
	}
	for range 2 {
		if err := s.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Open(t.Context(), name); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("opened: %v", err)
	}
	if _, err := s.Stat(t.Context(), name); !errors.Is(err, jobs.ErrNotFound) {
		t.Errorf("described: %v", err)
	}
	if after := usage(t, s); after != empty {
		t.Errorf("%d bytes are still used, %d before", after, empty)
	}
}

func TestPutOfOtherContentThanAnnounced(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	name := artifact("file")
	old := content(10)
	put(t, s, name, old)
	before := usage(t, s)
	announced := artifactOf("file", content(chunkSize+1))
	cases := map[string]struct {
		content []byte
		want    backend.Artifact
	}{
		"cut off":       {content(chunkSize + 1)[:chunkSize], announced},
		"another":       {content(chunkSize + 2)[:chunkSize+1], announced},
		"its size only": {content(chunkSize + 1), backend.Artifact{Size: 7, SHA256: announced.SHA256}},
	}
	for what, c := range cases {
		t.Run(what, func(t *testing.T) {
			if _, err := s.Put(t.Context(), name, bytes.NewReader(c.content), &c.want); fault.CodeOf(err) != fault.Integrity {
				t.Error(err)
			}
			if got := read(t, s, name); !bytes.Equal(got, old) {
				t.Error("the old content is gone")
			}
			if after := usage(t, s); after != before {
				t.Errorf("%d bytes instead of %d", after, before)
			}
		})
	}
	for _, size := range []int64{announced.Size, -1} { // -1 is any
		if _, err := s.Put(t.Context(), name, bytes.NewReader(content(chunkSize+1)), &backend.Artifact{Size: size, SHA256: announced.SHA256}); err != nil {
			t.Error(err)
		}
	}
}

func TestAnInterruptedPutLeavesNothing(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	before := usage(t, s)
	broken := errors.New("the network broke")
	for name, size := range map[string]int{"in the first segment": 100, "in the second": segmentSize + chunkSize, "between two": segmentSize} {
		t.Run(name, func(t *testing.T) {
			in := io.MultiReader(bytes.NewReader(content(size)), iotest.ErrReader(broken))
			if _, err := s.Put(t.Context(), artifact("file"), in, nil); !errors.Is(err, broken) {
				t.Error(err)
			}
			if _, err := s.Stat(t.Context(), artifact("file")); !errors.Is(err, jobs.ErrNotFound) {
				t.Errorf("it is there: %v", err)
			}
			eventually(t, "its space was not freed", func() bool { return usage(t, s) == before })
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	in := io.MultiReader(bytes.NewReader(content(segmentSize)), readerFunc(func([]byte) (int, error) { cancel(); return 1, nil }))
	if _, err := s.Put(ctx, artifact("file"), in, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("its context: %v", err)
	}
	eventually(t, "its space was not freed", func() bool { return usage(t, s) == before })
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestNamesAreAnyText(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	long := strings.Repeat("long/", 400)
	paths := []string{"a", "A", "a/b", "a.b", "a b", "../a", "/a", "ü/*/>", "a\nb", "\x00", "=a", long, long + "x", ""}
	for i, p := range paths {
		put(t, s, artifact(p), content(i))
		put(t, s, jobs.FileName{Kind: jobs.KindPart, Of: p, Path: p}, content(i+100))
	}
	for i, p := range paths {
		if got := read(t, s, artifact(p)); !bytes.Equal(got, content(i)) {
			t.Errorf("%q has the content of another", p)
		}
		if a, err := s.Stat(t.Context(), jobs.FileName{Kind: jobs.KindPart, Of: p, Path: p}); err != nil || a.Path != p || a.Size != int64(i+100) {
			t.Errorf("%q: %+v: %v", p, a, err)
		}
	}
}

func TestDeleteAllRemovesThoseOfOneOwner(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	names := []jobs.FileName{
		{Kind: jobs.KindArtifact, Of: "job-1", Path: "a"}, {Kind: jobs.KindArtifact, Of: "job-1", Path: "b/c"},
		{Kind: jobs.KindPart, Of: "job-1", Path: "a"}, {Kind: jobs.KindArtifact, Of: "job-10", Path: "a"},
	}
	for _, n := range names {
		put(t, s, n, content(10))
	}
	for range 2 {
		if err := s.DeleteAll(t.Context(), jobs.KindArtifact, "job-1"); err != nil {
			t.Fatal(err)
		}
	}
	for i, n := range names {
		if _, err := s.Stat(t.Context(), n); errors.Is(err, jobs.ErrNotFound) != (i < 2) {
			t.Errorf("%+v: %v", n, err)
		}
	}
}

func TestReadingWhatIsGone(t *testing.T) {
	t.Parallel()
	s := embeddedStore(t)
	put(t, s, artifact("file"), content(2*segmentSize))
	f, err := s.Open(t.Context(), artifact("file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.Delete(t.Context(), artifact("file")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(f); fault.CodeOf(err) != fault.Integrity {
		t.Error(err)
	}
	put(t, s, artifact("file"), content(2*segmentSize))
	ctx, cancel := context.WithCancel(t.Context())
	f, err = s.Open(ctx, artifact("file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cancel()
	if _, err := io.ReadAll(f); !errors.Is(err, context.Canceled) {
		t.Errorf("its opener's context: %v", err)
	}
}
