package query

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func TestExposure(t *testing.T) {
	r := contoso(t)
	counts, err := Exposure(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"public-ips": 1, "public-storage": 1, "open-ports": 4, "owners": 5, "privileged-guests": 1, "expiring-credentials": 4, "dangling": 1, "untagged": 2,
	}
	got := map[string]int64{}
	for _, c := range counts {
		got[c.Key] = c.Count
		if _, rows, err := run(t, Query{Reader: r}, &backend.SnapshotQueryRequest{Name: c.Key}); err != nil || rows == "" || c.Name == "" {
			t.Errorf("%+v is no query to go on with: %v", c, err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	counts, err = Exposure(t.Context(), third(t))
	if err != nil || len(counts) != len(exposures) {
		t.Errorf("%v, %v", counts, err)
	}
	for _, c := range counts {
		if c.Count != 0 && c.Key != "dangling" && c.Key != "untagged" && c.Key != "public-storage" {
			t.Errorf("%+v", c)
		}
	}
}
