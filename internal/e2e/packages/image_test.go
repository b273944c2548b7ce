//go:build packages && linux

package packages

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var contextDir = flag.String("context", "../../../.cache/container", "the context of the Dockerfile")

// images builds images in a store of its own, on a base that stands in for distroless, which cannot be fetched everywhere: certificates
// of authorities, folders to mount on, and nothing else.
type images struct {
	t      *testing.T
	global []string
}

func newImages(t *testing.T) *images {
	t.Helper()
	dir := t.TempDir()
	b := &images{t, []string{"buildah", "--root", filepath.Join(dir, "storage"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"}}
	base := filepath.Join(dir, "base")
	authorities, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err = errors.Join(err, os.MkdirAll(filepath.Join(base, "etc/ssl/certs"), 0o755), os.WriteFile(filepath.Join(base, "etc/ssl/certs/ca-certificates.crt"), authorities, 0o644),
		os.MkdirAll(filepath.Join(base, "empty/tmp"), 0o755), os.Mkdir(filepath.Join(base, "empty/proc"), 0o755),
		os.WriteFile(filepath.Join(base, "Dockerfile"), []byte("FROM scratch\nCOPY etc /etc\nCOPY empty /\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	b.run("bud", "--quiet", "--tag", "localhost/base", base)
	return b
}

func (b *images) run(args ...string) string {
	b.t.Helper()
	var said bytes.Buffer
	c := exec.CommandContext(b.t.Context(), b.global[0], append(slices.Clone(b.global[1:]), args...)...)
	c.Env = append(os.Environ(), "BUILDAH_ISOLATION=chroot")
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		b.t.Fatalf("buildah %s: %v\n%s", strings.Join(args, " "), err, said.String())
	}
	return strings.TrimSpace(string(out))
}

// build builds a target of the Dockerfile, and answers the image's id.
func (b *images) build(target string) string {
	return b.run("bud", "--quiet", "--no-cache", "--timestamp", "1796000000", "--platform", "linux/amd64", "--target", target, "--build-arg", "BASE=localhost/base",
		"--label", "org.opencontainers.image.title="+target, "--file", "../../../packaging/container/Dockerfile", *contextDir)
}

// nobody is the user of the images.
var nobody = &syscall.Credential{Uid: 65532, Gid: 65532}

// container is the file system of an image as it is run: read-only but for /tmp and the folder of its volume.
func (b *images) container(image, volume string) (root string) {
	b.t.Helper()
	name := b.run("from", "--pull-never", image)
	root = filepath.Join(b.t.TempDir(), "root")
	mounted := b.run("mount", name)
	info, err := os.Stat(filepath.Join(mounted, volume))
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != nobody.Uid {
		b.t.Errorf("%s does not belong to the user of the image: %v, %v", volume, info, err)
	}
	if err := os.Mkdir(root, 0o755); err != nil {
		b.t.Fatal(err)
	}
	mount := func(source, target, kind string, flags uintptr, options string) {
		b.t.Helper()
		if err := syscall.Mount(source, target, kind, flags, options); err != nil {
			b.t.Fatalf("mount %s: %v", target, err)
		}
	}
	mount(mounted, root, "", syscall.MS_BIND, "")
	b.t.Cleanup(func() { syscall.Unmount(root, syscall.MNT_DETACH) })
	mount("", root, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	mount("proc", filepath.Join(root, "proc"), "proc", 0, "")
	b.t.Cleanup(func() { syscall.Unmount(filepath.Join(root, "proc"), syscall.MNT_DETACH) })
	for _, dir := range []string{"tmp", volume} {
		target := filepath.Join(root, dir)
		mount("tmpfs", target, "tmpfs", 0, "uid=65532,gid=65532,mode=700")
		b.t.Cleanup(func() { syscall.Unmount(target, syscall.MNT_DETACH) })
	}
	return root
}

// config is what this test reads of an image.
type config struct {
	OCIv1 struct {
		Config struct {
			User         string
			Env          []string
			Entrypoint   []string
			Cmd          []string
			ExposedPorts map[string]struct{}
			Volumes      map[string]struct{}
			WorkingDir   string
			Labels       map[string]string
			StopSignal   string
		} `json:"config"`
	}
}

// TestTheImages: their programs run as nobody, on a file system that they cannot write.
func TestTheImages(t *testing.T) {
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Log("buildah is NOT INSTALLED, so no image has been built")
		return
	}
	b := newImages(t)
	ids, configs := map[string]string{}, map[string]config{}
	for _, target := range []string{"atg", "server"} {
		ids[target] = b.build(target)
		var c config
		if err := json.Unmarshal([]byte(b.run("inspect", "--type", "image", ids[target])), &c); err != nil {
			t.Fatal(err)
		}
		if c.OCIv1.Config.User != "65532:65532" || c.OCIv1.Config.Labels["org.opencontainers.image.title"] != target || len(c.OCIv1.Config.Volumes) != 1 {
			t.Errorf("%s: %+v", target, c.OCIv1.Config)
		}
		configs[target] = c
	}
	if again := b.build("server"); again != ids["server"] {
		t.Errorf("built twice, the image is %s and %s", ids["server"], again)
	}
	t.Run("atg", func(t *testing.T) { theImageOfAtg(t, &images{t, b.global}, ids["atg"], configs["atg"]) })
	t.Run("server", func(t *testing.T) { theImageOfTheServer(t, &images{t, b.global}, ids["server"], configs["server"]) })
}

// inContainer is a command in a container.
func inContainer(t *testing.T, root string, environ []string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), args[0], args[1:]...)
	c.Dir, c.Env = "/", environ
	c.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: nobody}
	return c
}

func theImageOfAtg(t *testing.T, b *images, id string, c config) {
	environ := append(slices.Clone(c.OCIv1.Config.Env), "ATG_KEYRING=off")
	azure := simulate(t)
	root := b.container(id, "data")
	for i, v := range azure { // the authority of the simulator has to be where the container sees it
		key, file, _ := strings.Cut(v, "=")
		content, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(content, []byte("CERTIFICATE")) {
			continue
		}
		if err := os.WriteFile(filepath.Join(root, "tmp", filepath.Base(file)), content, 0o644); err != nil {
			t.Fatal(err)
		}
		azure[i] = key + "=/tmp/" + filepath.Base(file)
	}
	for _, args := range [][]string{{"version"}, {"backend", "list"}, {"scan", "--depth", "resources"}, {"snapshot", "list"}} {
		out, err := inContainer(t, root, append(environ, azure...), append(slices.Clone(c.OCIv1.Config.Entrypoint), args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(root, "data/share/atg/snapshots/*")); len(found) == 0 {
		t.Error("the snapshot is not in /data")
	}
	if d := cmp.Diff([]string{"atg", "atg-backend-local", "atg-backend-remote"}, files(t, filepath.Join(root, "usr/bin"))); d != "" {
		t.Errorf("programs (-want +got):\n%s", d)
	}
}

func theImageOfTheServer(t *testing.T, b *images, id string, c config) {
	root := b.container(id, "var/lib/atg")
	if d := cmp.Diff([]string{"atg-backend-local", "atg-server"}, files(t, filepath.Join(root, "usr/bin"))); d != "" {
		t.Errorf("programs (-want +got):\n%s", d)
	}
	if ports := slices.Collect(maps.Keys(c.OCIv1.Config.ExposedPorts)); len(ports) != 1 || !strings.HasPrefix(ports[0], "8443") {
		t.Errorf("ports: %v", c.OCIv1.Config.ExposedPorts)
	}
	args := append(append(slices.Clone(c.OCIv1.Config.Entrypoint), c.OCIv1.Config.Cmd...), "--dev", "--listen", "127.0.0.1:0")
	server := inContainer(t, root, append(slices.Clone(c.OCIv1.Config.Env), "HOME=/tmp"), args...) // where --dev puts its profile
	ready, log := started(t, server)
	if ready.DataDir != "/var/lib/atg" {
		t.Errorf("the service says %+v", ready)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the service ended with %v\n%s", err, log.String())
	}
}
