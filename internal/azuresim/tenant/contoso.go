package tenant

import (
	"bytes"
	_ "embed"
	"sync"
)

// ContosoID is the directory of the hand-made tenant.
const ContosoID = "c0175050-0000-4000-8000-0000000000c0"

//go:embed contoso.jsonl
var contoso []byte

// Contoso is a small, realistic company with resources of many types in four subscriptions.
func Contoso() (*Tenant, error) { return loadContoso() }

var loadContoso = sync.OnceValues(func() (*Tenant, error) {
	return Load(bytes.NewReader(contoso), ContosoID)
})

// Empty is a directory without any subscription.
func Empty() (*Tenant, error) {
	return Load(bytes.NewReader(nil), ContosoID)
}
