package spec

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 defines UUIDs of version 5 by it
	"encoding/hex"
	"strings"
)

// index finds what references name.
type index struct {
	subscriptions map[string]*Subscription // by name and by id, in lower case
	groups        map[string]*Group        // by name in lower case; nil where several subscriptions have one
	byGroup       map[string]*Group        // by subscription and name
	resources     map[string]*Resource     // by id in lower case, in the places of the specification itself
	short         map[string]*Resource     // by name, and by type and name, in lower case; nil where there are several
	principals    map[string]*Principal    // by kind and name in lower case
	labels        map[string]*Resource     // what relationships name things by; nil is no resource
	places        *translator              // those of the specification itself
	known         []string                 // what references to resources may name, for suggestions; made when it is needed
}

func newIndex(s *Spec) *index {
	x := &index{
		subscriptions: map[string]*Subscription{}, groups: map[string]*Group{}, byGroup: map[string]*Group{}, labels: map[string]*Resource{},
		resources: make(map[string]*Resource, len(s.Resources)), short: make(map[string]*Resource, 2*len(s.Resources)), principals: map[string]*Principal{},
	}
	for _, sub := range s.Subscriptions {
		for _, key := range []string{sub.ID, sub.Name} {
			if key != "" {
				x.subscriptions[strings.ToLower(key)] = sub
			}
		}
	}
	for _, g := range s.Groups {
		key := strings.ToLower(g.Name)
		if _, taken := x.groups[key]; taken {
			x.groups[key] = nil
		} else {
			x.groups[key] = g
		}
		x.byGroup[groupKey(g.Subscription, g.Name)] = g
		x.labels[g.Label] = nil
	}
	for _, r := range s.Resources {
		for _, key := range []string{strings.ToLower(r.Name), strings.ToLower(tail(r.Type, r.Name))} {
			if other, taken := x.short[key]; taken && other != r {
				x.short[key] = nil
			} else {
				x.short[key] = r
			}
		}
		x.labels[r.Label] = r
	}
	for _, p := range s.Principals {
		x.principals[string(p.Kind)+":"+strings.ToLower(p.Name)] = p
		x.labels[p.ID] = nil
	}
	x.places = s.translator(x, Places{})
	return x
}

// tail is an id behind its /providers/: Microsoft.Network/virtualNetworks/vnet/subnets/web. A type that has not as many parts as the name
// is told by lint.
func tail(typ, name string) string {
	types := strings.Split(typ, "/")
	parts := strings.Split(name, "/")
	var b strings.Builder
	b.Grow(len(typ) + len(name) + 2)
	b.WriteString(types[0])
	for i := 1; i < len(types) || i-1 < len(parts); i++ {
		if i < len(types) {
			b.WriteString("/" + types[i])
		}
		if i-1 < len(parts) {
			b.WriteString("/" + parts[i-1])
		}
	}
	return b.String()
}

// namespace is the fixed one of the GUIDs that follow from names here: they are UUIDs of version 5.
var namespace = [16]byte{0x3c, 0x1d, 0x6a, 0x8e, 0x55, 0x0f, 0x4b, 0x7c, 0x9a, 0x21, 0x0d, 0xe4, 0x7f, 0x63, 0x92, 0xb8}

// GUID is the GUID that stands for a thing that has none yet. The same text gives the same one.
func GUID(of string) string {
	h := sha1.New() //nolint:gosec // as above
	h.Write(namespace[:])
	h.Write([]byte(of))
	sum := h.Sum(nil)[:16]
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	s := hex.EncodeToString(sum)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// located is a path of a reference taken apart: where, and the rest of the id behind it.
type located struct {
	sub   string // name or id; empty is the only one that has the group
	group string
	rest  string // Microsoft.Network/virtualNetworks/vnet-hub
	form  pathForm
}

type pathForm uint8

const (
	isShort pathForm = iota // a name alone, or a type and a name
	inTheGroup
	inSubscription
	inTenant
)

// locate takes the argument of a reference to a resource apart:
//
//	GROUP/Microsoft.Network/virtualNetworks/vnet                in a resource group
//	SUBSCRIPTION/GROUP/Microsoft.Network/virtualNetworks/vnet   … of which several subscriptions have one
//	SUBSCRIPTION//Microsoft.Authorization/policyAssignments/p   in a subscription itself
//	/Microsoft.Management/managementGroups/mg                   in the tenant
//
// A path with a subscription has an odd number of segments, so that both are told apart whatever the names are. An extension follows its
// target behind another /providers/.
func locate(arg string) located {
	segments := strings.Split(arg, "/")
	n := len(segments)
	switch {
	case n >= 4 && segments[0] == "":
		return located{rest: arg[1:], form: inTenant}
	case n >= 5 && segments[1] == "":
		return located{sub: segments[0], rest: strings.Join(segments[2:], "/"), form: inSubscription}
	case n >= 4 && n%2 == 0:
		return located{group: segments[0], rest: arg[len(segments[0])+1:], form: inTheGroup}
	case n >= 5:
		return located{sub: segments[0], group: segments[1], rest: arg[len(segments[0])+len(segments[1])+2:], form: inTheGroup}
	}
	return located{form: isShort}
}

// groupOf is the group of a reference to one: NAME or SUBSCRIPTION/NAME. name is as it is written.
func (x *index) groupOf(arg string) (g *Group, name, why string) {
	sub, name, has := strings.Cut(arg, "/")
	if !has {
		sub, name = "", arg
	}
	name = UnescapeName(name)
	if sub == "" {
		found, ok := x.groups[strings.ToLower(name)]
		switch {
		case !ok:
			return nil, name, "there is no resource group " + short(name)
		case found == nil:
			return nil, name, "several subscriptions have a resource group " + short(name) + ": write SUBSCRIPTION/" + short(name)
		}
		return found, name, ""
	}
	s := x.subscriptions[strings.ToLower(UnescapeName(sub))]
	if s == nil {
		return nil, name, "there is no subscription " + short(sub)
	}
	if g = x.byGroup[groupKey(s, name)]; g == nil {
		return nil, name, "there is no resource group " + short(name) + " in the subscription " + short(s.Name)
	}
	return g, name, ""
}
