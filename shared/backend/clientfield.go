package backend

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// clientField is one value of an ATGClientConfig and where it may come from.
type clientField struct {
	name, variable string
	setting        bool // of the remote backend; the others are the host's own
	set            func(c *ATGClientConfig, value any) error
}

var clientFields = []clientField{
	{"remote_mode", "ATG_REMOTE_MODE", false, func(c *ATGClientConfig, v any) error { return truth(&c.RemoteMode, v) }},
	{"service_url", "ATG_SERVICE_URL", true, func(c *ATGClientConfig, v any) error { return word(&c.ServiceURL, v) }},
	{"api_key", "ATG_API_KEY", true, func(c *ATGClientConfig, v any) error { return hidden(&c.APIKey, v) }},
	{"ca_file", "ATG_CA_FILE", true, func(c *ATGClientConfig, v any) error { return word(&c.CAFile, v) }},
	{"request_timeout", "ATG_REQUEST_TIMEOUT", true, func(c *ATGClientConfig, v any) error { return span(&c.RequestTimeout, v) }},
	{"job_poll_interval", "ATG_JOB_POLL_INTERVAL", true, func(c *ATGClientConfig, v any) error { return span(&c.JobPollInterval, v) }},
	{"job_max_wait", "ATG_JOB_MAX_WAIT", true, func(c *ATGClientConfig, v any) error { return span(&c.JobMaxWait, v) }},
	{"max_retries", "ATG_MAX_RETRIES", true, func(c *ATGClientConfig, v any) error { return whole(&c.MaxRetries, v) }},
	{"retry_backoff_factor", "ATG_RETRY_BACKOFF_FACTOR", true, func(c *ATGClientConfig, v any) error { return number(&c.RetryBackoffFactor, v) }},
	{"show_progress", "ATG_SHOW_PROGRESS", false, func(c *ATGClientConfig, v any) error { return truth(&c.ShowProgress, v) }},
	{"progress_update_interval", "ATG_PROGRESS_UPDATE_INTERVAL", false, func(c *ATGClientConfig, v any) error { return span(&c.ProgressUpdateInterval, v) }},
}

// The readers below take the text of a variable, or a value as YAML and JSON have it.

func truth(to *bool, value any) error {
	switch strings.ToLower(fmt.Sprint(value)) {
	case "true", "1", "yes", "on":
		*to = true
	case "false", "0", "no", "off":
		*to = false
	default:
		return errors.New("must be true or false")
	}
	return nil
}

func word(to *string, value any) error {
	text, ok := value.(string)
	if !ok {
		return errors.New("must be a text")
	}
	*to = text
	return nil
}

func hidden(to *secret.String, value any) error {
	if s, ok := value.(secret.String); ok {
		*to = s
		return nil
	}
	var text string
	if err := word(&text, value); err != nil {
		return err
	}
	*to = secret.New(text)
	return nil
}

func span(to *time.Duration, value any) error {
	d, err := ParseDuration(fmt.Sprint(value))
	if err == nil {
		*to = d
	}
	return err
}

func number(to *float64, value any) error {
	f, err := strconv.ParseFloat(fmt.Sprint(value), 64)
	if err != nil {
		return errors.New("must be a number")
	}
	*to = f
	return nil
}

func whole(to *int, value any) error {
	var f float64
	if err := number(&f, value); err != nil || f != float64(int(f)) {
		return errors.New("must be a whole number")
	}
	*to = int(f)
	return nil
}
