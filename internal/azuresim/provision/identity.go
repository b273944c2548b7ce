package provision

import (
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// Principal is the object id of the identity of a resource; it follows from the resource's id.
func Principal(id string) string { return expression.GUID("principal", strings.ToLower(id)) }

// identify checks the identity of a resource and adds the ids that the directory gives it.
func identify(r *Request, made map[string]any) *Refusal {
	raw, ok := made["identity"]
	if !ok {
		return nil
	}
	asked, ok := raw.(map[string]any)
	if !ok {
		return badRequest("InvalidRequestContent", "The member 'identity' must be an object.")
	}
	kind, _ := expression.Member(asked, "type")
	text, _ := kind.(string)
	lower := strings.ToLower(strings.ReplaceAll(text, " ", ""))
	system, user := false, false
	for part := range strings.SplitSeq(lower, ",") {
		switch part {
		case "systemassigned":
			system = true
		case "userassigned":
			user = true
		case "none":
		default:
			return &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "InvalidIdentityType", Message: "The identity type '" + text + "' is not valid for the resource '" + r.Name + "'."}
		}
	}
	identity := map[string]any{"type": text}
	if system {
		identity["principalId"], identity["tenantId"] = Principal(r.ID), r.TenantID
		if before, ok := at(r.Before, "identity.principalId").(string); ok {
			identity["principalId"] = before
		}
	}
	assigned, _ := expression.Member(asked, "userAssignedIdentities")
	identities, _ := assigned.(map[string]any)
	if user && len(identities) == 0 {
		return &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "InvalidIdentityValues", Message: "The identity of the resource '" + r.Name + "' is user-assigned, but names no identity."}
	}
	if user {
		shown := map[string]any{}
		for id := range identities {
			other, ok := r.Lookup(id)
			if !ok {
				return &Refusal{Status: http.StatusBadRequest, Gateway: true, Code: "FailedIdentityOperation", Message: "Identity operation for resource '" + r.ID + "' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Response: '{\"error\":{\"code\":\"BadRequest\",\"message\":\"Resource '" + id + "' was not found.\"}}'."}
			}
			shown[id] = map[string]any{"principalId": at(other, "properties.principalId"), "clientId": at(other, "properties.clientId")}
		}
		identity["userAssignedIdentities"] = shown
	}
	if lower == "none" || lower == "" {
		delete(made, "identity")
		return nil
	}
	made["identity"] = identity
	return nil
}
