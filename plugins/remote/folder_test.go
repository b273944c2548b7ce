package remote

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Links that lie in the folder lead nowhere else.
func TestDownloadFollowsNoLinks(t *testing.T) {
	s, above := newStock(map[string]string{"sub/main.tf": fileText, "top.tf": "x"}), t.TempDir()
	dir, outside := filepath.Join(above, "inside"), filepath.Join(above, "outside")
	for _, d := range []string{dir, outside} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "sub")); err != nil {
		t.Fatal(err)
	}
	s.download(t, dir, func(t *testing.T, _ []backend.Artifact, _ []backend.Progress, err error) {
		if fault.CodeOf(err) != fault.ExecutionFailed {
			t.Errorf("the answer is %v", err)
		}
		if files, err := contents(outside); err != nil || len(files) > 0 {
			t.Errorf("outside lies %v, %v", files, err)
		}
	})
	// links in the place of what is written are replaced, and what they lead to stays
	for _, name := range []string{"top.tf", partName(artifactsOf(map[string]string{"top.tf": "x"})[0])} {
		victim, dir := filepath.Join(outside, "victim"), t.TempDir()
		if err := os.WriteFile(victim, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(victim, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		newStock(map[string]string{"top.tf": "x"}).download(t, dir, func(t *testing.T, _ []backend.Artifact, _ []backend.Progress, err error) {
			if content, readErr := os.ReadFile(victim); err != nil || readErr != nil || string(content) != "precious" {
				t.Errorf("the other file holds %q: %v", content, err)
			}
			if err := holds(dir, map[string]string{"top.tf": "x"}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDownloadWithoutAFolder(t *testing.T) {
	newStock(map[string]string{"main.tf": fileText}).download(t, filepath.Join(t.TempDir(), "none"), func(t *testing.T, _ []backend.Artifact, _ []backend.Progress, err error) {
		if f := fault.As(err); f == nil || f.Code != fault.ExecutionFailed || f.Hint == "" {
			t.Errorf("the answer is %v", err)
		}
	})
}

// A folder in a file's place stays what it is.
func TestDownloadIntoAFolder(t *testing.T) {
	s, dir := newStock(map[string]string{"main.tf": fileText}), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "main.tf", "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.download(t, dir, func(t *testing.T, _ []backend.Artifact, _ []backend.Progress, err error) {
		if fault.CodeOf(err) != fault.ExecutionFailed {
			t.Errorf("the answer is %v", err)
		}
	})
}

// What waits says so.
func TestDownloadTellsOfWaits(t *testing.T) {
	s := newStock(map[string]string{"main.tf": fileText})
	s.give = func(w http.ResponseWriter, r *http.Request, n int, content string) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		serve(w, r, content)
	}
	s.download(t, t.TempDir(), func(t *testing.T, _ []backend.Artifact, shown []backend.Progress, err error) {
		if err != nil || !slices.ContainsFunc(shown, func(p backend.Progress) bool { return strings.Contains(p.Message, "waiting") }) {
			t.Errorf("it showed %+v, %v", shown, err)
		}
	})
}

// A caller who leaves ends it, and what has come is kept for the next time.
func TestDownloadIsLeft(t *testing.T) {
	content := large(4 * bufferSize)
	s, dir := newStock(map[string]string{"large": content}), t.TempDir()
	s.give = func(w http.ResponseWriter, r *http.Request, _ int, content string) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = io.WriteString(w, content[:2*bufferSize])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	play(t, s.played, func(t *testing.T, c *RemoteClient) {
		ctx, leave := withCancel(t)
		time.AfterFunc(time.Second, leave)
		_, err := c.DownloadArtifacts(ctx, "j1", dir, func(backend.Progress) {})
		if fault.CodeOf(err) != fault.Interrupted {
			t.Errorf("the answer is %v", err)
		}
		info, err := os.Stat(filepath.Join(dir, partName(artifactsOf(s.files)[0])))
		if err != nil || info.Size() != 2*bufferSize {
			t.Errorf("%v was kept, %v", info, err)
		}
	})
}
