package install

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aead.dev/minisign"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// entry is a file of an archive.
type entry struct {
	name, content string
	kind          byte // of tar; 0 is a file
}

func tarOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Size: int64(len(e.content)), Mode: 0o755, Linkname: "/etc/passwd"}
		if e.kind != 0 {
			h.Typeflag, h.Size = e.kind, 0
		}
		if err := archive.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			_, _ = archive.Write([]byte(e.content))
		}
	}
	_, _ = archive.Close(), zipped.Close()
	return out.Bytes()
}

func zipOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		h.SetMode(0o755)
		if e.kind == tar.TypeSymlink {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := archive.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, e.content)
	}
	_ = archive.Close()
	return out.Bytes()
}

func TestFilesAndArchives(t *testing.T) {
	here := "_" + strings.ReplaceAll(lockfile.Here(), "/", "_")
	for name, c := range map[string]struct {
		file    string
		content []byte
		archive bool
	}{
		"a program":             {file: "atg-backend-acme", content: []byte("program")},
		"for this platform":     {file: "atg-backend-acme" + here, content: []byte("program")},
		"a tar":                 {"atg-backend-acme" + here + ".tar.gz", tarOf(t, entry{name: "acme/", kind: tar.TypeDir}, entry{name: "acme/LICENSE", content: "free"}, entry{name: "acme/atg-backend-acme", content: "program"}), true},
		"a tar with ./":         {"acme.tgz", tarOf(t, entry{name: "./", kind: tar.TypeDir}, entry{name: "./atg-backend-acme", content: "program"}), true},
		"a zip":                 {"acme.zip", zipOf(t, entry{name: "README.md", content: "read"}, entry{name: "bin/atg-backend-acme", content: "program"}), true},
		"one of many platforms": {"acme.zip", zipOf(t, entry{name: "atg-backend-acme_plan9_mips", content: "other"}, entry{name: "atg-backend-acme" + here, content: "program"}), true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := w.file(c.file, c.content)
			e := w.must(Request{Source: path})
			p := lockfile.Platform{SHA256: hex256("program")}
			if c.archive {
				p.Download = hex256(string(c.content))
			}
			want := lockfile.Entry{Version: "program", Source: path, Platforms: map[string]lockfile.Platform{lockfile.Here(): p}}
			if d := cmp.Diff(want, e); d != "" {
				t.Errorf("entry (-want +got):\n%s", d)
			}
			if !w.Intact("acme", e) {
				t.Error("it is not what it should be")
			}
			w.must(Request{Name: "acme", Locked: &e})
		})
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	w := newWorld(t)
	program := entry{name: "atg-backend-acme", content: "program"}
	for name, c := range map[string]struct {
		file    string
		content []byte
		code    fault.Code
		says    string
	}{
		"a path that leads out":  {"a.tar.gz", tarOf(t, program, entry{name: "../../atg-backend-acme", content: "x"}), fault.Integrity, "leads out"},
		"a whole path":           {"a.tar.gz", tarOf(t, entry{name: "/usr/bin/atg-backend-acme", content: "x"}), fault.Integrity, "leads out"},
		"a path of Windows":      {"a.zip", zipOf(t, entry{name: `..\atg-backend-acme`, content: "x"}), fault.Integrity, "leads out"},
		"a drive of Windows":     {"a.zip", zipOf(t, entry{name: `C:atg-backend-acme`, content: "x"}), fault.Integrity, "leads out"},
		"a symbolic link":        {"a.tar.gz", tarOf(t, entry{name: "atg-backend-acme", kind: tar.TypeSymlink}), fault.Integrity, "a link or a device"},
		"a link elsewhere in it": {"a.tar.gz", tarOf(t, program, entry{name: "x", kind: tar.TypeSymlink}), fault.Integrity, "a link or a device"},
		"a hard link":            {"a.tar.gz", tarOf(t, program, entry{name: "x", kind: tar.TypeLink}), fault.Integrity, "a link or a device"},
		"a device":               {"a.tar.gz", tarOf(t, program, entry{name: "x", kind: tar.TypeBlock}), fault.Integrity, "a link or a device"},
		"a link in a zip":        {"a.zip", zipOf(t, entry{name: "atg-backend-acme", content: "/etc/passwd", kind: tar.TypeSymlink}), fault.Integrity, "a link or a device"},
		"two programs":           {"a.zip", zipOf(t, program, entry{name: "b/atg-backend-other", content: "x"}), fault.Integrity, "one program"},
		"no program":             {"a.tar.gz", tarOf(t, entry{name: "readme", content: "x"}), fault.Integrity, "no program"},
		"half a tar":             {"a.tar.gz", tarOf(t, program)[:40], fault.Integrity, "cannot be read"},
		"half a zip":             {"a.zip", zipOf(t, program)[:60], fault.Integrity, "cannot be read"},
		"a gzip of no tar":       {"a.tar.gz", []byte("\x1f\x8b nothing"), fault.Integrity, "cannot be read"},
		"another platform":       {"atg-backend-acme_plan9_mips", []byte("x"), fault.BackendIncompatible, "plan9/mips"},
		"a name of atg's":        {"atg-backend-local", []byte("x"), fault.InvalidArgument, "belongs to atg"},
		"no name":                {"acme", []byte("x"), fault.InvalidArgument, "--name"},
		"a wrong name":           {"atg-backend-Acme", []byte("x"), fault.InvalidArgument, "--name"},
	} {
		t.Run(name, func(t *testing.T) { w.refuses(Request{Source: w.file(c.file, c.content)}, c.code, c.says) })
	}
	w.refuses(Request{Source: w.file("atg-backend-acme", []byte("x")), SHA256: hex256("y")}, fault.Integrity, "as it should be")
	if len(w.started) > 0 {
		t.Errorf("programs were started: %v", w.started)
	}
}

func TestArchivesThatUnpackToTooMuch(t *testing.T) {
	zeros := strings.Repeat("\x00", 1<<20)
	small := limits{entries: 3, program: 1000, total: 5000}
	for name, c := range map[string]struct {
		content []byte
		says    string
	}{
		"a large program in a tar": {tarOf(t, entry{name: "atg-backend-acme", content: zeros[:1001]}), "more than 0 MiB"},
		"a large program in a zip": {zipOf(t, entry{name: "atg-backend-acme", content: zeros[:1001]}), "more than 0 MiB"},
		"a large file in a tar":    {tarOf(t, entry{name: "x", content: zeros}), "unpacks to more"},
		"a large file in a zip":    {zipOf(t, entry{name: "x", content: zeros}), "unpacks to more"},
		"many files":               {tarOf(t, entry{name: "1"}, entry{name: "2"}, entry{name: "3"}, entry{name: "4"}), "more than 3 files"},
		"what no tar should have": {func() []byte {
			b := bytes.Buffer{}
			z := gzip.NewWriter(&b)
			_, _ = z.Write(bytes.Repeat(paxHeader(t), 400))
			_ = z.Close()
			return b.Bytes()
		}(), "unpacks to too much"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			archive := filepath.Join(dir, "archive")
			if err := os.WriteFile(archive, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := unpack(archive, filepath.Join(dir, "program"), func(base string) bool { return base == "atg-backend-acme" }, small)
			if fault.CodeOf(err) != fault.Integrity || !strings.Contains(err.Error(), c.says) {
				t.Errorf("unpack = %v", err)
			}
		})
	}
}

// paxHeader is a header of which any number may follow one another before a file comes.
func paxHeader(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}); err != nil {
		t.Fatal(err)
	}
	_ = w.Flush()
	return out.Bytes()
}

func FuzzUnpack(f *testing.F) {
	t := &testing.T{}
	program := entry{name: "a/atg-backend-acme", content: "program"}
	f.Add(tarOf(t, program))
	f.Add(zipOf(t, program))
	f.Add(tarOf(t, entry{name: "../x", content: "y"}, entry{name: "l", kind: tar.TypeSymlink}))
	most := limits{entries: 100, program: 1 << 16, total: 1 << 18}
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		archive := filepath.Join(dir, "archive")
		if err := os.WriteFile(archive, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := unpack(archive, filepath.Join(dir, "program"), func(base string) bool { return strings.HasPrefix(base, "atg-") }, most)
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			info, _ := e.Info()
			if e.Name() != "archive" && e.Name() != "program" || !info.Mode().IsRegular() || e.Name() == "program" && info.Size() > most.program+1 {
				t.Errorf("it wrote %s, %d bytes", e.Name(), info.Size())
			}
		}
		if err == nil && len(entries) != 2 {
			t.Error("it says that it found a program, and wrote none")
		}
	})
}

// minisigned writes a file and its signature, and answers its path.
func (w *world) minisigned(private minisign.PrivateKey, name, content, of string) string {
	path := w.file(name, []byte(content))
	r := minisign.NewReader(strings.NewReader(of))
	_, _ = io.Copy(io.Discard, r)
	if err := os.WriteFile(path+".minisig", r.Sign(private), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func TestSignaturesOfMinisign(t *testing.T) {
	w := newWorld(t)
	public, private, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := minisign.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := public.MarshalText()
	keyFile := w.file("acme.pub", key)
	inline := public.String()
	good := w.minisigned(private, "atg-backend-acme", "program", "program")
	forged := w.minisigned(private, "atg-backend-acme", "evil", "program")
	foreign := w.minisigned(stranger, "atg-backend-acme", "program", "program")
	unsigned := w.file("atg-backend-acme", []byte("program"))
	nonsense := w.file("atg-backend-acme", []byte("program"))
	if err := os.WriteFile(nonsense+".minisig", []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	legacy := w.file("atg-backend-acme", []byte("program"))
	if err := os.WriteFile(legacy+".minisig", minisign.Sign(private, []byte("program")), 0o600); err != nil {
		t.Fatal(err)
	}
	id := minisignID(public.ID())
	for _, key := range []string{keyFile, inline} {
		w.Trust = config.Trust{RequireSignature: true, Keys: []string{key}}
		for name, path := range map[string]string{"signed": good, "signed without -H": legacy} {
			if e := w.must(Request{Source: path}); e.Signer != id {
				t.Errorf("%s: signer %q", name, e.Signer)
			}
		}
		w.refuses(Request{Source: forged}, fault.Integrity, "signature is wrong")
		w.refuses(Request{Source: foreign}, fault.Integrity, "not known")
		w.refuses(Request{Source: unsigned}, fault.Integrity, "not signed")
		w.refuses(Request{Source: nonsense}, fault.Integrity, "signature is wrong")
	}
	w.Trust.Sources = []config.Source{{Prefix: filepath.Dir(unsigned)}}
	w.refuses(Request{Source: unsigned}, fault.Integrity, "was signed by "+id) // the policy would take it, were it the first
	if _, err := w.Remove(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if e := w.must(Request{Source: unsigned}); e.Signer != "" {
		t.Errorf("unsigned: %+v", e)
	}
	w.Trust = config.Trust{Keys: []string{inline}} // nothing must be signed, but a wrong signature is one
	w.refuses(Request{Source: forged}, fault.Integrity, "signature is wrong")
	w.refuses(Request{Source: unsigned, Keys: []string{inline}}, fault.Integrity, "not signed")
	w.refuses(Request{Source: unsigned, Keys: []string{w.file("no.key", []byte("x"))}}, fault.ConfigInvalid, "public key")
}

func TestAFolderHasAFileForEachPlatform(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"atg-backend-acme_" + strings.ReplaceAll(lockfile.Here(), "/", "_"): "here", "atg-backend-acme_plan9_mips.exe": "there",
		"atg-backend-acme_plan9_arm.zip": "archive", "README": "read",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := lockfile.Entry{Version: "here", Source: dir, Platforms: map[string]lockfile.Platform{
		lockfile.Here(): {SHA256: hex256("here")}, "plan9/mips": {SHA256: hex256("there")}, "plan9/arm": {Download: hex256("archive")},
	}}
	if d := cmp.Diff(want, w.must(Request{Source: dir})); d != "" {
		t.Errorf("entry (-want +got):\n%s", d)
	}
	if err := os.WriteFile(filepath.Join(dir, "atg-backend-other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.refuses(Request{Source: dir}, fault.InvalidArgument, "are both for")
	w.refuses(Request{Source: t.TempDir()}, fault.BackendNotFound, "no file atg-backend-NAME")
}

func TestFromALayout(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	p, err := w.Push(t.Context(), Publication{Name: "acme", Destination: "oci-layout:" + dir + ":1.0", Programs: map[string]string{lockfile.Here(): w.file("x", []byte("program"))}})
	if err != nil {
		t.Fatal(err)
	}
	w.HTTP = nil // no network
	for _, source := range []string{"oci-layout:" + dir + ":1.0", "oci-layout:" + dir, dir, p.Pinned} {
		if e := w.must(Request{Source: source}); e.Digest != p.Digest {
			t.Errorf("%s: %+v", source, e)
		}
	}
	w.refuses(Request{Source: "oci-layout:" + dir + ":2.0"}, fault.BackendNotFound, "no such thing")
	blob := filepath.Join(dir, "blobs", "sha256", hex256("program"))
	_ = os.Chmod(blob, 0o600)
	if err := os.WriteFile(blob, []byte("PROGRAM"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.refuses(Request{Source: dir}, fault.Integrity, "not what the manifest names")
	_ = os.WriteFile(filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(p.Digest, "sha256:")), []byte("{}"), 0o600)
	w.refuses(Request{Source: dir}, fault.Integrity, "")
}

func TestFromAWebServer(t *testing.T) {
	w := newWorld(t)
	public, private, _ := minisign.GenerateKey(rand.Reader)
	archive := tarOf(t, entry{name: "atg-backend-acme", content: "program"})
	r := minisign.NewReader(bytes.NewReader(archive))
	_, _ = io.Copy(io.Discard, r)
	w.change(func(rw http.ResponseWriter, r2 *http.Request, _ http.Handler) {
		switch {
		case r2.URL.Path == "/signed/acme.tar.gz.minisig" && r2.URL.RawQuery == "token=t":
			_, _ = rw.Write(r.Sign(private))
		case r2.URL.Path == "/signed/acme.tar.gz" && r2.URL.RawQuery == "token=t", r2.URL.Path == "/acme.tar.gz":
			_, _ = rw.Write(archive)
		case r2.URL.Path == "/moved/acme.tar.gz":
			http.Redirect(rw, r2, "/acme.tar.gz", http.StatusFound)
		case r2.URL.Path == "/round":
			http.Redirect(rw, r2, "/round", http.StatusFound)
		case r2.URL.Path == "/broken":
			rw.WriteHeader(http.StatusBadGateway)
		default:
			http.NotFound(rw, r2)
		}
	})
	url := "https://" + w.host
	w.Trust = config.Trust{Sources: []config.Source{{Prefix: url + "/signed", RequireSignature: true, Keys: []string{public.String()}}}}
	e := w.must(Request{Source: url + "/signed/acme.tar.gz?token=t"})
	if e.Signer != minisignID(public.ID()) || e.Source != url+"/signed/acme.tar.gz" {
		t.Errorf("signed: %+v", e)
	}
	if text, _ := os.ReadFile(w.Lock); bytes.Contains(text, []byte("token")) {
		t.Error("the lock file has the query")
	}
	if _, err := w.Remove(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	e = w.must(Request{Source: url + "/moved/acme.tar.gz", SHA256: hex256(string(archive))})
	if f := w.Look(t.Context(), e); f.Outdated || f.Fault != nil {
		t.Errorf("it is outdated: %+v", f)
	}
	archive = tarOf(t, entry{name: "atg-backend-acme", content: "program 2"})
	if f := w.Look(t.Context(), e); !f.Outdated {
		t.Errorf("it is not outdated: %+v", f)
	}
	w.refuses(Request{Source: url + "/moved/acme.tar.gz", SHA256: e.Platforms[lockfile.Here()].Download}, fault.Integrity, "as it should be")
	w.refuses(Request{Source: url + "/signed/../signed/./acme.tar.gz"}, fault.BackendNotFound, "no such thing") // without the token
	w.refuses(Request{Source: url + "/round"}, fault.ServiceUnavailable, "cannot be reached")
	w.refuses(Request{Source: url + "/broken"}, fault.ServiceUnavailable, "502")
	for _, source := range []string{"http://" + w.host + "/acme.tar.gz", "ftp://x/y", "https://u:p@" + w.host + "/a", "oci://", "oci://x", "oci://Upper/Case@sha256:1", "oci-layout:", "oci-layout:x@y", ""} {
		w.refuses(Request{Source: source}, fault.InvalidArgument, "nothing that a backend can be installed from")
	}
}
