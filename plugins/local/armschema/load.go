package armschema

import (
	_ "embed"
	"strings"
	"sync"
)

//go:generate go -C generate run . -out ..

// encoded is what generate derives from the Azure SDK; docs/armschema.md says how it is laid out.
//
//go:embed schema.bin
var encoded string

const magic = "armschema 1\n"

// Resource Graph has another type for resource groups than templates.
const (
	groupsInGraph = "microsoft.resources/subscriptions/resourcegroups"
	groups        = "microsoft.resources/resourcegroups"
)

// index is the file's tables, and what has been decoded of it. Nothing of a type is decoded before it is asked for.
type index struct {
	strings []string
	bodies  []string // of definitions
	types   map[string]string
	names   []string

	mu    sync.Mutex
	known map[string]*Type
	defs  []*Schema
}

var load = sync.OnceValue(newIndex)

func newIndex() *index {
	if !strings.HasPrefix(encoded, magic) {
		panic("armschema: schema.bin is of another form") // it is part of the program, and a test reads it
	}
	r := reader(encoded[len(magic):])
	x := &index{strings: make([]string, r.number()), known: map[string]*Type{}}
	for i := range x.strings {
		x.strings[i] = r.text()
	}
	n := r.number()
	x.types, x.names = make(map[string]string, n), make([]string, 0, n)
	for range n {
		rest := r
		name := r.text()
		x.skipType(&r)
		x.types[strings.ToLower(name)] = string(rest[:len(rest)-len(r)])
		x.names = append(x.names, name)
	}
	sizes := make([]int, r.number())
	for i := range sizes {
		sizes[i] = r.number()
	}
	x.bodies, x.defs = make([]string, len(sizes)), make([]*Schema, len(sizes))
	for i, size := range sizes {
		x.bodies[i] = r.take(size)
	}
	return x
}

// Lookup finds what is known of a resource type, in any case (microsoft.storage/storageaccounts), and resource
// groups also by what Resource Graph calls them. It is safe for concurrent use; what it decodes it keeps.
func Lookup(resourceType string) (*Type, bool) { return load().lookup(resourceType) }

func (x *index) lookup(resourceType string) (*Type, bool) {
	id := strings.ToLower(resourceType)
	if id == groupsInGraph {
		id = groups
	}
	body, ok := x.types[id]
	if !ok {
		return nil, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.known[id]
	if t == nil {
		r := reader(body)
		t = x.typ(&r)
		x.known[id] = t
	}
	return t, true
}

// Types is how many types are known.
func Types() int { return len(load().names) }

// Names are the types that are known, as Azure spells them, in order.
func Names() []string { return append([]string(nil), load().names...) }

// Below are the child types of a type, in any case, that are known: as Azure spells them, in order.
func Below(parent string) []string {
	var all []string
	for _, name := range load().names {
		at := strings.LastIndexByte(name, '/')
		if strings.EqualFold(name[:at], parent) {
			all = append(all, name)
		}
	}
	return all
}

// Size is how many bytes of the program the schema takes.
func Size() int { return len(encoded) }

func (x *index) skipType(r *reader) {
	r.number()
	r.take(1)
	for range r.number() {
		r.number()
	}
	r.number()
	for range r.number() {
		r.number()
		r.number()
	}
}

func (x *index) typ(r *reader) *Type {
	t := &Type{Name: r.text(), Version: x.strings[r.number()]}
	flags := r.take(1)[0]
	t.Writable, t.Listed, t.Scopes = flags&1 != 0, flags&2 != 0, Scope(flags>>2)
	for range r.number() {
		t.Names = append(t.Names, x.strings[r.number()])
	}
	if body := r.number(); body > 0 {
		t.Body = x.def(body - 1)
	}
	for n := range r.number() {
		if n == 0 {
			t.bodies = map[string]*Schema{}
		}
		name := strings.ToLower(x.strings[r.number()])
		t.bodies[name] = x.def(r.number())
	}
	return t
}

// def decodes a definition and all that it leads to.
func (x *index) def(at int) *Schema {
	if s := x.defs[at]; s != nil {
		return s
	}
	s := &Schema{}
	x.defs[at] = s
	r := reader(x.bodies[at])
	head := r.take(1)[0]
	s.Kind = Kind(head & 7)
	if s.Kind == Object {
		s.Properties = make([]Property, r.number())
		for i := range s.Properties {
			name, ref := x.strings[r.number()], r.number()
			s.Properties[i] = Property{
				Name: name, Schema: x.def(ref >> 4),
				ReadOnly: ref&1 != 0, WriteOnly: ref&2 != 0, Required: ref&4 != 0, Secret: ref&8 != 0,
			}
		}
	}
	if head&(1<<3) != 0 {
		s.Items = x.def(r.number())
	}
	if head&(1<<4) != 0 {
		s.Discriminator = x.strings[r.number()]
		n := r.number()
		s.Variants = make(map[string]*Schema, n)
		for range n {
			value := x.strings[r.number()]
			s.Variants[value] = x.def(r.number())
		}
	}
	if head&(1<<5) != 0 {
		s.Enum = make([]string, r.number())
		for i := range s.Enum {
			s.Enum[i] = x.strings[r.number()]
		}
	}
	return s
}

// reader takes the file apart. It does not check it: it is part of the program, and a test reads all of it.
type reader string

func (r *reader) number() int {
	n, shift := 0, 0
	for i := 0; ; i++ {
		b := (*r)[i]
		n |= int(b&0x7f) << shift
		if b < 0x80 {
			*r = (*r)[i+1:]
			return n
		}
		shift += 7
	}
}

func (r *reader) take(n int) string {
	s := (*r)[:n]
	*r = (*r)[n:]
	return string(s)
}

func (r *reader) text() string { return r.take(r.number()) }
