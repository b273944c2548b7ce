package config_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const minisignKey = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"

func TestTrust(t *testing.T) {
	c := load(t, home(t, `
trust:
  require_signature: true
  keys: [`+minisignKey+`, keys/acme.pub]
  ca_file: ca.pem
  sources:
    - prefix: oci://example.com/free
    - prefix: oci://example.com/free/but
      require_signature: true
      keys: [/etc/atg/but.pub]
    - prefix: https://example.com/
      require_signature: true
`))
	folder := filepath.Dir(c.File)
	general := []string{minisignKey, filepath.Join(folder, "keys/acme.pub")}
	if c.Trust.CAFile != filepath.Join(folder, "ca.pem") {
		t.Errorf("ca_file: %s", c.Trust.CAFile)
	}
	for source, want := range map[string]struct {
		Require bool
		Keys    []string
	}{
		"oci://example.com/acme:1":          {true, general},
		"oci://example.com/free:1":          {false, general},
		"oci://example.com/free@sha256:1":   {false, general},
		"oci://example.com/free/x:1":        {false, general},
		"oci://example.com/freeloader:1":    {true, general},
		"oci://example.com/free/but:1":      {true, []string{"/etc/atg/but.pub"}},
		"oci://example.com/free/butter:1":   {false, general},
		"https://example.com/a/b.tar.gz":    {true, general},
		"https://example.com.evil.org/free": {true, general},
	} {
		require, keys := c.Trust.For(source)
		if require != want.Require || cmp.Diff(want.Keys, keys) != "" {
			t.Errorf("For(%s) = %v, %v", source, require, keys)
		}
	}
}

func TestTrustThatMakesNoSense(t *testing.T) {
	for text, says := range map[string]string{
		"trust: {require_signature: true}":                                   "trust.require_signature",
		"trust: {sources: [{prefix: 'http://x'}]}":                           "none of a source",
		"trust: {sources: [{prefix: 'oci://x/y', require_signature: true}]}": "no key is trusted",
		"trust: {sources: [{prefixes: 'oci://x/y'}]}":                        "unknown key",
		"trust: {keys: x}": "a list",
	} {
		_, err := config.Load(home(t, text))
		if f := fault.As(err); f == nil || !strings.Contains(fmt.Sprint(f.Problems), says) {
			t.Errorf("%s: %+v", text, f)
		}
	}
}
