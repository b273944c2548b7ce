package tenant

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// The size of a generated directory where its options say none.
const (
	DefaultUsers   = 1000
	DefaultMembers = 100

	maxUsers       = 1_000_000
	assignedGroups = 97 // those that generated role assignments name
	otherGroups    = 23
	otherMembers   = 1000 // at most of a group that is not the largest
	syntheticApps  = 20
)

// What guidOf makes the ids of.
const (
	guidGroup = 5 + iota
	guidUser
	guidApp
	guidClient
	guidService
)

// syntheticDirectory is a directory whose objects are made when they are read. It keeps twenty
// bytes and a little more of each user once one has been looked up by its id.
type syntheticDirectory struct {
	seed           uint64
	users, members int
	groups         int

	once  sync.Once
	index map[[16]byte]objectPlace
}

type objectPlace struct {
	kind  directory.Kind
	index uint32
}

var _ directory.Source = (*syntheticDirectory)(nil)

func newSyntheticDirectory(options SyntheticOptions) *syntheticDirectory {
	d := &syntheticDirectory{seed: options.Seed, users: options.Users, members: options.Members, groups: assignedGroups + otherGroups}
	if d.users == 0 {
		d.users = DefaultUsers
	}
	if d.members == 0 {
		d.members = DefaultMembers
	}
	d.users = max(0, d.users)
	d.members = max(0, min(d.members, d.users))
	return d
}

func (d *syntheticDirectory) Len(kind directory.Kind) int {
	switch kind {
	case directory.User:
		return d.users
	case directory.Group:
		return d.groups
	case directory.Application:
		return syntheticApps
	}
	return syntheticApps + len(microsoftApps)
}

func (d *syntheticDirectory) id(kind directory.Kind, i int) string {
	number := [...]uint64{directory.User: guidUser, directory.Group: guidGroup, directory.ServicePrincipal: guidService, directory.Application: guidApp}[kind]
	return guidOf(d.seed, uint64(i), number)
}

func (d *syntheticDirectory) Find(id string) (directory.Kind, int, bool) {
	d.once.Do(func() {
		d.index = make(map[[16]byte]objectPlace, d.users+d.groups+3*syntheticApps)
		for _, kind := range directory.Kinds {
			for i := range d.Len(kind) {
				if key, ok := parseGUID(d.id(kind, i)); ok {
					d.index[key] = objectPlace{kind, uint32(i)}
				}
			}
		}
	})
	key, ok := parseGUID(id)
	if !ok {
		return 0, 0, false
	}
	place, ok := d.index[key]
	return place.kind, int(place.index), ok
}

// parseGUID reads the sixteen bytes of a GUID.
func parseGUID(text string) (key [16]byte, ok bool) {
	n := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c == '-':
			continue
		case n == 32:
			return key, false
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return key, false
		}
		key[n/2] = key[n/2]<<4 | c
		n++
	}
	return key, n == 32
}

func (d *syntheticDirectory) Named(kind directory.Kind, name string) (int, bool) {
	switch kind {
	case directory.User:
		digits := name[strings.LastIndexByte(strings.SplitN(strings.SplitN(name, "@", 2)[0], "_", 2)[0], '.')+1:]
		end := strings.IndexAny(digits, "@_")
		if end < 0 {
			return 0, false
		}
		i, err := strconv.Atoi(digits[:end])
		if err != nil || i < 0 || i >= d.users {
			return 0, false
		}
		return i, strings.EqualFold(d.user(i).principalName(), name)
	case directory.Application, directory.ServicePrincipal:
		for i := range d.Len(kind) {
			if d.clientID(i) == name {
				return i, true
			}
		}
	}
	return 0, false
}

func (d *syntheticDirectory) Links(kind directory.Kind, i int, relation directory.Relation) directory.Links {
	switch {
	case kind == directory.Group && relation == directory.Members:
		return d.membersOf(i)
	case kind != directory.User && i < d.groups && d.users > 0:
		return directory.IDs{d.id(directory.User, i%d.users)}
	}
	return directory.IDs(nil)
}

// generatedMembers are a few objects and a run of users.
type generatedMembers struct {
	d            *syntheticDirectory
	others       directory.IDs
	first, count int
}

// membersOf makes the first group the largest, each further one smaller, down to three members. Every tenth contains
// another group; two of them contain each other. Every fifteenth contains a service principal.
func (d *syntheticDirectory) membersOf(group int) generatedMembers {
	m := generatedMembers{d: d, count: d.members}
	if group > 0 {
		m.count = min(max(d.members/(group+1), 3), d.members, otherMembers)
	}
	if d.users > 0 {
		m.first = int(mix(d.seed, uint64(group), guidGroup) % uint64(d.users))
	}
	if group%10 == 1 {
		m.others = append(m.others, d.id(directory.Group, group+1))
	}
	if group == 12 { // the eleventh contains the twelfth
		m.others = append(m.others, d.id(directory.Group, 11))
	}
	if group%15 == 2 {
		m.others = append(m.others, d.id(directory.ServicePrincipal, group%syntheticApps))
	}
	return m
}

func (m generatedMembers) Len() int { return len(m.others) + m.count }

func (m generatedMembers) At(i int) string {
	if i < len(m.others) {
		return m.others[i]
	}
	return m.d.id(directory.User, (m.first+i-len(m.others))%m.d.users)
}

func (m generatedMembers) Has(id string) bool {
	if m.others.Has(id) {
		return true
	}
	kind, i, ok := m.d.Find(id)
	return ok && kind == directory.User && (i-m.first+m.d.users)%m.d.users < m.count
}

func (d *syntheticDirectory) Object(kind directory.Kind, i int) directory.Object {
	o := directory.Object{Kind: kind, ID: d.id(kind, i)}
	switch kind {
	case directory.User:
		o.Properties = d.user(i).properties()
	case directory.Group:
		name := fmt.Sprintf("sg-%s-%s-%03d", applications[i%len(applications)], environments[i%len(environments)], i)
		o.Properties = map[string]any{
			"createdDateTime": "2024-01-15T09:00:00Z", "creationOptions": []any{}, "description": "Group " + strconv.Itoa(i), "displayName": name,
			"groupTypes": []any{}, "mailEnabled": false, "mailNickname": name, "proxyAddresses": []any{}, "renewedDateTime": "2024-01-15T09:00:00Z",
			"securityEnabled": true, "securityIdentifier": fmt.Sprintf("S-1-12-1-%d", mix(d.seed, uint64(i), guidGroup)),
		}
	case directory.Application:
		o.Properties = map[string]any{
			"appId": d.clientID(i), "appRoles": []any{}, "createdDateTime": "2024-01-15T09:00:00Z", "displayName": d.appName(i), "identifierUris": []any{}, "keyCredentials": []any{},
			"passwordCredentials": []any{map[string]any{
				"displayName": "secret", "endDateTime": fmt.Sprintf("%d-06-30T00:00:00Z", 2024+i%6), "hint": "abc", "keyId": guidOf(d.seed, uint64(i), guidClient+100),
				"startDateTime": "2023-06-30T00:00:00Z",
			}},
			"publisherDomain": domain, "requiredResourceAccess": []any{}, "signInAudience": "AzureADMyOrg", "tags": []any{},
		}
	case directory.ServicePrincipal:
		owner := guidOf(d.seed, 0, 1)
		if i >= syntheticApps {
			owner = microsoftTenant
		}
		o.Properties = map[string]any{
			"accountEnabled": true, "alternativeNames": []any{}, "appDisplayName": d.appName(i), "appId": d.clientID(i), "appOwnerOrganizationId": owner,
			"appRoleAssignmentRequired": false, "appRoles": []any{}, "displayName": d.appName(i), "keyCredentials": []any{}, "oauth2PermissionScopes": []any{},
			"passwordCredentials": []any{}, "replyUrls": []any{}, "servicePrincipalNames": []any{d.clientID(i)}, "servicePrincipalType": "Application", "tags": []any{},
		}
	}
	return o
}
