package azuresim

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestCertificateAuthority(t *testing.T) {
	dir := t.TempDir()
	server := startServer(t, Config{StateDir: filepath.Join(dir, "state")})
	raw, err := os.ReadFile(server.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(server.CAFile())
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the CA file has mode %v", info.Mode())
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(raw)
	_, port, err := net.SplitHostPort(server.Address())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
		dialer := &tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: name}}
		conn, err := dialer.DialContext(t.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		conn.Close()
	}
}

func TestTemporaryStateIsRemoved(t *testing.T) {
	server, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(server.CAFile())
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestStartFailsWhereItCannotListen(t *testing.T) {
	first := startServer(t, Config{})
	second, err := New(Config{Listen: first.Address()})
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Start(); err == nil {
		t.Error("two simulators listen on one address")
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
