package msgraph

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// schema are the properties of a kind of object: those that an answer has unless it is asked for
// others, and those that it has only if asked. Collections end in [].
type schema struct{ usual, further []string }

// schemas follow the documentation of the types in v1.0.
var schemas = map[directory.Kind]schema{
	directory.User: {
		words("businessPhones[] displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage surname userPrincipalName"),
		words(`accountEnabled ageGroup assignedLicenses[] assignedPlans[] city companyName consentProvidedForMinor country createdDateTime creationType
			deletedDateTime department employeeHireDate employeeId employeeOrgData employeeType externalUserState externalUserStateChangeDateTime faxNumber
			identities[] imAddresses[] isManagementRestricted isResourceAccount lastPasswordChangeDateTime legalAgeGroupClassification mailNickname
			onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime
			onPremisesProvisioningErrors[] onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails[]
			passwordPolicies passwordProfile postalCode preferredDataLocation provisionedPlans[] proxyAddresses[] securityIdentifier showInAddressList
			signInSessionsValidFromDateTime state streetAddress usageLocation userType`),
	},
	directory.Group: {
		words(`deletedDateTime classification createdDateTime creationOptions[] description displayName expirationDateTime groupTypes[] isAssignableToRole mail
			mailEnabled mailNickname membershipRule membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName
			onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses[]
			renewedDateTime resourceBehaviorOptions[] resourceProvisioningOptions[] securityEnabled securityIdentifier theme uniqueName visibility
			onPremisesProvisioningErrors[] serviceProvisioningErrors[]`),
		words("assignedLabels[] assignedLicenses[] isManagementRestricted"),
	},
	directory.ServicePrincipal: {
		words(`deletedDateTime accountEnabled alternativeNames[] appDisplayName appDescription appId applicationTemplateId appOwnerOrganizationId
			appRoleAssignmentRequired createdDateTime description disabledByMicrosoftStatus displayName homepage loginUrl logoutUrl notes
			notificationEmailAddresses[] preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls[] servicePrincipalNames[]
			servicePrincipalType signInAudience tags[] tokenEncryptionKeyId samlSingleSignOnSettings addIns[] appRoles[] info keyCredentials[]
			oauth2PermissionScopes[] passwordCredentials[] resourceSpecificApplicationPermissions[] verifiedPublisher`),
		nil,
	},
	directory.Application: {
		words(`deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdDateTime displayName description groupMembershipClaims identifierUris[]
			isDeviceOnlyAuthSupported isFallbackPublicClient nativeAuthenticationApisEnabled notes publisherDomain serviceManagementReference signInAudience
			tags[] tokenEncryptionKeyId uniqueName samlMetadataUrl defaultRedirectUri certification optionalClaims servicePrincipalLockConfiguration
			requestSignatureVerification addIns[] api appRoles[] info keyCredentials[] parentalControlSettings passwordCredentials[] publicClient
			requiredResourceAccess[] verifiedPublisher web spa`),
		nil,
	},
}

func words(text string) []string { return strings.Fields(text) }

// property finds a property of a kind by its name, in any case.
func property(kind directory.Kind, name string) (exact string, ok bool) {
	if strings.EqualFold(name, "id") {
		return "id", true
	}
	for _, list := range [][]string{schemas[kind].usual, schemas[kind].further} {
		if i := slices.IndexFunc(list, func(p string) bool { return strings.EqualFold(strings.TrimSuffix(p, "[]"), name) }); i >= 0 {
			return list[i], true
		}
	}
	return "", false
}

// shape says what of an object an answer shows.
type shape struct {
	// selected are the names of $select; nil are the usual ones.
	selected []string
	// typed adds the type, as collections of several types have it.
	typed bool
}

// render writes an object; limited shows nothing but its type and id.
func render(dst []byte, o directory.Object, s shape, limited bool) []byte {
	dst = append(dst, '{')
	if s.typed {
		dst = append(dst, `"@odata.type":"#microsoft.graph.`...)
		dst = append(dst, o.Kind.String()...)
		dst = append(dst, `",`...)
	}
	start := len(dst)
	if s.selected == nil || slices.ContainsFunc(s.selected, func(name string) bool { return strings.EqualFold(name, "id") }) {
		dst = append(dst, `"id":"`...)
		dst = append(dst, o.ID...)
		dst = append(dst, '"')
	}
	member := func(name string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		name, list := strings.CutSuffix(name, "[]")
		dst = append(dst, '"')
		dst = append(dst, name...)
		dst = append(dst, `":`...)
		value, ok := o.Properties[name]
		switch {
		case limited:
			dst = append(dst, "null"...)
		case list && (!ok || value == nil):
			dst = append(dst, "[]"...)
		default:
			dst = appendValue(dst, value)
		}
	}
	if s.selected == nil {
		for _, name := range schemas[o.Kind].usual {
			member(name)
		}
		return append(dst, '}')
	}
	for _, name := range s.selected {
		if exact, ok := property(o.Kind, name); ok && exact != "id" {
			member(exact)
		}
	}
	if s.typed && len(dst) == start { // nothing of it was selected
		dst = dst[:start-1]
	}
	return append(dst, '}')
}

// encode is the JSON of a value; what HTML has a meaning for stands as it is.
func encode(value any) []byte { return appendValue(nil, value) }

// appendValue is encode, quick for what most properties are.
func appendValue(dst []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		if isPlain(v) {
			dst = append(dst, '"')
			dst = append(dst, v...)
			return append(dst, '"')
		}
	case []any:
		if len(v) == 0 {
			return append(dst, "[]"...)
		}
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // values come from JSON
	}
	return append(dst, bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))...)
}

// isPlain says whether a text is its own JSON but for the quotes.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
