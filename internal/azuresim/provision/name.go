package provision

import (
	"net/http"
	"regexp"
	"strings"
)

// nameRule is what the last name of a type must be like.
type nameRule struct {
	form          *regexp.Regexp
	code, message string // %s is the name
}

// nameRules are those of common types.
// https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
var nameRules = map[string]nameRule{
	"microsoft.storage/storageaccounts": {regexp.MustCompile(`^[a-z0-9]{3,24}$`), "AccountNameInvalid",
		"%s is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."},
	"microsoft.keyvault/vaults": {regexp.MustCompile(`^[a-zA-Z](?:-?[a-zA-Z0-9]){2,23}$`), "VaultNameNotValid",
		"The vault name '%s' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must begin with a letter, end with a letter or digit, and not contain consecutive hyphens."},
	"microsoft.keyvault/vaults/secrets": {regexp.MustCompile(`^[a-zA-Z0-9-]{1,127}$`), "BadRequest", "The secret name '%s' is invalid."},
	"microsoft.containerregistry/registries": {regexp.MustCompile(`^[a-zA-Z0-9]{5,50}$`), "InvalidResourceName",
		"The registry name '%s' is invalid: it may contain alpha numeric characters only and must be between 5 and 50 characters."},
	"microsoft.sql/servers": {regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`), "InvalidServerName",
		"Invalid server name '%s': it can only be made up of lowercase letters 'a'-'z', the numbers 0-9 and the hyphen, which may not lead or trail."},
	"microsoft.documentdb/databaseaccounts": {regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{1,48}[a-z0-9])$`), "BadRequest",
		"DatabaseAccount name '%s' is invalid: it can contain only lowercase letters, numbers and hyphens, and must be between 3 and 50 characters."},
	"microsoft.web/sites":                              {regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,58}[a-zA-Z0-9])$`), "BadRequest", "The site name '%s' is not valid."},
	"microsoft.network/virtualnetworks":                {network(64), "InvalidResourceName", networkName},
	"microsoft.network/virtualnetworks/subnets":        {network(80), "InvalidResourceName", networkName},
	"microsoft.network/networksecuritygroups":          {network(80), "InvalidResourceName", networkName},
	"microsoft.network/networkinterfaces":              {network(80), "InvalidResourceName", networkName},
	"microsoft.network/publicipaddresses":              {network(80), "InvalidResourceName", networkName},
	"microsoft.network/routetables":                    {network(80), "InvalidResourceName", networkName},
	"microsoft.network/loadbalancers":                  {network(80), "InvalidResourceName", networkName},
	"microsoft.compute/virtualmachines":                {regexp.MustCompile(`^[^\\/"\[\]:|<>+=;,?*@&_][^\\/"\[\]:|<>+=;,?*@&]{0,63}$`), "InvalidParameter", "The entity name '%s' is invalid according to its validation rule."},
	"microsoft.compute/disks":                          {regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,80}$`), "InvalidParameter", "The entity name '%s' is invalid according to its validation rule."},
	"microsoft.authorization/roleassignments":          {guid, "InvalidRoleAssignmentId", "The role assignment ID '%s' is not valid. The role assignment ID must be a GUID."},
	"microsoft.authorization/roledefinitions":          {guid, "InvalidRoleDefinitionId", "The role definition ID '%s' is not valid. The role definition ID must be a GUID."},
	"microsoft.managedidentity/userassignedidentities": {regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}$`), "BadRequest", "The identity name '%s' is invalid."},
	"microsoft.operationalinsights/workspaces":         {regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$`), "InvalidParameter", "The workspace name '%s' is invalid."},
}

const networkName = "Resource name %s is invalid. The name must begin with a letter or number, end with a letter, number or underscore, and may contain only letters, numbers, underscores, periods, or hyphens."

func network(most int) *regexp.Regexp {
	if most == 64 {
		return regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,62}[a-zA-Z0-9_])?$`)
	}
	return regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9_.-]{0,78}[a-zA-Z0-9_])?$`)
}

var (
	guid      = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	groupName = regexp.MustCompile(`^[\p{L}\p{N}_()-](?:[\p{L}\p{N}_().-]{0,88}[\p{L}\p{N}_()-])?$`)
)

// CheckGroupName refuses names that a resource group cannot have.
func CheckGroupName(name string) *Refusal {
	if groupName.MatchString(name) {
		return nil
	}
	return &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "InvalidResourceGroup",
		Message: "The provided resource group name '" + name + "' has these invalid characters, or is too long, or ends with a period. The name can only be a letter, digit, '-', '.', '(', ')' or '_', and have 1 to 90 characters."}
}

func checkName(r *Request, _ map[string]any) *Refusal {
	name := r.Name[strings.LastIndexByte(r.Name, '/')+1:]
	if len(name) > 260 || strings.ContainsAny(name, `<>%&\?/`) || strings.HasSuffix(name, " ") {
		return &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "InvalidResourceName",
			Message: "Resource name '" + name + "' is invalid: it has more than 260 characters, a trailing space, or one of the characters '<,>,%,&,\\,?,/'."}
	}
	rule, ok := nameRules[strings.ToLower(r.Type)]
	if !ok || rule.form.MatchString(name) {
		return nil
	}
	return badRequest(rule.code, rule.message, name)
}
