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
	p.open = appendValue(p.open, v)
	if len(p.open) >= boxSize {
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

func appendValue(b []byte, v *Value) []byte {
	b = append(b, byte(v.Kind))
	b = appendPosition(b, v.At)
	switch v.Kind {
	case template.Bool:
		if v.Bool {
			return append(b, 1)
		}
		return append(b, 0)
	case template.String, template.Number:
		return appendText(b, v.Text)
	case template.List:
		b = binary.AppendUvarint(b, uint64(len(v.Items)))
		for i := range v.Items {
			b = appendValue(b, &v.Items[i])
		}
	case template.Map:
		b = binary.AppendUvarint(b, uint64(len(v.Fields)))
		for i := range v.Fields {
			b = appendPosition(appendText(b, v.Fields[i].Name), v.Fields[i].At)
			b = appendValue(b, &v.Fields[i].Value)
		}
	}
	return b
}

func appendPosition(b []byte, at Position) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, int64(at.Line)), int64(at.Column))
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// unpacker reads what was packed: its texts share the memory of that.
type unpacker struct{ rest string }

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

func (u *unpacker) number() int32 {
	n := u.uvarint()
	return int32(int64(n>>1) ^ -int64(n&1)) //nolint:gosec // it was an int32
}

func (u *unpacker) position() Position { return Position{u.number(), u.number()} }

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
	u := unpacker{r.shelf.open(r.packed)}
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
