package dispatch

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const testSchema = `{
	"type": "object", "additionalProperties": false, "required": ["url"],
	"properties": {
		"url": {"type": "string", "pattern": "^https://", "minLength": 1},
		"cloud": {"type": "string", "enum": ["public", "usgovernment", "china", "custom"]},
		"parallelism": {"type": "integer", "minimum": 1, "maximum": 64},
		"wait": {"type": ["string", "number"]},
		"on": {"type": "boolean"},
		"secret": {"type": "string", "writeOnly": true, "pattern": "^[a-z]+$"},
		"list": {"type": "array", "items": {"type": "string"}},
		"nested": {"type": "object", "additionalProperties": false, "properties": {"deep": {"type": "integer"}}},
		"free": {"type": "object"}
	}}`

func TestCheckSettings(t *testing.T) {
	for _, tc := range []struct {
		name     string
		schema   string
		settings backend.Settings
		want     []fault.Problem
	}{
		{"all is well", testSchema, backend.Settings{
			"url": "https://x", "cloud": "china", "parallelism": 8, "wait": "5m", "on": true, "secret": "abc",
			"list": []string{"a"}, "nested": map[string]any{"deep": int64(1)}, "free": map[string]any{"any": nil},
		}, nil},
		{"other Go types", testSchema, backend.Settings{"url": "https://x", "parallelism": 8.0, "wait": uint8(5), "list": []any{"a"}}, nil},
		{"required", testSchema, nil, []fault.Problem{{Key: "backends.acme.settings.url", Message: "is required"}}},
		{"everything at once", testSchema, backend.Settings{
			"url": "http://x", "cloud": "pubic", "parallelism": 0, "on": "yes", "list": []any{"a", 2}, "nested": map[string]any{"depe": 1}, "paralelism": 3,
		}, []fault.Problem{
			{Key: "backends.acme.settings.cloud", Message: `must be one of public, usgovernment, china, custom, not "pubic"`, Hint: "did you mean public?"},
			{Key: "backends.acme.settings.list[1]", Message: "must be a text, not 2"},
			{Key: "backends.acme.settings.nested.depe", Message: "unknown setting", Hint: "did you mean deep?"},
			{Key: "backends.acme.settings.on", Message: `must be true or false, not "yes"`},
			{Key: "backends.acme.settings.paralelism", Message: "unknown setting", Hint: "did you mean parallelism?"},
			{Key: "backends.acme.settings.parallelism", Message: "must be at least 1, not 0"},
			{Key: "backends.acme.settings.url", Message: `must look like ^https://, not "http://x"`},
		}},
		{"bounds and types", testSchema, backend.Settings{"url": "", "parallelism": 65, "wait": []any{}, "on": nil}, []fault.Problem{
			{Key: "backends.acme.settings.on", Message: "must be true or false, not null"},
			{Key: "backends.acme.settings.parallelism", Message: "must be at most 64, not 65"},
			{Key: "backends.acme.settings.url", Message: `must not be shorter than 1 characters, not ""`},
			{Key: "backends.acme.settings.url", Message: `must look like ^https://, not ""`},
			{Key: "backends.acme.settings.wait", Message: "must be a text or a number, not []"},
		}},
		{"not whole", testSchema, backend.Settings{"url": "https://x", "parallelism": 1.5}, []fault.Problem{
			{Key: "backends.acme.settings.parallelism", Message: "must be a whole number, not 1.5"},
		}},
		{"a secret stays secret", testSchema, backend.Settings{"url": "https://x", "secret": "S3CR3T"}, []fault.Problem{
			{Key: "backends.acme.settings.secret", Message: "must look like ^[a-z]+$"},
		}},
		{"no schema takes nothing", "", backend.Settings{"a": 1}, []fault.Problem{
			{Key: "backends.acme.settings.a", Message: "unknown setting", Hint: "it takes none"},
		}},
		{"an open schema takes anything", "{}", backend.Settings{"a": 1}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := CheckSettings("acme", json.RawMessage(tc.schema), tc.settings)
			var got []fault.Problem
			if f := fault.Of(err); f != nil {
				if f.Code != fault.ConfigInvalid {
					t.Fatalf("got %v", err)
				}
				got = f.Problems
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"tenant_id", "backend", "fallback"}
	for in, want := range map[string]string{
		"tenat_id": "did you mean tenant_id?", "BACKEND": "did you mean backend?", "abckend": "did you mean backend?", "zzz": "", "": "",
	} {
		if got := didYouMean(in, known); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
