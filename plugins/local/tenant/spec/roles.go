package spec

import (
	"sort"
	"strings"
)

// builtIn are built-in roles that specifications name without their ids. Source: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles.
// Every other role needs its id beside its name.
var builtIn = map[string]string{
	"Owner":                                      "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
	"Contributor":                                "b24988ac-6180-42a0-ab88-20f7382dd24c",
	"Reader":                                     "acdd72a7-3385-48ef-bd42-f606fba81ae7",
	"User Access Administrator":                  "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
	"AcrPull":                                    "7f951dda-4ed3-4680-a7ca-43fe172d538d",
	"AcrPush":                                    "8311e382-0749-4cb8-b61a-304f252e45ec",
	"Automation Contributor":                     "f353d9bd-d4a6-484e-a77a-8050b599b867",
	"Azure Event Hubs Data Receiver":             "a638d3c7-ab3a-418d-83e6-5f17a39d4fde",
	"Azure Event Hubs Data Sender":               "2b629674-e913-4c01-ae53-ef4638d8f975",
	"Azure Service Bus Data Receiver":            "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
	"Azure Service Bus Data Sender":              "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
	"Backup Contributor":                         "5e467623-bb1f-42f4-a55d-6e525e11384b",
	"Cognitive Services OpenAI User":             "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
	"DNS Zone Contributor":                       "befefa01-2a29-4197-83a8-272ff33ce314",
	"Key Vault Administrator":                    "00482a5a-887f-4fb3-b363-3b7fe8e74483",
	"Key Vault Contributor":                      "f25e0fa2-a7c8-4377-a976-54943a77a395",
	"Key Vault Reader":                           "21090545-7ca7-4776-b22c-e363652d74d2",
	"Key Vault Secrets Officer":                  "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
	"Key Vault Secrets User":                     "4633458b-17de-408a-b874-0445c86b69e6",
	"Log Analytics Contributor":                  "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
	"Log Analytics Reader":                       "73c42c96-874c-492b-b04d-ab87d138a893",
	"Managed Identity Contributor":               "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
	"Managed Identity Operator":                  "f1a07417-d97a-45cb-824c-7a7467783830",
	"Monitoring Contributor":                     "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
	"Monitoring Reader":                          "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
	"Network Contributor":                        "4d97b98b-1d4f-4787-a291-c67834d212e7",
	"Private DNS Zone Contributor":               "b12aa53e-6015-4669-85d0-8515ebb3ae7f",
	"SQL DB Contributor":                         "9b7fa17d-e63e-47b0-bb0a-15c516ac86ec",
	"SQL Server Contributor":                     "6d8ee4ec-f05a-4a1d-8b00-a9b17e38b437",
	"Security Admin":                             "fb1c8493-542b-48eb-b624-b4c8fea62acd",
	"Security Reader":                            "39bc4728-0917-49c7-9d2c-d95423bc2eb4",
	"Storage Account Contributor":                "17d1049b-9a84-46fb-8f53-869881c3d3ab",
	"Storage Blob Data Contributor":              "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
	"Storage Blob Data Owner":                    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
	"Storage Blob Data Reader":                   "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
	"Storage Queue Data Contributor":             "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
	"Storage Table Data Contributor":             "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
	"Tag Contributor":                            "4a9ae827-6dc8-4573-8ac7-8239d42aa03f",
	"Virtual Machine Contributor":                "9980e02c-c2be-4d73-94e8-173b1dc7cf3c",
	"Virtual Machine Administrator Login":        "1c0163c0-47e6-4577-8991-ea5c82e286e4",
	"Virtual Machine User Login":                 "fb879df8-f326-4884-b1cf-06f3ad86be52",
	"Web Plan Contributor":                       "2cc479cb-7b4d-49a8-b449-8c00fd0f0a4b",
	"Website Contributor":                        "de139f84-1756-47ae-9be6-808fbbe84772",
	"Azure Kubernetes Service Cluster User Role": "4abbcc35-e782-43d8-92c5-2d3f1bd2253f",
}

// RoleID is the GUID of a built-in role of that name, in any case; ok is false for one that is not known here.
func RoleID(name string) (id string, ok bool) {
	if id, ok = builtIn[name]; ok {
		return id, true
	}
	for known, id := range builtIn {
		if strings.EqualFold(known, name) {
			return id, true
		}
	}
	return "", false
}

// RoleName is the name of the built-in role with a GUID; empty for one that is not known here.
func RoleName(id string) string {
	for name, known := range builtIn {
		if strings.EqualFold(known, id) {
			return name
		}
	}
	return ""
}

// roleNames are the names, sorted.
func roleNames() []string {
	all := make([]string, 0, len(builtIn))
	for name := range builtIn {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// roleDefinitions is what stands before the GUID of a role in its id.
const roleDefinitions = "/providers/Microsoft.Authorization/roleDefinitions/"

// RoleDefinition is the id of the role definition that an assignment at a scope names: below the scope's subscription, where it has one.
func RoleDefinition(scope, role string) string {
	segments := strings.SplitN(scope, "/", 4)
	if len(segments) >= 3 && strings.EqualFold(segments[1], "subscriptions") {
		return "/subscriptions/" + segments[2] + roleDefinitions + role
	}
	return roleDefinitions + role
}
