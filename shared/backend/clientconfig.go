package backend

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// ATGClientConfig is how atg uses the job service: the common view of the host and of the remote
// backend. The defaults are those of DefaultClientConfig.
type ATGClientConfig struct {
	RemoteMode             bool          // operations go to the service; false
	ServiceURL             string        // https://…; required in remote mode
	APIKey                 secret.String // required in remote mode
	CAFile                 string        // PEM file of certificate authorities to trust beside the system's
	RequestTimeout         time.Duration // of one request; 300 s
	JobPollInterval        time.Duration // between two looks at a job; 5 s
	JobMaxWait             time.Duration // for a job to end; 3600 s
	MaxRetries             int           // after the first try; 3, 0 is none
	RetryBackoffFactor     float64       // by which the wait grows from try to try; 2.0
	ShowProgress           bool          // true
	ProgressUpdateInterval time.Duration // between two lines of progress; 2 s
}

// DefaultClientConfig has the default of every value.
func DefaultClientConfig() ATGClientConfig {
	return ATGClientConfig{
		RequestTimeout: 300 * time.Second, JobPollInterval: 5 * time.Second, JobMaxWait: 3600 * time.Second,
		MaxRetries: 3, RetryBackoffFactor: 2, ShowProgress: true, ProgressUpdateInterval: 2 * time.Second,
	}
}

// ClientConfigFromEnv reads the ATG_ variables; lookup is os.LookupEnv. ATG_BACKEND=remote means the
// same as ATG_REMOTE_MODE=true. It answers every variable that has no proper form at once, as
// fault.ConfigInvalid. Whether the values make sense together, Validate says.
func ClientConfigFromEnv(lookup func(string) (string, bool)) (ATGClientConfig, error) {
	c := DefaultClientConfig()
	var problems []fault.Problem
	for _, f := range clientFields {
		value, _ := lookup(f.variable)
		if value == "" { // an empty variable counts as absent
			continue
		}
		if err := f.set(&c, value); err != nil {
			problems = append(problems, fault.Problem{Key: f.variable, Message: err.Error()})
		}
	}
	mode, _ := lookup("ATG_REMOTE_MODE")
	if name, _ := lookup("ATG_BACKEND"); name != "" {
		if remote := name == "remote"; mode != "" && remote != c.RemoteMode {
			problems = append(problems, fault.Problem{
				Key:     "ATG_REMOTE_MODE",
				Message: fmt.Sprintf("ATG_REMOTE_MODE=%s and ATG_BACKEND=%s name two different backends", mode, name), Hint: "set one of them",
			})
		} else {
			c.RemoteMode = remote
		}
	}
	if len(problems) > 0 {
		return c, fault.New(fault.ConfigInvalid, "the environment is wrong", fault.Problems(problems...))
	}
	return c, nil
}

// Apply takes the settings of the remote backend that c knows, and leaves the others. It answers every
// one that has no proper form; the messages hold no secret.
func (c *ATGClientConfig) Apply(settings Settings) []fault.Problem {
	var problems []fault.Problem
	for _, f := range clientFields {
		value, ok := settings[f.name]
		if !ok || value == nil || !f.setting {
			continue
		}
		if err := f.set(c, value); err != nil {
			problems = append(problems, fault.Problem{Key: f.name, Message: err.Error()})
		}
	}
	return problems
}

// ClientVariables are the environment variables of the remote backend's settings, by setting.
func ClientVariables() map[string]string {
	variables := map[string]string{}
	for _, f := range clientFields {
		if f.setting {
			variables[f.name] = f.variable
		}
	}
	return variables
}

// Validate answers everything that is wrong at once, as fault.ConfigInvalid. URL and key are required
// in remote mode alone, but have to be well formed in any.
func (c ATGClientConfig) Validate() error {
	var problems []fault.Problem
	problem := func(key, message, hint string) {
		problems = append(problems, fault.Problem{Key: key, Message: message, Hint: hint})
	}
	switch why := wrongURL(c.ServiceURL); {
	case c.ServiceURL != "" && why != "":
		problem("service_url", why, "write it as https://atg.example.com")
	case c.ServiceURL == "" && c.RemoteMode:
		problem("service_url", "is required in remote mode", "set ATG_SERVICE_URL or backends.remote.settings.service_url")
	}
	switch key := c.APIKey.Reveal(); {
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		problem("api_key", "holds blanks or other characters that no key has", "copy it again")
	case key == "" && c.RemoteMode:
		problem("api_key", "is required in remote mode", "set ATG_API_KEY")
	}
	for _, d := range []struct {
		key                string
		value, least, most time.Duration
	}{
		{"request_timeout", c.RequestTimeout, time.Second, time.Hour},
		{"job_poll_interval", c.JobPollInterval, 100 * time.Millisecond, time.Hour},
		{"job_max_wait", c.JobMaxWait, time.Second, 30 * 24 * time.Hour},
		{"progress_update_interval", c.ProgressUpdateInterval, 100 * time.Millisecond, time.Hour},
	} {
		if d.value < d.least || d.value > d.most {
			problem(d.key, fmt.Sprintf("%s is out of bounds", d.value), fmt.Sprintf("from %s to %s", d.least, d.most))
		}
	}
	if c.MaxRetries < 0 || c.MaxRetries > 100 {
		problem("max_retries", fmt.Sprintf("%d is out of bounds", c.MaxRetries), "from 0 to 100")
	}
	if !(c.RetryBackoffFactor >= 1 && c.RetryBackoffFactor <= 10) { // nor is NaN
		problem("retry_backoff_factor", fmt.Sprintf("%v is out of bounds", c.RetryBackoffFactor), "from 1 to 10")
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.ConfigInvalid, "the configuration of the job service is wrong", fault.Problems(problems...))
}

// wrongURL says what is wrong with a service's address. It does not repeat it: it may hold a password.
func wrongURL(address string) string {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Hostname() == "":
		return "is no URL"
	case u.Scheme != "https":
		return "must begin with https://: a key is never sent unencrypted"
	case u.User != nil:
		return "must hold no user name and no password"
	case u.RawQuery != "" || u.Fragment != "":
		return "must end with its path"
	}
	return ""
}

// ToMap is the configuration under the names of the specification, durations in seconds, the key
// redacted.
func (c ATGClientConfig) ToMap() map[string]any {
	return map[string]any{
		"remote_mode": c.RemoteMode, "service_url": c.ServiceURL, "api_key": c.APIKey.String(), "ca_file": c.CAFile,
		"request_timeout": c.RequestTimeout.Seconds(), "job_poll_interval": c.JobPollInterval.Seconds(),
		"job_max_wait": c.JobMaxWait.Seconds(), "max_retries": c.MaxRetries, "retry_backoff_factor": c.RetryBackoffFactor,
		"show_progress": c.ShowProgress, "progress_update_interval": c.ProgressUpdateInterval.Seconds(),
	}
}
