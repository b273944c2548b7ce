package tenant

import (
	"bytes"
	_ "embed"
	"io"
	"sync"
)

// ContosoID is the directory of the hand-made tenant.
const ContosoID = "c0175050-0000-4000-8000-0000000000c0"

//go:embed contoso.jsonl
var contoso []byte

// contosoDirectory are its users, groups, applications and service principals. Whatever a role
// assignment, a policy or an administrator of a database names is there, except
// f9f827c5-6ec0-553f-ad88-ce3d48e6fa3b, which had the role of a Storage Blob Data Contributor on
// stcontosolake and was deleted, and 15446a39-eb8a-57e2-835f-d70c8298f697, which is in the tenant of
// Fabrikam. Platform Engineers and Production On-Call contain each other. Of the credentials, as
// seen on 1 December 2026, two have expired and two expire before the year ends.
//
//go:embed contoso_directory.jsonl
var contosoDirectory []byte

// Contoso is a small, realistic company with resources of many types in four subscriptions.
func Contoso() (*Tenant, error) { return loadContoso() }

var loadContoso = sync.OnceValues(func() (*Tenant, error) {
	return Load(io.MultiReader(bytes.NewReader(contoso), bytes.NewReader(contosoDirectory)), ContosoID)
})

// Empty is a tenant without any subscription, in whose directory nothing is.
func Empty() (*Tenant, error) {
	return Load(bytes.NewReader(nil), ContosoID)
}
