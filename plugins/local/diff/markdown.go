package diff

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// What Markdown shows, so that it fits into a comment: GitHub takes 65,536 characters, Azure DevOps 150,000. NDJSON has it all.
const (
	mostMarkdown   = 60_000 // bytes
	mostProperties = 12     // of a change
	mostValue      = 100    // characters of a value
	mostReasons    = 30
)

// kinds are the lines of the summary, in order.
var kinds = []struct{ kind, title string }{
	{KindManagementGroup, "management groups"}, {KindSubscription, "subscriptions"}, {KindResourceGroup, "resource groups"}, {KindResource, "resources"},
	{KindRoleAssignment, "role assignments"}, {KindRoleDefinition, "role definitions"}, {KindIdentity, "identities"}, {KindMembership, "memberships"},
	{KindRow, "rows without an id"}, {KindGap, "places not read"},
}

var signs = map[string]string{Added: "+", Removed: "−", Changed: "~"}

// page is Markdown in the making.
type page struct {
	b      strings.Builder
	shown  int64 // changes
	left   int64 // changes for which there was no room
	where  string
	group  string
	begun  bool
	why    []string // the reasons of unknown changes
	counts map[string]int64
	more   bool // there are more reasons
}

// markdown writes the changes in the file from as Markdown into the file to.
func (r *run) markdown(from, to string) error {
	source, err := os.Open(from)
	if err != nil {
		return disk(err)
	}
	defer func() { _ = source.Close() }()
	p := &page{counts: map[string]int64{}}
	p.summary(r)
	lines := bufio.NewReaderSize(source, 256<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var c Change
			if err := json.Unmarshal(line, &c); err != nil {
				return disk(err)
			}
			p.change(&c)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return disk(err)
		}
	}
	p.end()
	if err := os.WriteFile(to, []byte(p.b.String()), 0o600); err != nil {
		return disk(err)
	}
	return nil
}

// summary is what stands first.
func (p *page) summary(r *run) {
	before, after := r.Before.Snapshot(), r.After.Snapshot()
	name := after.TenantName
	if name == "" {
		name = after.TenantID
	}
	fmt.Fprintf(&p.b, "## Changes of %s\n\n%s → %s\n\n", code(name), moment(before), moment(after))
	if r.result.Added+r.result.Removed+r.result.Changed+r.result.Unknown == 0 {
		p.b.WriteString("No differences.\n")
		return
	}
	p.b.WriteString("| | added | removed | changed | unknown |\n|---|---:|---:|---:|---:|\n")
	row := func(title string, n map[string]int64) {
		fmt.Fprintf(&p.b, "| %s | %d | %d | %d | %d |\n", title, n[Added], n[Removed], n[Changed], n[Unknown])
	}
	for _, k := range kinds {
		if n := r.counts[k.kind]; n != nil {
			row(k.title, n)
		}
	}
	row("**all**", map[string]int64{Added: r.result.Added, Removed: r.result.Removed, Changed: r.result.Changed, Unknown: r.result.Unknown})
	if r.result.Unknown > 0 {
		p.b.WriteString("\n**Incomplete:** what is unknown was not read by one of the scans, and stands at the end.\n")
	}
}

func moment(s backend.Snapshot) string {
	return code(s.ID) + " (" + s.CreatedAt.UTC().Format(time.DateTime) + " UTC)"
}

// change adds one, as long as there is room.
func (p *page) change(c *Change) {
	if c.Change == Unknown {
		if p.counts[c.Reason] == 0 {
			if len(p.why) == mostReasons {
				p.more = true
				return
			}
			p.why = append(p.why, c.Reason)
		}
		p.counts[c.Reason]++
		return
	}
	if p.left > 0 || p.b.Len() > mostMarkdown-8<<10 { // the reasons need some
		p.left++
		return
	}
	var b strings.Builder
	where := place(c)
	if !p.begun || where != p.where {
		fmt.Fprintf(&b, "\n### %s\n", where)
		p.group = ""
	}
	if c.ResourceGroup != p.group {
		if c.ResourceGroup != "" {
			fmt.Fprintf(&b, "\n#### %s\n", code(c.ResourceGroup))
		}
		b.WriteByte('\n')
	} else if !p.begun || where != p.where {
		b.WriteByte('\n')
	}
	p.begun, p.where, p.group = true, where, c.ResourceGroup
	fmt.Fprintf(&b, "- **%s** %s\n", signs[c.Change], title(c))
	for i, property := range c.Properties {
		if i == mostProperties {
			fmt.Fprintf(&b, "  - and %d more\n", len(c.Properties)-i)
			break
		}
		fmt.Fprintf(&b, "  - %s: %s → %s\n", code(property.Path), value(property.Before), value(property.After))
	}
	if p.b.Len()+b.Len() > mostMarkdown-8<<10 {
		p.left++
		return
	}
	p.shown++
	p.b.WriteString(b.String())
}

// place is the heading of a change.
func place(c *Change) string {
	switch {
	case c.Subscription != "":
		return code(c.Subscription)
	case c.SubscriptionID != "":
		return code(c.SubscriptionID)
	case c.Kind == KindIdentity || c.Kind == KindMembership:
		return "Directory"
	}
	return "Tenant"
}

// title is what a change is of.
func title(c *Change) string {
	switch c.Kind {
	case KindRoleAssignment:
		return "role " + code(c.Role) + " for " + code(c.Principal) + " at " + code(c.Scope)
	case KindMembership:
		return code(c.Principal) + " in the group " + code(c.Name)
	case KindRoleDefinition, KindIdentity, KindManagementGroup, KindSubscription, KindResourceGroup:
		what := strings.ReplaceAll(c.Kind, "_", " ")
		if c.Kind == KindIdentity {
			what = strings.ReplaceAll(c.Type, "_", " ")
		}
		return what + " " + code(c.Name)
	}
	name := c.Name
	if at := strings.LastIndex(strings.ToLower(c.ID), "/providers/"); at >= 0 { // of a child, its parents as well
		name = ""
		for i, segment := range strings.Split(c.ID[at+len("/providers/"):], "/") {
			if i >= 2 && i%2 == 0 {
				name += "/" + segment
			}
		}
		name = strings.TrimPrefix(name, "/")
	}
	if name == "" {
		name = c.ID
	}
	return code(name) + " " + c.typeOf()
}

func (c *Change) typeOf() string { return "(" + code(c.Type) + ")" }

// end adds what is left to say.
func (p *page) end() {
	if p.left > 0 {
		fmt.Fprintf(&p.b, "\nand %d more changes; `atg snapshot diff` has them all.\n", p.left)
	}
	if len(p.why) == 0 {
		return
	}
	p.b.WriteString("\n### Unknown\n\n| things | because |\n|---:|---|\n")
	for _, why := range p.why {
		line := fmt.Sprintf("| %d | %s |\n", p.counts[why], strings.ReplaceAll(code(cut(why, 300)), "|", `\|`))
		if p.b.Len()+len(line) > mostMarkdown {
			p.more = true
			break
		}
		p.b.WriteString(line)
	}
	if p.more {
		p.b.WriteString("\nThere are more; `atg snapshot diff` has them all.\n")
	}
}

// value is one of a property.
func value(v json.RawMessage) string {
	if v == nil {
		return "none"
	}
	return code(cut(string(v), mostValue))
}

func cut(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// code is text as code, in which nothing is markup, whatever it is. Line breaks and what cannot be seen are escaped.
func code(s string) string {
	if s == "" {
		return "``` ```"
	}
	var b strings.Builder
	longest, ticks := 0, 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		if r == '`' {
			ticks++
			longest = max(longest, ticks)
		} else {
			ticks = 0
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	fence := strings.Repeat("`", longest+1)
	text := b.String()
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}
