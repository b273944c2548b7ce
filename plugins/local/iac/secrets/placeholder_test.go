package secrets_test

import (
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
)

func TestPlaceholder(t *testing.T) {
	const text = "Server=db;Password=${secret:db}"
	if got, ok := secrets.PlaceholderOf(secrets.Placeholder(text)); !ok || got != text {
		t.Errorf("%q, %t", got, ok)
	}
	for _, value := range []string{"", text, "atg-secret:x", "******"} {
		if got, ok := secrets.PlaceholderOf(value); ok {
			t.Errorf("%q is taken for a placeholder of %q", value, got)
		}
	}
}
