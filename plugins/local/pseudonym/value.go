package pseudonym

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// Where is where a text stands, for what it may mean.
type Where struct {
	Name    string // of the member of an object; of an item, that of its list
	List    string // the word for what has a name here: that of the list which it is in; empty is none
	Defined bool   // the schema has the text among the values that Azure defines
	SKU     bool   // it is of a SKU, whose values Azure defines
}

// Text is the pseudonym of a text that is neither an id nor a GUID. A nil where says nothing.
func (a *Pseudonyms) Text(text string, where *Where) string {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return a.address(text, a.ips.prefix(prefix))
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return a.address(text, a.ips.address(addr))
	}
	lower := strings.ToLower(text)
	switch {
	case where != nil && where.Defined, formOf(text), spec.IsRegion(text):
		return text
	case where != nil && where.SKU && enumLike.MatchString(text) && len(text) <= 60:
		return text
	case where != nil && strings.EqualFold(where.Name, "name") && !strings.ContainsAny(text, " /:@"):
		if fixedNames[lower] {
			return text
		}
		if made, ok := a.other["value|"+text]; ok { // which another value refers to
			return made
		}
		return a.Name(where.list(), text)
	case a.names[lower] != "":
		return a.names[lower]
	case a.taken[lower] && len(lower) > 1:
		return a.Name("name", text)
	case where != nil && safeNames[strings.ToLower(where.Name)] && enumLike.MatchString(text) && len(text) <= 60:
		return text
	case email.MatchString(text):
		return a.formed("e-mail", text, "user%d@example.com")
	}
	if scheme, rest, ok := strings.Cut(text, "://"); ok && schemes.MatchString(scheme) {
		host, _, _ := strings.Cut(rest, "/")
		return a.formed("address", text, scheme+"://host%d."+suffixOf(host)+"/")
	}
	if host.MatchString(text) {
		return a.formed("domain", text, "host%d."+suffixOf(text))
	}
	return a.Word("value", text)
}

// list is the word for what has a name.
func (w *Where) list() string {
	if w.List != "" && !strings.EqualFold(w.List, "properties") {
		return w.List
	}
	return "name"
}

// Mail is the pseudonym of a mail address, or of what a user signs in with; false if it has not that form.
func (a *Pseudonyms) Mail(text string) (string, bool) {
	if !email.MatchString(text) {
		return "", false
	}
	return a.formed("e-mail", text, "user%d@example.com"), true
}

// formed is the pseudonym of a text, of a form of its own.
func (a *Pseudonyms) formed(kind, text, form string) string {
	key := kind + "|" + text
	made, ok := a.other[key]
	if !ok {
		made = a.fresh(kind, text, form)
		a.other[key] = made
	}
	return made
}

// address notes the pseudonym of an address.
func (a *Pseudonyms) address(text, made string) string {
	if text != made && a.other["address|"+text] == "" {
		a.other["address|"+text] = made
		a.pairs = append(a.pairs, pair{made, text, "address"})
	}
	return made
}

var (
	email = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	host  = regexp.MustCompile(`^(?i)(?:[a-z0-9_*-]+\.)+[a-z]{2,}$`)
	// schemes are what may stand before ://.
	schemes = regexp.MustCompile(`^[a-z]{2,9}$`)
	// harmless are forms that no name has: numbers, versions, ranges of ports, dates, durations, api-versions.
	harmless = regexp.MustCompile(`^(?:\*|[0-9]+(?:[.,:-][0-9]+)*|v?[0-9]+(?:\.[0-9]+)+|P(?:[0-9]+[YMWD])*(?:T(?:[0-9]+[HMS])+)?|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:-preview)?(?:T[0-9:.]+Z?)?|(?i:true|false))$`)
	azure    = regexp.MustCompile(`^(?i)Microsoft\.[a-z]+(?:/[a-z]+)*$`)
)

// formOf says that a text has a form that tells nothing.
func formOf(text string) bool { return harmless.MatchString(text) || azure.MatchString(text) }

// safeNames are members whose values Azure defines: that of a SKU, the kind of an image, a protocol. Their values are no schema's enumerations.
var safeNames = map[string]bool{
	"kind": true, "tier": true, "family": true, "size": true, "type": true, "vmsize": true, "publisher": true, "offer": true, "sku": true, "version": true, "protocol": true, "access": true,
	"direction": true, "ostype": true, "createoption": true, "caching": true, "level": true, "effect": true, "category": true, "categorygroup": true, "policytype": true, "mode": true,
	"operator": true, "metricname": true, "metricnamespace": true, "timeaggregation": true, "principaltype": true, "conditionversion": true, "location": true, "storageaccounttype": true,
	"linuxfxversion": true, "netframeworkversion": true, "minimumtlsversion": true, "mintlsversion": true, "sourceaddressprefix": true, "destinationaddressprefix": true,
	"publicnetworkaccess": true, "defaultaction": true, "bypass": true, "accesstier": true, "skuname": true, "zones": true, "groupids": true, "service": true,
}

// enumLike are texts made as Azure makes the values that it defines: one word, or words joined by underscores and the like.
var enumLike = regexp.MustCompile(`^[A-Za-z0-9]+(?:[._|+-][A-Za-z0-9]+)*$`)

// BuiltInRole says that a GUID is that of one of Azure's own roles that are known by name.
func BuiltInRole(guid string) bool { return spec.RoleName(guid) != "" }

// BuiltInRoleName says that a name is that of one of these.
func BuiltInRoleName(name string) bool {
	_, ok := spec.RoleID(name)
	return ok
}

// azureDomains are domains that say which service it is, and not whose.
var azureDomains = []string{
	"windows.net", "azure.com", "azure.net", "azurewebsites.net", "azurecr.io", "azure-api.net", "azureedge.net", "azurefd.net", "trafficmanager.net", "cloudapp.net", "azure-devices.net",
	"azurecontainerapps.io", "azuresynapse.net", "microsoftonline.com", "microsoft.com", "azure-automation.net", "signalr.net", "azmk8s.io", "azconfig.io",
}

// suffixOf is what stays of a host's name: the service that it is of, and else example.com.
func suffixOf(host string) string {
	host, _, _ = strings.Cut(strings.ToLower(host), ":")
	for _, d := range azureDomains {
		if !strings.HasSuffix(host, "."+d) {
			continue
		}
		labels := strings.Split(host, ".")
		own := len(strings.Split(d, "."))
		if len(labels) > own+1 && services[labels[len(labels)-own-1]] { // blob.core.windows.net
			from := len(labels) - own - 1
			if from > 1 && services[labels[from-1]] {
				from--
			}
			return strings.Join(labels[from:], ".")
		}
		return d
	}
	return "example.com"
}

// services are the labels before Azure's domains that name a service.
var services = map[string]bool{
	"core": true, "blob": true, "file": true, "queue": true, "table": true, "dfs": true, "web": true, "vault": true, "database": true, "servicebus": true, "documents": true, "mongo": true,
	"redis": true, "cache": true, "search": true, "openai": true, "cognitiveservices": true, "scm": true, "management": true, "login": true, "graph": true, "postgres": true, "mysql": true,
}
