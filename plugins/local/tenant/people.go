package tenant

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/pseudonym"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// people are the users, groups and service principals of a snapshot that the directory has: managed identities are resources. Of each no more
// than its name is kept.
type people struct {
	byID map[string]*person // by object id in lower case
	all  []*person
	file *spool // what is written of each
}

type person struct {
	id       string
	kind     spec.PrincipalKind
	name     string // as references have it: unique among its kind
	full     string // what the directory shows, where that is another name
	own      bool   // it is not of another organization's application
	named    bool   // something that is written names it
	from, to int64  // in the file
}

// principalKinds are the kinds of identities that a specification has.
var principalKinds = map[graph.IdentityKind]spec.PrincipalKind{graph.KindUser: spec.User, graph.KindGroup: spec.EntraGroup, graph.KindServicePrincipal: spec.ServicePrincipal}

// details are what a specification has of an identity beside its name.
type details struct {
	Mail         string   `json:"mail"`
	Description  string   `json:"description"`
	GroupTypes   []string `json:"groupTypes"`
	JobTitle     string   `json:"jobTitle"`
	Department   string   `json:"department"`
	MailNickname string   `json:"mailNickname"`
	Organization string   `json:"appOwnerOrganizationId"`
}

func detailsOf(i *graph.Identity) (d details) {
	_ = json.Unmarshal(i.Raw, &d) // what does not fit is not there
	return d
}

func (d *details) is(groupType string) bool {
	return slices.ContainsFunc(d.GroupTypes, func(t string) bool { return strings.EqualFold(t, groupType) })
}

// readPeople reads who there is, and finds a name for each.
func readPeople(ctx context.Context, r *graph.Reader, anon *pseudonym.Pseudonyms) (*people, error) {
	ps := &people{byID: map[string]*person{}}
	tenant, logins := strings.ToLower(r.Snapshot().TenantID), map[*person]string{}
	if err := r.Identities(ctx, func(i graph.Identity) error {
		kind, ok := principalKinds[i.Kind]
		if !ok || i.State != graph.IdentityPresent || !form.IsGUID(i.ObjectID) {
			return nil
		}
		organization := strings.ToLower(detailsOf(&i).Organization)
		p := &person{id: strings.ToLower(i.ObjectID), kind: kind, name: cmp.Or(strings.TrimSpace(i.Name), i.Login, i.ObjectID), own: organization == "" || organization == tenant}
		ps.byID[p.id], ps.all, logins[p] = p, append(ps.all, p), i.Login
		return nil
	}); err != nil {
		return nil, err
	}
	count := map[string]int{}
	for _, p := range ps.all {
		count[p.key()]++
	}
	for _, p := range ps.all { // in the order of their ids, so that the same ones get the same names
		if count[p.key()] > 1 {
			p.full = p.name
			p.name += " (" + cmp.Or(logins[p], p.id) + ")"
			if count[p.key()]++; count[p.key()] > 1 {
				p.name = p.full + " (" + p.id + ")"
			}
		}
		if anon != nil {
			p.full, p.name = "", anon.Word(strings.ReplaceAll(string(p.kind), "_", "-"), p.name)
		}
	}
	slices.SortFunc(ps.all, func(a, b *person) int { return cmp.Or(strings.Compare(a.key(), b.key()), strings.Compare(a.id, b.id)) })
	return ps, nil
}

// key is what tells the names of a kind apart.
func (p *person) key() string { return string(p.kind) + ":" + strings.ToLower(p.name) }

// reference is a reference to whom an object id is that of; nil if it is nobody's.
func (ps *people) reference(id string) []spec.Piece {
	if ps == nil || !form.IsGUID(id) {
		return nil
	}
	p := ps.byID[strings.ToLower(id)]
	if p == nil {
		return nil
	}
	p.named = true
	return []spec.Piece{{Kind: string(p.kind), Arg: spec.EscapeName(p.name, false)}}
}

// errStop ends a reading that is not read to its end.
var errStop = errors.New("stopped")

// writePeople writes them: all that the snapshot has, or those that what is written names, if that is a part of it. Applications of other
// organizations are written only where something names them, for every tenant has hundreds.
func (w *writer) writePeople(ctx context.Context, part bool) (err error) {
	ps := w.x.people
	for grew := part; grew; { // members of groups that are written
		if grew, err = ps.members(ctx, w.g.Reader); err != nil {
			return err
		}
	}
	var failed error
	next, stop := iter.Pull(func(yield func(graph.Membership) bool) {
		failed = w.g.Reader.Memberships(ctx, func(m graph.Membership) error {
			if !yield(m) {
				return errStop
			}
			return nil
		})
	})
	defer stop()
	at, more := next()
	var written int64
	if err := w.g.Reader.Identities(ctx, func(i graph.Identity) error {
		id := strings.ToLower(i.ObjectID)
		var members []string
		for ; more && strings.ToLower(at.GroupID) <= id; at, more = next() {
			if strings.ToLower(at.GroupID) == id {
				members = append(members, at.MemberID)
			}
		}
		p := ps.byID[id]
		if p == nil || !p.named && (part || !p.own) {
			return nil
		}
		p.from = written
		n := &counter{w: ps.file.Writer}
		w.person(n, p, &i, members)
		written += n.n
		p.to = written
		w.sum.people[p.kind]++
		return nil
	}); err != nil {
		return err
	}
	if failed != nil && !errors.Is(failed, errStop) {
		return failed
	}
	return ps.file.Flush()
}

// members says of the members of groups that are named that they are named too, and whether there was one.
func (ps *people) members(ctx context.Context, r *graph.Reader) (grew bool, err error) {
	return grew, r.Memberships(ctx, func(m graph.Membership) error {
		group, member := ps.byID[strings.ToLower(m.GroupID)], ps.byID[strings.ToLower(m.MemberID)]
		if group != nil && group.named && member != nil && !member.named {
			member.named, grew = true, true
		}
		return nil
	})
}

// counter counts what is written.
type counter struct {
	w *bufio.Writer
	n int64
}

func (c *counter) put(text ...string) {
	for _, t := range text {
		n, _ := c.w.WriteString(t) // it remembers its first error
		c.n += int64(n)
	}
}

func (c *counter) line(name, text string) {
	if text != "" {
		c.put("    ", name, ": ", quote(text), "\n")
	}
}

// person writes one.
func (w *writer) person(to *counter, p *person, i *graph.Identity, members []string) {
	d, anon := detailsOf(i), w.x.anon
	text := func(kind, text string) string {
		if anon == nil || text == "" {
			return text
		}
		if made, ok := anon.Mail(text); ok {
			return made
		}
		return anon.Word(kind, text)
	}
	guid := func(id string) string {
		if anon == nil || id == "" {
			return id
		}
		return anon.GUID(id)
	}
	to.put("  - name: ", quote(p.name), "\n")
	to.line("full_name", p.full)
	to.line("id", guid(p.id))
	switch p.kind {
	case spec.User:
		to.line("user_principal_name", text("login", i.Login))
		if !strings.EqualFold(d.Mail, i.Login) {
			to.line("email_address", text("login", d.Mail))
		}
		if alias, _, _ := strings.Cut(i.Login, "@"); !strings.EqualFold(d.MailNickname, alias) { // which it gets by itself
			to.line("mail_nickname", text("nickname", d.MailNickname))
		}
		to.line("job_title", text("value", d.JobTitle))
		to.line("department", text("value", d.Department))
	case spec.EntraGroup:
		to.line("description", text("value", d.Description))
		alias, _, isMail := strings.Cut(d.Mail, "@")
		if isMail || d.MailNickname != "" {
			to.line("mail_nickname", text("nickname", cmp.Or(d.MailNickname, alias)))
		}
		if d.is("Unified") {
			to.line("group_type", "microsoft365")
		}
		if !d.is("DynamicMembership") { // whose members follow from its rule
			w.membersOf(to, members)
		}
	default:
		if !p.own { // that of another one is made with it
			to.line("app_id", guid(i.AppID))
		}
	}
}

// membersOf writes the members of a group whom the specification has.
func (w *writer) membersOf(to *counter, ids []string) {
	var all []string
	for _, id := range ids {
		if pieces := w.x.people.reference(id); pieces != nil {
			all = append(all, spec.Join(pieces))
		}
	}
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	to.put("    members:\n")
	for _, one := range all {
		to.put("      - ", quote(one), "\n")
	}
}

// peopleSection writes the section of them.
func (w *writer) peopleSection(to *bufio.Writer) error {
	ps := w.x.people
	if len(w.sum.people) == 0 {
		return nil
	}
	put(to, "## Users, groups and service principals\n\n", w.sum.who(), ". They exist in the tenant that was scanned; where they do not, `atg create-tenant --create-identities` makes them.\n\n```yaml\n")
	last := spec.PrincipalKind("")
	for _, p := range ps.all {
		if p.to == p.from {
			continue
		}
		if p.kind != last {
			put(to, string(p.kind), "s:\n")
			last = p.kind
		}
		if _, err := io.Copy(to, io.NewSectionReader(ps.file.file, p.from, p.to-p.from)); err != nil {
			return spoolFault(err)
		}
	}
	put(to, "```\n\n")
	return nil
}

// who says how many there are.
func (s *summary) who() string {
	var all []string
	for _, k := range []struct {
		kind      spec.PrincipalKind
		one, many string
	}{{spec.User, "user", "users"}, {spec.EntraGroup, "group", "groups"}, {spec.ServicePrincipal, "service principal", "service principals"}} {
		if n := s.people[k.kind]; n > 0 {
			all = append(all, words(n, k.one, k.many))
		}
	}
	if n := len(all); n > 1 {
		return strings.Join(all[:n-1], ", ") + " and " + all[n-1]
	}
	return strings.Join(all, "")
}
