package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"

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
	return list[Tenant](ctx, s, "/tenants", nil)
}

// Subscriptions lists the subscriptions that the principal can see from the session's tenant.
func (s *Session) Subscriptions(ctx context.Context) ([]Subscription, error) {
	return list(ctx, s, "/subscriptions", func(s *Subscription, raw json.RawMessage) { s.Raw = raw })
}

// TrySubscription asks Resource Manager for a resource group of a subscription, to see whether the
// principal may read it. It may be listed and closed all the same.
func (s *Session) TrySubscription(ctx context.Context, id string) error {
	address := fmt.Sprintf("%s/subscriptions/%s/resourcegroups?api-version=2021-04-01&$top=1", s.config.Endpoints.ResourceManager, url.PathEscape(id))
	err := s.do(ctx, &call{api: apiARM, limiter: s.arm, method: http.MethodGet, url: address, read: func(io.Reader) error { return nil }})
	return final(apiARM, err)
}

// maxPage bounds the body of one page; ARM and Resource Graph send 16 MiB at most.
const maxPage = 64 << 20

// list reads all pages of one of ARM's lists.
func list[T any](ctx context.Context, s *Session, path string, keep func(*T, json.RawMessage)) ([]T, error) {
	next := s.config.Endpoints.ResourceManager + path + "?api-version=" + armVersion
	items := []T{}
	for seen := map[string]bool{}; next != ""; {
		if seen[next] {
			return nil, fault.New(fault.ExecutionFailed, apiARM+" sends the same page again and again", fault.From(fault.OriginAzure), fault.On(path))
		}
		seen[next] = true
		var page struct {
			Value    []json.RawMessage `json:"value"`
			NextLink string            `json:"nextLink"`
		}
		c := call{api: apiARM, limiter: s.arm, method: http.MethodGet, url: next, read: func(r io.Reader) error {
			page.Value, page.NextLink = nil, ""
			content, err := io.ReadAll(io.LimitReader(r, maxPage))
			if err == nil {
				err = json.Unmarshal(content, &page)
			}
			return err
		}}
		if err := s.do(ctx, &c); err != nil {
			return nil, final(apiARM, err)
		}
		for _, raw := range page.Value {
			var item T
			if err := json.Unmarshal(raw, &item); err != nil {
				return nil, fault.New(fault.ExecutionFailed, apiARM+" answers in an unknown form", fault.From(fault.OriginAzure), fault.On(path), fault.Because(err))
			}
			if keep != nil {
				keep(&item, raw)
			}
			items = append(items, item)
		}
		var err error
		if next, err = s.follow(page.NextLink); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// follow checks that a link to the next page stays with Resource Manager, for the token goes with it.
func (s *Session) follow(link string) (string, error) {
	if link == "" {
		return "", nil
	}
	u, err := url.Parse(link)
	if own, _ := url.Parse(s.config.Endpoints.ResourceManager); err != nil || u.Scheme != own.Scheme || !strings.EqualFold(u.Host, own.Host) {
		return "", fault.New(fault.ExecutionFailed, fmt.Sprintf("%s links to a page elsewhere: %s", apiARM, oneLine(link)), fault.From(fault.OriginAzure))
	}
	return u.String(), nil
}

// final is the error of do for those outside this package.
func final(api string, err error) error {
	if f := (*failure)(nil); errors.As(err, &f) {
		return f.fault(api)
	}
	return err
}

func readSeekCloser(body []byte) io.ReadSeekCloser {
	return streaming.NopCloser(bytes.NewReader(body))
}
