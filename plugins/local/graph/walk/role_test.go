package walk

import (
	"slices"
	"testing"
)

func TestRoles(t *testing.T) {
	for name, tc := range map[string]struct {
		properties string
		access     Access
		takes      string // of a machine, an application and an identity
	}{
		"reader":         {`{"permissions":[{"actions":["*/read"]}]}`, AccessRead, ""},
		"with support":   {`{"permissions":[{"actions":["*/read","Microsoft.Support/*"]}]}`, AccessRead, ""},
		"owner":          {`{"permissions":[{"actions":["*"]}]}`, AccessOwner, "vsi"},
		"contributor":    {`{"permissions":[{"actions":["*"],"notActions":["Microsoft.Authorization/*/Delete","Microsoft.Authorization/*/Write"]}]}`, AccessWrite, "vsi"},
		"gives roles":    {`{"permissions":[{"actions":["Microsoft.Authorization/roleAssignments/*"]}]}`, AccessOwner, "vsi"},
		"machines":       {`{"permissions":[{"actions":["Microsoft.Compute/virtualMachines/*"]}]}`, AccessWrite, "v"},
		"signs in":       {`{"permissions":[{"dataActions":["Microsoft.Compute/virtualMachines/login/action"]}]}`, AccessWrite, "v"},
		"reads data":     {`{"permissions":[{"dataActions":["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"]}]}`, AccessRead, ""},
		"not data":       {`{"permissions":[{"dataActions":["*"],"notDataActions":["*"]}]}`, AccessWrite, ""},
		"two parts":      {`{"permissions":[{"actions":["*"],"notActions":["*/write"]},{"actions":["microsoft.web/SITES/write"]}]}`, AccessWrite, "vsi"},
		"assigns":        {`{"permissions":[{"actions":["Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"]}]}`, AccessWrite, "i"},
		"nothing at all": {`{"permissions":[{"actions":[]}]}`, AccessRead, ""},
	} {
		t.Run(name, func(t *testing.T) {
			made, ok := parseRole([]byte(tc.properties))
			takes := ""
			for _, typ := range []string{"v microsoft.compute/virtualmachines", "s microsoft.web/sites", "i microsoft.managedidentity/userassignedidentities"} {
				if made.takes(typ[2:]) {
					takes += typ[:1]
				}
			}
			if !ok || made.access != tc.access || takes != tc.takes {
				t.Errorf("%s %q", made.access, takes)
			}
		})
	}
	for _, bad := range []string{``, `null`, `[]`, `{}`, `{"permissions":[]}`, `{"permissions":{}}`} {
		if _, ok := parseRole([]byte(bad)); ok {
			t.Errorf("%q says something", bad)
		}
	}
	for name, want := range map[string]Access{"Owner": AccessOwner, "acdd72a7-3385-48ef-bd42-f606fba81ae7": AccessRead, "Storage Blob Data Reader": AccessRead, "Something": AccessWrite, "": AccessWrite} {
		if got := roleNamed(nil, name); got.access != want {
			t.Errorf("%s is %s", name, got.access)
		}
	}
}

func TestRolesOfChosenTypes(t *testing.T) {
	const vault, secret, machine, group = "microsoft.keyvault/vaults", "microsoft.keyvault/vaults/secrets", "microsoft.compute/virtualmachines", "microsoft.resources/subscriptions/resourcegroups"
	for name, tc := range map[string]struct {
		permission string
		on         map[string]Access
		below      []string
	}{
		"reader":        {`"actions":["*/read"]`, map[string]Access{vault: AccessRead, secret: AccessRead, machine: AccessRead, group: AccessRead}, []string{vault, secret, machine, group}},
		"operator":      {`"actions":["*/read","Microsoft.Compute/virtualMachines/start/action"]`, map[string]Access{vault: AccessRead, secret: AccessRead, machine: AccessWrite, group: AccessRead}, []string{vault, secret, machine, group}},
		"secrets":       {`"dataActions":["Microsoft.KeyVault/vaults/secrets/getSecret/action"]`, map[string]Access{vault: AccessWrite, secret: AccessWrite}, []string{vault, secret}},
		"names of them": {`"actions":["Microsoft.KeyVault/vaults/secrets/read"]`, map[string]Access{secret: AccessRead}, []string{vault, secret}},
		"starts them":   {`"actions":["Microsoft.Compute/virtualMachines/start/action"]`, map[string]Access{machine: AccessWrite}, []string{machine}},
		"not that":      {`"actions":["Microsoft.Compute/virtualMachines/start/action"],"notActions":["Microsoft.Compute/*"]`, map[string]Access{}, []string{machine}},
		"compute":       {`"actions":["Microsoft.Compute/*"]`, map[string]Access{machine: AccessWrite}, []string{machine}},
		"groups":        {`"actions":["Microsoft.Resources/subscriptions/resourceGroups/read"]`, map[string]Access{group: AccessRead}, []string{group}},
		"blobs":         {`"dataActions":["Microsoft.KeyVault/vaults/secrets/readMetadata/read"]`, map[string]Access{vault: AccessRead, secret: AccessRead}, []string{vault, secret}},
	} {
		t.Run(name, func(t *testing.T) {
			r, ok := parseRole([]byte(`{"permissions":[{` + tc.permission + `}]}`))
			if !ok {
				t.Fatal("it says nothing")
			}
			for _, typ := range []string{vault, secret, machine, group} {
				if got := r.on(typ); got != tc.on[typ] {
					t.Errorf("on %s: %q", typ, got)
				}
				if got := r.below(typ); got != slices.Contains(tc.below, typ) {
					t.Errorf("below %s: %v", typ, got)
				}
			}
		})
	}
}

func TestGlob(t *testing.T) {
	for _, tc := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"*", "a/b", true}, {"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*/read", "x/y/read", true}, {"*/read", "x/y/reader", false},
		{"a*b*c", "a-b-b-c", true}, {"a*b*c", "a-c-b", false}, {"a*a", "a", false}, {"", "", true}, {"", "a", false}, {"a**b", "ab", true},
	} {
		if got := glob(tc.pattern, tc.text); got != tc.want {
			t.Errorf("glob(%q, %q) = %v", tc.pattern, tc.text, got)
		}
	}
}
