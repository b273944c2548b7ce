package dispatch

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzManifest: whatever stands in a folder as the list of what atg wrote there, files outside of the folder are never touched, and inside of it
// none that the list does not name with its content.
func FuzzManifest(f *testing.F) {
	sum := sha256.Sum256([]byte("mine"))
	mine := hex.EncodeToString(sum[:])
	for _, text := range []string{
		`{"files":{"a.tf":"` + mine + `"},"code":["a.tf"]}`, `{"files":{"../outside":"` + mine + `"},"code":["../outside"]}`, `{"files":{"/etc/hostname":"x","link/outside":"` + mine + `"},"code":["/etc/hostname","link/outside"]}`,
		`{"files":{"kept.tf":"x"},"code":["kept.tf"],"arriving":{"code":true,"files":{"../outside":"` + mine + `","kept.tf":""}}}`, `{"files":{"":"","/":"",".":"","..":"","sub":"","SUB/B.TF":""},"code":["","/",".",".."]}`, `{"files":null}`, `[`, "",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		above := t.TempDir()
		dir := filepath.Join(above, "out")
		write(t, above, "outside", "mine")
		write(t, above, "other/outside", "mine")
		write(t, dir, "kept.tf", "the user's")
		write(t, dir, manifestName, text)
		if err := os.Symlink(filepath.Join(above, "other"), filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		_, err := run(t, dir, false, map[string]string{"sub/b.tf": "new", "main.tf": "new"})
		if err != nil && fault.As(err) == nil {
			t.Error(err)
		}
		for _, name := range []string{"outside", "other/outside"} {
			if content, err := os.ReadFile(filepath.Join(above, name)); string(content) != "mine" {
				t.Errorf("%s is %q, %v", name, content, err)
			}
		}
		users := sha256.Sum256([]byte("the user's"))
		if content, err := os.ReadFile(filepath.Join(dir, "kept.tf")); string(content) != "the user's" && !strings.Contains(text, hex.EncodeToString(users[:])) {
			t.Errorf("the user's file is %q, %v", content, err)
		}
	})
}
