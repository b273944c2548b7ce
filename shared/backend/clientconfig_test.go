package backend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

func environment(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := variables[name]; return v, ok }
}

func keys(err error) []string {
	var keys []string
	for _, p := range fault.Of(err).Problems {
		keys = append(keys, p.Key)
	}
	slices.Sort(keys)
	return keys
}

func TestClientConfigFromEnv(t *testing.T) {
	key := secret.New("hunter2")
	defaults := backend.DefaultClientConfig()
	with := func(change func(*backend.ATGClientConfig)) backend.ATGClientConfig {
		c := defaults
		change(&c)
		return c
	}
	cases := map[string]struct {
		environ map[string]string
		want    backend.ATGClientConfig
		wrong   []string
	}{
		"nothing": {want: backend.ATGClientConfig{
			RequestTimeout: 300 * time.Second, JobPollInterval: 5 * time.Second, JobMaxWait: time.Hour, MaxRetries: 3,
			RetryBackoffFactor: 2, ShowProgress: true, ProgressUpdateInterval: 2 * time.Second,
		}},
		"everything": {environ: map[string]string{
			"ATG_REMOTE_MODE": "true", "ATG_SERVICE_URL": "https://x", "ATG_API_KEY": "hunter2", "ATG_CA_FILE": "/ca", "ATG_REQUEST_TIMEOUT": "1m",
			"ATG_JOB_POLL_INTERVAL": "0.5", "ATG_JOB_MAX_WAIT": "60", "ATG_MAX_RETRIES": "0", "ATG_RETRY_BACKOFF_FACTOR": "1.5",
			"ATG_SHOW_PROGRESS": "no", "ATG_PROGRESS_UPDATE_INTERVAL": "1s",
		}, want: backend.ATGClientConfig{
			RemoteMode: true, ServiceURL: "https://x", APIKey: key, CAFile: "/ca", RequestTimeout: time.Minute, JobPollInterval: time.Second / 2,
			JobMaxWait: time.Minute, RetryBackoffFactor: 1.5, ProgressUpdateInterval: time.Second,
		}},
		"a URL and a key switch nothing on": {
			environ: map[string]string{"ATG_SERVICE_URL": "https://x", "ATG_API_KEY": "hunter2"},
			want:    with(func(c *backend.ATGClientConfig) { c.ServiceURL, c.APIKey = "https://x", key }),
		},
		"the backend does":  {environ: map[string]string{"ATG_BACKEND": "remote"}, want: with(func(c *backend.ATGClientConfig) { c.RemoteMode = true })},
		"they may agree":    {environ: map[string]string{"ATG_BACKEND": "local", "ATG_REMOTE_MODE": "false"}, want: defaults},
		"they may not":      {environ: map[string]string{"ATG_BACKEND": "local", "ATG_REMOTE_MODE": "1"}, wrong: []string{"ATG_REMOTE_MODE"}},
		"empty is absent":   {environ: map[string]string{"ATG_MAX_RETRIES": "", "ATG_BACKEND": ""}, want: defaults},
		"all that is wrong": {environ: map[string]string{"ATG_MAX_RETRIES": "1.5", "ATG_JOB_MAX_WAIT": "-1", "ATG_SHOW_PROGRESS": "maybe", "ATG_RETRY_BACKOFF_FACTOR": "x"}, wrong: []string{"ATG_JOB_MAX_WAIT", "ATG_MAX_RETRIES", "ATG_RETRY_BACKOFF_FACTOR", "ATG_SHOW_PROGRESS"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := backend.ClientConfigFromEnv(environment(c.environ))
			if c.wrong != nil {
				if fault.CodeOf(err) != fault.ConfigInvalid || !slices.Equal(keys(err), c.wrong) {
					t.Errorf("%v: %v, want %v", err, keys(err), c.wrong)
				}
				return
			}
			if diff := cmp.Diff(c.want, got, cmp.Comparer(secret.String.Equal)); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestClientConfigApply(t *testing.T) {
	c := backend.DefaultClientConfig()
	problems := c.Apply(backend.Settings{
		"service_url": "https://x", "api_key": "hunter2", "request_timeout": 60, "job_poll_interval": "1m", "job_max_wait": json.Number("7"),
		"max_retries": 2.0, "retry_backoff_factor": 3, "remote_mode": true, "show_progress": false, "somebody's": 1, "ca_file": nil,
	})
	want := backend.DefaultClientConfig()
	want.ServiceURL, want.APIKey, want.RequestTimeout, want.JobPollInterval = "https://x", secret.New("hunter2"), time.Minute, time.Minute
	want.JobMaxWait, want.MaxRetries, want.RetryBackoffFactor = 7*time.Second, 2, 3
	if diff := cmp.Diff(want, c, cmp.Comparer(secret.String.Equal)); diff != "" || problems != nil {
		t.Errorf("%v (-want +got):\n%s", problems, diff)
	}
	problems = c.Apply(backend.Settings{"api_key": []any{"hunter2"}, "max_retries": "many", "service_url": 7})
	if len(problems) != 3 || strings.Contains(fmt.Sprint(problems), "hunter2") {
		t.Errorf("problems = %v", problems)
	}
}

func TestClientConfigValidate(t *testing.T) {
	cases := map[string]struct {
		change func(*backend.ATGClientConfig)
		wrong  []string
	}{
		"the defaults": {func(*backend.ATGClientConfig) {}, nil},
		"remote": {func(c *backend.ATGClientConfig) {
			c.RemoteMode, c.ServiceURL, c.APIKey = true, "https://x/atg", secret.New("k")
		}, nil},
		"remote lacking both": {func(c *backend.ATGClientConfig) { c.RemoteMode = true }, []string{"api_key", "service_url"}},
		"no https":            {func(c *backend.ATGClientConfig) { c.ServiceURL = "http://localhost" }, []string{"service_url"}},
		"no host":             {func(c *backend.ATGClientConfig) { c.ServiceURL = "https://" }, []string{"service_url"}},
		"a password":          {func(c *backend.ATGClientConfig) { c.ServiceURL = "https://u:hunter2@x" }, []string{"service_url"}},
		"a query":             {func(c *backend.ATGClientConfig) { c.ServiceURL = "https://x?key=hunter2" }, []string{"service_url"}},
		"a key of two lines":  {func(c *backend.ATGClientConfig) { c.APIKey = secret.New("hunter2\nX: y") }, []string{"api_key"}},
		"everything": {func(c *backend.ATGClientConfig) {
			c.RequestTimeout, c.JobPollInterval, c.JobMaxWait, c.ProgressUpdateInterval = 0, time.Millisecond, -1, 25*time.Hour
			c.MaxRetries, c.RetryBackoffFactor = -1, 0.5
		}, []string{"job_max_wait", "job_poll_interval", "max_retries", "progress_update_interval", "request_timeout", "retry_backoff_factor"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			c := backend.DefaultClientConfig()
			tc.change(&c)
			err := c.Validate()
			if tc.wrong == nil {
				if err != nil {
					t.Errorf("Validate = %v, %v", err, keys(err))
				}
				return
			}
			if fault.CodeOf(err) != fault.ConfigInvalid || !slices.Equal(keys(err), tc.wrong) {
				t.Errorf("%v: %v, want %v", err, keys(err), tc.wrong)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, fault.Of(err).Problems), "hunter2") {
				t.Errorf("the fault shows a secret: %+v", fault.Of(err))
			}
		})
	}
}

func TestClientConfigToMap(t *testing.T) {
	c := backend.DefaultClientConfig()
	c.APIKey = secret.New("hunter2")
	want := map[string]any{
		"remote_mode": false, "service_url": "", "api_key": secret.Redacted, "ca_file": "", "request_timeout": 300.0, "job_poll_interval": 5.0,
		"job_max_wait": 3600.0, "max_retries": 3, "retry_backoff_factor": 2.0, "show_progress": true, "progress_update_interval": 2.0,
	}
	if diff := cmp.Diff(want, c.ToMap()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for name := range maps.Keys(backend.ClientVariables()) {
		if _, ok := want[name]; !ok {
			t.Errorf("ClientVariables knows %s, ToMap does not", name)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"300": 5 * time.Minute, "0.25": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "0": 0} {
		if got, err := backend.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "-5s", "soon", "5 m", "NaN", "inf", "1e300"} {
		if got, err := backend.ParseDuration(text); err == nil {
			t.Errorf("%q = %v", text, got)
		}
	}
}
