package config_test

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

const acmeSchema = `{
	"type": "object", "additionalProperties": false, "required": ["url"],
	"$defs": {"tree": {"type": "object", "additionalProperties": {"$ref": "#/$defs/tree"}}, "loop": {"$ref": "#/$defs/loop"}},
	"properties": {
		"url": {"type": "string", "pattern": "^https://", "minLength": 1, "maxLength": 20},
		"cloud": {"enum": ["public", "china"]},
		"mode": {"const": "fast"},
		"count": {"type": "integer", "minimum": 1, "maximum": 64},
		"rate": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
		"wait": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": "^[0-9]+[smh]$"}]},
		"pin": {"type": "integer", "maximum": 9, "writeOnly": true},
		"list": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
		"auth": {"type": "object", "properties": {"user": {"type": "string"}, "key": {"type": "string", "writeOnly": true}}},
		"tree": {"$ref": "#/$defs/tree"}, "loop": {"$ref": "#/$defs/loop"}, "elsewhere": {"$ref": "https://example.com/x"},
		"both": {"allOf": [{"type": "integer"}, {"minimum": 5}]},
		"never": false, "any": true, "odd": {"type": "string", "pattern": "(?=ecma)"}
	}}`

func TestValidate(t *testing.T) {
	good := backend.Settings{"url": "https://x"}
	with := func(name string, value any) backend.Settings {
		return backend.Settings{"url": "https://x", name: value}
	}
	cases := map[string]struct {
		schema   string
		settings backend.Settings
		want     []fault.Problem
	}{
		"all is well": {acmeSchema, backend.Settings{
			"url": "https://x", "cloud": "china", "mode": "fast", "count": 8.0, "rate": 0.5, "wait": 5, "pin": uint8(3), "list": []string{"a"}, "auth": map[string]any{"key": secret.New("k")},
			"tree": map[string]any{"a": map[string]any{"b": map[string]any{}}}, "loop": 1, "elsewhere": 2, "both": 7, "any": nil, "odd": "x",
		}, nil},
		"the other form":        {acmeSchema, with("wait", "5m"), nil},
		"none at all":           {acmeSchema, nil, []fault.Problem{{Key: "url", Message: "is required"}}},
		"unknown, near":         {acmeSchema, with("clout", 1), []fault.Problem{{Key: "clout", Message: "unknown setting", Hint: `did you mean "cloud"?`}}},
		"unknown, far":          {acmeSchema, with("zzzzzz", 1), []fault.Problem{{Key: "zzzzzz", Message: "unknown setting"}}},
		"a wrong type":          {acmeSchema, with("count", "hunter2"), []fault.Problem{{Key: "count", Message: "must be a whole number"}}},
		"not whole":             {acmeSchema, with("count", 1.5), []fault.Problem{{Key: "count", Message: "must be a whole number, not 1.5"}}},
		"too little":            {acmeSchema, with("count", 0), []fault.Problem{{Key: "count", Message: "must be at least 1, not 0"}}},
		"too much":              {acmeSchema, with("count", 65), []fault.Problem{{Key: "count", Message: "must be at most 64, not 65"}}},
		"at the lower edge":     {acmeSchema, with("rate", 0), []fault.Problem{{Key: "rate", Message: "must be more than 0, not 0"}}},
		"at the upper edge":     {acmeSchema, with("rate", 1), []fault.Problem{{Key: "rate", Message: "must be less than 1, not 1"}}},
		"no choice":             {acmeSchema, with("cloud", "chyna"), []fault.Problem{{Key: "cloud", Message: "must be one of public, china", Hint: `did you mean "china"?`}}},
		"not the constant":      {acmeSchema, with("mode", "slow"), []fault.Problem{{Key: "mode", Message: "must be fast"}}},
		"neither form":          {acmeSchema, with("wait", -1), []fault.Problem{{Key: "wait", Message: "must be at least 0, not -1"}}},
		"a secret number":       {acmeSchema, with("pin", 12), []fault.Problem{{Key: "pin", Message: "must be at most 9"}}},
		"an item":               {acmeSchema, with("list", []any{"a", 2}), []fault.Problem{{Key: "list[1]", Message: "must be a text, not 2"}}},
		"an empty list":         {acmeSchema, with("list", []any{}), []fault.Problem{{Key: "list", Message: "must have at least 1 items"}}},
		"a long list":           {acmeSchema, with("list", []any{"a", "b", "c"}), []fault.Problem{{Key: "list", Message: "must have at most 2 items"}}},
		"deep within":           {acmeSchema, with("tree", map[string]any{"a": map[string]any{"b": 1}}), []fault.Problem{{Key: "tree.a.b", Message: "must be a group of settings, not 1"}}},
		"one of all":            {acmeSchema, with("both", 4), []fault.Problem{{Key: "both", Message: "must be at least 5, not 4"}}},
		"never":                 {acmeSchema, with("never", true), []fault.Problem{{Key: "never", Message: "is not taken"}}},
		"no pattern":            {acmeSchema, backend.Settings{"url": "http://x"}, []fault.Problem{{Key: "url", Message: "must look like ^https://"}}},
		"long":                  {acmeSchema, backend.Settings{"url": "https://0123456789012345"}, []fault.Problem{{Key: "url", Message: "must have at most 20 characters"}}},
		"no schema":             {"", good, []fault.Problem{{Key: "url", Message: "unknown setting", Hint: "it takes none"}}},
		"no schema, nothing":    {"", nil, nil},
		"an open schema":        {"{}", good, nil},
		"a schema that is true": {"true", good, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, config.Validate(json.RawMessage(c.schema), c.settings)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	if p := config.Validate(json.RawMessage(`{"type": 7}`), good); len(p) != 1 || !strings.Contains(p[0].Message, "JSON Schema") {
		t.Errorf("what is no schema: %v", p)
	}
}

func TestValuesRedactWithinGroups(t *testing.T) {
	c := load(t, home(t, "backends: {acme: {settings: {url: https://x, auth: {user: u, key: hunter2}, pin: 3, list: [a], stranger: hunter2}}}"))
	shown := map[string]any{}
	for _, v := range c.Values(map[string]json.RawMessage{"acme": json.RawMessage(acmeSchema)}) {
		if name, ok := strings.CutPrefix(v.Key, "backends.acme.settings."); ok {
			shown[name] = v.Value
		}
	}
	want := map[string]any{
		"url": "https://x", "auth.user": "u", "auth.key": secret.Redacted, "pin": secret.Redacted, "list": []any{"a"}, "stranger": secret.Redacted,
	}
	if d := cmp.Diff(want, shown); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestASecretByItsSchemaInAFileThatOthersCanRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // its modes say nothing about who can read
	}
	o := home(t, "backends: {acme: {settings: {url: https://x, pin: 3}}}")
	c := load(t, o)
	if err := c.CheckSettings("acme", json.RawMessage(acmeSchema)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(c.File, 0o644); err != nil {
		t.Fatal(err)
	}
	f := fault.As(load(t, o).CheckSettings("acme", json.RawMessage(acmeSchema)))
	if f == nil || f.Hint != "chmod 600 "+c.File || f.Problems[0].Key != "backends.acme.settings.pin" || f.Problems[0].Line != 1 {
		t.Errorf("CheckSettings = %+v", f)
	}
}

func TestCheckSettingsOfAnUnusableSchema(t *testing.T) {
	err := load(t, home(t, "")).CheckSettings("acme", json.RawMessage("no JSON"))
	if fault.CodeOf(err) != fault.BackendIncompatible {
		t.Errorf("CheckSettings = %v", err)
	}
}

func TestClientAndCheckRemote(t *testing.T) {
	o := home(t, "backend: remote\nbackends: {remote: {settings: {service_url: http://x, request_timeout: 1m, max_retries: 0}}}", "ATG_JOB_MAX_WAIT=7200", "ATG_SHOW_PROGRESS=false")
	c := load(t, o)
	client := c.Client()
	if !client.RemoteMode || client.ServiceURL != "http://x" || client.RequestTimeout.Minutes() != 1 || client.MaxRetries != 0 ||
		client.JobMaxWait.Hours() != 2 || client.ShowProgress || client.RetryBackoffFactor != 2 {
		t.Errorf("Client = %+v", client)
	}
	f := fault.As(c.CheckRemote())
	want := []fault.Problem{
		{Key: "backends.remote.settings.service_url", Message: "must begin with https://: a key is never sent unencrypted", Hint: "write it as https://atg.example.com", Line: 2, Column: 32},
		{Key: "backends.remote.settings.api_key", Message: "is required in remote mode", Hint: "store one with atg auth login, or set ATG_API_KEY"},
	}
	if f == nil || f.Code != fault.ConfigInvalid || cmp.Diff(want, f.Problems) != "" {
		t.Errorf("CheckRemote = %+v", f)
	}
	o.Flags.Backend = "local"
	if err := load(t, o).CheckRemote(); err != nil {
		t.Errorf("CheckRemote in local mode = %v", err)
	}
}

func TestCheckSettings(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","additionalProperties":false,"required":["url"],"properties":{
		"url":{"type":"string"},"key":{"type":"string","writeOnly":true,"pattern":"^k"},"level":{"enum":["low","high"]},
		"count":{"type":"integer","minimum":1,"maximum":9},"nested":{"type":"object","properties":{"deep":{"type":"boolean"}}}}}`)
	c := load(t, home(t, `
backends:
  acme:
    settings: {ulr: x, key: hunter2, level: middle, count: 10, nested: {deep: hunter2}}
`))
	f := fault.As(c.CheckSettings("acme", schema))
	if f == nil || f.Code != fault.ConfigInvalid {
		t.Fatalf("CheckSettings = %+v", f)
	}
	got := map[string]string{}
	for _, p := range f.Problems {
		got[p.Key] = p.Message + "; " + p.Hint
		if strings.Contains(p.Message+p.Hint, "hunter2") {
			t.Errorf("%+v shows a value", p)
		}
		if p.Line != 4 && p.Key != "backends.acme.settings.url" {
			t.Errorf("%+v does not say where", p)
		}
	}
	for key, want := range map[string]string{
		"backends.acme.settings.url": "is required", "backends.acme.settings.ulr": `did you mean "url"?`, "backends.acme.settings.key": "must look like ^k",
		"backends.acme.settings.level": "must be one of low, high", "backends.acme.settings.count": "must be at most 9, not 10", "backends.acme.settings.nested.deep": "must be true or false",
	} {
		if !strings.Contains(got[key], want) {
			t.Errorf("%s: %q does not say %q (all: %v)", key, got[key], want, got)
		}
	}
	if f.Resource != c.File {
		t.Errorf("the fault is of %q, not of the file", f.Resource)
	}
	if err := load(t, home(t, "backends: {acme: {settings: {url: x}}}")).CheckSettings("acme", schema); err != nil {
		t.Errorf("good settings: %v", err)
	}
	if err := c.CheckSettings("acme", nil); len(fault.As(err).Problems) != 5 {
		t.Errorf("a backend without settings: %v", err)
	}
	if err := c.CheckSettings("other", nil); err != nil {
		t.Errorf("no settings for a backend without settings: %v", err)
	}
}

func TestHostAndContractKnowTheSameVariables(t *testing.T) {
	if d := cmp.Diff(backend.ClientVariables(), config.RemoteVariables()); d != "" {
		t.Errorf("of the remote backend's settings (-contract +host):\n%s", d)
	}
}
