package discovery

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/plugins/local/azure"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
)

// The phases of what is read of Microsoft Graph.
const (
	phaseIdentities = "identities"
	phaseMembers    = "members of groups"
)

// What is read of Microsoft Graph, in the order of the ledger.
var (
	users             = &table{name: "users", phase: phaseIdentities, directory: true}
	groups            = &table{name: "groups", phase: phaseIdentities, directory: true}
	memberships       = &table{name: "memberships", phase: phaseIdentities, directory: true}
	servicePrincipals = &table{name: "service principals", phase: phaseIdentities, directory: true}
	applications      = &table{name: "applications", phase: phaseIdentities, directory: true}
	// principals are objects that are read by their ids: they have no line of their own.
	principals = &table{name: "principals", phase: phaseIdentities, directory: true}

	// devices are not listed: the ledger says so where everything was asked for.
	devices = &table{name: "devices", phase: phaseIdentities, directory: true}

	directoryTables = []*table{users, groups, memberships, servicePrincipals, applications}
)

// family is one of the types of Microsoft Graph's objects, with what is read of each.
type family struct {
	table      *table
	kind       graph.IdentityKind
	typ        string // in @odata.type, behind #microsoft.graph.
	principal  string // in a role assignment
	path       string // of the list
	permission string // that reads them
	properties []string
}

// families are those that are listed. Others, such as devices, are kept where a group has them.
var families = []*family{
	{users, graph.KindUser, "user", "User", "/users", azure.PermissionUsers, []string{"id", "displayName", "userPrincipalName", "mail", "accountEnabled",
		"userType", "createdDateTime", "externalUserState", "onPremisesSyncEnabled", "mailNickname", "jobTitle", "department"}},
	{groups, graph.KindGroup, "group", "Group", "/groups", azure.PermissionGroups, []string{"id", "displayName", "mail", "description", "createdDateTime", "groupTypes",
		"isAssignableToRole", "mailEnabled", "mailNickname", "membershipRule", "onPremisesSyncEnabled", "securityEnabled", "visibility"}},
	{servicePrincipals, graph.KindServicePrincipal, "servicePrincipal", "ServicePrincipal", "/servicePrincipals", azure.PermissionApplications, []string{"id", "displayName",
		"appId", "accountEnabled", "alternativeNames", "appOwnerOrganizationId", "keyCredentials", "passwordCredentials", "servicePrincipalType", "signInAudience", "tags"}},
	{applications, graph.KindApplication, "application", "", "/applications", azure.PermissionApplications, []string{"id", "displayName", "appId", "createdDateTime",
		"identifierUris", "keyCredentials", "passwordCredentials", "publisherDomain", "signInAudience", "tags"}},
}

// properties are those of all families, each once.
var properties = func() (all []string) {
	for _, f := range families {
		for _, p := range f.properties {
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}()

// propertyIndex is where a property stands in properties.
var propertyIndex = func() map[string]int {
	index := map[string]int{}
	for i, p := range properties {
		index[p] = i
	}
	return index
}()

// maxProperties is how many there may be.
const maxProperties = 29

// familyOf is the family that match finds; nil is none.
func familyOf(match func(*family) bool) *family {
	if i := slices.IndexFunc(families, match); i >= 0 {
		return families[i]
	}
	return nil
}

func familyOfKind(kind graph.IdentityKind) *family {
	if kind == graph.KindManagedIdentity {
		kind = graph.KindServicePrincipal
	}
	return familyOf(func(f *family) bool { return f.kind == kind })
}

// object is an object of Microsoft Graph, as it was read. Its values point into the page.
type object struct {
	typ    string // behind #microsoft.graph.; empty where the answer does not say it
	values [maxProperties]jsontext.Value
}

const odataType = "#microsoft.graph."

// setObject takes a property in. One without a value says nothing: Microsoft Graph sends those too that may not be read.
func setObject(o *object, c azure.Column) error {
	if string(c.Name) == "@odata.type" {
		o.typ = strings.TrimPrefix(c.Text(), odataType)
		return nil
	}
	if i, ok := propertyIndex[string(c.Name)]; ok && c.Value.Kind() != 'n' {
		o.values[i] = c.Value
	}
	return nil
}

func (o *object) value(property string) azure.Column {
	return azure.Column{Value: o.values[propertyIndex[property]]}
}

// text is a property that is a string; empty if it is not there.
func (o *object) text(property string) string {
	if c := o.value(property); c.Value != nil {
		return c.Text()
	}
	return ""
}

// family is the object's, or one that is given where the answer does not say it; nil is another type.
func (o *object) family(given *family) *family {
	if o.typ == "" {
		return given
	}
	return familyOf(func(f *family) bool { return f.typ == o.typ })
}

// identity is the object as the snapshot keeps it: the same whichever way it was read. The values have memory of their own.
func (o *object) identity(f *family) graph.Identity {
	i := graph.Identity{ObjectID: strings.ToLower(o.text("id")), State: graph.IdentityPresent, Kind: graph.KindOtherIdentity, Name: o.text("displayName")}
	keep := []string{"id", "displayName"}
	switch {
	case f != nil:
		i.Kind, keep = f.kind, f.properties
	case o.typ == "device":
		i.Kind = graph.KindDevice
	}
	switch i.Kind {
	case graph.KindUser:
		i.Login = o.text("userPrincipalName")
	case graph.KindGroup:
		i.Login = o.text("mail")
	case graph.KindServicePrincipal, graph.KindApplication:
		i.AppID = strings.ToLower(o.text("appId"))
	}
	if o.text("servicePrincipalType") == "ManagedIdentity" && i.Kind == graph.KindServicePrincipal {
		i.Kind, i.ResourceID = graph.KindManagedIdentity, o.resource()
	}
	if enabled := o.value("accountEnabled").Value.Kind(); enabled == 't' || enabled == 'f' {
		is := enabled == 't'
		i.Enabled = &is
	}
	known := 0
	i.Raw, known = o.raw(keep)
	if known < 2 { // no more than its id
		i.State, i.Raw = graph.IdentityUnreadable, nil
	}
	return i
}

// raw is the JSON object of some properties, in their order, and how many have a value.
func (o *object) raw(keep []string) (raw []byte, known int) {
	raw = append(raw, '{')
	for _, p := range keep {
		v := o.values[propertyIndex[p]]
		if v == nil {
			continue
		}
		if known++; known > 1 {
			raw = append(raw, ',')
		}
		raw = append(append(append(append(raw, '"'), p...), '"', ':'), v...)
	}
	return append(raw, '}'), known
}

// resource is the ARM id of what a managed identity belongs to, which is among its alternative names.
func (o *object) resource() (id string) {
	names := o.value("alternativeNames").Value
	if names.Kind() != '[' {
		return ""
	}
	_ = azure.Elements(names, func(v jsontext.Value) error { // it has been read once
		if name := (azure.Column{Value: v}).Text(); strings.HasPrefix(strings.ToLower(name), "/subscriptions/") {
			id = name
		}
		return nil
	})
	return id
}

// guid is an id of Microsoft Entra.
type guid [16]byte

// parseGUID reads the usual form of one.
func parseGUID(text string) (id guid, ok bool) {
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(text[:8]+text[9:13]+text[14:18]+text[19:23]+text[24:]))
	return id, err == nil
}

// String is the usual form, in lower case.
func (id guid) String() string {
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

func compareGUIDs(a, b guid) int { return bytes.Compare(a[:], b[:]) }
