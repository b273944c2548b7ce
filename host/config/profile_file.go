package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// ProfileDir is the folder of profiles that programs write, such as `atg-server start --dev`: beside the
// configuration, one file NAME.yaml a profile, with what profiles.NAME would hold. A profile of the same
// name in the configuration itself wins.
func (p Paths) ProfileDir() string { return filepath.Join(filepath.Dir(p.Config), "profiles") }

// ProfileNames are the names of the profiles there are, in order.
func (c *Config) ProfileNames() []string {
	configured, _ := c.document.Values["profiles"].(map[string]any)
	return c.profileNames(configured)
}

// profileNames are the names of the configuration's profiles and of those in files of their own.
func (c *Config) profileNames(configured map[string]any) []string {
	names := slices.Collect(maps.Keys(configured))
	if c.Paths.Config != "" {
		files, _ := os.ReadDir(c.Paths.ProfileDir()) // none, if it cannot be read
		for _, file := range files {
			if name, ok := strings.CutSuffix(file.Name(), ".yaml"); ok {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// profileFile is the layer of the chosen profile from a file of its own, if there is one.
func (c *Config) profileFile() (conf.Layer, []fault.Problem, bool) {
	if c.Paths.Config == "" || !ValidName(c.Profile) {
		return conf.Layer{}, nil, false
	}
	document, err := readFile(filepath.Join(c.Paths.ProfileDir(), c.Profile+".yaml"), false)
	if err == nil && document.Name == "" {
		return conf.Layer{}, nil, false
	}
	if err == nil {
		err = checkSecrets(document)
	}
	if err != nil {
		return conf.Layer{}, []fault.Problem{{Key: "profile " + c.Profile, Message: err.Error(), Hint: fault.Of(err).Hint}}, true
	}
	problems := conf.Check(document.Values, &values{}, document.At)
	for i := range problems { // the lines are those of this file, not of the configuration
		p := &problems[i]
		p.Message = fmt.Sprintf("%s (%s:%d)", p.Message, document.Name, p.Line)
		p.Line, p.Column = 0, 0
	}
	return conf.Layer{
		Values: document.Values,
		Source: func(key string) string { return "profile " + c.Profile + ", " + document.Source(key) },
		At:     document.At,
	}, problems, true
}
