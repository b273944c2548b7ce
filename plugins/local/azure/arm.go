package azure

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// armVersion is the api-version of the lists of tenants and subscriptions, as in
// armsubscriptions.
const armVersion = "2022-12-01"

const apiARM = "Azure Resource Manager"

// Tenant is a tenant that the credential's principal belongs to.
type Tenant struct {
	ID            string   `json:"tenantId"`
	Name          string   `json:"displayName"`
	DefaultDomain string   `json:"defaultDomain"`
	Domains       []string `json:"domains"`
}

// Subscription is a subscription that the principal can see.
type Subscription struct {
	ID       string          `json:"subscriptionId"`
	Name     string          `json:"displayName"`
	State    string          `json:"state"`
	TenantID string          `json:"tenantId"` // its own, even if another tenant may manage it
	Raw      json.RawMessage `json:"-"`        // all that Azure said
}

// Enabled says that the subscription can be used. Azure answers nothing useful about the resources
// of one that is disabled or deleted; one that is past due or warned still works.
func (s Subscription) Enabled() bool {
	return !strings.EqualFold(s.State, "Disabled") && !strings.EqualFold(s.State, "Deleted")
}

// Tenants lists the tenants that the principal belongs to.
func (s *Session) Tenants(ctx context.Context) ([]Tenant, error) {
	return collect(ctx, s, List{Path: "/tenants", Version: armVersion}, func(t *Tenant, raw []byte) error {
		return json.Unmarshal(raw, t)
	})
}

// Subscriptions lists the subscriptions that the principal can see from the session's tenant.
func (s *Session) Subscriptions(ctx context.Context) ([]Subscription, error) {
	return collect(ctx, s, List{Path: "/subscriptions", Version: armVersion}, func(s *Subscription, raw []byte) error {
		s.Raw = slices.Clone(raw)
		return json.Unmarshal(raw, s)
	})
}

// collect reads a short list whole.
func collect[T any](ctx context.Context, s *Session, l List, decode func(*T, []byte) error) ([]T, error) {
	items, page := []T{}, Page[struct{}]{}
	err := ReadList(ctx, s, l, Reader[struct{}]{
		New: func(context.Context) (*Page[struct{}], error) { return &page, nil },
		Set: func(*struct{}, Column) error { return nil },
		Take: func(p *Page[struct{}]) error {
			for i := range p.Rows {
				var item T
				if err := decode(&item, p.Raw(i)); err != nil {
					return fault.New(fault.ExecutionFailed, apiARM+" answers in an unknown form", fault.From(fault.OriginAzure), fault.On(l.Path), fault.Because(err))
				}
				items = append(items, item)
			}
			return nil
		},
	})
	return items, err
}

// TrySubscription asks Resource Manager for a resource group of a subscription, to see whether the
// principal may read it. It may be listed and closed all the same.
func (s *Session) TrySubscription(ctx context.Context, id string) error {
	path := "/subscriptions/" + url.PathEscape(id) + "/resourcegroups"
	return final(s.get(ctx, path, s.address(path, "2021-04-01", url.Values{"$top": {"1"}}), func(io.Reader) error { return nil }))
}
