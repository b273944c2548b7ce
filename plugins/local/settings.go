package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// settings are what Configure takes.
type settings struct {
	azure       azure.Config
	parallelism int
	storeDir    string
	// queryTimeout ends a query of a snapshot.
	queryTimeout time.Duration
}

// kind is the form of a setting's value.
type kind int

const (
	kindText kind = iota
	kindSecret
	kindInteger
	kindNumber
	kindDuration // seconds, or text as Go writes durations
)

// setting is one setting: what the schema says of it, and where its value goes.
type setting struct {
	name        string
	kind        kind
	description string
	choices     []string
	fallback    any     // the default for the schema; nil is none
	least, most float64 // bounds of numbers and, in seconds, durations; both zero are none
	set         func(*settings, any)
}

// table lists the settings. It is made when asked for, so that a start that needs none costs nothing.
func table() []setting {
	text := func(field func(*settings) *string) func(*settings, any) {
		return func(s *settings, v any) { *field(s) = v.(string) }
	}
	hidden := func(field func(*settings) *secret.String) func(*settings, any) {
		return func(s *settings, v any) { *field(s) = secret.New(v.(string)) }
	}
	return []setting{
		{name: "cloud", choices: names(azure.Clouds()), fallback: string(azure.CloudPublic),
			description: "Which of Azure's clouds. ATG_AZURE_CLOUD stands above it.",
			set:         func(s *settings, v any) { s.azure.Cloud = azure.Cloud(v.(string)) }},
		{name: "resource_manager_endpoint", description: "Resource Manager's https address in a custom cloud. ATG_AZURE_RESOURCE_MANAGER_ENDPOINT stands above it.",
			set: text(func(s *settings) *string { return &s.azure.Endpoints.ResourceManager })},
		{name: "resource_manager_audience", description: "What tokens for Resource Manager are issued for in a custom cloud; its address unless set.",
			set: text(func(s *settings) *string { return &s.azure.Endpoints.Audience })},
		{name: "authority_host", description: "Microsoft Entra ID's https address in a custom cloud. ATG_AZURE_AUTHORITY_HOST stands above it.",
			set: text(func(s *settings) *string { return &s.azure.Endpoints.AuthorityHost })},
		{name: "graph_endpoint", description: "Microsoft Graph's https address in a custom cloud. ATG_AZURE_GRAPH_ENDPOINT stands above it.",
			set: text(func(s *settings) *string { return &s.azure.Endpoints.Graph })},
		{name: "auth", choices: names(azure.Auths()), fallback: string(azure.AuthAuto),
			description: "How to get a credential. auto takes the first that works: the AZURE_* variables or the client settings, a workload identity, the logins of az and azd, a managed identity.",
			set:         func(s *settings, v any) { s.azure.Auth = azure.Auth(v.(string)) }},
		{name: "tenant_id", description: "The tenant, by id or domain, where a request names none; AZURE_TENANT_ID unless set, then the only one that the credential reaches.",
			set: text(func(s *settings) *string { return &s.azure.TenantID })},
		{name: "client_id", description: "The application, or the user-assigned managed identity; AZURE_CLIENT_ID unless set.",
			set: text(func(s *settings) *string { return &s.azure.ClientID })},
		{name: "client_secret", kind: kindSecret, description: "The application's secret; AZURE_CLIENT_SECRET unless set.",
			set: hidden(func(s *settings) *secret.String { return &s.azure.ClientSecret })},
		{name: "client_certificate_file", description: "A file with the application's certificate and private key, PEM or PKCS#12; AZURE_CLIENT_CERTIFICATE_PATH unless set.",
			set: text(func(s *settings) *string { return &s.azure.ClientCertificateFile })},
		{name: "client_certificate_password", kind: kindSecret, description: "That file's password; AZURE_CLIENT_CERTIFICATE_PASSWORD unless set.",
			set: hidden(func(s *settings) *secret.String { return &s.azure.ClientCertificatePassword })},
		{name: "ca_file", description: "A PEM file of certificate authorities to trust beside the system's. SSL_CERT_FILE counts as well.",
			set: text(func(s *settings) *string { return &s.azure.CAFile })},
		{name: "parallelism", kind: kindInteger, fallback: 8, least: 1, most: 64, description: "How many queries one scan asks at once.",
			set: func(s *settings, v any) { s.parallelism = int(v.(float64)) }},
		{name: "max_rps", kind: kindNumber, fallback: 0, least: 0, most: 1000, description: "At most so many requests a second to each of Azure's APIs; 0 leaves that to Azure's own limits.",
			set: func(s *settings, v any) { s.azure.MaxRPS = v.(float64) }},
		{name: "throttle_patience", kind: kindDuration, fallback: "5m", least: 1, most: 86400, description: "How long one request waits while Azure throttles or fails, before its part of a scan is given up: seconds, or a text like 5m.",
			set: func(s *settings, v any) { s.azure.Patience = v.(time.Duration) }},
		{name: "query_timeout", kind: kindDuration, fallback: "1m", least: 1, most: 86400, description: "How long a query of a snapshot may run: seconds, or a text like 5m.",
			set: func(s *settings, v any) { s.queryTimeout = v.(time.Duration) }},
		{name: "store_dir", description: "The folder of snapshots; unless set, atg/snapshots in $XDG_DATA_HOME or where the system keeps a user's data.",
			set: text(func(s *settings) *string { return &s.storeDir })},
	}
}

func names[T ~string](values []T) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return texts
}

// schema is the JSON Schema of the settings.
func schema() json.RawMessage {
	properties := map[string]any{}
	for _, s := range table() {
		p := map[string]any{"description": s.description}
		switch s.kind {
		case kindText, kindSecret:
			p["type"] = "string"
		case kindInteger:
			p["type"] = "integer"
		case kindNumber:
			p["type"] = "number"
		case kindDuration: // of no single type: 300 and "5m" are both right
			p["format"] = "duration"
		}
		if s.kind == kindSecret {
			p["writeOnly"] = true
		}
		if s.choices != nil {
			p["enum"] = s.choices
		}
		if s.fallback != nil {
			p["default"] = s.fallback
		}
		if s.most > 0 && s.kind != kindDuration {
			p["minimum"], p["maximum"] = s.least, s.most
		}
		properties[s.name] = p
	}
	content, _ := json.Marshal(map[string]any{ // maps of texts and numbers always have a JSON form
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"type":    "object", "additionalProperties": false, "properties": properties,
	})
	return content
}

// decode takes settings in, and answers every problem with them.
func decode(given backend.Settings) (s settings, problems []fault.Problem) {
	s.parallelism = 8
	known := table()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		at := slices.IndexFunc(known, func(k setting) bool { return k.name == name })
		if at < 0 {
			p := fault.Problem{Key: name, Message: "there is no such setting"}
			all := make([]string, len(known))
			for i, k := range known {
				all[i] = k.name
			}
			if near := nearest.To(name, all); near != "" {
				p.Hint = fmt.Sprintf("did you mean %s?", near)
			}
			problems = append(problems, p)
			continue
		}
		if given[name] == nil {
			continue
		}
		value, message := known[at].parse(given[name])
		if message != "" {
			problems = append(problems, fault.Problem{Key: name, Message: message, Hint: known[at].accepts()})
			continue
		}
		known[at].set(&s, value)
	}
	return s, problems
}

// parse reads a value in the setting's form: a text, a number, or a duration. Its messages hold no
// value of a secret.
func (s setting) parse(given any) (value any, problem string) {
	switch s.kind {
	case kindText, kindSecret:
		text, ok := given.(string)
		switch {
		case !ok:
			return nil, "it is no text"
		case s.choices != nil && !slices.Contains(s.choices, text):
			return nil, fmt.Sprintf("%q is not one of the choices", text)
		}
		return text, ""
	case kindDuration:
		d, ok := duration(given)
		switch {
		case !ok:
			return nil, fmt.Sprintf("%v is no duration", given)
		case d.Seconds() < s.least || d.Seconds() > s.most:
			return nil, fmt.Sprintf("%v is out of bounds", given)
		}
		return d, ""
	default:
		n, ok := number(given)
		switch {
		case !ok || s.kind == kindInteger && n != float64(int64(n)):
			return nil, fmt.Sprintf("%v is no number of the right form", given)
		case n < s.least || n > s.most:
			return nil, fmt.Sprintf("%v is out of bounds", given)
		}
		return n, ""
	}
}

// accepts says which values a setting takes.
func (s setting) accepts() string {
	switch {
	case s.choices != nil:
		return "one of " + strings.Join(s.choices, ", ")
	case s.kind == kindDuration:
		return fmt.Sprintf("seconds, or a text like 90s or 5m; from %v to %v", seconds(s.least), seconds(s.most))
	case s.kind == kindInteger:
		return fmt.Sprintf("a whole number from %v to %v", s.least, s.most)
	case s.kind == kindNumber:
		return fmt.Sprintf("a number from %v to %v", s.least, s.most)
	}
	return "a text"
}

func seconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

// number reads a number as JSON, YAML and Go have it. The environment has texts.
func number(given any) (float64, bool) {
	switch n := given.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, !math.IsNaN(n)
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case string:
		f, err := strconv.ParseFloat(n, 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

func duration(given any) (time.Duration, bool) {
	if d, ok := given.(time.Duration); ok {
		return d, true
	}
	if n, ok := number(given); ok {
		return seconds(n), n >= 0 && n < 1e9
	}
	text, _ := given.(string)
	d, err := time.ParseDuration(text)
	return d, err == nil
}
