package form_test

import (
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
)

func TestIsGUID(t *testing.T) {
	const guid = "00aa11BB-22cc-33DD-44ee-55ff66778899"
	for text, want := range map[string]bool{
		guid: true, strings.ToUpper(guid): true, strings.ToLower(guid): true,
		"": false, guid[1:]: false, guid + "0": false, "{" + guid[1:35] + "}": false, strings.Replace(guid, "a", "g", 1): false, strings.Replace(guid, "-", "0", 1): false,
		strings.ReplaceAll(guid, "-", ""): false, strings.Replace(guid, "1", "-", 1): false, strings.Replace(guid, "aa", "é", 1): false, " " + guid[1:]: false, strings.Replace(guid, "0", "\x10", 1): false,
	} {
		if form.IsGUID(text) != want || form.IsGUID([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
