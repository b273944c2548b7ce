package spec

import (
	"encoding/binary"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// Nearly all of a specification is what resources contain. It is kept packed and compressed, and unpacked while a resource is looked at: as values it
// takes some fifty times the memory.

// packed are the lists of what is packed, and those that have such lists.
var packedLists, listsAbove = []string{"resources", "managed_identities"}, []string{"tenant", "subscriptions", "resource_groups"}

// keptMembers are those of a resource by which it is placed before it is looked at.
var keptMembers = map[string]bool{
	"type": true, "name": true, "api_version": true, "location": true, "scope": true, "kind": true, "managed_by": true, "id": true, "resource_group": true, "subscription": true,
}

// packer packs the resources of one block.
type packer struct {
	shelf *shelf
	box   int32 // its number on the shelf
	open  []byte
}

// boxSize is from how many bytes on a box is full: small enough to be opened for a single resource, large enough to be compressed well.
const boxSize = 16 << 10

// resources packs all resources of a block.
func (p *packer) resources(v *Value) {
	for _, name := range packedLists {
		each(v, name, p.resource)
	}
	for _, name := range listsAbove {
		if m := v.member(name); m != nil && m.Kind == template.Map {
			p.resources(m)
		}
		each(v, name, p.resources)
	}
}

// resource packs a resource: what is left are the members that are kept, and in its Text where the others are; Bool says whether it has an identity.
func (p *packer) resource(v *Value) {
	if len(p.open) == 0 {
		p.box = p.shelf.box()
	}
	at := place{p.box, int32(len(p.open))} //nolint:gosec // a box is smaller than a file
	var a appender
	a.b = p.open
	a.value(v)
	if p.open = a.b; len(p.open) >= boxSize {
		p.close()
	}
	n := 0
	for i := range v.Fields {
		if keptMembers[v.Fields[i].Name] {
			n++
		}
	}
	kept := make([]Field, 0, n)
	for i := range v.Fields {
		if keptMembers[v.Fields[i].Name] {
			kept = append(kept, v.Fields[i])
		}
	}
	identity := v.member("identity")
	v.Bool = identity != nil && !identity.empty()
	v.Text, v.Fields = at.text(), kept
}

// close puts the box on the shelf that is open.
func (p *packer) close() {
	if len(p.open) > 0 {
		p.shelf.put(p.box, p.open)
		p.open = p.open[:0]
	}
}

// appender packs values. Of places it writes how far they are from the one before, which is mostly the same.
type appender struct {
	b    []byte
	last Position
}

func (a *appender) value(v *Value) {
	a.b = append(a.b, byte(v.Kind))
	a.position(v.At)
	switch v.Kind {
	case template.Bool:
		if v.Bool {
			a.b = append(a.b, 1)
		} else {
			a.b = append(a.b, 0)
		}
	case template.String, template.Number:
		a.text(v.Text)
	case template.List:
		a.b = binary.AppendUvarint(a.b, uint64(len(v.Items)))
		for i := range v.Items {
			a.value(&v.Items[i])
		}
	case template.Map:
		a.b = binary.AppendUvarint(a.b, uint64(len(v.Fields)))
		for i := range v.Fields {
			a.text(v.Fields[i].Name)
			a.position(v.Fields[i].At)
			a.value(&v.Fields[i].Value)
		}
	}
}

func (a *appender) position(at Position) {
	a.b = binary.AppendVarint(a.b, int64(at.Line)-int64(a.last.Line))
	a.b = binary.AppendVarint(a.b, int64(at.Column)-int64(a.last.Column))
	a.last = at
}

func (a *appender) text(text string) {
	a.b = append(binary.AppendUvarint(a.b, uint64(len(text))), text...)
}

// unpacker reads what was packed: its texts share the memory of that.
type unpacker struct {
	rest string
	last Position
}

func (u *unpacker) uvarint() (n uint64) {
	for shift := 0; ; shift += 7 {
		c := u.rest[0]
		u.rest = u.rest[1:]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
}

func (u *unpacker) difference() int32 {
	n := u.uvarint()
	return int32(int64(n>>1) ^ -int64(n&1)) //nolint:gosec // the sum is an int32, whether or not this one overflows
}

func (u *unpacker) position() Position {
	u.last.Line += u.difference()
	u.last.Column += u.difference()
	return u.last
}

func (u *unpacker) text() string {
	n := u.uvarint()
	text := u.rest[:n]
	u.rest = u.rest[n:]
	return text
}

func (u *unpacker) value() (v Value) {
	v.Kind = template.ValueKind(u.rest[0])
	u.rest = u.rest[1:]
	v.At = u.position()
	switch v.Kind {
	case template.Bool:
		v.Bool = u.rest[0] == 1
		u.rest = u.rest[1:]
	case template.String, template.Number:
		v.Text = u.text()
	case template.List:
		if n := u.uvarint(); n > 0 {
			v.Items = make([]Value, n)
		}
		for i := range v.Items {
			v.Items[i] = u.value()
		}
	case template.Map:
		if n := u.uvarint(); n > 0 {
			v.Fields = make([]Field, n)
		}
		for i := range v.Fields {
			f := &v.Fields[i]
			f.Name, f.At = u.text(), u.position()
			f.Value = u.value()
		}
	}
	return v
}

// fields is all that a resource says.
func (r *Resource) fields() Value {
	u := unpacker{rest: r.shelf.open(r.packed)}
	return u.value()
}

// Member is a member of a resource as it is written, such as properties; its Kind is Null if there is none.
func (r *Resource) Member(name string) Value {
	fields := r.fields()
	if m := fields.member(name); m != nil {
		return *m
	}
	return Value{}
}

// body is what a resource contains, as long as it is looked at.
type body struct {
	SKU, Plan, Identity, Tags, Zones, ExtendedLocation, Properties, Extra Value

	fields Value // as it was written, for places
}

// open is what a resource contains.
func (r *Resource) open() *body {
	b := &body{fields: r.fields()}
	for _, m := range []struct {
		into *Value
		name string
	}{
		{&b.SKU, "sku"}, {&b.Plan, "plan"}, {&b.Identity, "identity"}, {&b.Tags, "tags"}, {&b.Zones, "zones"},
		{&b.ExtendedLocation, "extended_location"}, {&b.Properties, "properties"}, {&b.Extra, "extra"},
	} {
		if found := b.fields.member(m.name); found != nil {
			*m.into = *found
		}
	}
	return b
}
