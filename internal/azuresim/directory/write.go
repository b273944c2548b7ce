package directory

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// What writes can fail with.
var (
	ErrNotFound = errors.New("no such object")
	ErrNameUsed = errors.New("another object has the same name")
	ErrLinked   = errors.New("the reference exists already")
)

// Create adds an object. Its id must be new.
func (d *Directory) Create(o Object, lag Lag) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := o.key()
	if key != "" {
		if _, taken := d.named(o.Kind, key); taken {
			return ErrNameUsed
		}
	}
	d.add(o.Kind, o.ID, key, &entry{object: o}, lag)
	return nil
}

func (d *Directory) add(kind Kind, id, key string, e *entry, lag Lag) {
	if lag.Delay > 0 {
		e.visible = d.now().Add(lag.Delay)
	}
	e.misses = lag.Misses
	if lag != (Lag{}) {
		d.lagging++
	}
	d.writes++
	d.entries[id] = e
	d.added[kind] = append(d.added[kind], id)
	if key != "" {
		d.names[kind][key] = id
	}
}

// Update sets properties of an object.
func (d *Directory) Update(id string, properties map[string]any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	id = strings.ToLower(id)
	before, ok := d.exists(id)
	if !ok {
		return ErrNotFound
	}
	after := Object{Kind: before.Kind, ID: id, Properties: maps.Clone(before.Properties)}
	maps.Copy(after.Properties, properties)
	if key := after.key(); key != before.key() {
		if _, taken := d.named(after.Kind, key); taken {
			return ErrNameUsed
		}
	}
	e := &entry{object: after}
	if known, ok := d.entries[id]; ok {
		e.visible, e.misses = known.visible, known.misses
	}
	d.forgetName(before)
	d.writes++
	d.entries[id] = e
	if key := after.key(); key != "" {
		d.names[after.Kind][key] = id
	}
	return nil
}

func (d *Directory) forgetName(o Object) {
	if key := o.key(); d.names[o.Kind][key] == o.ID {
		delete(d.names[o.Kind], key)
	}
}

// Delete removes an object, and with it the references to it.
func (d *Directory) Delete(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	id = strings.ToLower(id)
	if _, ok := d.exists(id); !ok {
		return ErrNotFound
	}
	d.remove(id)
	return nil
}

// remove leaves a mark, so that neither the source's object nor references to it are shown.
func (d *Directory) remove(id string) {
	o, ok := d.exists(id)
	if !ok {
		return
	}
	d.forgetName(o)
	d.writes++
	d.entries[id] = &entry{object: Object{Kind: o.Kind, ID: id}, deleted: true}
	if i := slices.Index(d.added[o.Kind], id); i >= 0 {
		d.added[o.Kind][i] = ""
	}
}

// Link makes one object refer to another.
func (d *Directory) Link(id string, relation Relation, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, to = strings.ToLower(id), strings.ToLower(to)
	if _, ok := d.exists(id); !ok {
		return ErrNotFound
	}
	if _, ok := d.exists(to); !ok {
		return ErrNotFound
	}
	if d.linked(id, relation, to) {
		return ErrLinked
	}
	changed := d.changedLinks(id, relation)
	changed.added = append(changed.added, to)
	return nil
}

// IsLinked says whether one object refers to another.
func (d *Directory) IsLinked(id string, relation Relation, to string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.linked(strings.ToLower(id), relation, strings.ToLower(to))
}

func (d *Directory) linked(id string, relation Relation, to string) bool {
	changed := d.links[link{id, relation}]
	if changed != nil && (slices.Contains(changed.added, to) || changed.removed[to]) {
		return slices.Contains(changed.added, to)
	}
	return d.baseLinks(id, relation).Has(to)
}

// Unlink takes a reference away.
func (d *Directory) Unlink(id string, relation Relation, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, to = strings.ToLower(id), strings.ToLower(to)
	if _, ok := d.exists(id); !ok {
		return ErrNotFound
	}
	if !d.linked(id, relation, to) {
		return ErrNotFound
	}
	changed := d.changedLinks(id, relation)
	if i := slices.Index(changed.added, to); i >= 0 {
		changed.added[i] = ""
		return nil
	}
	changed.removed[to] = true
	return nil
}

// changedLinks are the links of an object, to be changed.
func (d *Directory) changedLinks(id string, relation Relation) *changedLinks {
	d.writes++
	key := link{id, relation}
	if d.links[key] == nil {
		d.links[key] = &changedLinks{removed: map[string]bool{}}
	}
	return d.links[key]
}
