package relate

import (
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
)

// host takes an address in whose host is an account of Azure.
func (f *Finder) host(path []byte, text string) {
	_, rest, ok := strings.Cut(text, "://")
	if !ok {
		return
	}
	if end := strings.IndexAny(rest, "/:?#;,)\"' "); end >= 0 {
		rest = rest[:end]
	}
	rest = strings.ToLower(rest)
	for i := range f.rules.zones {
		z := &f.rules.zones[i]
		name, ok := strings.CutSuffix(rest, z.suffix)
		if !ok {
			continue
		}
		if z.resource == "microsoft.storage/storageaccounts" {
			name = strings.TrimSuffix(name, "-secondary") // the address of the copy in the other region
		}
		if name == "" || strings.ContainsAny(name, ".@") || f.isOwn(z.resource, name) {
			return
		}
		f.found = append(f.found, Reference{Kind: z.kind, Rule: RuleHost, Path: f.mean(path).path, Target: name, Host: rest, HostType: z.resource})
		return
	}
}

// isOwn says whether an account is the subject, or contains it: its own address is no reference.
func (f *Finder) isOwn(resource, name string) bool {
	return strings.Contains(f.subject.Key+"/", "/providers/"+resource+"/"+name+"/")
}

// vaultReference takes a reference to a secret in, as settings of App Service have it:
// https://learn.microsoft.com/azure/app-service/app-service-key-vault-references
func (f *Finder) vaultReference(path []byte, text string) {
	if strings.Contains(text, "://") {
		f.host(path, text)
		return
	}
	_, rest, ok := strings.Cut(text, "VaultName=")
	if !ok {
		return
	}
	name := strings.ToLower(rest)
	if end := strings.IndexAny(name, ";)"); end >= 0 {
		name = name[:end]
	}
	if name == "" || strings.ContainsAny(name, "./") || f.isOwn(typeVault, name) {
		return
	}
	f.found = append(f.found, Reference{Kind: "USES_VAULT", Rule: RuleHost, Path: f.mean(path).path, Target: name, Host: name, HostType: typeVault})
}

// policies takes the access policies of a key vault in.
func (f *Finder) policies() {
	var vault struct {
		Policies []struct {
			ObjectID    string              `json:"objectId"`
			Permissions map[string][]string `json:"permissions"`
		} `json:"accessPolicies"`
	}
	if json.Unmarshal(f.subject.Properties, &vault) != nil {
		return
	}
	for _, p := range vault.Policies {
		if !form.IsGUID(p.ObjectID) {
			continue
		}
		f.found = append(f.found, Reference{
			Kind: "HAS_ACCESS_POLICY", Rule: RuleAccess, Path: "properties.accessPolicies[].objectId", Detail: permissions(p.Permissions),
			Reverse: true, Target: strings.ToLower(p.ObjectID), Principal: true,
		})
	}
}

// permissions is what an access policy lets one do, in the words and the order of Azure's portal.
func permissions(granted map[string][]string) string {
	var parts []string
	for _, of := range []string{"keys", "secrets", "certificates", "storage"} {
		if len(granted[of]) > 0 {
			parts = append(parts, of+": "+strings.ToLower(strings.Join(granted[of], ", ")))
		}
	}
	return strings.Join(parts, "; ")
}
