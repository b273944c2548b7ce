package azure

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	managementGroupsPath    = "/providers/Microsoft.Management/managementGroups"
	managementGroupsVersion = "2021-04-01" // as in armmanagementgroups
	managementGroupType     = "microsoft.management/managementgroups"
)

// ManagementGroup is a management group that the principal can see.
type ManagementGroup struct {
	ID          string
	Name        string
	DisplayName string
	TenantID    string
	Ancestors   []Ancestor // the nearest first; none of the root, or where they may not be seen
}

// Ancestor is a management group above another one or a subscription, as Resource Graph has it in
// managementGroupAncestorsChain.
type Ancestor struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

// Row is the group in the form of Resource Graph's table resourcecontainers.
func (g *ManagementGroup) Row() ([]byte, error) {
	type details struct {
		Parent *Ancestor  `json:"parent,omitempty"`
		Chain  []Ancestor `json:"managementGroupAncestorsChain"`
	}
	type properties struct {
		DisplayName string  `json:"displayName"`
		TenantID    string  `json:"tenantId"`
		Details     details `json:"details"`
	}
	d := details{Chain: append([]Ancestor{}, g.Ancestors...)}
	if len(g.Ancestors) > 0 {
		d.Parent = &g.Ancestors[0]
	}
	return json.Marshal(struct {
		ID         string     `json:"id"`
		Name       string     `json:"name"`
		Type       string     `json:"type"`
		TenantID   string     `json:"tenantId"`
		Properties properties `json:"properties"`
	}{g.ID, g.Name, managementGroupType, g.TenantID, properties{g.DisplayName, g.TenantID, d}})
}

// Hierarchy is the management groups of a tenant and what is in them, as far as the principal can see.
type Hierarchy struct {
	Groups []ManagementGroup // by id
	above  map[string][]Ancestor
}

// Above are the groups above a subscription, the nearest first; none if that is not known.
func (h *Hierarchy) Above(subscription string) []Ancestor {
	return h.above[strings.ToLower(subscription)]
}

// ManagementGroups reads the hierarchy of management groups. Groups whose inside may not be read are
// there without ancestors.
func (s *Session) ManagementGroups(ctx context.Context) (*Hierarchy, error) {
	type item struct {
		ID         string `json:"id"`
		Name       string `json:"name"`
		Properties struct {
			TenantID    string `json:"tenantId"`
			DisplayName string `json:"displayName"`
		} `json:"properties"`
	}
	items, err := collect(ctx, s, List{Path: managementGroupsPath, Version: managementGroupsVersion},
		func(i *item, raw []byte) error { return json.Unmarshal(raw, i) })
	if err != nil {
		return nil, err
	}
	b := hierarchy{groups: map[string]*ManagementGroup{}, above: map[string][]Ancestor{}, placed: map[string]bool{}}
	root := func(i item) bool { return strings.EqualFold(i.Name, i.Properties.TenantID) }
	slices.SortStableFunc(items, func(x, y item) int { // the root's tree has all the others
		switch {
		case root(x) == root(y):
			return 0
		case root(x):
			return -1
		}
		return 1
	})
	for _, i := range items {
		b.tenant = i.Properties.TenantID
		b.group(groupNode{ID: i.ID, Name: i.Name, DisplayName: i.Properties.DisplayName})
	}
	for _, i := range items {
		if b.placed[strings.ToLower(i.ID)] {
			continue
		}
		tree, err := s.groupTree(ctx, i.Name)
		if IsNotFound(err) || fault.CodeOf(err) == fault.AzureForbidden {
			continue
		} else if err != nil {
			return nil, err
		}
		b.place(tree, nil)
	}
	return b.built(), nil
}

// groupNode is a management group or a subscription in a tree of them.
type groupNode struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Type        string      `json:"type"`
	DisplayName string      `json:"displayName"`
	Children    []groupNode `json:"children"`
}

// groupTree reads a group with all that is in it.
func (s *Session) groupTree(ctx context.Context, name string) (groupNode, error) {
	var tree groupNode
	page := Page[struct{}]{}
	err := s.mended(ctx, List{Path: managementGroupsPath + "/" + name, Version: managementGroupsVersion,
		Query: url.Values{"$expand": {"children"}, "$recurse": {"true"}}}, readOnce(&page))
	if err != nil {
		return tree, final(err)
	}
	var answer struct {
		groupNode
		Properties struct {
			DisplayName string      `json:"displayName"`
			Children    []groupNode `json:"children"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(page.Raw(0), &answer); err != nil {
		return tree, fault.New(fault.ExecutionFailed, apiARM+" answers in an unknown form", fault.From(fault.OriginAzure),
			fault.On(managementGroupsPath+"/"+name), fault.Because(err))
	}
	tree = answer.groupNode
	tree.DisplayName, tree.Children = answer.Properties.DisplayName, answer.Properties.Children
	return tree, nil
}

// hierarchy is a Hierarchy under construction.
type hierarchy struct {
	tenant string
	groups map[string]*ManagementGroup // by id, lower case
	above  map[string][]Ancestor       // by subscription, lower case
	placed map[string]bool             // groups whose tree has been seen, by id
}

// group is the group of a node, made if it is new.
func (b *hierarchy) group(n groupNode) *ManagementGroup {
	key := strings.ToLower(n.ID)
	if b.groups[key] == nil {
		b.groups[key] = &ManagementGroup{ID: n.ID, Name: n.Name, DisplayName: n.DisplayName, TenantID: b.tenant}
	}
	return b.groups[key]
}

// place puts a tree below some ancestors.
func (b *hierarchy) place(n groupNode, ancestors []Ancestor) {
	if !strings.EqualFold(n.Type, managementGroupType) {
		b.above[strings.ToLower(n.Name)] = ancestors
		return
	}
	b.placed[strings.ToLower(n.ID)] = true
	g := b.group(n)
	g.Ancestors = ancestors
	chain := append([]Ancestor{{Name: n.Name, DisplayName: n.DisplayName}}, ancestors...)
	for _, child := range n.Children {
		b.place(child, chain)
	}
}

func (b *hierarchy) built() *Hierarchy {
	h := &Hierarchy{above: b.above}
	for _, g := range b.groups {
		h.Groups = append(h.Groups, *g)
	}
	slices.SortFunc(h.Groups, func(x, y ManagementGroup) int {
		return strings.Compare(strings.ToLower(x.ID), strings.ToLower(y.ID))
	})
	return h
}
