package directory

// Source is what a directory holds before anybody writes into it. It does not change, and its
// methods may be called from many goroutines.
type Source interface {
	// Len is the number of objects of a kind.
	Len(Kind) int
	// Object is one of them.
	Object(Kind, int) Object
	// Find finds an object by its id, in lower case.
	Find(id string) (Kind, int, bool)
	// Named finds an object by its user principal name or application id, in lower case.
	Named(kind Kind, name string) (int, bool)
	// Links are the ids of the objects that one refers to.
	Links(Kind, int, Relation) Links
}

// Links is a list of ids in lower case.
type Links interface {
	Len() int
	At(int) string
	Has(id string) bool
}

// IDs is a short list of ids.
type IDs []string

// Len implements Links.
func (l IDs) Len() int { return len(l) }

// At implements Links.
func (l IDs) At(i int) string { return l[i] }

// Has implements Links.
func (l IDs) Has(id string) bool {
	for _, known := range l {
		if known == id {
			return true
		}
	}
	return false
}

// List is a Source whose objects are all in memory.
type List struct {
	objects [kinds][]Object
	links   map[link]IDs
	ids     map[string]place
	named   [kinds]map[string]int
}

type place struct {
	kind  Kind
	index int
}

// link is one object's side of a relation.
type link struct {
	id       string
	relation Relation
}

var _ Source = (*List)(nil)

// NewList is a source without objects.
func NewList() *List {
	l := &List{links: map[link]IDs{}, ids: map[string]place{}}
	for k := range l.named {
		l.named[k] = map[string]int{}
	}
	return l
}

// Add adds an object with those that it refers to; false means that its id or its name is taken.
// It may not be called once the source is served.
func (l *List) Add(o Object, members, owners []string) bool {
	if _, ok := l.ids[o.ID]; ok {
		return false
	}
	at := place{o.Kind, len(l.objects[o.Kind])}
	if key := o.key(); key != "" {
		if _, ok := l.named[o.Kind][key]; ok {
			return false
		}
		l.named[o.Kind][key] = at.index
	}
	l.ids[o.ID] = at
	l.objects[o.Kind] = append(l.objects[o.Kind], o)
	l.links[link{o.ID, Members}], l.links[link{o.ID, Owners}] = members, owners
	return true
}

// Len implements Source.
func (l *List) Len(k Kind) int { return len(l.objects[k]) }

// Object implements Source.
func (l *List) Object(k Kind, i int) Object { return l.objects[k][i] }

// Find implements Source.
func (l *List) Find(id string) (Kind, int, bool) {
	at, ok := l.ids[id]
	return at.kind, at.index, ok
}

// Named implements Source.
func (l *List) Named(k Kind, name string) (int, bool) {
	i, ok := l.named[k][name]
	return i, ok
}

// Links implements Source.
func (l *List) Links(k Kind, i int, r Relation) Links {
	return l.links[link{l.objects[k][i].ID, r}]
}
