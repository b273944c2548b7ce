package part

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// FuzzRead: whatever stands in a file that has the checksum of a part, it is a whole part or damaged, and no row is larger than what one may
// be. The content is fuzzed without its compression, which would hide it; compressed says that it is the file itself.
func FuzzRead(f *testing.F) {
	const header = `{"version":1,"key":"k","form":"graph","ranges":1}`
	begin := "h" + string(rune(len(header))) + header
	for _, content := range []string{
		begin + "r\x02{}" + "f\x0a" + `{"rows":1}`,
		begin + "f\x0a" + `{"rows":7}`,
		begin + "r\xff\xff\xff\xff\x7f",                           // a row of 32 GiB
		begin + "r\x80\x80\x80\x20",                               // one of 64 MiB that is not there
		begin + "r\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01{}", // a length that no number holds
		begin + "x\x00", "r\x02{}", "h\x00", "",
	} {
		f.Add([]byte(content), false)
	}
	f.Add([]byte("\xff\x06\x00\x00S2sTwO\x00\x00\x00\x00"), true)
	f.Add([]byte("\xff\x06\x00\x00sNaPpY\x01\xff\xff\xff"), true)
	f.Fuzz(func(t *testing.T, content []byte, compressed bool) {
		file := content
		if !compressed {
			var b bytes.Buffer
			w := s2.NewWriter(&b, s2.WriterConcurrency(1), s2.WriterBlockSize(block))
			_, _ = w.Write(content)
			_ = w.Close()
			file = b.Bytes()
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "p"), file, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(file)
		r, err := Open(dir, backend.Part{Key: "k", Path: "p", SHA256: hex.EncodeToString(sum[:])})
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		defer r.Close()
		rows, size := int64(0), 0
		footer, err := r.Rows(func(raw []byte) error { rows++; size += len(raw); return nil })
		if cap(r.frame) > 4*(len(content)+step) && !compressed {
			t.Errorf("%d bytes were made room for, of %d", cap(r.frame), len(content))
		}
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if footer.Rows != rows || !compressed && size > len(content) {
			t.Errorf("%d rows of %d bytes, and the footer says %d", rows, size, footer.Rows)
		}
	})
}
