package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// attributes are those of one block.
type attributes map[string]tftypes.Value

var (
	typePattern     = regexp.MustCompile(`^[^/@]+(/[^/@]+)+@\d{4}-\d{2}-\d{2}(-[a-z]+)?$`)
	identityPattern = regexp.MustCompile(`(?i)^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+$`)
)

// text is a string of the block, if it is set and known already.
func (a attributes) text(name string) (string, bool) {
	var s string
	if v, ok := a[name]; !ok || v.IsNull() || !v.IsKnown() || !v.Type().Is(tftypes.String) || v.As(&s) != nil {
		return "", false
	}
	return s, true
}

func (a attributes) set(name string) bool { v, ok := a[name]; return ok && !v.IsNull() }

// checkResource are the provider's own checks of a resource.
func checkResource(a attributes) []error {
	var found []error
	kind, known := a.text("type")
	if known && !typePattern.MatchString(kind) {
		found = append(found, fmt.Errorf("type: %q is not <resource-type>@<api-version>", kind))
	}
	if !a.set("parent_id") && known && !strings.HasPrefix(strings.ToLower(kind), "microsoft.resources/resourcegroups@") {
		found = append(found, errors.New("the argument parent_id is required"))
	}
	if parent, known := a.text("parent_id"); known && !resourceID(parent) {
		found = append(found, fmt.Errorf("parent_id: %q is no resource id", parent))
	}
	if !a.set("name") {
		found = append(found, errors.New("the argument name is required"))
	}
	for _, name := range []string{"body", "sensitive_body"} {
		found = append(found, checkBody(a, name)...)
	}
	found = append(found, checkTags(a["tags"])...)
	return append(found, checkIdentity(a["identity"])...)
}

func resourceID(id string) bool {
	return strings.HasPrefix(id, "/") && !strings.Contains(id, "//") && (id == "/" || !strings.HasSuffix(id, "/"))
}

// checkBody: a body is an object, and has nothing that has an argument of its own that is set.
func checkBody(a attributes, name string) []error {
	v := a[name]
	if !a.set(name) || !v.IsKnown() {
		return nil
	}
	members := map[string]tftypes.Value{}
	if err := v.As(&members); err != nil {
		return []error{fmt.Errorf("%s is no object: %w", name, err)}
	}
	var found []error
	for _, argument := range []string{"tags", "location", "identity"} {
		if _, there := members[argument]; !there {
			continue
		}
		var blocks []tftypes.Value
		if argument == "identity" && a.set(argument) && a[argument].As(&blocks) == nil && len(blocks) == 0 {
			continue // no block
		}
		if a.set(argument) {
			found = append(found, fmt.Errorf("can't specify both the argument %q and %q in the argument %q", argument, argument, name))
		}
	}
	for _, argument := range []string{"id", "name", "type"} {
		if _, there := members[argument]; there {
			found = append(found, fmt.Errorf("%s: %q is not expected here", name, argument))
		}
	}
	return found
}

func checkTags(v tftypes.Value) []error {
	tags := map[string]tftypes.Value{}
	if v.IsNull() || !v.IsKnown() || v.As(&tags) != nil {
		return nil
	}
	var found []error
	if len(tags) > 50 {
		found = append(found, fmt.Errorf("tags: %d are more than 50", len(tags)))
	}
	for key := range tags {
		value, _ := attributes(tags).text(key)
		if len([]rune(key)) > 512 || len([]rune(value)) > 256 {
			found = append(found, fmt.Errorf("tags: %q has a key or value that is too long", key))
		}
	}
	return found
}

func checkIdentity(v tftypes.Value) []error {
	var blocks []tftypes.Value
	if v.IsNull() || !v.IsKnown() || v.As(&blocks) != nil {
		return nil
	}
	var found []error
	for _, block := range blocks {
		members := attributes{}
		if err := block.As((*map[string]tftypes.Value)(&members)); err != nil {
			return []error{err}
		}
		if kind, known := members.text("type"); known && !slices.Contains([]string{"SystemAssigned, UserAssigned", "UserAssigned", "SystemAssigned", "None"}, kind) {
			found = append(found, fmt.Errorf("identity.type: %q is not one that the provider takes", kind))
		}
		var ids []tftypes.Value
		if list := members["identity_ids"]; list.IsNull() || !list.IsKnown() || list.As(&ids) != nil {
			continue
		}
		for _, v := range ids {
			id, known := attributes{"id": v}.text("id")
			if known && !identityPattern.MatchString(id) {
				found = append(found, fmt.Errorf("identity.identity_ids: %q is no id of a user-assigned identity", id))
			}
		}
	}
	return found
}

// checkData are the provider's own checks of a data source.
func checkData(a attributes) []error {
	var found []error
	kind, known := a.text("type")
	if known && !typePattern.MatchString(kind) {
		found = append(found, fmt.Errorf("type: %q is not <resource-type>@<api-version>", kind))
	}
	if a.set("name") == a.set("resource_id") && !strings.HasPrefix(strings.ToLower(kind), "microsoft.resources/subscriptions@") {
		found = append(found, errors.New("exactly one of name and resource_id must be set"))
	}
	if id, known := a.text("resource_id"); known && !resourceID(id) {
		found = append(found, fmt.Errorf("resource_id: %q is no resource id", id))
	}
	return found
}
