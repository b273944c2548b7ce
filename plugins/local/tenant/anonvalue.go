package tenant

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// value is a text of a resource under pseudonyms.
func (a *anonymizer) value(x *texts, parts []template.Part, where *member) string {
	for _, p := range parts {
		if p.Parameter != nil && p.Parameter.Secret {
			return spec.Join([]spec.Piece{x.parameter(p.Parameter)})
		}
	}
	if len(parts) > 0 && parts[0].Ref != nil && parts[0].Ref.Node != template.NoNode {
		pieces := x.reference(parts[0].Ref)
		whole := plainText(parts)
		begin := plainText(parts[:1])
		if tail := whole[len(begin):]; tail != "" {
			if !strings.HasPrefix(tail, "/") {
				return a.word("value", whole)
			}
			pieces = append(pieces, spec.Piece{Literal: a.id(whole)[len(a.id(begin)):]})
		}
		return spec.Join(pieces)
	}
	text := plainText(parts)
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(text, "/subscriptions/"), strings.HasPrefix(text, "/providers/"):
		if !strings.ContainsAny(text, " \n\"'") {
			return x.id(a.id(text))
		}
	case strings.EqualFold(text, x.tenantID):
		return "${" + spec.RefTenant + "}"
	case isGUID(text):
		if name := x.names[strings.ToLower(text)]; name != "" {
			return spec.Join([]spec.Piece{{Kind: spec.RefSubscription, Arg: spec.EscapeName(name, false)}})
		}
		if builtInRole(text) {
			return strings.ToLower(text)
		}
		return a.guid(text)
	}
	return spec.Escape(a.text(text, where))
}

// text is a text that is neither an id nor a reference.
func (a *anonymizer) text(text string, where *member) string {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return a.address(text, a.ips.prefix(prefix))
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return a.address(text, a.ips.address(addr))
	}
	lower := strings.ToLower(text)
	switch {
	case where != nil && (where.kind || enumerated(where.schema, text)), formOf(text), spec.IsRegion(text):
		return text
	case where.inSKU() && enumLike.MatchString(text) && len(text) <= 60:
		return text
	case where != nil && strings.EqualFold(where.name, "name") && !strings.ContainsAny(text, " /:@"):
		if fixedNames[lower] {
			return text
		}
		if made, ok := a.other["value|"+text]; ok { // which another value refers to
			return made
		}
		return a.name(listOf(where), text)
	case a.names[lower] != "":
		return a.names[lower]
	case a.taken[lower] && len(lower) > 1:
		return a.name("name", text)
	case where != nil && safeNames[strings.ToLower(where.name)] && enumLike.MatchString(text) && len(text) <= 60:
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
	return a.word("value", text)
}

// formed is the pseudonym of a text, of a form of its own.
func (a *anonymizer) formed(kind, text, form string) string {
	key := kind + "|" + text
	made, ok := a.other[key]
	if !ok {
		made = a.pseudonym(kind, text, form)
		a.other[key] = made
	}
	return made
}

// address notes the pseudonym of an address.
func (a *anonymizer) address(text, made string) string {
	if text != made && a.other["address|"+text] == "" {
		a.other["address|"+text] = made
		a.pairs = append(a.pairs, pair{made, text, "address"})
	}
	return made
}

// listOf is the word for what has a name: that of the list that it is in.
func listOf(where *member) string {
	if where.up != nil && where.up.name != "" && !strings.EqualFold(where.up.name, "properties") {
		return where.up.name
	}
	return "name"
}

func enumerated(s *armschema.Schema, text string) bool {
	return s != nil && slices.ContainsFunc(s.Enum, func(e string) bool { return strings.EqualFold(e, text) })
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

// builtInRole says that a GUID is that of one of Azure's own roles that are known by name.
func builtInRole(guid string) bool { return spec.RoleName(guid) != "" }

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
