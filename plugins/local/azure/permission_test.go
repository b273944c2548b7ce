package azure

import (
	"net/http"
	"testing"
	"time"
)

func TestAllow(t *testing.T) {
	p := Permissions{
		{Actions: []string{"*"}, NotActions: []string{"Microsoft.Authorization/*/Write"}},
		{Actions: []string{"Microsoft.Authorization/locks/write", "Microsoft.Compute/*/start/action"}},
	}
	for action, want := range map[string]bool{
		"Microsoft.Network/virtualNetworks/write":           true,
		"microsoft.authorization/roleassignments/write":     false,
		"Microsoft.Authorization/locks/write":               true, // by the other role
		"Microsoft.Authorization/roleAssignments/read":      true,
		"Microsoft.Compute/virtualMachines/start/action":    true,
		"Microsoft.Authorization/a/b/write":                 false,
		"Microsoft.Authorization/roleAssignments/write/not": true,
	} {
		if got := p.Allow(action); got != want {
			t.Errorf("%s: %v", action, got)
		}
	}
	if reader := (Permissions{{Actions: []string{"*/read"}}}); reader.Allow("Microsoft.Network/virtualNetworks/write") || !reader.Allow("a/b/read") {
		t.Error("a reader may write, or may not read")
	}
	if (Permissions{}).Allow("a/read") {
		t.Error("nothing allows something")
	}
}

// FuzzMatchesAction holds it against what a pattern is made of.
func FuzzMatchesAction(f *testing.F) {
	f.Add("a/", "/write", "b/c")
	f.Fuzz(func(t *testing.T, before, behind, between string) {
		if !matchesAction(before+"*"+behind, before+between+behind) {
			t.Errorf("%q does not match %q", before+"*"+behind, before+between+behind)
		}
		if before != between && matchesAction(before, between) != (before == between) && !containsStar(before) {
			t.Errorf("%q matches %q", before, between)
		}
	})
}

func containsStar(text string) bool {
	for _, r := range text {
		if r == '*' {
			return true
		}
	}
	return false
}

func TestSkew(t *testing.T) {
	var s skew
	s.heard(http.Header{"Date": {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}})
	c := &Client{transport: &transport{}}
	c.transport.skew.nanoseconds.Store(s.nanoseconds.Load())
	if off := c.Skew(); off < time.Hour-2*time.Second || off > time.Hour+2*time.Second {
		t.Errorf("the clock is %s off", off)
	}
	s.heard(http.Header{"Date": {"yesterday"}})
	if s.nanoseconds.Load() != int64(c.Skew()) {
		t.Error("a date that is none was heard")
	}
}
