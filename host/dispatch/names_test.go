package dispatch

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestNames(t *testing.T) {
	for _, tc := range []struct {
		names string // with | between them
		safe  bool
	}{
		{"main.tf", true},
		{"main.tf|modules/net/main.tf|modules/web/main.tf|README.md", true},
		{"console.tf|com10.tf|nullable|.terraform.lock.hcl|auxiliary/a", true},
		{"größe.tf", true},
		{"", false},
		{"../main.tf", false},
		{"a/../../main.tf", false},
		{"/etc/passwd", false},
		{"a//b", false},
		{"a/", false},
		{`a\b`, false},
		{`C:\x`, false},
		{"c:x", false},
		{"a:stream", false},
		{"what?", false},
		{"new\nline", false},
		{"CON", false},
		{"con.tf", false},
		{"a/Aux.d/x", false},
		{"lpt1.txt", false},
		{"COM¹", false},
		{"nul .txt", false},
		{"conout$", false},
		{"dot.", false},
		{"blank ", false},
		{strings.Repeat("x", 256), false},
		{".atg-files.json", false},
		{".ATG-files.json", false},
		{".atg-incoming-1/x", false},
		{"main.tf|main.tf", false},
		{"main.tf|Main.tf", false},
		{"a/x|A/y", false},
		{"a/b/x|a/B/y", false},
		{"a|a/x", false},
		{"A|a/x", false},
	} {
		var artifacts []backend.Artifact
		for name := range strings.SplitSeq(tc.names, "|") {
			artifacts = append(artifacts, backend.Artifact{Path: name})
		}
		err := checkNames(artifacts)
		if (err == nil) != tc.safe || err != nil && fault.CodeOf(err) != fault.Integrity {
			t.Errorf("%q: got %v", tc.names, err)
		}
	}
}
