package nearest_test

import (
	"testing"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
)

func TestTo(t *testing.T) {
	known := []string{"backend", "backends", "fallback", "tenant_id", "profiles", "parallelism", "cloud", "ca_file", ""}
	cases := map[string]string{
		"paralelism": "parallelism", "fallbak": "fallback", "tenantid": "tenant_id", "profile": "profiles", "cafile": "ca_file",
		"backned": "backend", "Cluod": "cloud", // swapped
		"CA_FILE": "ca_file", "TENANT": "tenant_id", "tenant": "tenant_id", // case, beginnings
		"something_else": "", "zzz": "", "x": "", "ca": "", "": "",
	}
	for name, want := range cases {
		if got := nearest.To(name, known); got != want {
			t.Errorf("To(%q) = %q, want %q", name, got, want)
		}
	}
}
