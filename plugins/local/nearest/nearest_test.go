package nearest_test

import (
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/nearest"
)

func TestTo(t *testing.T) {
	known := []string{"parallelism", "cloud", "ca_file", ""}
	cases := map[string]string{
		"paralelism": "parallelism", "Cluod": "cloud", "CA_FILE": "ca_file", "cafile": "ca_file",
		"something_else": "", "": "", "x": "",
	}
	for name, want := range cases {
		if got := nearest.To(name, known); got != want {
			t.Errorf("To(%q) = %q, want %q", name, got, want)
		}
	}
}
