package create

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// maxPaths is how many differences of a resource are told by their paths.
const maxPaths = 50

// comparison finds where a resource in Azure is not as it is desired. What Azure has beyond what is desired does not count, but for the
// items of lists, which a deployment would take away.
type comparison struct {
	chosen []string // paths that are not compared
	paths  []string
	more   bool
}

// chosen are the properties, by type, that a deployment takes and that Azure chooses all the same.
var chosen = map[string][]string{
	"microsoft.network/bastionhosts":      {"properties.dnsName"},
	"microsoft.network/publicipaddresses": {"properties.dnsSettings.fqdn", "properties.ipAddress"},
}

// differences are the paths of what is not in Azure as it is desired, sorted; none is that it is as desired. actual is Azure's answer.
func differences(res *template.Resource, actual []byte) ([]string, error) {
	var have map[string]any
	d := json.NewDecoder(bytes.NewReader(actual))
	d.UseNumber()
	if err := d.Decode(&have); err != nil {
		return nil, err
	}
	c := &comparison{chosen: chosen[strings.ToLower(res.Type)]}
	schema := bodySchema(res)
	if len(res.Location) > 0 {
		if text, known := plain(res.Location); known && graph.Region(text) != graph.Region(textOf(lookup(have, "location"))) {
			c.differ("location")
		}
	}
	if res.Tags.Kind == template.Map {
		c.tags(&res.Tags, lookup(have, "tags"))
	}
	if res.Identity.Kind == template.Map {
		c.identity(res, lookup(have, "identity"))
	}
	for i := range res.Body {
		f := &res.Body[i]
		s, writeOnly := memberOf(schema, f.Name)
		if !writeOnly {
			c.value(&f.Value, lookup(have, f.Name), s, f.Name)
		}
	}
	slices.Sort(c.paths)
	c.paths = slices.Compact(c.paths)
	if c.more {
		c.paths = append(c.paths, "…")
	}
	return c.paths, nil
}

func bodySchema(res *template.Resource) *armschema.Schema {
	t, ok := armschema.Lookup(strings.ToLower(res.Type))
	if !ok {
		return nil
	}
	name, _ := plain(res.Name)
	return t.BodyOf(name)
}

func (c *comparison) differ(path string) {
	if slices.Contains(c.chosen, path) {
		return
	}
	if len(c.paths) >= maxPaths {
		c.more = true
		return
	}
	c.paths = append(c.paths, path)
}

// tags are compared as they are: their values are text that people chose. Names are the same in any case.
func (c *comparison) tags(want *template.Value, have any) {
	tags, _ := have.(map[string]any)
	for i := range want.Fields {
		f := &want.Fields[i]
		if text, known := plain(f.Value.Text); known && (tags == nil || text != textOf(lookup(tags, f.Name)) || lookup(tags, f.Name) == nil) {
			c.differ("tags." + f.Name)
		}
	}
}

// identity compares what kinds of identity a resource has, and which user-assigned ones.
func (c *comparison) identity(res *template.Resource, have any) {
	members, _ := have.(map[string]any)
	for i := range res.Identity.Fields {
		if f := &res.Identity.Fields[i]; f.Name == "type" {
			text, _ := plain(f.Value.Text)
			if !slices.Equal(kindsOf(text), kindsOf(textOf(lookup(members, "type")))) {
				c.differ("identity.type")
			}
		}
	}
	users, _ := lookup(members, "userAssignedIdentities").(map[string]any)
	for _, id := range res.IdentityIDs {
		if text, known := plain(id); known && lookup(users, text) == nil {
			c.differ("identity.userAssignedIdentities")
		}
	}
}

// kindsOf are the words of an identity's type.
func kindsOf(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(words)
	return words
}

// value compares one value with Azure's.
func (c *comparison) value(want *template.Value, have any, s *armschema.Schema, path string) {
	switch want.Kind {
	case template.Map:
		members, ok := have.(map[string]any)
		if !ok && have != nil {
			c.differ(path)
			return
		}
		c.object(want, members, s, path)
	case template.List:
		items, ok := have.([]any)
		if !ok && have != nil {
			c.differ(path)
			return
		}
		c.list(want, items, s, path)
	default:
		if !equal(want, have, s, path) {
			c.differ(path)
		}
	}
}

func (c *comparison) object(want *template.Value, have map[string]any, s *armschema.Schema, path string) {
	object := s
	if s != nil && s.Discriminator != "" {
		for i := range want.Fields {
			if strings.EqualFold(want.Fields[i].Name, s.Discriminator) {
				text, _ := plain(want.Fields[i].Value.Text)
				object = s.Variant(text)
			}
		}
	}
	for i := range want.Fields {
		f := &want.Fields[i]
		inner, writeOnly := memberOf(object, f.Name)
		if writeOnly || f.Value.WriteOnly {
			continue
		}
		c.value(&f.Value, lookup(have, f.Name), inner, path+"."+f.Name)
	}
}

// memberOf is the schema of a member, and whether Azure never tells it.
func memberOf(s *armschema.Schema, name string) (inner *armschema.Schema, writeOnly bool) {
	switch {
	case s == nil:
		return nil, false
	case s.Kind == armschema.Map:
		return s.Items, false
	}
	p, ok := s.Property(name)
	if !ok {
		return s.Items, false
	}
	return p.Schema, p.WriteOnly
}

// list compares lists: by the names of their items where they have names, else in whatever order, for Azure keeps to none. An item that Azure
// has beyond what is desired is a difference.
func (c *comparison) list(want *template.Value, have []any, s *armschema.Schema, path string) {
	var items *armschema.Schema
	if s != nil && s.Kind == armschema.List {
		items = s.Items
	}
	taken := make([]bool, len(have))
	for i := range want.Items {
		item := &want.Items[i]
		name, by := nameOf(item)
		if by != "" {
			at := slices.IndexFunc(have, func(h any) bool {
				m, _ := h.(map[string]any)
				return strings.EqualFold(textOf(lookup(m, by)), name)
			})
			if at < 0 {
				c.differ(path + "[" + name + "]")
				continue
			}
			taken[at] = true
			rest := *item // the name is found, in whatever case
			rest.Fields = slices.DeleteFunc(slices.Clone(item.Fields), func(f template.Field) bool { return f.Name == by })
			c.value(&rest, have[at], items, path+"["+name+"]")
			continue
		}
		found := false
		for at := range have {
			if taken[at] {
				continue
			}
			one := &comparison{}
			if one.value(item, have[at], items, ""); len(one.paths) == 0 {
				taken[at], found = true, true
				break
			}
		}
		if !found {
			c.differ(fmt.Sprintf("%s[%d]", path, i))
		}
	}
	if len(have) > len(want.Items) && slices.Contains(taken, false) {
		c.differ(path)
	}
}

// nameOf is the name by which an item of a list is known, and the member that holds it; empty is none.
func nameOf(item *template.Value) (name, by string) {
	if item.Kind != template.Map {
		return "", ""
	}
	for _, by := range []string{"name", "key"} {
		for i := range item.Fields {
			if f := &item.Fields[i]; strings.EqualFold(f.Name, by) && f.Value.Kind == template.String {
				if text, known := plain(f.Value.Text); known && text != "" {
					return text, f.Name
				}
			}
		}
	}
	return "", ""
}

// equal compares a value that has no others in it.
func equal(want *template.Value, have any, s *armschema.Schema, path string) bool {
	switch want.Kind {
	case template.Null:
		return have == nil
	case template.Bool:
		switch h := have.(type) {
		case bool:
			return h == want.Bool
		case string:
			return strings.EqualFold(h, fmt.Sprint(want.Bool))
		}
		return have == nil && !want.Bool // what is off is often not told
	case template.Number:
		text, _ := plain(want.Text)
		return sameNumber(text, have)
	}
	text, known := plain(want.Text)
	if !known {
		return true // a secret, or what a deployment alone can tell
	}
	if have == nil {
		return text == ""
	}
	return sameText(text, textOf(have), s, path)
}

func sameNumber(want string, have any) bool {
	text := ""
	switch h := have.(type) {
	case json.Number:
		text = h.String()
	case string:
		text = h
	default:
		return false
	}
	a, ok := new(big.Rat).SetString(want)
	b, fine := new(big.Rat).SetString(text)
	return ok && fine && a.Cmp(b) == 0
}

// sameText compares texts as Azure means them: ids, regions and what is one of a few words in any case, times by what they say.
func sameText(want, have string, s *armschema.Schema, path string) bool {
	if want == have {
		return true
	}
	last := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case strings.EqualFold(last, "location"):
		return graph.Region(want) == graph.Region(have)
	case strings.HasPrefix(want, "/"): // an id, or a part of one
		return strings.EqualFold(roleAlone(strings.TrimRight(want, "/")), roleAlone(strings.TrimRight(have, "/")))
	case form.IsGUID(want), s != nil && len(s.Enum) > 0, path == "kind", strings.HasPrefix(path, "sku."):
		return strings.EqualFold(want, have)
	case s == nil && isWord(want):
		return strings.EqualFold(want, have)
	case strings.Contains(want, "://"):
		return strings.TrimRight(want, "/") == strings.TrimRight(have, "/")
	}
	a, err := time.Parse(time.RFC3339, want)
	b, wrong := time.Parse(time.RFC3339, have)
	return err == nil && wrong == nil && a.Equal(b)
}

// roleAlone is the id of a role without the scope that it was asked for at: Azure answers with that of the assignment.
func roleAlone(id string) string {
	if at := strings.LastIndex(strings.ToLower(id), "/providers/microsoft.authorization/roledefinitions/"); at > 0 {
		return id[at:]
	}
	return id
}

// isWord says that a text may be one of a few words that a service knows.
func isWord(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return text != ""
}

// lookup is a member in any case, its exact name first.
func lookup(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	for k, v := range m {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// textOf is a scalar as text.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}
