package spec

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// nameRule is what Azure takes as the name of a resource. Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules.
type nameRule struct {
	least, most int
	form        string // of the whole name, as a regular expression
	words       string
	compile     sync.Once
	compiled    *regexp.Regexp
}

const (
	alnum     = `[A-Za-z0-9]`
	hyphened  = `^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$`
	dotted    = `^[A-Za-z0-9](?:[\w.-]*\w)?$`
	beginning = `^[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$`
)

// nameRules are they, by type in lower case.
var nameRules = map[string]*nameRule{
	"microsoft.storage/storageaccounts":                         {least: 3, most: 24, form: `^[a-z0-9]+$`, words: "lower-case letters and digits"},
	"microsoft.keyvault/vaults":                                 {least: 3, most: 24, form: `^[A-Za-z](?:-?[A-Za-z0-9])*$`, words: "letters, digits and single hyphens, beginning with a letter and not ending in a hyphen"},
	"microsoft.containerregistry/registries":                    {least: 5, most: 50, form: `^` + alnum + `+$`, words: "letters and digits"},
	"microsoft.network/virtualnetworks":                         {least: 2, most: 64, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.network/virtualnetworks/subnets":                 {least: 1, most: 80, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.network/networksecuritygroups":                   {least: 1, most: 80, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.network/networkinterfaces":                       {least: 1, most: 80, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.network/publicipaddresses":                       {least: 1, most: 80, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.network/routetables":                             {least: 1, most: 80, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.network/loadbalancers":                           {least: 1, most: 80, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.network/applicationgateways":                     {least: 1, most: 80, form: dotted, words: "letters, digits, '_', '.' and '-', beginning with a letter or digit and ending in one or '_'"},
	"microsoft.compute/virtualmachines":                         {least: 1, most: 64, form: `^[^\\/"'\[\]:|<>+=;,?*@&_.\s-](?:[^\\/"'\[\]:|<>+=;,?*@&\s]*[^\\/"'\[\]:|<>+=;,?*@&\s.-])?$`, words: "characters without spaces and \\/\"'[]:|<>+=;,?*@&, not beginning with '_' and not ending in '.' or '-'"},
	"microsoft.compute/disks":                                   {least: 1, most: 80, form: `^[\w.-]+$`, words: "letters, digits, '_', '.' and '-'"},
	"microsoft.web/sites":                                       {least: 2, most: 60, form: hyphened, words: "letters, digits and hyphens, not at its ends"},
	"microsoft.web/serverfarms":                                 {least: 1, most: 60, form: `^[A-Za-z0-9\x{80}-\x{10FFFF}_-]+$`, words: "letters, digits, '_' and '-'"},
	"microsoft.sql/servers":                                     {least: 1, most: 63, form: `^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`, words: "lower-case letters, digits and hyphens, not at its ends"},
	"microsoft.documentdb/databaseaccounts":                     {least: 3, most: 44, form: `^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$`, words: "lower-case letters, digits and hyphens, not at its ends"},
	"microsoft.servicebus/namespaces":                           {least: 6, most: 50, form: beginning, words: "letters, digits and hyphens, beginning with a letter and not ending in a hyphen"},
	"microsoft.eventhub/namespaces":                             {least: 6, most: 50, form: beginning, words: "letters, digits and hyphens, beginning with a letter and not ending in a hyphen"},
	"microsoft.operationalinsights/workspaces":                  {least: 4, most: 63, form: hyphened, words: "letters, digits and hyphens, not at its ends"},
	"microsoft.managedidentity/userassignedidentities":          {least: 3, most: 128, form: `^[A-Za-z0-9][\w-]*$`, words: "letters, digits, '_' and '-', beginning with a letter or digit"},
	"microsoft.cache/redis":                                     {least: 1, most: 63, form: `^[A-Za-z0-9](?:-?[A-Za-z0-9])*$`, words: "letters, digits and single hyphens, not at its ends"},
	"microsoft.containerservice/managedclusters":                {least: 1, most: 63, form: `^[A-Za-z0-9](?:[\w-]*[A-Za-z0-9])?$`, words: "letters, digits, '_' and '-', beginning and ending with a letter or digit"},
	"microsoft.app/containerapps":                               {least: 2, most: 32, form: `^[a-z](?:-?[a-z0-9])*$`, words: "lower-case letters, digits and single hyphens, beginning with a letter"},
	"microsoft.storage/storageaccounts/blobservices/containers": {least: 3, most: 63, form: `^(?:\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9])*)$`, words: "lower-case letters, digits and single hyphens, not at its ends"},
	"microsoft.authorization/roleassignments":                   {least: 36, most: 36, form: `^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`, words: "a GUID"},
}

// groupRule is that of resource groups.
var groupRule = &nameRule{least: 1, most: 90, form: `^[\p{L}\p{N}_.()-]*[\p{L}\p{N}_()-]$`, words: "letters, digits, '_', '.', '-', '(' and ')', not ending in '.'"}

// wrong is what is wrong with a name; empty if nothing is. The rule is compiled when it is first needed.
func (r *nameRule) wrong(name string) string {
	r.compile.Do(func() { r.compiled = regexp.MustCompile(r.form) })
	n := utf8.RuneCountInString(name)
	switch {
	case n < r.least, n > r.most:
		if r.least == r.most {
			return "it has to be " + r.words
		}
		return "it has " + strconv.Itoa(n) + " characters, and may have " + strconv.Itoa(r.least) + " to " + strconv.Itoa(r.most)
	case !r.compiled.MatchString(name):
		return "it has to be of " + r.words
	}
	return ""
}

// anyName is what is wrong with a name of whatever type.
func anyName(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case len(name) > 1024:
		return "it is longer than 1024 bytes"
	case strings.HasPrefix(name, "/"), strings.HasSuffix(name, "/"), strings.Contains(name, "//"):
		return "one of its parts is empty"
	case strings.ContainsAny(name, "?\\#") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "it has a character that no resource's name can have"
	}
	for _, part := range strings.Split(name, "/") {
		if part == "." || part == ".." {
			return "one of its parts is " + part
		}
	}
	return ""
}
