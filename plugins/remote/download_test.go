package remote

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// stock is a service that has files, and does with a request for one what a script says.
type stock struct {
	*played
	files    map[string]string
	manifest []backend.Artifact                                                  // nil says what is true
	give     func(w http.ResponseWriter, r *http.Request, n int, content string) // nil gives it, with ranges
	mu       sync.Mutex
	ranges   []string // asked for, by request
	zip      string   // in place of a manifest
}

func newStock(files map[string]string) *stock {
	s := &stock{played: &played{}, files: files}
	s.states = s.serve
	return s
}

func artifactsOf(files map[string]string) []backend.Artifact {
	var artifacts []backend.Artifact
	for path, content := range files {
		artifacts = append(artifacts, backend.Artifact{Path: path, Size: int64(len(content)), SHA256: sum(content)})
	}
	slices.SortFunc(artifacts, func(a, b backend.Artifact) int { return strings.Compare(a.Path, b.Path) })
	return artifacts
}

func (s *stock) serve(w http.ResponseWriter, r *http.Request) {
	switch path, isFile := strings.CutPrefix(r.URL.Path, api.Fill(api.PathFile, "j1")); {
	case s.zip != "" && r.URL.Path != api.Fill(api.PathArchive, "j1"):
		http.NotFound(w, r)
	case r.URL.Path == api.Fill(api.PathManifest, "j1"):
		artifacts := s.manifest
		if artifacts == nil {
			artifacts = artifactsOf(s.files)
		}
		reply(w, r, 200, api.Manifest{JobID: "j1", Artifacts: artifacts})
	case isFile || s.zip != "":
		s.mu.Lock()
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		n := len(s.ranges)
		s.mu.Unlock()
		content := s.files[path]
		if s.zip != "" {
			content = s.zip
		}
		if r.Header.Get("Accept-Encoding") != "identity" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		if s.give != nil {
			s.give(w, r, n, content)
			return
		}
		serve(w, r, content)
	default:
		http.NotFound(w, r)
	}
}

// download runs a download of the job's files into a folder, and then check.
func (s *stock) download(t *testing.T, dir string, check func(t *testing.T, got []backend.Artifact, shown []backend.Progress, err error)) {
	t.Helper()
	play(t, s.played, func(t *testing.T, c *RemoteClient) {
		var shown []backend.Progress
		got, err := c.DownloadArtifacts(t.Context(), "j1", dir, func(p backend.Progress) { shown = append(shown, p) })
		check(t, got, shown, err)
	})
}

// large is a content of more than one buffer, of which each part differs.
func large(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.String()[:n]
}

func TestDownload(t *testing.T) {
	files := map[string]string{"empty": "", "main.tf": fileText, "a/b/large.json": large(3*bufferSize + 17), "exact": large(bufferSize), "ä ö.md": "x", "per%cent+plus.tf": "y"}
	for i := range 50 {
		files[fmt.Sprintf("many/%d.tf", i)] = fmt.Sprint(i)
	}
	s, dir := newStock(files), t.TempDir()
	s.download(t, dir, func(t *testing.T, got []backend.Artifact, shown []backend.Progress, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(artifactsOf(files), got); d != "" {
			t.Errorf("artifacts (-want +got): %s", d)
		}
		if err := holds(dir, files); err != nil {
			t.Error(err)
		}
		var total int64
		for _, a := range got {
			total += a.Size
		}
		last := backend.Progress{}
		for _, p := range shown {
			if p.Done < last.Done || p.Total != total || p.Unit != "bytes" || p.Phase == "" {
				t.Errorf("%+v came behind %+v", p, last)
			}
			last = p
		}
		if last.Done != total {
			t.Errorf("the last progress is %+v of %d", last, total)
		}
	})
	// once more: nothing of it has to come again
	again := newStock(files)
	again.download(t, dir, func(t *testing.T, got []backend.Artifact, _ []backend.Progress, err error) {
		if err != nil || len(got) != len(files) || len(again.ranges) != 0 {
			t.Errorf("%d files came again: %v", len(again.ranges), err)
		}
	})
}

func TestDownloadGoesOn(t *testing.T) {
	content := large(5 * bufferSize)
	half := func(w http.ResponseWriter, n int) { // gives n bytes and breaks
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		w.Header().Set("ETag", `"`+sum(content)+`"`)
		_, _ = io.WriteString(w, content[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	cases := map[string]struct {
		give   func(w http.ResponseWriter, r *http.Request, n int, content string)
		left   string // of an earlier download
		ranges []string
		want   fault.Code
	}{
		"behind a break": {give: func(w http.ResponseWriter, r *http.Request, n int, content string) {
			if n == 1 {
				half(w, 3*bufferSize+5)
			}
			serve(w, r, content)
		}, ranges: []string{"", fmt.Sprintf("bytes=%d-", 3*bufferSize+5)}},
		"behind many breaks": {give: func(w http.ResponseWriter, r *http.Request, n int, content string) {
			if n <= 20 {
				r.Header.Del("If-Range")
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", (n-1)*1000, len(content)-1, len(content)))
				w.Header().Set("Content-Length", fmt.Sprint(len(content)-(n-1)*1000))
				if n > 1 {
					w.WriteHeader(http.StatusPartialContent)
				}
				_, _ = io.WriteString(w, content[(n-1)*1000:n*1000])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}
			serve(w, r, content)
		}, ranges: manyRanges(21)},
		"not without end":                {give: func(w http.ResponseWriter, _ *http.Request, _ int, _ string) { half(w, 0) }, ranges: []string{"", "", "", ""}, want: fault.RemoteFailed},
		"where an earlier one has ended": {left: content[:bufferSize+3], ranges: []string{fmt.Sprintf("bytes=%d-", bufferSize+3)}},
		"with an earlier one's whole":    {left: content},
		"with an earlier one's rubbish":  {left: strings.Repeat("?", 99), ranges: []string{"bytes=99-", ""}},
		"with too much rubbish":          {left: strings.Repeat("?", len(content)+1), ranges: []string{""}},
		"with rubbish of that size":      {left: strings.Repeat("?", len(content)), ranges: []string{""}},
		"from a service without ranges": {left: content[:10], give: func(w http.ResponseWriter, _ *http.Request, _ int, content string) { _, _ = io.WriteString(w, content) },
			ranges: []string{"bytes=10-"}},
		"from one that forgot the rest": {left: content[:10], give: func(w http.ResponseWriter, r *http.Request, n int, content string) {
			if n == 1 {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			serve(w, r, content)
		}, ranges: []string{"bytes=10-", ""}},
		"from one that gives another part": {left: content[:10], give: func(w http.ResponseWriter, _ *http.Request, _ int, content string) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 5-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = io.WriteString(w, content[5:])
		}, ranges: []string{"bytes=10-"}, want: fault.RemoteFailed},
		"from a busy one": {give: func(w http.ResponseWriter, r *http.Request, n int, content string) {
			if n <= 3 {
				w.Header().Set("Retry-After", "2")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			serve(w, r, content)
		}, ranges: []string{"", "", "", ""}},
		"from one that falls silent": {give: func(w http.ResponseWriter, r *http.Request, n int, content string) {
			if n == 1 {
				_, _ = io.WriteString(w, content[:7])
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return
			}
			serve(w, r, content)
		}, ranges: []string{"", "bytes=7-"}},
		"from a slow one": {give: func(w http.ResponseWriter, r *http.Request, _ int, content string) {
			for i := 0; i < len(content); i += bufferSize { // a minute each: no single silence is too long
				_, _ = io.WriteString(w, content[i:i+bufferSize])
				w.(http.Flusher).Flush()
				_ = wait(r.Context(), 4*time.Minute)
			}
		}, ranges: []string{""}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, dir := newStock(map[string]string{"large": content}), t.TempDir()
			s.give = c.give
			part := filepath.Join(dir, partName(artifactsOf(s.files)[0]))
			if c.left != "" {
				if err := os.WriteFile(part, []byte(c.left), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s.download(t, dir, func(t *testing.T, _ []backend.Artifact, _ []backend.Progress, err error) {
				if fault.CodeOf(err) != c.want {
					t.Errorf("the answer is %v", err)
				}
				if d := cmp.Diff(c.ranges, s.ranges); d != "" {
					t.Errorf("ranges (-want +got): %s", d)
				}
				if err != nil {
					if _, err := os.Stat(filepath.Join(dir, "large")); err == nil {
						t.Error("half a file has its name")
					}
					return
				}
				if err := holds(dir, s.files); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func manyRanges(n int) []string {
	ranges := []string{""}
	for i := 1; i < n; i++ {
		ranges = append(ranges, fmt.Sprintf("bytes=%d-", i*1000))
	}
	return ranges
}

func TestDownloadIsChecked(t *testing.T) {
	file := artifactsOf(map[string]string{"main.tf": fileText})[0]
	changed := func(change func(*backend.Artifact)) []backend.Artifact {
		a := file
		change(&a)
		return []backend.Artifact{a}
	}
	write := func(header, value, body string) func(http.ResponseWriter, *http.Request, int, string) {
		return func(w http.ResponseWriter, _ *http.Request, _ int, _ string) {
			w.Header().Set(header, value)
			_, _ = io.WriteString(w, body)
		}
	}
	cases := map[string]struct {
		manifest []backend.Artifact
		give     func(http.ResponseWriter, *http.Request, int, string)
		want     fault.Code
	}{
		"another content":      {give: write("X", "x", strings.ToUpper(fileText)), want: fault.Integrity},
		"another sum":          {manifest: changed(func(a *backend.Artifact) { a.SHA256 = sum("x") }), want: fault.Integrity},
		"less than said":       {manifest: changed(func(a *backend.Artifact) { a.Size++ }), want: fault.Integrity},
		"more than said":       {manifest: changed(func(a *backend.Artifact) { a.Size-- }), want: fault.Integrity},
		"more, without a word": {give: endless, want: fault.Integrity},
		"compressed":           {give: write("Content-Encoding", "gzip", fileText), want: fault.RemoteFailed},
		"a login page":         {give: write("Content-Type", "text/html", "<html><input type=password>"), want: fault.AuthFailed},
		"gone meanwhile":       {give: func(w http.ResponseWriter, r *http.Request, _ int, _ string) { http.NotFound(w, r) }, want: fault.ArtifactsNotAvailable},
		"an unexpected failure": {give: func(w http.ResponseWriter, _ *http.Request, _ int, _ string) {
			w.WriteHeader(http.StatusInternalServerError)
		}, want: fault.RemoteFailed},
		"a strange status": {give: func(w http.ResponseWriter, _ *http.Request, _ int, _ string) {
			w.WriteHeader(http.StatusNonAuthoritativeInfo)
		}, want: fault.RemoteFailed},
	}
	for _, path := range unsafePaths {
		cases[fmt.Sprintf("the path %.40q", path)] = struct {
			manifest []backend.Artifact
			give     func(http.ResponseWriter, *http.Request, int, string)
			want     fault.Code
		}{manifest: changed(func(a *backend.Artifact) { a.Path = path }), want: fault.Integrity}
	}
	s := newStock(map[string]string{"main.tf": fileText})
	play(t, s.played, func(t *testing.T, client *RemoteClient) { // of all cases: a client costs more than a case
		for name, c := range cases {
			above := t.TempDir()
			dir := filepath.Join(above, "inside")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			s.manifest, s.give = c.manifest, c.give
			got, err := client.DownloadArtifacts(t.Context(), "j1", dir, func(backend.Progress) {})
			if fault.CodeOf(err) != c.want || got != nil {
				t.Errorf("%s: the answer is %v, %v", name, got, err)
			}
			if files, err := contents(above); err != nil || len(files) > 0 {
				t.Errorf("%s: %v remains, %v", name, files, err)
			}
		}
	})
}

// endless gives a file that does not end, without a length.
func endless(w http.ResponseWriter, r *http.Request, _ int, content string) {
	_, _ = io.WriteString(w, content)
	w.(http.Flusher).Flush()
	for r.Context().Err() == nil {
		if _, err := io.WriteString(w, content); err != nil {
			return
		}
	}
}
