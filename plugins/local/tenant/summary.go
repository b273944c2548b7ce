package tenant

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// summary is what the specification begins with.
type summary struct {
	subscriptions []*subscriptionSum
	groups        []groupSum
	made          int // resource groups that are made
	types         map[string]int
	regions       map[string]int
	roles         map[string]int
	resources     int
	identities    int // resources with an identity
	assignments   int
	people        map[spec.PrincipalKind]int
	secrets       int
	sections      int
}

type subscriptionSum struct {
	id, name          string
	groups, resources int
}

// groupSum is a line of the table of resource groups.
type groupSum struct {
	name, subscription, types string
	resources                 int
}

func newSummary() *summary {
	return &summary{types: map[string]int{}, regions: map[string]int{}, roles: map[string]int{}, people: map[spec.PrincipalKind]int{}}
}

func (s *summary) group(*writer, *template.Unit) { s.made++ }

func (s *summary) resource(typ, location string) {
	s.resources++
	s.types[typ]++
	if location != "" {
		s.regions[location]++
	}
}

func (s *summary) role(title string) { s.roles[title]++ }

// counted takes the counts of a resource group.
func (s *summary) counted(w *writer, u *template.Unit) {
	var words []string
	for _, t := range byCount(w.types) {
		if len(words) == typesOfGroup {
			words = append(words, "…")
			break
		}
		words = append(words, strconv.Itoa(w.types[t])+" "+t[strings.LastIndexByte(t, '/')+1:])
	}
	s.groups = append(s.groups, groupSum{w.groupName(u), w.subName(u), strings.Join(words, ", "), w.resources})
	for _, sub := range s.subscriptions {
		if sub.name == w.subName(u) {
			sub.groups++
			sub.resources += w.resources
		}
	}
}

// How much of the summary is shown.
const (
	typesOfGroup  = 4
	typesListed   = 25
	regionsListed = 40
	rolesListed   = 40
)

func count(n int) string { return strconv.Itoa(n) }

// words is a number with what it counts.
func words(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// document writes the whole file.
func (w *writer) document(to *bufio.Writer) error {
	s, source := w.sum, w.plan.Source
	name := source.TenantName
	id := source.TenantID
	if w.x.anon != nil {
		id = w.x.anon.GUID(id)
		if name != "" {
			name = w.x.anon.Word("tenant", name)
		}
	}
	put(to, "# Tenant ", md(cmp.Or(name, id)), "\n\n")
	if !source.Complete {
		put(to, "**INCOMPLETE.** The scan could not read everything, so that something may be missing here. The end of this file says what.\n\n")
	}
	w.narrative(to)
	put(to, "The blocks below are what can be deployed: `atg create-tenant` reads them, and nothing else of this file. docs/specification.md describes their form.\n\n")
	s.tables(to)

	put(to, "```yaml\ntenant:\n")
	y := &yamlWriter{Writer: to}
	if name != "" {
		y.line(2, "name", name)
	}
	y.line(2, "tenant_id", strings.ToLower(id))
	if len(s.subscriptions) > 0 {
		put(to, "subscriptions:\n")
	}
	for _, sub := range s.subscriptions {
		id := sub.id
		if w.x.anon != nil {
			id = w.x.anon.GUID(id)
		}
		put(to, "  - name: ", quote(sub.name), "\n")
		y.line(4, "subscription_id", id)
	}
	put(to, "```\n\n")
	if err := w.body.moveTo(to); err != nil {
		return err
	}
	if err := w.peopleSection(to); err != nil {
		return err
	}
	if s.assignments > 0 {
		put(to, "## Role assignments\n\nWho may do what, and where: ", words(s.assignments, "assignment", "assignments"), ".\n\n```yaml\nrole_assignments:\n")
		if err := w.roles.moveTo(to); err != nil {
			return err
		}
		put(to, "```\n\n")
	}
	if s.secrets > 0 {
		put(to, "## Secrets\n\nA specification holds none: whoever deploys gives their values.\n\n")
		if err := w.secrets.moveTo(to); err != nil {
			return err
		}
		put(to, "\n")
	}
	put(to, leftOutTitle, "\n\n")
	if err := w.left.moveTo(to); err != nil {
		return err
	}
	if err := to.Flush(); err != nil {
		return spoolFault(err)
	}
	return nil
}

// leftOutTitle begins the last section: what it says is about the snapshot, and not about what is specified.
const leftOutTitle = "## What was left out"

func (w *writer) narrative(to *bufio.Writer) {
	s := w.sum
	put(to, "It has ", words(s.resources, "resource", "resources"), " of ", words(len(s.types), "type", "types"), " in ", words(s.made, "resource group", "resource groups"),
		" of ", words(len(s.subscriptions), "subscription", "subscriptions"))
	if regions := byCount(s.regions); len(regions) > 0 {
		put(to, ", most of them in ", regions[0])
	}
	put(to, ".")
	if s.identities > 0 {
		put(to, " ", words(s.identities, "resource has", "resources have"), " a managed identity.")
	}
	if s.assignments > 0 {
		put(to, " ", words(s.assignments, "role assignment says", "role assignments say"), " who may do what.")
	}
	if who := s.who(); who != "" {
		put(to, " It names ", who, ".")
	}
	if s.secrets > 0 {
		put(to, " ", words(s.secrets, "secret is a placeholder", "secrets are placeholders"), ".")
	}
	put(to, "\n\n")
}

func (s *summary) tables(to *bufio.Writer) {
	if len(s.subscriptions) > 0 {
		put(to, "| subscription | resource groups | resources in them |\n|---|---:|---:|\n")
		for _, sub := range s.subscriptions {
			put(to, "| ", md(sub.name), " | ", count(sub.groups), " | ", count(sub.resources), " |\n")
		}
		put(to, "\n")
	}
	if len(s.groups) > 0 {
		put(to, "| resource group | subscription | resources | most of them |\n|---|---|---:|---|\n")
		for _, g := range s.groups {
			put(to, "| ", md(g.name), " | ", md(g.subscription), " | ", count(g.resources), " | ", md(g.types), " |\n")
		}
		put(to, "\n")
	}
	table(to, "type", "resources", s.types, typesListed)
	table(to, "region", "resources", s.regions, regionsListed)
	table(to, "role", "assignments", s.roles, rolesListed)
}

// table shows counts, the largest first.
func table(to *bufio.Writer, what, counted string, counts map[string]int, most int) {
	all := byCount(counts)
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(to, "| %s | %s |\n|---|---:|\n", what, counted)
	for _, k := range all[:min(most, len(all))] {
		put(to, "| ", md(k), " | ", count(counts[k]), " |\n")
	}
	if more := len(all) - most; more > 0 {
		rest := 0
		for _, k := range all[most:] {
			rest += counts[k]
		}
		put(to, "| and ", count(more), " more | ", count(rest), " |\n")
	}
	put(to, "\n")
}

// noteSecrets lists the secrets of a resource.
func (w *writer) noteSecrets(r *template.Resource) {
	for _, p := range r.Secrets {
		w.sum.secrets++
		text := w.x.text([]template.Part{{Parameter: p}})
		what, name, _ := strings.Cut(p.Description, " of ")
		what, _, _ = strings.Cut(what, " (") // an item's name, which another scan may not tell
		what += " of " + name
		if w.x.anon != nil {
			what = r.Type + " " + w.x.resourceName(r)
		}
		put(w.secrets.Writer, "- `", code(text), "`: ", md(what), "\n")
	}
}

// secretName is the name of a secret: that of its unit before its own, so that no two are the same.
func (w *writer) secretName(p *template.Parameter) string {
	name := w.unit.Name + "." + p.Name
	if w.x.anon != nil {
		return w.x.anon.Word("secret", cmp.Or(p.Placeholder, name))
	}
	return name
}

// placeholder are the pieces of a secret that the snapshot has a placeholder for.
func placeholder(p *template.Parameter) []spec.Piece {
	pieces, err := spec.Split(p.Placeholder)
	if p.Placeholder == "" || err != nil || !slices.ContainsFunc(pieces, func(p spec.Piece) bool { return p.Kind == spec.RefSecret }) {
		return nil
	}
	return pieces
}

// md is text that Markdown shows as it is, on one line of a table.
func md(text string) string {
	var b strings.Builder
	for _, c := range text {
		switch {
		case c < ' ', c == '\u2028', c == '\u2029':
			b.WriteByte(' ')
		case strings.ContainsRune("\\`*_[]<>|#&~", c):
			b.WriteByte('\\')
			b.WriteRune(c)
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// code is text between backticks.
func code(text string) string {
	return strings.Map(func(c rune) rune {
		if c == '`' || c < ' ' || c == '\u2028' || c == '\u2029' {
			return '\''
		}
		return c
	}, text)
}
