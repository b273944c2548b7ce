package build

import (
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/report"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

func itoa(n int) string { return strconv.Itoa(n) }

const guidLength = 36

// rewrite is text with parameters for the subscriptions and the tenant that it names, and with the prefix before
// resource groups that are generated. It waits for nothing.
func (m *maker) rewrite(s string) []template.Part {
	if len(s) < guidLength {
		return literal(s)
	}
	var parts []template.Part
	from := 0
	put := func(until int, p *template.Parameter, next int) {
		if until > from {
			parts = append(parts, template.Part{Literal: s[from:until]})
		}
		parts = append(parts, template.Part{Parameter: p})
		from = next
	}
	for i := 8; i+28 <= len(s); i++ { // i is the first hyphen of a GUID
		if s[i] != '-' || s[i+5] != '-' || !form.IsGUID(s[i-8:i+28]) {
			continue
		}
		begin, end := i-8, i+28
		guid := strings.ToLower(s[begin:end])
		switch p := m.b.parameterOf(guid); {
		case p == nil:
		case m.literalSubscriptions && m.b.places.bySubscription[guid] != nil && m.b.retargeted(guid):
		default:
			put(begin, p, end)
			if at, ok := m.prefixAt(s, guid, end); ok && !m.literalSubscriptions {
				put(at, m.b.places.prefix, at)
			}
		}
		i = end + 7
	}
	if from < len(s) {
		parts = append(parts, template.Part{Literal: s[from:]})
	}
	if s[0] == '/' && !m.literalSubscriptions {
		parts = m.regions(parts)
	}
	return parts
}

// regions puts parameters in the place of regions that an id names: /providers/Microsoft.Web/locations/westeurope/managedApis/sql.
func (m *maker) regions(parts []template.Part) []template.Part {
	const word = "/locations/"
	for i, p := range parts {
		at := indexFold(p.Literal, word)
		if at < 0 {
			continue
		}
		before, after := p.Literal[:at+len(word)], p.Literal[at+len(word):]
		name, rest := after, ""
		if stop := strings.IndexByte(after, '/'); stop >= 0 {
			name, rest = after[:stop], after[stop:]
		}
		if where := m.b.places.byRegion[graph.Region(name)]; where != nil {
			parts = slices.Replace(parts, i, i+1, template.Part{Literal: before}, template.Part{Parameter: where})
			if rest != "" {
				parts = slices.Insert(parts, i+2, template.Part{Literal: rest})
			}
		}
		break
	}
	return parts
}

// indexFold is strings.Index in any case, for a word in lower case that begins with a slash.
func indexFold(text, word string) int {
	for from := 0; ; from++ {
		at := strings.IndexByte(text[from:], word[0])
		if at < 0 || len(text)-from-at < len(word) {
			return -1
		}
		if from += at; strings.EqualFold(text[from:from+len(word)], word) {
			return from
		}
	}
}

// parameterOf is the parameter that stands for a GUID; nil is none.
func (b *builder) parameterOf(guid string) *template.Parameter {
	if p := b.places.bySubscription[guid]; p != nil {
		return p
	}
	if guid == b.places.tenantID {
		return b.places.tenant
	}
	return nil
}

// prefixAt is where a generated resource group's name begins behind a subscription's id.
func (m *maker) prefixAt(s, sub string, end int) (int, bool) {
	const word = "/resourcegroups/"
	if len(s) < end+len(word) || !strings.EqualFold(s[end:end+len(word)], word) {
		return 0, false
	}
	name := s[end+len(word):]
	if stop := strings.IndexFunc(name, func(r rune) bool { return strings.ContainsRune("/\"'\\ ,;?&<>[]{}|\n\r\t", r) }); stop >= 0 {
		name = name[:stop]
	}
	at, ok := m.b.scopeAt["/subscriptions/"+sub+word+strings.ToLower(name)]
	if !ok || m.b.scopes[at].node < 0 || m.b.nodes[m.b.scopes[at].node].state != generated {
		return 0, false
	}
	return end + len(word), true
}

// looksLikeID says that text may be an ARM id.
func looksLikeID(s string) bool {
	return len(s) > 20 && s[0] == '/' && (hasPrefixFold(s, "/subscriptions/") || hasPrefixFold(s, "/providers/")) && !strings.ContainsAny(s, " \n\"'")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// link is an ARM id in a property: a reference to a generated resource where there is one, or to one that has to exist.
func (m *maker) link(s string) []template.Part {
	for p := s; p != ""; p = upOf(p) { // lower case may be longer or shorter
		at, ok := m.b.find(strings.ToLower(p))
		if !ok {
			continue
		}
		n := &m.b.nodes[at]
		tail := s[len(p):]
		container := m.b.types[n.typ].lower == groupRowType || n.state == existing
		if m.survey { // what stands for the row is known once all are read
			if !container || tail == "" {
				m.deps = append(m.deps, at)
			}
			return literal(s)
		}
		switch {
		case container && tail != "":
			return m.external(s)
		case n.state == generated && (at == m.at || m.b.isBroken(m.at, at)), n.state == existing:
			return m.rewrite(s)
		case n.state == generated:
			return m.refer(at, s[:len(p)], tail)
		case n.state == inBody, n.state == trimmed && (n.reason == report.ServiceDefault || n.reason == report.DefaultsOnly):
			continue // what is above it stands for it
		case n.state == trimmed:
			return m.rewrite(s)
		}
		return m.external(s)
	}
	return m.external(s)
}

// refer is a reference to a generated resource, and what is below it.
func (m *maker) refer(at int32, id, tail string) []template.Part {
	n := &m.b.nodes[at]
	id = canonical(id, m.b.types[n.typ].name)
	parts := []template.Part{{Ref: &template.Ref{Node: m.b.number(at), Unit: int(n.unit), Symbol: m.b.symbol(n), ID: m.rewrite(id)}}}
	if tail != "" {
		parts = append(parts, template.Part{Literal: tail})
	}
	return parts
}

// canonical is an id with its type cased as the resource itself has it: Azure does not mind, and readers do.
func canonical(id, typ string) string {
	at := lastProviders(id)
	if at < 0 {
		return id
	}
	s, t := strings.Split(id[at+len("/providers/"):], "/"), strings.Split(typ, "/")
	if len(s) != 2*len(t)-1 || !strings.EqualFold(s[0], t[0]) {
		return id
	}
	s[0] = t[0]
	for i := 1; i < len(t); i++ {
		if !strings.EqualFold(s[2*i-1], t[i]) {
			return id
		}
		s[2*i-1] = t[i]
	}
	return id[:at] + "/providers/" + strings.Join(s, "/")
}

// external is an id of something that is not generated: what a type is known of is looked up, the rest stays an id.
func (m *maker) external(s string) []template.Part {
	id, ok := parseID(s)
	if !ok || id.namespace == "" {
		return m.rewrite(s)
	}
	for p := id; ; {
		switch first := strings.ToLower(p.types[0]); {
		case strings.EqualFold(p.namespace, "Microsoft.Authorization"), first == "locations", p.isManagementGroup(), deploymentScope(s) == "":
			return m.rewrite(s) // roles and policies, images, managed APIs: not resources of the tenant's own
		}
		if t, ok := armschema.Lookup(p.typ()); ok && t.Writable && t.Version != "" {
			prefix := s[:len(p.up())+len("/"+p.types[len(p.types)-1]+"/"+p.name())]
			if !p.child() {
				prefix = s[:len(p.scope)+len("/providers/"+p.namespace+"/"+p.types[0]+"/"+p.names[0])]
			}
			return m.lookUp(prefix, s[len(prefix):], t)
		}
		if !p.child() {
			return m.rewrite(s)
		}
		p.types, p.names = p.types[:len(p.types)-1], p.names[:len(p.names)-1]
	}
}

// lookUp is a reference to a resource that has to exist.
func (m *maker) lookUp(id, tail string, t *armschema.Type) []template.Part {
	e := m.unit.existing(m, id, t, m.here)
	parts := []template.Part{{Ref: &template.Ref{Node: template.NoNode, Existing: e, ID: e.ID}}}
	if tail != "" {
		parts = append(parts, template.Part{Literal: tail})
	}
	return parts
}
