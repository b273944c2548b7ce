//go:build unix && sslscan

package e2e

import (
	"encoding/xml"
	"os/exec"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSSLScan has the sslscan that is installed look at the service: make tls-scan. It is OpenSSL's view, and sees what a client in Go
// cannot offer: SSL 2 and 3, a renegotiation, a heartbeat.
func TestSSLScan(t *testing.T) {
	runScripts(t, "testdata/sslscan", map[string]func(*testscript.TestScript, bool, []string){"sslscan": sslscan})
}

func sslscan(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, cancel := patience(ts)
	defer cancel()
	content, err := exec.CommandContext(ctx, "sslscan", "--no-colour", "--show-certificate", "--xml=-", ts.Getenv("LISTEN")).Output()
	ts.Check(err)
	var found struct {
		Protocols []struct {
			Type    string `xml:"type,attr"`
			Version string `xml:"version,attr"`
			Enabled string `xml:"enabled,attr"`
		} `xml:"ssltest>protocol"`
		Renegotiation []struct {
			Supported string `xml:"supported,attr"`
		} `xml:"ssltest>renegotiation"`
		Heartbleed []struct {
			Vulnerable string `xml:"vulnerable,attr"`
		} `xml:"ssltest>heartbleed"`
		Ciphers []struct {
			Version  string `xml:"sslversion,attr"`
			Name     string `xml:"cipher,attr"`
			Strength string `xml:"strength,attr"`
			Curve    string `xml:"curve,attr"`
		} `xml:"ssltest>cipher"`
	}
	if err := xml.Unmarshal(content, &found); err != nil {
		ts.Fatalf("%v: %s", err, content)
	}
	if len(found.Protocols) != 6 || len(found.Ciphers) != 6 || len(found.Renegotiation) == 0 || len(found.Heartbleed) == 0 {
		ts.Fatalf("the scan is not whole: %s", content)
	}
	for _, p := range found.Protocols {
		if good := p.Type == "tls" && (p.Version == "1.2" || p.Version == "1.3"); good != (p.Enabled == "1") {
			ts.Fatalf("%s %s: enabled is %s", p.Type, p.Version, p.Enabled)
		}
	}
	for _, c := range found.Ciphers {
		sound := strings.Contains(c.Name, "GCM") || strings.Contains(c.Name, "POLY1305")
		if !sound || c.Curve == "" || c.Strength != "strong" && c.Strength != "acceptable" {
			ts.Fatalf("%s of %s is %s, with the curve %q", c.Name, c.Version, c.Strength, c.Curve)
		}
	}
	for _, r := range found.Renegotiation {
		if r.Supported != "0" {
			ts.Fatalf("the service renegotiates")
		}
	}
	for _, h := range found.Heartbleed {
		if h.Vulnerable != "0" {
			ts.Fatalf("the service's heart bleeds")
		}
	}
}
