package directory

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Directory is a Source with what has been written over it. Its methods may be called from many
// goroutines. Ids and names are taken in any case.
type Directory struct {
	source Source
	now    func() time.Time

	mu      sync.Mutex
	entries map[string]*entry // by id: objects that were added, changed or deleted
	added   [kinds][]string   // ids, the oldest first, of which some may be deleted
	names   [kinds]map[string]string
	links   map[link]*changedLinks
	// writes counts what has been written, lagging what was created to be found late.
	writes, lagging int
	kept            walked
	// identities are the ids of service principals of managed identities, by resource.
	identities map[string]string
}

// entry is an object of which the source knows nothing, or something else.
type entry struct {
	object   Object
	identity *Identity // instead of object
	deleted  bool
	// visible is when reads begin to find a new object, and misses how many reads by its id do not
	// find it even then.
	visible time.Time
	misses  int
}

// changedLinks are links that were changed: at positions behind those of the source stand those
// that were added, empty where one was removed again.
type changedLinks struct {
	added   []string
	removed map[string]bool
}

// Lag is how late reads find what has been created.
type Lag struct {
	// Delay is the time after which they do.
	Delay time.Duration
	// Misses are reads by its id that do not find it in addition.
	Misses int
}

// New is a directory over a source.
func New(source Source, now func() time.Time) *Directory {
	d := &Directory{
		source: source, now: now,
		entries: map[string]*entry{}, links: map[link]*changedLinks{}, identities: map[string]string{},
	}
	for k := range d.names {
		d.names[k] = map[string]string{}
	}
	return d
}

// Find finds an object by its id.
func (d *Directory) Find(id string) (Object, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.find(strings.ToLower(id), true)
}

// find counts as a read of a new object where that is asked for.
func (d *Directory) find(id string, read bool) (Object, bool) {
	if e, ok := d.entries[id]; ok {
		switch {
		case e.deleted, d.now().Before(e.visible):
			return Object{}, false
		case e.misses > 0:
			if read {
				e.misses--
			}
			return Object{}, false
		}
		return e.show(), true
	}
	kind, i, ok := d.source.Find(id)
	if !ok {
		return Object{}, false
	}
	return d.source.Object(kind, i), true
}

// exists is find for those who write: what is new is there for them at once.
func (d *Directory) exists(id string) (Object, bool) {
	if e, ok := d.entries[id]; ok {
		return e.show(), !e.deleted
	}
	return d.find(id, false)
}

func (e *entry) show() Object {
	if e.identity != nil {
		return e.identity.object()
	}
	return e.object
}

// Named finds a user by its user principal name, an application or a service principal by its
// application id.
func (d *Directory) Named(kind Kind, name string) (Object, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, ok := d.named(kind, strings.ToLower(name))
	if !ok {
		return Object{}, false
	}
	return d.find(id, true)
}

// named is the id of an object that no one has deleted or renamed.
func (d *Directory) named(kind Kind, name string) (string, bool) {
	if id, ok := d.names[kind][name]; ok {
		return id, true
	}
	i, ok := d.source.Named(kind, name)
	if !ok {
		return "", false
	}
	id := d.source.Object(kind, i).ID
	_, changed := d.entries[id] // its name would stand in d.names
	return id, !changed
}

// Len is about how many objects of a kind there are: those that have been deleted count.
func (d *Directory) Len(kind Kind) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.source.Len(kind) + len(d.added[kind])
}

// All goes through the objects of a kind from a position on. Positions are stable: what is added
// stands behind all others, and what is deleted leaves a gap.
func (d *Directory) All(kind Kind, from int) iter.Seq2[int, Object] {
	return func(yield func(int, Object) bool) {
		for position := from; ; position++ {
			object, found, end := d.at(kind, position)
			if end || found && !yield(position, object) {
				return
			}
		}
	}
}

func (d *Directory) at(kind Kind, position int) (o Object, found, end bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.source.Len(kind)
	if position >= n {
		if position-n >= len(d.added[kind]) {
			return Object{}, false, true
		}
		id := d.added[kind][position-n]
		if id == "" {
			return Object{}, false, false
		}
		o, found = d.find(id, false)
		return o, found, false
	}
	o = d.source.Object(kind, position)
	if len(d.entries) > 0 {
		if _, ok := d.entries[o.ID]; ok {
			o, found = d.find(o.ID, false)
			return o, found, false
		}
	}
	return o, true, false
}

// Ref names an object.
type Ref struct {
	Kind Kind
	ID   string
}

// ref is the kind of an object that reads find.
func (d *Directory) ref(id string) (Ref, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.entries[id]; ok {
		object, found := d.find(id, false)
		return Ref{object.Kind, id}, found
	}
	kind, _, ok := d.source.Find(id)
	return Ref{kind, id}, ok
}

// Linked goes through the objects that one refers to, from a position on. Positions are stable as
// those of All are.
func (d *Directory) Linked(id string, relation Relation, from int) iter.Seq2[int, Ref] {
	return func(yield func(int, Ref) bool) {
		base, changed := d.linksOf(strings.ToLower(id), relation)
		for position := from; ; position++ {
			var to string
			switch n := base.Len(); {
			case position < n:
				if to = base.At(position); changed.removed[to] {
					continue
				}
			case position-n < len(changed.added):
				to = changed.added[position-n]
			default:
				return
			}
			if ref, ok := d.ref(to); ok && !yield(position, ref) {
				return
			}
		}
	}
}

// linksOf are the links of an object as they are now.
func (d *Directory) linksOf(id string, relation Relation) (Links, changedLinks) {
	d.mu.Lock()
	defer d.mu.Unlock()
	base := d.baseLinks(id, relation)
	changed, ok := d.links[link{id, relation}]
	if !ok {
		return base, changedLinks{}
	}
	return base, changedLinks{added: slices.Clone(changed.added), removed: maps.Clone(changed.removed)}
}

func (d *Directory) baseLinks(id string, relation Relation) Links {
	if kind, i, ok := d.source.Find(id); ok {
		return d.source.Links(kind, i, relation)
	}
	return IDs(nil)
}

// Transitive goes through a group's members, theirs where they are groups, and so on, from a position
// on: each once, also where groups contain each other. Positions are stable until something is
// written.
func (d *Directory) Transitive(group string, from int) iter.Seq2[int, Ref] {
	return func(yield func(int, Ref) bool) {
		for position, ref := range d.walk(strings.ToLower(group)) {
			if position >= from && !yield(position, ref) {
				return
			}
		}
	}
}

// walked are the transitive members of a group, kept for their further pages.
type walked struct {
	group  string
	writes int
	refs   []Ref
}

// minKept is from how many transitive members on they are kept.
const minKept = 1000

func (d *Directory) walk(group string) []Ref {
	d.mu.Lock()
	kept, writes := d.kept, d.writes
	d.mu.Unlock()
	if kept.group == group && kept.writes == writes {
		return kept.refs
	}
	var refs []Ref
	seen := map[string]bool{}
	for waiting := []string{group}; len(waiting) > 0; waiting = waiting[1:] {
		for _, member := range d.Linked(waiting[0], Members, 0) {
			if seen[member.ID] {
				continue
			}
			seen[member.ID] = true
			refs = append(refs, member)
			if member.Kind == Group {
				waiting = append(waiting, member.ID)
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(refs) >= minKept && d.lagging == 0 {
		d.kept = walked{group, writes, refs}
	}
	return refs
}
