package remote

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

func TestDecode(t *testing.T) {
	good := func(change backend.Settings) backend.Settings {
		s := backend.Settings{"service_url": "https://atg.example.com/api-of-ours/", "api_key": testKey}
		maps.Copy(s, change)
		return s
	}
	cases := map[string]struct {
		given    backend.Settings
		problems []string // the settings that are wrong
		check    func(backend.ATGClientConfig) bool
	}{
		"defaults": {good(nil), nil, func(c backend.ATGClientConfig) bool {
			return c.RequestTimeout == seconds(300) && c.JobPollInterval == seconds(5) && c.JobMaxWait == seconds(3600) && c.MaxRetries == 3 && c.RetryBackoffFactor == 2
		}},
		"everything": {good(backend.Settings{"ca_file": "ca.pem", "request_timeout": float64(10), "job_poll_interval": "2s", "job_max_wait": "1h30m", "max_retries": float64(0), "retry_backoff_factor": 1.5}), nil,
			func(c backend.ATGClientConfig) bool {
				return c.CAFile == "ca.pem" && c.RequestTimeout == seconds(10) && c.JobPollInterval == seconds(2) && c.JobMaxWait == seconds(5400) && c.MaxRetries == 0 && c.RetryBackoffFactor == 1.5
			}},
		"texts from the environment": {good(backend.Settings{"request_timeout": "10", "max_retries": "7", "retry_backoff_factor": "3"}), nil,
			func(c backend.ATGClientConfig) bool {
				return c.RequestTimeout == seconds(10) && c.MaxRetries == 7 && c.RetryBackoffFactor == 3
			}},
		"a secret as such": {good(backend.Settings{"api_key": secret.New(testKey)}), nil, func(c backend.ATGClientConfig) bool { return c.APIKey.Reveal() == testKey }},
		"nothing":          {nil, []string{"api_key", "service_url"}, nil},
		"everything wrong": {backend.Settings{
			"service_url": "http://atg.example.com", "api_key": 7, "request_timeout": "soon", "job_poll_interval": float64(0), "job_max_wait": "-5s",
			"max_retries": 1.5, "retry_backoff_factor": float64(0), "max_retrys": 3, "ca_file": false,
		}, []string{"api_key", "ca_file", "job_max_wait", "job_poll_interval", "max_retries", "max_retrys", "request_timeout", "retry_backoff_factor", "service_url"}, nil},
		"a key in the address": {good(backend.Settings{"service_url": "https://user:" + testKey + "@atg.example.com"}), []string{"service_url"}, nil},
		"no key":               {good(backend.Settings{"api_key": "two words"}), []string{"api_key"}, nil},
		"the host's own":       {good(backend.Settings{"show_progress": true}), []string{"show_progress"}, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			config, err := decode(c.given)
			var wrong []string
			if f := fault.As(err); f != nil {
				for _, p := range f.Problems {
					wrong = append(wrong, p.Key)
				}
				if text := fmt.Sprintf("%+v %v", f, f.Problems); strings.Contains(text, testKey) {
					t.Errorf("the fault shows the key: %s", text)
				}
			}
			slices.Sort(wrong)
			if d := cmp.Diff(c.problems, wrong); d != "" {
				t.Errorf("problems (-want +got): %s", d)
			}
			if c.check != nil && !c.check(config) {
				t.Errorf("the configuration is %+v", config.ToMap())
			}
		})
	}
}

func TestMisspeltSetting(t *testing.T) {
	_, err := decode(backend.Settings{"service_url": "https://a.example", "api_key": testKey, "max_retrys": 3})
	if f := fault.As(err); f == nil || len(f.Problems) != 1 || f.Problems[0].Hint != "did you mean max_retries?" {
		t.Errorf("the answer is %+v", f)
	}
}

func TestSchema(t *testing.T) {
	var s struct {
		Properties map[string]property `json:"properties"`
	}
	if err := json.Unmarshal(schema(), &s); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(backend.ClientVariables()))
	if d := cmp.Diff(want, slices.Sorted(maps.Keys(s.Properties))); d != "" {
		t.Errorf("the schema has other settings (-want +got): %s", d)
	}
	for name, p := range s.Properties {
		if p.WriteOnly != (name == "api_key") || p.Description == "" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	defaults := backend.DefaultClientConfig()
	defaults.RemoteMode, defaults.ServiceURL, defaults.APIKey = true, "https://a.example", secret.New(testKey)
	given := backend.Settings{"service_url": "https://a.example", "api_key": testKey}
	for name, p := range s.Properties {
		if p.Default != nil {
			given[name] = p.Default
		}
	}
	got, err := decode(given)
	if d := cmp.Diff(defaults.ToMap(), got.ToMap()); d != "" || err != nil {
		t.Errorf("the schema has other defaults (-want +got): %s %v", d, err)
	}
}

func TestConfigureOnce(t *testing.T) {
	b := New()
	calls := map[string]error{}
	_, calls["Capabilities"] = b.Capabilities(t.Context())
	_, calls["Submit"] = b.Submit(t.Context(), backend.Submission{})
	_, calls["GetJob"] = b.GetJob(t.Context(), "j1")
	calls["WatchJob"] = b.WatchJob(t.Context(), "j1", 0, nil)
	_, calls["ListJobs"] = b.(backend.Lister).ListJobs(t.Context(), backend.JobFilter{})
	good := backend.Settings{"service_url": "https://atg.example.com", "api_key": testKey}
	if err := b.Configure(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	calls["Configure again"] = b.Configure(t.Context(), good)
	for call, err := range calls {
		if fault.CodeOf(err) != fault.Conflict {
			t.Errorf("%s answers %v", call, err)
		}
	}
	for range 2 {
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if h := New().CheckHealth(t.Context()); h.Healthy || h.Message == "" {
		t.Errorf("unconfigured, it is %+v", h)
	}
}
