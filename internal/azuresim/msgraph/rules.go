package msgraph

import (
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// require refuses a draft without some properties.
func (d *draft) require(names ...string) *failure {
	for _, name := range names {
		if !d.has(name) {
			return missing(name)
		}
	}
	return nil
}

func (d *draft) setDefault(name string, value any) {
	if _, ok := d.properties[name]; !ok {
		d.properties[name] = value
	}
}

// checkUser holds what a new user needs. https://learn.microsoft.com/graph/api/user-post-users
func (s *Service) checkUser(d *draft) *failure {
	if failure := d.require("accountEnabled", "displayName", "mailNickname", "userPrincipalName"); failure != nil {
		return failure
	}
	profile, _ := d.properties["passwordProfile"].(map[string]any)
	password, _ := profile["password"].(string)
	switch {
	case password == "":
		return withDetail(invalid("A password must be specified to create a new user."), "MissingValue", "passwordProfile")
	case !isComplex(password):
		return withDetail(invalid("The specified password does not comply with password complexity requirements. Please provide a different password."), "InvalidPassword", "passwordProfile")
	}
	delete(d.properties, "passwordProfile") // it is never shown
	if failure := s.checkPrincipalName(d); failure != nil {
		return failure
	}
	if failure := checkNickname(d); failure != nil {
		return failure
	}
	d.setDefault("userType", "Member")
	return nil
}

// isComplex says whether a password has eight characters and more, of three kinds.
// https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy
func isComplex(password string) bool {
	sets := map[string]bool{}
	for _, c := range password {
		switch {
		case unicode.IsUpper(c):
			sets["upper"] = true
		case unicode.IsLower(c):
			sets["lower"] = true
		case unicode.IsDigit(c):
			sets["digit"] = true
		default:
			sets["other"] = true
		}
	}
	return len(password) >= 8 && len(password) <= 256 && len(sets) >= 3
}

// checkPrincipalName refuses names of other domains, and characters that names cannot have.
func (s *Service) checkPrincipalName(d *draft) *failure {
	alias, domain, ok := strings.Cut(d.text("userPrincipalName"), "@")
	valid := func(c rune) bool {
		return c < unicode.MaxASCII && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("'.-_!#^~", c))
	}
	if !ok || alias == "" || len(alias) > 64 || strings.HasSuffix(alias, ".") || strings.ContainsFunc(alias, func(c rune) bool { return !valid(c) }) {
		return d.wrong("userPrincipalName")
	}
	if !contains(s.domains(), domain) {
		return withDetail(invalid("The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization."), "InvalidValue", "userPrincipalName")
	}
	return nil
}

// domains are the verified ones of the tenant.
func (s *Service) domains() []string { return []string{s.Organization().Domain, otherDomain} }

// otherDomain is a verified domain besides the tenant's initial one.
const otherDomain = "contoso.com"

// checkNickname refuses characters that a mail nickname cannot have.
// https://learn.microsoft.com/graph/api/group-post-groups
func checkNickname(d *draft) *failure {
	if strings.ContainsFunc(d.text("mailNickname"), func(c rune) bool { return c > unicode.MaxASCII || strings.ContainsRune(`@()\[]";:<>, `, c) }) {
		return d.wrong("mailNickname")
	}
	return nil
}

// createRoleGroup is what it takes to make groups to which roles of the directory can be assigned.
var createRoleGroup = []string{"RoleManagement.ReadWrite.Directory"}

// checkGroup holds what a new group needs: only Microsoft 365 groups have mail.
// https://learn.microsoft.com/graph/api/group-post-groups
func (s *Service) checkGroup(d *draft) *failure {
	if failure := d.require("displayName", "mailEnabled", "mailNickname", "securityEnabled"); failure != nil {
		return failure
	}
	if failure := checkNickname(d); failure != nil {
		return failure
	}
	types, _ := d.properties["groupTypes"].([]any)
	unified, dynamic := slices.Contains(types, any("Unified")), slices.Contains(types, any("DynamicMembership"))
	mail, secure := d.properties["mailEnabled"] == true, d.properties["securityEnabled"] == true
	switch {
	case mail && !unified:
		return invalid("The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.")
	case !mail && unified:
		return d.wrong("mailEnabled")
	case !mail && !secure:
		return d.wrong("securityEnabled")
	case dynamic && !d.has("membershipRule"):
		return missing("membershipRule")
	case d.has("membershipRule") && !dynamic:
		return d.wrong("membershipRule")
	case d.properties["isAssignableToRole"] == true && (dynamic || !secure):
		return d.wrong("isAssignableToRole")
	case d.properties["isAssignableToRole"] == true && !s.granted(createRoleGroup):
		return denied()
	}
	d.setDefault("groupTypes", []any{})
	d.properties["renewedDateTime"] = stamp(s.Now())
	if !mail {
		return nil
	}
	d.properties["mail"] = d.text("mailNickname") + "@" + s.Organization().Domain
	d.properties["proxyAddresses"] = []any{"SMTP:" + d.text("mail")}
	d.setDefault("visibility", "Public")
	for _, other := range s.Directory().All(directory.Group, 0) {
		if other.Properties["mailEnabled"] == true && strings.EqualFold(other.Text("mailNickname"), d.text("mailNickname")) {
			return conflict("mailNickname")
		}
	}
	return nil
}

func dynamicMembers() *failure {
	return invalid("The members of a group with dynamic membership cannot be changed: they follow from its rule.")
}

// checkApplication holds what a new application needs.
// https://learn.microsoft.com/graph/api/application-post-applications
func (s *Service) checkApplication(d *draft) *failure {
	if failure := d.require("displayName"); failure != nil {
		return failure
	}
	if d.has("appId") {
		return invalid("Property 'appId' is read-only and cannot be set.")
	}
	uris, _ := d.properties["identifierUris"].([]any)
	for _, other := range s.Directory().All(directory.Application, 0) {
		known, _ := other.Properties["identifierUris"].([]any)
		if slices.ContainsFunc(uris, func(uri any) bool { return slices.Contains(known, uri) }) {
			return conflict("identifierUris")
		}
	}
	d.properties["appId"] = s.NewID()
	d.properties["publisherDomain"] = s.Organization().Domain
	d.setDefault("signInAudience", "AzureADandPersonalMicrosoftAccount")
	return nil
}

// nameUsed says that another object has the name that a draft is to have.
func nameUsed(d *draft) *failure {
	if d.kind != directory.ServicePrincipal {
		return conflict(keyOf(d.kind))
	}
	return &failure{
		status: http.StatusConflict, code: "Request_MultipleObjectsWithSameKeyValue",
		message: "The service principal cannot be created, updated, or restored because the service principal name " + d.text("appId") + " is already in use.",
	}
}

// checkServicePrincipal holds what a new service principal needs: an application of the tenant that
// has none yet. https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
func (s *Service) checkServicePrincipal(d *draft) *failure {
	if failure := d.require("appId"); failure != nil {
		return failure
	}
	appID := d.text("appId")
	if _, taken := s.Directory().Named(directory.ServicePrincipal, appID); taken {
		return nameUsed(d)
	}
	app, ok := s.Directory().Named(directory.Application, appID)
	if !ok {
		return withDetail(invalid("The appId '"+appID+"' of the service principal does not reference a valid application object."), "NoBackingApplicationObject", "appId")
	}
	names := []any{app.Text("appId")}
	if uris, ok := app.Properties["identifierUris"].([]any); ok {
		names = append(names, uris...)
	}
	for name, value := range map[string]any{
		"appId": app.Text("appId"), "displayName": app.Text("displayName"), "appDisplayName": app.Text("displayName"), "appOwnerOrganizationId": s.Organization().ID,
		"servicePrincipalNames": names, "servicePrincipalType": "Application", "signInAudience": app.Properties["signInAudience"],
	} {
		d.properties[name] = value
	}
	d.setDefault("accountEnabled", true)
	d.setDefault("appRoleAssignmentRequired", false)
	return nil
}
