package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/secrets"
	"github.com/azure-tenant-grapher/atg/plugins/local/pseudonym"
)

var errStopped = errors.New("no more is wanted")

// redactedText stands for a secret.
const redactedText = "(secret)"

// content makes what may be passed on of what Azure returned.
type content struct {
	hidden   *pseudonym.Pseudonyms // nil keeps names
	redacted int64                 // how many values were taken for secrets
	named    map[string]bool       // what secrets.Named said
	builtIn  map[string]bool       // names of roles that Azure defines, in lower case
}

// spot is where a value stands.
type spot struct {
	name    string
	list    string            // the name of the member that holds the object which this is a member of
	schema  *armschema.Schema // nil is unknown
	secret  bool              // the schema says so
	chosen  bool              // somebody chose the name
	sku     bool
	defined bool // it says which variant of an object it is
}

// json is a JSON value without secrets, its names replaced if that was asked for; nil if there is none. What is no JSON is left out
// too.
func (c *content) json(column, typ, name string, value []byte) json.RawMessage {
	if len(value) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil || tree == nil {
		return nil
	}
	at := spot{name: column, sku: column == "sku", chosen: column == "tags"}
	if known, ok := armschema.Lookup(typ); ok {
		if p, ok := known.BodyOf(name).Property(column); ok {
			at.schema = p.Schema
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(c.value(tree, at)) != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}

// value is a value without secrets and names.
func (c *content) value(v any, at spot) any {
	switch v := v.(type) {
	case map[string]any:
		return c.object(v, at)
	case []any:
		inner := at
		inner.list, inner.schema = at.name, nil
		if at.schema != nil && at.schema.Kind == armschema.List {
			inner.schema = at.schema.Items
		}
		for i := range v {
			v[i] = c.value(v[i], inner)
		}
	case string:
		return c.text(v, at)
	case json.Number:
		if c.isNamed(at) && at.secret {
			c.redacted++
			return redactedText
		}
	}
	return v
}

// object is an object. The value of a pair of name and value is judged by that name.
func (c *content) object(object map[string]any, at spot) any {
	schema := at.schema
	if schema != nil && schema.Discriminator != "" {
		for name, v := range object {
			if text, ok := v.(string); ok && strings.EqualFold(name, schema.Discriminator) {
				schema = schema.Variant(text)
			}
		}
	}
	called := ""
	for _, name := range []string{"name", "key", "Name", "Key"} {
		if text, ok := object[name].(string); ok && called == "" {
			called = text
		}
	}
	var renamed map[string]any
	if c.hidden != nil {
		renamed = make(map[string]any, len(object))
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		inner := spot{name: name, list: at.name, sku: at.sku || strings.EqualFold(name, "sku"), chosen: at.chosen && at.name == "tags"}
		switch {
		case schema == nil:
		case schema.Kind == armschema.Map:
			inner.schema, inner.chosen = schema.Items, true
		case schema.Kind == armschema.Object:
			inner.defined = schema.Discriminator != "" && strings.EqualFold(name, schema.Discriminator)
			if p, ok := schema.Property(name); ok {
				inner.schema, inner.secret = p.Schema, p.Secret
			} else if schema.Items != nil {
				inner.schema, inner.chosen = schema.Items, true
			}
		}
		if called != "" && strings.EqualFold(name, "value") && (secrets.NamedSetting(called)) {
			inner.secret = true
		}
		made := c.value(object[name], inner)
		if renamed == nil {
			object[name] = made
		} else {
			renamed[c.member(name)] = made
		}
	}
	if renamed != nil {
		return renamed
	}
	return object
}

// isNamed says that what stands somewhere is a secret by its name.
func (c *content) isNamed(at spot) bool {
	if at.secret {
		return true
	}
	said, ok := c.named[at.name]
	if !ok {
		if c.named == nil || len(c.named) > 20_000 {
			c.named = map[string]bool{}
		}
		said = secrets.Named(at.name)
		c.named[at.name] = said
	}
	return said || at.chosen && secrets.NamedSetting(at.name)
}

// text is a text without secrets and names.
func (c *content) text(text string, at spot) string {
	if text == "" {
		return text
	}
	if _, looks := secrets.Looks(text); looks || c.isNamed(at) && !secrets.Refers(text) && !secrets.Masked(text) {
		c.redacted++
		return redactedText
	}
	if c.hidden == nil {
		return text
	}
	return c.hide(text, at)
}

// hide is the pseudonym of a text.
func (c *content) hide(text string, at spot) string {
	if made, ok := c.hidden.Mail(text); ok { // also where it is a login
		return made
	}
	switch {
	case strings.HasPrefix(text, "/") && !strings.ContainsAny(text, " \n\"'") && strings.Count(text, "/") > 1:
		return c.id(text)
	case form.IsGUID(text):
		return c.guid(text)
	case at.name == "roleName":
		return c.role(text)
	case at.chosen && !at.sku:
		return c.kept(text, c.hidden.Text(text, nil))
	}
	where := &pseudonym.Where{Name: at.name, List: at.list, Defined: at.defined || enumerated(at.schema, text) || usual[strings.ToLower(text)], SKU: at.sku}
	return c.kept(text, c.hidden.Text(text, where))
}

// usual are words that Azure answers everywhere.
var usual = map[string]bool{
	"enabled": true, "disabled": true, "succeeded": true, "failed": true, "updating": true, "creating": true, "deleting": true, "running": true, "ready": true, "active": true, "inactive": true,
	"none": true, "all": true, "default": true, "allow": true, "deny": true, "static": true, "dynamic": true, "standard": true, "basic": true, "premium": true, "free": true, "approved": true, "pending": true,
	"connected": true, "disconnected": true, "online": true, "offline": true, "available": true, "unknown": true, "windows": true, "linux": true, "ipv4": true, "ipv6": true, "tcp": true, "udp": true, "http": true, "https": true,
	"systemassigned": true, "userassigned": true, "systemassigned, userassigned": true, "system": true, "user": true, "group": true, "serviceprincipal": true, "builtinrole": true, "customrole": true, "member": true, "guest": true,
}

func enumerated(s *armschema.Schema, text string) bool {
	if s == nil {
		return false
	}
	for _, e := range s.Enum {
		if strings.EqualFold(e, text) {
			return true
		}
	}
	return false
}

// kept is what became of a text; where nothing did, and the tenant's own words are in it, it is a value like others.
func (c *content) kept(text, made string) string {
	if made == text && c.hidden.Tells(text) {
		return c.word("value", text)
	}
	return made
}

func (c *content) word(kind, text string) string {
	if text == "" {
		return ""
	}
	return c.hidden.Word(kind, text)
}

// member is the name of a member of an object.
func (c *content) member(name string) string {
	made := c.hidden.MemberName(name)
	if made == name && c.hidden.Tells(name) {
		return c.word("key", name)
	}
	return made
}

// path is the path of a property, by its members.
func (c *content) path(path string) string {
	members := strings.Split(path, ".")
	for i, m := range members {
		name, list := strings.CutSuffix(m, "[]")
		name = c.member(name)
		if list {
			name += "[]"
		}
		members[i] = name
	}
	return strings.Join(members, ".")
}

// id is the pseudonym of an id: of ARM, of an identity, or the address of an account.
func (c *content) id(id string) string {
	switch {
	case id == "":
		return ""
	case form.IsGUID(id):
		return c.guid(id)
	case strings.HasPrefix(id, "/tenants/"):
		return "/tenants/" + c.guid(id[len("/tenants/"):])
	case strings.HasPrefix(id, "/"):
		return c.hidden.ID(id)
	}
	return c.kept(id, c.hidden.Text(id, nil))
}

func (c *content) guid(id string) string {
	if id == "" || pseudonym.BuiltInRole(id) {
		return strings.ToLower(id)
	}
	return c.hidden.GUID(id)
}

// login is the pseudonym of the login of a user.
func (c *content) login(login string) string {
	if login == "" {
		return ""
	}
	if made, ok := c.hidden.Mail(login); ok {
		return made
	}
	return c.kept(login, c.hidden.Text(login, nil))
}

// role is the pseudonym of the name of a role, unless Azure defines it.
func (c *content) role(name string) string {
	if pseudonym.BuiltInRoleName(name) || c.builtIn[strings.ToLower(name)] {
		return name
	}
	if form.IsGUID(name) {
		return c.guid(name)
	}
	return c.word("role", name)
}

// nodeName is the pseudonym of the name of a node.
func (c *content) nodeName(n *graph.Node) string {
	switch {
	case n.Name == "":
		return ""
	case n.Kind == graph.NodeRoleDefinition:
		return c.role(n.Name)
	case n.Kind == graph.NodeResourceGroup:
		return c.hidden.Name("resourcegroups", n.Name)
	case n.Kind == graph.NodeResource && n.Type != "" && n.State != graph.NodeMissing:
		return c.kept(n.Name, c.hidden.NameOf(n.Type, n.Name))
	case n.Kind == graph.NodeResource && n.Type != "": // as in its id
		return c.hidden.NameOf(n.Type, n.Name)
	case n.Kind == graph.NodeHost:
		return c.id(n.Name)
	case form.IsGUID(n.Name):
		return c.guid(n.Name)
	}
	return c.hidden.Name(strings.ReplaceAll(string(n.Kind), "_", ""), n.Name)
}
