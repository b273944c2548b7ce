package config

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// form is how the text of a variable is read.
type form int

const (
	text form = iota
	boolean
	integer
	number
	duration
)

// variable is an environment variable and the key that it sets.
type variable struct {
	name, key string
	form      form
}

const remoteSettings = "backends." + Remote + ".settings."

// variables are the environment's keys. ATG_REMOTE_MODE, ATG_PROFILE, ATG_CONFIG and AZURE_TENANT_ID,
// which is weaker than the file, are read elsewhere.
var variables = []variable{
	{"ATG_BACKEND", "backend", text},
	{"ATG_TENANT_ID", "tenant_id", text},
	{"ATG_FALLBACK", "fallback", text},
	{"ATG_SHOW_PROGRESS", "show_progress", boolean},
	{"ATG_PROGRESS_UPDATE_INTERVAL", "progress_update_interval", duration},
	{"ATG_SERVICE_URL", remoteSettings + "service_url", text},
	{"ATG_API_KEY", remoteSettings + "api_key", text},
	{"ATG_CA_FILE", remoteSettings + "ca_file", text},
	{"ATG_REQUEST_TIMEOUT", remoteSettings + "request_timeout", duration},
	{"ATG_JOB_POLL_INTERVAL", remoteSettings + "job_poll_interval", duration},
	{"ATG_JOB_MAX_WAIT", remoteSettings + "job_max_wait", duration},
	{"ATG_MAX_RETRIES", remoteSettings + "max_retries", integer},
	{"ATG_RETRY_BACKOFF_FACTOR", remoteSettings + "retry_backoff_factor", number},
}

// environment is a process's environment by name. An empty variable counts as absent.
type environment []string

func (e environment) lookup(name string) string {
	for i := len(e) - 1; i >= 0; i-- {
		key, value, found := strings.Cut(e[i], "=")
		if found && (key == name || runtime.GOOS == "windows" && strings.EqualFold(key, name)) {
			return value
		}
	}
	return ""
}

// layer is what atg's own variables say.
func (e environment) layer() (conf.Layer, []fault.Problem) {
	names := map[string]string{}
	l := conf.Layer{Source: func(key string) string { return "environment " + names[key] }}
	var problems []fault.Problem
	problem := func(name, message, hint string) {
		problems = append(problems, fault.Problem{Key: name, Message: message, Hint: hint})
	}
	for _, v := range variables {
		raw := e.lookup(v.name)
		if raw == "" {
			continue
		}
		value, err := v.form.read(raw)
		if err != nil {
			problem(v.name, err.Error(), "")
			continue
		}
		l.Set(v.key, value)
		names[v.key] = v.name
	}
	if raw := e.lookup("ATG_REMOTE_MODE"); raw != "" {
		remote, err := boolean.read(raw)
		want := Local
		if remote == true {
			want = Remote
		}
		switch chosen := l.Values["backend"]; {
		case err != nil:
			problem("ATG_REMOTE_MODE", err.Error(), "")
		case chosen != nil && chosen != want:
			problem("ATG_REMOTE_MODE", fmt.Sprintf("ATG_REMOTE_MODE=%s and ATG_BACKEND=%v name two different backends", raw, chosen), "set one of them")
		default:
			l.Set("backend", want)
			names["backend"] = "ATG_REMOTE_MODE"
		}
	}
	return l, problems
}

// azureTenant is the Azure tools' own variable, which any value of atg's own wins over.
const azureTenant = "AZURE_TENANT_ID"

// azure is the layer of that variable.
func (e environment) azure() conf.Layer {
	l := conf.Layer{Source: func(string) string { return "environment " + azureTenant }}
	if tenant := e.lookup(azureTenant); tenant != "" {
		l.Set("tenant_id", tenant)
	}
	return l
}

func (f form) read(raw string) (any, error) {
	switch f {
	case boolean:
		switch strings.ToLower(raw) {
		case "true", "1", "yes", "on":
			return true, nil
		case "false", "0", "no", "off":
			return false, nil
		}
		return nil, fmt.Errorf("must be true or false")
	case integer:
		n, err := strconv.Atoi(raw)
		if err != nil {
			return nil, fmt.Errorf("must be a whole number")
		}
		return n, nil
	case number:
		n, err := strconv.ParseFloat(raw, 64)
		if err != nil {
			return nil, fmt.Errorf("must be a number")
		}
		return n, nil
	case duration:
		d, err := conf.ParseDuration(raw)
		if err != nil {
			return nil, err
		}
		return d.String(), nil
	}
	return raw, nil
}
