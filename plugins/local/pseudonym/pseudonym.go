// Package pseudonym replaces what could tell whose tenant it is.
package pseudonym

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/azure-tenant-grapher/atg/plugins/local/armschema"
	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// Pseudonyms replace what could tell whose tenant it is: the same text always by the same one. They take what they do not
// know for telling: only what Azure itself defines, and what has a form that no name has, stays.
//
// Pseudonyms are numbered as they come, and the order of what is written depends on names; so does the numbering.
// There is a pair for each text, so that memory grows with the number of different ones.
type Pseudonyms struct {
	names map[string]string // pseudonym by name in lower case
	other map[string]string // pseudonym by kind and text
	next  map[string]int    // the number of the next pseudonym, by its word
	taken map[string]bool   // names of the tenant in lower case: no pseudonym may be one
	pairs []pair
	ips   addresses
	own   []string // words that tell the tenant, in lower case: see Own
}

// pair is a line of the map.
type pair struct {
	Pseudonym string `json:"pseudonym"`
	Original  string `json:"original"`
	Kind      string `json:"kind"`
}

// New learns the names of all resources and identities of a snapshot, so that they are found wherever they stand.
func New(ctx context.Context, r *graph.Reader) (*Pseudonyms, error) {
	a := &Pseudonyms{names: map[string]string{}, other: map[string]string{}, next: map[string]int{}, taken: map[string]bool{}}
	subs, err := r.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	seed := []string{strings.ToLower(r.Snapshot().TenantID)}
	for id := range subs {
		seed = append(seed, strings.ToLower(id))
	}
	slices.Sort(seed)
	a.ips = newAddresses(strings.Join(seed, "|"))
	err = r.Heads(ctx, func(h graph.Head) error {
		if h.Table == graph.RoleDefinitions {
			return nil
		}
		for _, name := range []string{h.Name, h.ID[strings.LastIndexByte(h.ID, '/')+1:]} {
			if lower := strings.ToLower(name); !a.fixed(h.Type, lower) {
				a.taken[lower] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return a, r.Identities(ctx, func(i graph.Identity) error {
		for _, name := range []string{i.Name, i.Login} {
			if name != "" {
				a.taken[strings.ToLower(name)] = true
			}
		}
		return nil
	})
}

// Learn takes a name in, so that it is found wherever it stands. typ is that of a resource, or empty.
func (a *Pseudonyms) Learn(typ, name string) {
	if lower := strings.ToLower(name); lower != "" && !a.fixed(typ, lower) {
		a.taken[lower] = true
	}
}

// Own takes in what tells the tenant even within other words: its name, and its domains but Azure's.
func (a *Pseudonyms) Own(text string) {
	if text = strings.ToLower(text); strings.Contains(text, ".") {
		if suffixOf("x."+text) != "example.com" { // contoso.onmicrosoft.com is told by contoso
			return
		}
		text, _, _ = strings.Cut(text, ".")
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if len(word) > 3 && !slices.Contains(a.own, word) {
			a.own = append(a.own, word)
		}
	}
}

// Tells says that one of the tenant's own words is in a text.
func (a *Pseudonyms) Tells(text string) bool {
	lower := strings.ToLower(text)
	return slices.ContainsFunc(a.own, func(word string) bool { return strings.Contains(lower, word) })
}

// fresh makes one, and remembers what it stands for.
func (a *Pseudonyms) fresh(kind, original, form string) string {
	for {
		a.next[form]++
		made := fmt.Sprintf(form, a.next[form])
		if !a.taken[strings.ToLower(made)] {
			a.pairs = append(a.pairs, pair{made, original, kind})
			return made
		}
	}
}

// Word is the pseudonym of a text that is no name: role-3.
func (a *Pseudonyms) Word(kind, text string) string {
	key := kind + "|" + text
	made, ok := a.other[key]
	if !ok {
		made = a.fresh(kind, text, kind+"-%d")
		a.other[key] = made
	}
	return made
}

// Subscription is the pseudonym of a subscription's name.
func (a *Pseudonyms) Subscription(name string) string { return a.Word("subscription", name) }

// GUID is the pseudonym of a GUID; it is a GUID itself. Azure's own roles and the zero GUID stay.
func (a *Pseudonyms) GUID(id string) string {
	lower := strings.ToLower(id)
	if strings.Trim(lower, "0-") == "" {
		return lower
	}
	made, ok := a.other["guid|"+lower]
	if !ok {
		made = a.fresh("guid", lower, "00000000-0000-4000-8000-%012d")
		a.other["guid|"+lower] = made
	}
	return made
}

// fixedNames are names that Azure gives, or that mean something to it.
var fixedNames = map[string]bool{
	"default": true, "current": true, "$root": true, "$web": true, "$logs": true, "@": true, "*": true, "$default": true, "www": true, "gatewaysubnet": true, "azurebastionsubnet": true,
	"azurefirewallsubnet": true, "azurefirewallmanagementsubnet": true, "routeserversubnet": true,
}

// fixed says that a name is not the tenant's own. Both are in lower case.
func (a *Pseudonyms) fixed(typ, name string) bool {
	if fixedNames[name] || strings.HasPrefix(name, "privatelink.") {
		return true
	}
	t, ok := armschema.Lookup(typ)
	return ok && slices.ContainsFunc(t.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

// NameOf is the pseudonym of a part of the name of a resource; typ is the type of that part.
func (a *Pseudonyms) NameOf(typ, name string) string {
	switch {
	case a.fixed(typ, strings.ToLower(name)):
		return name
	case form.IsGUID(name):
		return a.GUID(name)
	}
	return a.Name(typ[strings.LastIndexByte(typ, '/')+1:], name)
}

// Name is the pseudonym of a name. word, such as virtualMachines, begins it. Pseudonyms are names that Azure takes for most types: letters
// and digits alone, and few.
func (a *Pseudonyms) Name(word, name string) string {
	lower := strings.ToLower(name)
	if made, ok := a.names[lower]; ok {
		return made
	}
	letters := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r
		}
		return -1
	}, singular(strings.ToLower(word)))
	letters = letters[:min(len(letters), 18)]
	switch {
	case letters == "virtualmachine": // Windows takes 15 characters
		letters = "vm"
	case len(letters) < 4: // a record A has the name of an account, which needs some
		letters = "name" + letters
	}
	form := letters + "%d"
	if strings.HasSuffix(strings.ToLower(word), "zones") { // whose names are domains
		form = letters + "%d.example.com"
	}
	made := a.fresh("name", name, form)
	a.names[lower] = made
	return made
}

// singular is the singular of a type's last word, as far as English is regular.
func singular(word string) string {
	for _, ending := range [][2]string{{"ies", "y"}, {"sses", "ss"}, {"xes", "x"}, {"ss", "ss"}, {"s", ""}} {
		if before, ok := strings.CutSuffix(word, ending[0]); ok && len(before) > 1 {
			return before + ending[1]
		}
	}
	return word
}

// ID is an ARM id, its names and GUIDs replaced. A beginning of an id gives the beginning of what the whole id gives.
func (a *Pseudonyms) ID(id string) string {
	s := strings.Split(id, "/")
	provider, types := -1, ""
	for i := 1; i < len(s); i++ {
		word := strings.ToLower(s[i])
		switch {
		case word == "providers" && (provider < 0 || (i-provider)%2 == 0):
			provider, types = i, ""
			if i+1 < len(s) {
				types = s[i+1]
			}
			i++
		case provider < 0 && word == "subscriptions" && i+1 < len(s):
			i++
			s[i] = a.GUID(s[i])
		case provider < 0 && word == "resourcegroups" && i+1 < len(s):
			i++
			s[i] = a.Name("resourcegroups", s[i])
		case provider >= 0:
			types += "/" + s[i]
			if i+1 < len(s) {
				i++
				s[i] = a.nameIn(types, s[i])
			}
		default:
			s[i] = a.Name("part", s[i])
		}
	}
	return strings.Join(s, "/")
}

// nameIn is NameOf for an id: Azure's own definitions keep their names.
func (a *Pseudonyms) nameIn(typ, name string) string {
	if strings.EqualFold(typ, "Microsoft.Authorization/roleDefinitions") && form.IsGUID(name) && BuiltInRole(name) {
		return strings.ToLower(name)
	}
	return a.NameOf(typ, name)
}

// MemberName is the name of a member of an object: what Azure calls them stays, and what somebody chose stays where it has the form of
// a setting's name.
func (a *Pseudonyms) MemberName(name string) string {
	switch lower := strings.ToLower(name); {
	case form.IsGUID(name):
		return a.GUID(name)
	case strings.HasPrefix(name, "/"):
		return a.ID(name)
	case a.taken[lower] && len(lower) > 3:
		return a.Name("key", name)
	case strings.ContainsAny(name, "@ ") || strings.Contains(name, "://"):
		return a.Word("key", name)
	}
	return name
}

// Write writes the map. of is what the pseudonyms stand in, in words.
func (a *Pseudonyms) Write(w io.Writer, of string) error {
	encode := json.NewEncoder(w)
	encode.SetEscapeHTML(false)
	encode.SetIndent("", " ")
	return encode.Encode(struct {
		Note  string `json:"note"`
		Pairs []pair `json:"pairs"`
	}{"PRIVATE. This says what the pseudonyms of the " + of + " beside it stand for. Whoever has both has the original: do not pass it on.", a.pairs})
}
