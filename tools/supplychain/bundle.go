package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// archiveName is that of an archive with atg for a platform.
var archiveName = regexp.MustCompile(`^atg_(.+)_(linux|darwin|windows)_(amd64|arm64)\.(tar\.gz|zip)$`)

// rpmArch is how rpms name a processor; debs name it as Go does.
var rpmArch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// bundle makes one archive for each platform of dist that needs no network: what the archive has, the documentation, the chart, the
// packages, an example of a backend, and the sums of all that. root is the repository. The times in it are SOURCE_DATE_EPOCH.
func bundle(ctx context.Context, root, dist, to string, out io.Writer) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	entries, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(to), os.MkdirAll(to, 0o750)); err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		m := archiveName.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		version, goos, arch := m[1], m[2], m[3]
		files, err := offline(ctx, root, dist, e.Name(), goos, arch)
		if err == nil {
			err = pin(files, version)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
		name := fmt.Sprintf("atg-offline_%s_%s_%s", version, goos, arch)
		content, err := pack(name, files, goos == "windows", time.Unix(seconds, 0).UTC())
		if err != nil {
			return err
		}
		name += "." + m[4]
		if err := os.WriteFile(filepath.Join(to, name), content, 0o644); err != nil { //nolint:gosec // it is published
			return err
		}
		fmt.Fprintf(out, "bundle: %s, %d files, %.1f MB\n", name, len(files), float64(len(content))/1e6)
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), name)
	}
	if sums.Len() == 0 {
		return fmt.Errorf("there is no archive of atg in %s: make dist", dist)
	}
	return os.WriteFile(filepath.Join(to, "SHA256SUMS.offline"), []byte(sums.String()), 0o644) //nolint:gosec // it is published
}

// offline are the files of a bundle, by their paths in it, without their sums.
func offline(ctx context.Context, root, dist, archive, goos, arch string) (map[string][]byte, error) {
	content, err := os.ReadFile(filepath.Join(dist, archive))
	if err != nil {
		return nil, err
	}
	inside, err := unpack(archive, content)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, content := range inside {
		_, name, _ = strings.Cut(name, "/")
		files[name] = content
	}
	if files["sbom.cdx.json"], err = os.ReadFile(filepath.Join(dist, archive+".cdx.json")); err != nil {
		return nil, err
	}
	for from, as := range map[string]string{"docs": "docs", "packaging/charts": "charts"} {
		if err := take(files, filepath.Join(root, from), as); err != nil {
			return nil, err
		}
	}
	if goos == "linux" {
		for _, pattern := range []string{"*_" + arch + ".deb", "*." + rpmArch[arch] + ".rpm"} {
			packages, err := filepath.Glob(filepath.Join(dist, pattern))
			if err != nil || len(packages) == 0 {
				return nil, errors.Join(err, errors.New("there is no package "+pattern))
			}
			for _, file := range packages {
				if files["packages/"+filepath.Base(file)], err = os.ReadFile(file); err != nil {
					return nil, err
				}
			}
		}
	}
	hello := fmt.Sprintf("backends/hello/atg-backend-hello_%s_%s", goos, arch)
	if goos == "windows" {
		hello += ".exe"
	}
	if files[hello], err = compile(ctx, filepath.Join(root, "examples/backend-hello"), goos, arch); err != nil {
		return nil, err
	}
	return files, nil
}

// chart says which version of the image the chart runs, unless its values say otherwise.
const chart, latest = "charts/atg-server/Chart.yaml", "appVersion: latest\n"

// pin lets the chart of a bundle run the version that is in it, and adds the sums of all files.
func pin(files map[string][]byte, version string) error {
	if !bytes.Contains(files[chart], []byte(latest)) {
		return fmt.Errorf("%s has no %q", chart, latest)
	}
	files[chart] = bytes.Replace(files[chart], []byte(latest), []byte("appVersion: "+strconv.Quote(version)+"\n"), 1)
	var sums strings.Builder
	for _, name := range sorted(files) {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	files["SHA256SUMS"] = []byte(sums.String())
	return nil
}

// take takes the files of a folder.
func take(files map[string][]byte, folder, as string) error {
	root := os.DirFS(folder)
	return fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files[path.Join(as, name)], err = fs.ReadFile(root, name)
		return err
	})
}

// compile builds the one program of a module for a platform.
func compile(ctx context.Context, module, goos, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bundle-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "program")
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, ".") //nolint:gosec // the file is our own
	c.Dir, c.Env = module, append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0")
	if said, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s for %s/%s: %w\n%s", module, goos, arch, err, said)
	}
	return os.ReadFile(file)
}

// executable says whether a file of a bundle is a program or a script.
func executable(content []byte) bool {
	for _, magic := range []string{"\x7fELF", "\xcf\xfa\xed\xfe", "MZ", "#!"} {
		if bytes.HasPrefix(content, []byte(magic)) {
			return true
		}
	}
	return false
}

// pack makes a .tar.gz or a .zip of files below a folder. The same files give the same bytes.
func pack(folder string, files map[string][]byte, zipped bool, at time.Time) (_ []byte, err error) {
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	t, z := tar.NewWriter(gz), zip.NewWriter(&out)
	for _, name := range sorted(files) {
		content, mode := files[name], fs.FileMode(0o644)
		if executable(content) {
			mode = 0o755
		}
		name = folder + "/" + name
		var w io.Writer = t
		if zipped {
			h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at}
			h.SetMode(mode)
			w, err = z.CreateHeader(h)
		} else {
			err = t.WriteHeader(&tar.Header{Name: name, Mode: int64(mode), Size: int64(len(content)), ModTime: at, Uname: "root", Gname: "root", Format: tar.FormatPAX})
		}
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	if zipped {
		err = z.Close()
	} else {
		err = errors.Join(t.Close(), gz.Close())
	}
	return out.Bytes(), err
}
