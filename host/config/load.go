package config

import (
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// none is the fallback that is none.
const none = "none"

// Load reads the configuration. It answers every problem at once: a fault.ConfigInvalid whose Problems
// name the key (with its line in the file) or the variable each. What is missing for the remote mode is
// no problem here, but in CheckRemote: not every command needs it.
func Load(o Options) (*Config, error) {
	env := environment(o.Environ)
	paths, _ := FindPaths(o.Flags.Config, o.Environ) // without a home folder there is nothing to read in it
	c := &Config{Paths: paths, BackendPath: env.lookup("ATG_BACKEND_PATH")}
	var err error
	if c.document, err = readFile(paths.Config, o.Flags.Config != "" || env.lookup("ATG_CONFIG") != ""); err != nil {
		return nil, err
	}
	c.File = c.document.Name
	if err := checkSecrets(c.document); err != nil {
		return nil, err
	}

	problems := conf.Check(c.document.Values, &file{}, c.document.At)
	environLayer, wrong := env.layer()
	problems = append(problems, wrong...)
	flagLayer, wrong := o.Flags.layer()
	problems = append(problems, wrong...)
	profileLayer, wrong := c.profile(o.Flags.Profile, env.lookup("ATG_PROFILE"))
	problems = append(problems, wrong...)
	if len(problems) > 0 {
		return nil, c.invalid(problems)
	}

	layers := []conf.Layer{defaults(), env.azure(), c.fileLayer(), profileLayer, environLayer, flagLayer}
	if c.merged, err = conf.Merge(layers...); err != nil {
		return nil, fault.New(fault.Internal, "the configuration cannot be merged", fault.Because(err), fault.From(fault.OriginHost))
	}
	var v values
	if err := c.merged.Decode(&v); err != nil {
		return nil, fault.New(fault.ConfigInvalid, "the configuration cannot be read", fault.Because(err), fault.From(fault.OriginHost))
	}
	if problems := c.take(v, env.lookup("HOME")); len(problems) > 0 {
		return nil, c.invalid(problems)
	}
	return c, nil
}

// take fills c from the merged values, and answers those that make no sense.
func (c *Config) take(v values, home string) (problems []fault.Problem) {
	complain := func(key, hint, format string, args ...any) {
		p := fault.Problem{Key: key, Message: fmt.Sprintf(format, args...), Hint: hint}
		at := c.merged.At(key)
		p.Line, p.Column = at.Line, at.Column
		if source := c.merged.Source(key); p.Line == 0 && source != "" {
			p.Message += " (from " + source + ")"
		}
		problems = append(problems, p)
	}
	const rule = "small letters, digits and hyphens, with no hyphen in front"
	if !ValidName(v.Backend) {
		complain("backend", rule, "%q is no name of a backend", v.Backend)
	}
	if v.Fallback != none && v.Fallback != Local {
		complain("fallback", "none or local", "%q is no fallback", v.Fallback)
	}
	if d := v.ProgressUpdateInterval.Value(); d < 100*time.Millisecond || d > time.Hour {
		complain("progress_update_interval", "from 100ms to 1h", "%s is out of bounds", d)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Backends)) {
		b, key := v.Backends[name], "backends."+name
		if !ValidName(name) {
			complain(key, rule, "%q is no name of a backend", name)
			continue
		}
		if sum, err := hex.DecodeString(b.SHA256); b.SHA256 != "" && (err != nil || len(sum) != 32) {
			complain(key+".sha256", "64 hexadecimal digits, as sha256sum prints them", "%q is no SHA-256", b.SHA256)
		}
		b.SHA256 = strings.ToLower(b.SHA256)
		b.Path = c.absolute(b.Path, home)
		checkVariables(key+".env", b.Env, complain)
		v.Backends[name] = b
	}
	checkVariables("extensions.env", v.Extensions.Env, complain)
	v.Trust.check(complain)
	v.Trust.absolute(func(path string) string { return c.absolute(path, home) })

	c.Backend, c.TenantID, c.Fallback = v.Backend, v.TenantID, strings.TrimPrefix(v.Fallback, none)
	c.ShowProgress, c.ProgressUpdateInterval, c.Pager = v.ShowProgress, v.ProgressUpdateInterval.Value(), v.Pager
	c.Backends, c.Extensions, c.Trust = v.Backends, v.Extensions, v.Trust
	return problems
}

func checkVariables(key string, names []string, complain func(key, hint, format string, args ...any)) {
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, "=\x00 ") {
			complain(key, "write the name alone, as ACME_TOKEN, or the beginning of several, as ACME_*", "%q is no name of a variable", name)
		}
	}
}

// absolute is the path of a program: ~ is the home folder, and a relative path begins where the
// configuration is.
func (c *Config) absolute(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	whole, err := filepath.Abs(filepath.Join(filepath.Dir(c.Paths.Config), path))
	if err != nil {
		return path
	}
	return whole
}

// invalid is the fault of a configuration with problems.
func (c *Config) invalid(problems []fault.Problem) error {
	message, options := "the configuration is wrong", []fault.Option{fault.Problems(problems...), fault.From(fault.OriginHost)}
	if slices.ContainsFunc(problems, func(p fault.Problem) bool { return p.Line > 0 }) {
		message = fmt.Sprintf("the configuration %s is wrong", c.File)
		options = append(options, fault.On(c.File))
	}
	return fault.New(fault.ConfigInvalid, message, options...)
}
