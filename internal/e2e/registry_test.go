//go:build unix

package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"aead.dev/minisign"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// startRegistry is registry: an OCI registry over TLS, in memory. $REGISTRY is its address, and $WORK/registry.pem the certificate
// that it is trusted by. What lies in $WORK/www it serves under /www/.
func startRegistry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: registry")
	}
	mux := http.NewServeMux()
	mux.Handle("/v2/", registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	mux.Handle("/www/", http.StripPrefix("/www/", http.FileServer(http.Dir(ts.MkAbs("www")))))
	server := httptest.NewTLSServer(mux)
	ts.Defer(server.Close)
	ts.Setenv("REGISTRY", strings.TrimPrefix(server.URL, "https://"))
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("registry.pem"), text, 0o600))
}

// signFile is minisign FILE: signs a file as minisign does, into FILE.minisig. Its key is made by the first call, in $WORK/minisign.pub.
func signFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: minisign FILE")
	}
	s := stateOf(ts)
	if s.signing == nil {
		public, private, err := minisign.GenerateKey(rand.Reader)
		ts.Check(err)
		s.signing = &private
		text, err := public.MarshalText()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("minisign.pub"), text, 0o600))
	}
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	r := minisign.NewReader(bytes.NewReader(content))
	_, err = io.Copy(io.Discard, r)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".minisig"), r.Sign(*s.signing), 0o600))
}

// setField is field VARIABLE NAME: sets $VARIABLE to a text of the last command's JSON.
func setField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: field VARIABLE NAME")
	}
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &object))
	value, ok := object[args[1]].(string)
	if !ok {
		ts.Fatalf("%s is no text", args[1])
	}
	ts.Setenv(args[0], value)
}

// tamper is tamper GLOB: appends a byte to the one file that the pattern names.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tamper FILE")
	}
	files, err := filepath.Glob(ts.MkAbs(args[0]))
	ts.Check(err)
	if len(files) != 1 {
		ts.Fatalf("%s are %d files", args[0], len(files))
	}
	content, err := os.ReadFile(files[0])
	ts.Check(err)
	ts.Check(os.Remove(files[0])) // a program that runs cannot be written to
	ts.Check(os.WriteFile(files[0], append(content, 0), 0o755))
}
