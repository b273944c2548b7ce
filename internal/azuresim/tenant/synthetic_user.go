package tenant

import (
	"fmt"
	"strings"
)

// microsoftTenant owns the applications of Microsoft that every directory has service principals of.
const microsoftTenant = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"

var microsoftApps = []struct{ name, client string }{
	{"Microsoft Graph", "00000003-0000-0000-c000-000000000000"},
	{"Windows Azure Active Directory", "00000002-0000-0000-c000-000000000000"},
	{"Windows Azure Service Management API", "797f4846-ba00-4fd7-ba43-dac1f8f63013"},
	{"Azure Key Vault", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"},
	{"Azure Storage", "e406a681-f3d4-42a8-90b6-c2b029497af1"},
}

func (d *syntheticDirectory) clientID(i int) string {
	if i >= syntheticApps {
		return microsoftApps[i-syntheticApps].client
	}
	return guidOf(d.seed, uint64(i), guidClient)
}

func (d *syntheticDirectory) appName(i int) string {
	if i >= syntheticApps {
		return microsoftApps[i-syntheticApps].name
	}
	return fmt.Sprintf("%s-%s-api-%02d", applications[i%len(applications)], environments[i%len(environments)], i)
}

var (
	givenNames = []string{"Ana", "Bao", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kofi", "Leila", "Mateo", "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wei", "Ximena", "Yusuf", "Zofia"}
	surnames   = []string{"Abara", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Hansen", "Ivanova", "Jansen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Oliveira", "Petrov", "Quispe", "Rossi", "Silva", "Tanaka", "Usman", "Vargas", "Weber", "Xu", "Yilmaz", "Zhang"}
	offices    = []string{"Amsterdam", "Berlin", "Chicago", "Dublin", "Singapore"}
	titles     = []string{"Engineer", "Analyst", "Architect", "Manager", "Administrator", "Consultant"}
)

// syntheticUser is a user made of its number.
type syntheticUser struct {
	number         int
	random         uint64
	given, surname string
	guest          bool
}

func (d *syntheticDirectory) user(i int) syntheticUser {
	random := mix(d.seed, uint64(i), guidUser)
	return syntheticUser{
		number: i, random: random, guest: i%20 == 7,
		given: givenNames[random%uint64(len(givenNames))], surname: surnames[random>>8%uint64(len(surnames))],
	}
}

func (u syntheticUser) nickname() string {
	return strings.ToLower(u.given) + "." + strings.ToLower(u.surname) + fmt.Sprintf(".%06d", u.number)
}

func (u syntheticUser) principalName() string {
	if u.guest {
		return u.nickname() + "_fabrikam.com#EXT#@" + domain
	}
	return u.nickname() + "@" + domain
}

func (u syntheticUser) properties() map[string]any {
	mail, kind, creation := u.nickname()+"@contoso.com", "Member", any(nil)
	if u.guest {
		mail, kind, creation = u.nickname()+"@fabrikam.com", "Guest", "Invitation"
	}
	return map[string]any{
		"accountEnabled": u.number%50 != 13, "businessPhones": []any{}, "createdDateTime": "2024-01-15T09:00:00Z", "creationType": creation,
		"department": applications[u.random>>16%uint64(len(applications))], "displayName": u.given + " " + u.surname, "givenName": u.given,
		"jobTitle": titles[u.random>>24%uint64(len(titles))], "mail": mail, "mailNickname": u.nickname(),
		"officeLocation": offices[u.random>>32%uint64(len(offices))], "surname": u.surname, "userPrincipalName": u.principalName(), "userType": kind,
	}
}
