package relate

import (
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
)

// Subject is a resource or container whose references are looked for. The JSON may be anything that Azure sent, or nil.
type Subject struct {
	Key        string // its id in lower case
	Type       string // in lower case
	ManagedBy  string
	Tags       []byte
	Identity   []byte
	Properties []byte
}

// Reference is something that a subject names.
type Reference struct {
	Kind    string
	Rule    string
	Path    string // of the property that names it; [] stands for the items of a list
	Detail  string // what else there is to say: the permissions of an access policy
	Reverse bool   // the edge goes from the target to the subject

	// Target is what is named: an ARM id as it was written, the object id of an identity if Principal, or the account of a host.
	Target    string
	Principal bool
	// Host is the name on the internet that led to the target, whose type is HostType and whose name Target: an account that is
	// not in the tenant can be named no better.
	Host, HostType string
	// Owner is the id of a child of the subject in which the reference stands. If the child is a resource of the graph itself, its
	// own row tells the reference.
	Owner string
}

// Finder finds references. It is for one goroutine, and uses its memory again.
type Finder struct {
	rules   *rules
	walk    walk
	subject *Subject
	found   []Reference
	opened  []int // of each object that is read: how many references there were before it
	meaning map[string]meaning
}

type meaning struct {
	kind    string
	path    string
	reverse bool
}

// maxMeanings bounds what a Finder remembers: a tenant may hold any number of paths.
const maxMeanings = 8192

var parsed = sync.OnceValues(func() (*rules, error) { return parse(table) })

// NewFinder makes one.
func NewFinder() (*Finder, error) {
	r, err := parsed()
	if err != nil {
		return nil, err
	}
	f := &Finder{rules: r, meaning: map[string]meaning{}}
	f.walk.found = f.text
	f.walk.opened = func() { f.opened = append(f.opened, len(f.found)) }
	f.walk.closed = f.close
	return f, nil
}

// References answers what a subject names, in the order in which it does. The slice is good until the next call.
func (f *Finder) References(s *Subject) []Reference {
	f.subject, f.found, f.opened = s, f.found[:0], f.opened[:0]
	if s.ManagedBy != "" {
		f.reference([]byte("managedBy"), s.ManagedBy)
	}
	f.walk.document("tags", s.Tags)
	f.walk.document("identity", s.Identity)
	f.walk.document("properties", s.Properties)
	if s.Type == typeVault {
		f.policies()
	}
	return f.found
}

const (
	typeVault    = "microsoft.keyvault/vaults"
	typeIdentity = "microsoft.managedidentity/userassignedidentities"
)

// close ends an object: if it is a child of the subject, what it names is the child's.
func (f *Finder) close(id string) {
	last := len(f.opened) - 1
	from := f.opened[last]
	f.opened = f.opened[:last]
	if id == "" || !f.below(id) {
		return
	}
	for i := from; i < len(f.found); i++ {
		if f.found[i].Owner == "" { // else of a child further down
			f.found[i].Owner = id
		}
	}
}

// below says whether an id is that of a child of the subject.
func (f *Finder) below(id string) bool {
	own := f.subject.Key
	return len(id) > len(own) && id[len(own)] == '/' && strings.EqualFold(id[:len(own)], own)
}

// above says whether an id contains the subject.
func (f *Finder) above(id string) bool {
	own := f.subject.Key
	return len(id) <= len(own) && strings.EqualFold(id, own[:len(id)]) && (len(id) == len(own) || own[len(id)] == '/')
}

// text takes a text in that may name something; a name is that of a member, as in a map by ids.
func (f *Finder) text(path, text []byte, isName bool) {
	switch {
	case form.IsGUID(text):
		f.principal(path, string(text))
	case text[0] == '@':
		f.vaultReference(path, string(text))
	case string(text[:min(len(text), len(hiddenLink))]) == hiddenLink:
		if isName {
			f.reference(path, string(text[len(hiddenLink):]))
		}
	default:
		if !f.reference(path, string(text)) {
			f.host(path, string(text))
		}
	}
}

const hiddenLink = "hidden-link:"

// reference takes an ARM id in.
func (f *Finder) reference(path []byte, text string) bool {
	id, ok := armID(text)
	if !ok {
		return false
	}
	if f.below(id) || f.above(id) {
		return true // containment tells it
	}
	m := f.mean(path)
	if m.kind == none {
		return true
	}
	f.found = append(f.found, Reference{Kind: m.kind, Rule: RuleReference, Path: m.path, Reverse: m.reverse, Target: id})
	return true
}

// mean is what a reference from the property at a path means.
func (f *Finder) mean(path []byte) meaning {
	key := string(append(append([]byte(f.subject.Type), 0), path...))
	m, known := f.meaning[key]
	if known {
		return m
	}
	m.path = shorten(strings.ToValidUTF8(key[len(f.subject.Type)+1:], "�"))
	m.kind, m.reverse = f.rules.meaning(f.subject.Type, m.path)
	if len(f.meaning) < maxMeanings {
		f.meaning[key] = m
	}
	return m
}

// maxPath bounds the length of a path.
const maxPath = 200

// shorten cuts a path that is longer than any of Azure's.
func shorten(path string) string {
	if len(path) <= maxPath {
		return path
	}
	return strings.ToValidUTF8(path[:maxPath], "") + "…"
}

// principal takes the object id of a managed identity in. Other GUIDs mean other things.
func (f *Finder) principal(path []byte, id string) {
	p := string(path)
	switch {
	case p == "identity.principalId":
	case strings.HasPrefix(p, "identity.userAssignedIdentities") && strings.HasSuffix(p, ".principalId"):
		return // the identity's own row tells it
	case p == "properties.principalId" && f.subject.Type == typeIdentity:
	default:
		return
	}
	f.found = append(f.found, Reference{Kind: "USES_IDENTITY", Rule: RuleIdentity, Path: p, Target: strings.ToLower(id), Principal: true})
}
