package walk

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// Access is how somebody reaches a node.
type Access string

// The ways of reaching, the strongest last. Of several, the strongest counts.
const (
	AccessDepends Access = "depends"  // the start needs it to work
	AccessRead    Access = "read"     // may read it
	AccessWrite   Access = "write"    // may change it, or do something with it
	AccessOwner   Access = "owner"    // may give roles on it, and so do everything
	AccessPart    Access = "contains" // the start contains it
	AccessActs    Access = "acts_as"  // has its rights: it is an identity, or a group
)

// rank orders them.
var rank = map[Access]int{AccessDepends: 1, AccessRead: 2, AccessWrite: 3, AccessOwner: 4, AccessPart: 5, AccessActs: 6}

// permission is a part of what a role definition allows.
type permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions"`
	DataActions    []string `json:"dataActions"`
	NotDataActions []string `json:"notDataActions"`
}

// role is what a role allows, as far as it matters here.
type role struct {
	access Access
	allows []permission
	all    bool // it is taken to allow everything, because its definition is not known
}

// wellKnown are the roles that count where a snapshot has no definition, by name and by the name of the definition.
var wellKnown = map[string]role{
	"owner": {access: AccessOwner, all: true}, "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": {access: AccessOwner, all: true},
	"user access administrator": {access: AccessOwner, all: true}, "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": {access: AccessOwner, all: true},
	"role based access control administrator": {access: AccessOwner, all: true}, "f58310d9-a9f6-439a-9e8d-f62e7b41a168": {access: AccessOwner, all: true},
	"contributor": {access: AccessWrite, all: true}, "b24988ac-6180-42a0-ab88-20f7382dd24c": {access: AccessWrite, all: true},
	"reader": {access: AccessRead}, "acdd72a7-3385-48ef-bd42-f606fba81ae7": {access: AccessRead},
}

// readRoles reads the role definitions of a snapshot, by name in lower case. Of several with one name the strongest counts.
func readRoles(ctx context.Context, r *graph.Reader) (map[string]role, error) {
	roles := map[string]role{}
	err := r.RoleDefinitions(ctx, func(roleName, name string, properties []byte) error {
		made, ok := parseRole(properties)
		if !ok {
			return nil
		}
		for _, n := range []string{strings.ToLower(roleName), strings.ToLower(name)} {
			if known, ok := roles[n]; n != "" && (!ok || rank[known.access] < rank[made.access]) {
				roles[n] = made
			}
		}
		return nil
	})
	return roles, err
}

// parseRole reads what a definition's properties say; ok is false if they say nothing.
func parseRole(properties []byte) (made role, ok bool) {
	var p struct {
		Permissions []permission `json:"permissions"`
	}
	if json.Unmarshal(properties, &p) != nil || len(p.Permissions) == 0 {
		return role{}, false
	}
	made = role{access: AccessRead, allows: p.Permissions}
	for _, permitted := range p.Permissions {
		for _, action := range slices.Concat(permitted.Actions, permitted.DataActions) {
			action = strings.ToLower(action)
			if !strings.HasSuffix(action, "/read") && !strings.HasPrefix(action, "microsoft.support/") {
				made.access = AccessWrite
			}
		}
	}
	if made.can("microsoft.authorization/roleassignments/write") {
		made.access = AccessOwner
	}
	return made, true
}

// can says that a role allows an action, which is in lower case, of the control or the data plane.
func (r *role) can(action string) bool {
	if r.all {
		return true
	}
	matches := func(pattern string) bool { return glob(strings.ToLower(pattern), action) }
	return slices.ContainsFunc(r.allows, func(p permission) bool {
		return slices.ContainsFunc(p.Actions, matches) && !slices.ContainsFunc(p.NotActions, matches) ||
			slices.ContainsFunc(p.DataActions, matches) && !slices.ContainsFunc(p.NotDataActions, matches)
	})
}

// whole says that a role allows the same with everything below its scope, whatever its type.
func (r *role) whole() bool {
	if r.all || r.access == AccessOwner || len(r.allows) == 0 {
		return true
	}
	return slices.ContainsFunc(r.allows, func(p permission) bool {
		return slices.Contains(p.Actions, "*") || r.access == AccessRead && slices.Contains(p.Actions, "*/read")
	})
}

// on is what a role allows with a thing of a type, which is in lower case: empty if it does not speak of it. Data in it belongs to it.
func (r *role) on(typ string) Access {
	switch {
	case r.whole():
		return r.access
	case r.can(typ + "/write"), r.can(typ + "/delete"), r.acts(typ):
		return AccessWrite
	case r.can(typ + "/read"), r.reads(typ):
		return AccessRead
	}
	return ""
}

// acts says that a role has an action of a type, or one on the data in it, that is more than to read.
func (r *role) acts(typ string) bool {
	return slices.ContainsFunc(r.allows, func(p permission) bool {
		return slices.ContainsFunc(p.Actions, func(action string) bool {
			operation, ok := strings.CutPrefix(strings.ToLower(action), typ+"/")
			return ok && strings.HasSuffix(operation, "/action") && strings.Count(operation, "/") == 1 && r.can(strings.ToLower(action))
		}) || slices.ContainsFunc(p.DataActions, func(action string) bool {
			action = strings.ToLower(action)
			return strings.HasPrefix(action, typ+"/") && !strings.HasSuffix(action, "/read") && (strings.Contains(action, "*") || r.can(action))
		})
	})
}

// reads says that a role reads data in a thing of a type.
func (r *role) reads(typ string) bool {
	return slices.ContainsFunc(r.allows, func(p permission) bool {
		return slices.ContainsFunc(p.DataActions, func(action string) bool { return strings.HasPrefix(strings.ToLower(action), typ+"/") })
	})
}

// below says that a role may speak of a type, or of what things of the type have in them.
func (r *role) below(typ string) bool {
	if r.on(typ) != "" {
		return true
	}
	return slices.ContainsFunc(r.allows, func(p permission) bool {
		return slices.ContainsFunc(slices.Concat(p.Actions, p.DataActions), func(action string) bool {
			fixed, _, _ := strings.Cut(strings.ToLower(action), "*")
			return strings.HasPrefix(fixed, typ+"/") || strings.HasPrefix(typ+"/", fixed)
		})
	})
}

// glob matches a text against a pattern in which * stands for any text, as Azure does.
func glob(pattern, text string) bool {
	first, rest, starred := strings.Cut(pattern, "*")
	if !starred {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	for {
		piece, more, starred := strings.Cut(rest, "*")
		if !starred {
			return strings.HasSuffix(text, piece)
		}
		i := strings.Index(text, piece)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(piece):], more
	}
}

// takeovers are the actions, behind a type, by which one gets hold of what a resource of the type may do as its identity.
var takeovers = map[string][]string{
	"microsoft.compute/virtualmachines":                {"write", "runcommand/action", "runcommands/write", "extensions/write", "login/action", "loginasadmin/action"},
	"microsoft.compute/virtualmachinescalesets":        {"write", "extensions/write", "virtualmachines/runcommand/action", "virtualmachines/runcommands/write"},
	"microsoft.hybridcompute/machines":                 {"write", "runcommands/write", "extensions/write"},
	"microsoft.managedidentity/userassignedidentities": {"write", "assign/action", "federatedidentitycredentials/write"},
	"microsoft.automation/automationaccounts":          {"write", "runbooks/write", "jobs/write", "webhooks/write"},
	"microsoft.containerservice/managedclusters":       {"write", "runcommand/action", "listclusteradmincredential/action"},
	"microsoft.web/sites":                              {"write", "config/write", "publishxml/action", "extensions/write"},
	"microsoft.web/sites/slots":                        {"write", "config/write", "publishxml/action", "extensions/write"},
}

// takes says that whoever has a role on a resource of a type can act as the identity of the resource.
func (r *role) takes(typ string) bool {
	if r.access == AccessOwner {
		return true
	}
	actions, ok := takeovers[typ]
	if !ok {
		actions = []string{"write"}
	}
	return slices.ContainsFunc(actions, func(a string) bool { return r.can(typ + "/" + a) })
}

// roleNamed is the role that a HAS_ROLE edge names. One that nobody knows is taken for one that changes everything, but for those that
// say of themselves that they read.
func roleNamed(defined map[string]role, name string) role {
	name = strings.ToLower(name)
	if r, ok := defined[name]; ok {
		return r
	}
	if r, ok := wellKnown[name]; ok {
		return r
	}
	if strings.Contains(name, "reader") {
		return role{access: AccessRead}
	}
	return role{access: AccessWrite, all: true}
}
