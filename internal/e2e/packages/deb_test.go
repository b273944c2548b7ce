//go:build packages && linux

package packages

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTheDebsAreInstalledAndUsed: a user with the packages has everything, and nothing once they are purged.
func TestTheDebsAreInstalledAndUsed(t *testing.T) {
	azure := simulate(t)
	m := newMachine(t)
	if before := m.changed(); len(before) > 0 {
		t.Fatalf("the machine is not as it was: %v", before)
	}
	for _, name := range []string{"atg", "atg-server"} {
		m.put(one(t, name+"_*_amd64.deb"), "/tmp/"+name+".deb", 0o644)
	}
	m.run("dpkg", "--force-unsafe-io", "--install", "/tmp/atg.deb", "/tmp/atg-server.deb")
	if out := m.run("dpkg", "--verify", "atg", "atg-server"); strings.Contains(out, "/usr") {
		t.Errorf("dpkg --verify: %s", out) // the configuration's owner has changed, which it does not look at
	}
	t.Run("commands", func(t *testing.T) { theCommands(t, m, azure) })
	t.Run("man", func(t *testing.T) { thePages(t, m) })
	t.Run("completions", func(t *testing.T) { theCompletions(t, m) })
	t.Run("unit", func(t *testing.T) { theUnit(t, m) })
	t.Run("service", func(t *testing.T) { theService(t, m) })

	m.run("dpkg", "--remove", "atg-server", "atg")
	left := slices.DeleteFunc(m.changed(), func(f string) bool { return strings.HasPrefix(f, "/var/lib/atg") })
	if d := cmp.Diff([]string{"/etc/atg/", "/etc/atg/server.yaml", "/etc/atg/tls.crt", "/etc/atg/tls.key"}, left); d != "" {
		t.Errorf("after removal (-want +got):\n%s", d)
	}
	m.run("rm", "/etc/atg/tls.crt", "/etc/atg/tls.key") // the administrator's
	m.run("dpkg", "--purge", "atg-server", "atg")
	if left := m.changed(); len(left) > 0 {
		t.Errorf("after purging there still are %v", left)
	}
	if _, code, _ := m.try("getent", "passwd", "atg"); code == 0 {
		t.Error("the user is still there")
	}
}

func theCommands(t *testing.T, m *machine, azure []string) {
	m = &machine{t: t, root: m.root, top: m.top, environ: append(slices.Clone(m.environ), azure...)}
	if out := m.run("atg", "version"); !strings.HasPrefix(out, "atg v") {
		t.Errorf("atg version: %s", out)
	}
	var list struct {
		Backends []struct{ Name, Path string }
	}
	out := m.run("atg", "backend", "list", "-o", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, b := range list.Backends {
		found[b.Name] = b.Path
	}
	if d := cmp.Diff(map[string]string{"local": "/usr/lib/atg/atg-backend-local", "remote": "/usr/lib/atg/atg-backend-remote"}, found); d != "" {
		t.Errorf("atg backend list (-want +got):\n%s\n%s", d, out)
	}
	m.run("atg", "scan", "--depth", "resources")
	if out := m.run("atg", "snapshot", "show"); !strings.Contains(out, "Contoso") {
		t.Errorf("atg snapshot show: %s", out)
	}
	if out := m.run("atg", "server", "--version"); !strings.HasPrefix(out, "atg-server v") {
		t.Errorf("atg server --version: %s", out)
	}
}

func thePages(t *testing.T, m *machine) {
	m = &machine{t: t, root: m.root, top: m.top, environ: m.environ}
	if !m.has("man") {
		t.Log("man is NOT INSTALLED, so no page has been rendered")
		return
	}
	for _, page := range []string{"atg", "atg-scan", "atg-config", "atg-server-start"} {
		if out := m.run("man", "--warnings", "--pager=cat", "-E", "UTF-8", page); !strings.Contains(out, "SYNOPSIS") && !strings.Contains(out, "USAGE") {
			t.Errorf("man %s: %s", page, out)
		}
	}
}

func theCompletions(t *testing.T, m *machine) {
	m = &machine{t: t, root: m.root, top: m.top, environ: m.environ}
	if out := m.run("bash", "--norc", "-ec", "source /usr/share/bash-completion/completions/atg; complete -p atg"); !strings.Contains(out, "complete") {
		t.Errorf("bash: %q", out)
	}
	for shell, check := range map[string][]string{
		"zsh":  {"zsh", "-fc", "autoload -Uz compinit && compinit -D && (( $+_comps[atg] ))"},
		"fish": {"fish", "-c", "complete -C 'atg sc' | string match -q 'scan*'"},
	} {
		if !m.has(shell) {
			t.Logf("%s is NOT INSTALLED, so its completion has only been looked at", shell)
			continue
		}
		m.run(check...)
	}
}

// theUnit has systemd look at the unit: it finds nothing wrong, and rates it as held tight.
func theUnit(t *testing.T, m *machine) {
	m = &machine{t: t, root: m.root, top: m.top, environ: m.environ}
	if !m.has("systemd-analyze") {
		t.Log("systemd is NOT INSTALLED, so it has not looked at the unit")
		return
	}
	const unit = "/usr/lib/systemd/system/atg-server.service"
	if out, code, said := m.try("systemd-analyze", "verify", unit); code != 0 || strings.Contains(said, "atg-server") {
		t.Errorf("systemd-analyze verify exits with %d\n%s%s", code, out, said)
	}
	// 10 is a service without any restriction, 0 one that can do nothing. What is left is the network, and what any program does.
	if out, code, said := m.try("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit); code != 0 {
		t.Errorf("systemd-analyze security exits with %d\n%s%s", code, out, said)
	}
}

// theService starts the service as its unit does: as its user, with its configuration, and tells it to stop.
func theService(t *testing.T, m *machine) {
	m = &machine{t: t, root: m.root, top: m.top, environ: m.environ}
	if out := strings.TrimSpace(m.run("stat", "-c", "%U:%G %a", "/etc/atg/server.yaml")); out != "root:atg 640" {
		t.Errorf("the configuration is of %s", out)
	}
	entry := strings.Split(strings.TrimSpace(m.run("getent", "passwd", "atg")), ":")
	if len(entry) != 7 || !strings.HasSuffix(entry[6], "nologin") || entry[2] == "0" {
		t.Fatalf("the user is %q", entry)
	}
	uid, _ := strconv.Atoi(entry[2])
	gid, _ := strconv.Atoi(entry[3])
	pool := certificate(t, m)
	m.run("chgrp", "atg", "/etc/atg/tls.key")
	m.run("install", "-d", "-o", "atg", "-g", "atg", "-m", "0700", "/var/lib/atg") // StateDirectory

	// With a tenant in it, only a private configuration is taken; root:atg 0640 is.
	content := m.run("cat", "/etc/atg/server.yaml")
	content = strings.Replace(content, "0.0.0.0:8443", "127.0.0.1:0", 1) +
		"\ntenants: { 00000000-0000-0000-0000-000000000001: { settings: { auth: client-secret, client_id: 00000000-0000-0000-0000-0000000000aa, client_secret: none } } }\n"
	if err := os.WriteFile(filepath.Join(m.root, "etc/atg/server.yaml"), []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
	notified, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(m.root, "tmp/notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notified.Close()
	m.run("chmod", "0777", "/tmp/notify")

	m.credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	server := m.command("/usr/bin/atg-server", "start", "--config", "/etc/atg/server.yaml", "--log-format", "json")
	server.Env = append(slices.Clone(server.Env), "HOME=/var/lib/atg", "ATG_SERVER_DATA_DIR=/var/lib/atg", "NOTIFY_SOCKET=/tmp/notify")
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) }
	ready, log := started(t, server)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	answer, err := client.Get(ready.URL + "/readyz")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("/readyz: %v, %v", answer, err)
	} else {
		answer.Body.Close()
	}
	client.CloseIdleConnections()
	if key := strings.TrimSpace(m.run("atg-server", "keys", "create", "ci", "--config", "/etc/atg/server.yaml", "--tenant", "00000000-0000-0000-0000-000000000001")); !strings.HasPrefix(key, "atg_") {
		t.Errorf("a key: %q", key)
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("the service ended with %v\n%s", err, log.String())
	}
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		told := make([]byte, 100)
		if err := notified.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := notified.Read(told); err != nil || string(told[:n]) != want {
			t.Errorf("systemd is told %q, not %s: %v", told[:n], want, err)
		}
	}
}

// certificate puts a certificate for this machine where the configuration names it, and answers who trusts it.
func certificate(t *testing.T, m *machine) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	m.write("/etc/atg/tls.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	m.write("/etc/atg/tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), 0o640)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return pool
}
