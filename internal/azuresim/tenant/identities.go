package tenant

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

const typeIdentity = "microsoft.managedidentity/userassignedidentities"

// Identities goes through the managed identities of the tenant's resources. Those without an
// application id in their row have none.
func (t *Tenant) Identities() iter.Seq[directory.Identity] {
	return func(yield func(directory.Identity) bool) {
		var buffer []byte
		scopes := []string{""}
		for _, s := range t.Subscriptions {
			scopes = append(scopes, s.ID)
		}
		for _, subscription := range scopes {
			for row := range t.Rows(subscription, "") {
				column := "identity"
				if row.Type() == typeIdentity {
					column = "properties"
				}
				buffer = row.Append(buffer[:0], column)
				if !bytes.Contains(buffer, []byte(`"principalId"`)) {
					continue
				}
				var shown struct{ PrincipalID, ClientID string }
				if err := json.Unmarshal(buffer, &shown); err != nil || shown.PrincipalID == "" {
					continue
				}
				if !yield(directory.Identity{
					Resource: row.ID(), Principal: strings.ToLower(shown.PrincipalID), Client: shown.ClientID, UserAssigned: column == "properties",
				}) {
					return
				}
			}
		}
	}
}
