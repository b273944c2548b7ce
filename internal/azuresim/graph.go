package azuresim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// Resource Graph's query call.
// https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources

const (
	// maxRows is the most that a page holds, and what it holds when the caller names no size.
	maxRows = 1000
	// maxTenantSubscriptions is how many subscriptions a query over a tenant covers.
	maxTenantSubscriptions = 10000
)

type graphRequest struct {
	Query            string          `json:"query"`
	Subscriptions    []string        `json:"subscriptions"`
	ManagementGroups []string        `json:"managementGroups"`
	Facets           json.RawMessage `json:"facets"`
	Options          struct {
		Top                *int    `json:"$top"`
		Skip               *int    `json:"$skip"`
		SkipToken          string  `json:"$skipToken"`
		ResultFormat       *string `json:"resultFormat"`
		AllowPartialScopes bool    `json:"allowPartialScopes"`
		ScopeFilter        string  `json:"authorizationScopeFilter"`
	} `json:"options"`
}

func (s *Server) serveGraph(w http.ResponseWriter, r *http.Request, c *claims) *armError {
	settings := s.settings.Load()
	remaining, reset, allowed := s.quota.take(c.ObjectID, settings.Quota, time.Duration(settings.QuotaWindow))
	if remaining >= 0 {
		w.Header().Set("x-ms-user-quota-remaining", strconv.Itoa(remaining))
		w.Header().Set("x-ms-user-quota-resets-after", clock(reset))
	}
	if !allowed {
		return s.rateLimited(w, reset)
	}
	body, err := drain(r)
	if err != nil {
		return s.graphFailure(w, http.StatusBadRequest, "BadRequest", detail("InvalidRequest", "The request body could not be read."))
	}
	var request graphRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return s.graphFailure(w, http.StatusBadRequest, "BadRequest", detail("InvalidRequestBody", "The request body is not valid JSON of a query request."))
	}
	page, failure := s.checkGraphRequest(w, &request)
	if failure != nil {
		return failure
	}
	scope, failure := s.graphScope(w, &request)
	if failure != nil {
		return failure
	}
	t := s.graphTenant()
	// A token belongs to what was asked for, a result to what may be seen of it.
	asked := digest([]string{request.Query, scope.Filter}, request.Subscriptions, request.ManagementGroups)
	if page.key != "" && page.key != asked {
		return s.graphFailure(w, http.StatusBadRequest, "BadRequest", detail("InvalidSkipToken", "The skip token does not belong to this query and these scopes."))
	}
	page.key = asked
	if table, lacks := s.lacksTable(request.Query); lacks {
		return s.graphFailure(w, http.StatusBadRequest, "BadRequest", detail(kql.CodeDisallowedTable,
			fmt.Sprintf("Table %s is invalid, unsupported or disallowed.", table)))
	}
	entry, err := s.queries.get(t, digest([]string{request.Query, scope.Filter, strconv.FormatBool(scope.Whole)}, scope.Subscriptions, scope.Groups), func() (*queryEntry, error) {
		return runQuery(t, request.Query, scope)
	})
	if err != nil {
		return s.queryFailure(w, err)
	}
	return s.writePage(w, r, &request, entry, page)
}

// lacksTable says whether a query reads a table that faults take away.
func (s *Server) lacksTable(source string) (table string, lacks bool) {
	if !s.faults.any() {
		return "", false
	}
	query, err := kql.Parse(source)
	if err != nil {
		return "", false
	}
	table = cmp.Or(query.Table, kql.DefaultTable)
	return table, s.faults.on("no table " + strings.ToLower(table))
}

func runQuery(t *tenant.Tenant, source string, scope tenant.Scope) (*queryEntry, error) {
	query, err := kql.Parse(source)
	if err != nil {
		return nil, err
	}
	result, err := query.Run(func(table string) (kql.View, bool) { return t.View(table, scope) })
	if err != nil {
		return nil, err
	}
	return &queryEntry{result: result, limited: query.Limited()}, nil
}

// checkGraphRequest validates the body and works out which rows it asks for.
func (s *Server) checkGraphRequest(w http.ResponseWriter, request *graphRequest) (page, *armError) {
	bad := func(code, format string, args ...any) (page, *armError) {
		return page{}, s.graphFailure(w, http.StatusBadRequest, "BadRequest", detail(code, fmt.Sprintf(format, args...)))
	}
	options := &request.Options
	// The specification of these versions makes objectArray the default, as the one before, and the
	// prose about it, did table.
	p := page{top: maxRows, objects: true}
	switch {
	case strings.TrimSpace(request.Query) == "":
		return bad("InvalidQuery", "Query must not be empty.")
	case request.Subscriptions != nil && request.ManagementGroups != nil:
		return bad("InvalidScope", "Subscriptions and ManagementGroups cannot be specified at the same time.")
	case options.ScopeFilter != "" && !slices.Contains(tenant.Filters, options.ScopeFilter):
		return bad("InvalidAuthorizationScopeFilter", "The value '%s' of authorizationScopeFilter is not supported.", options.ScopeFilter)
	case len(request.Facets) > 0 && !slices.Contains([]string{"null", "[]"}, string(request.Facets)):
		return bad("UnsupportedFacets", "Facets are not simulated.")
	}
	for _, id := range request.Subscriptions {
		if !guid.MatchString(id) {
			return bad("InvalidSubscriptionId", "The subscription id '%s' is not a valid GUID.", id)
		}
	}
	if format := options.ResultFormat; format != nil {
		switch strings.ToLower(*format) {
		case "objectarray":
		case "table":
			p.objects = false
		default:
			return bad("InvalidResultFormat", "The value '%s' of resultFormat is not supported.", *format)
		}
	}
	if options.SkipToken != "" {
		token, ok := parseSkipToken(options.SkipToken)
		if !ok {
			return bad("InvalidSkipToken", "The skip token is not valid.")
		}
		p.key, p.skip, p.top = token.key, token.offset, token.top
	}
	if options.Top != nil {
		if p.top = *options.Top; p.top < 1 || p.top > maxRows {
			return bad("InvalidTop", "The value '%d' of $top must lie between 1 and %d.", p.top, maxRows)
		}
	}
	if options.Skip != nil {
		if p.skip = *options.Skip; p.skip < 0 {
			return bad("InvalidSkip", "The value '%d' of $skip must not be negative.", p.skip)
		}
	}
	return p, nil
}

// graphScope is what the request may see: subscriptions that the caller cannot read are left out
// without a word, and only when none is left is the answer a refusal.
func (s *Server) graphScope(w http.ResponseWriter, request *graphRequest) (tenant.Scope, *armError) {
	t := s.graphTenant()
	scope := tenant.Scope{Filter: request.Options.ScopeFilter}
	var asked []string // ascending, without those that do not exist
	switch {
	case len(request.Subscriptions) > 0:
		for _, id := range request.Subscriptions {
			if subscription, ok := t.Subscription(id); ok {
				asked = append(asked, subscription.ID)
			}
		}
		slices.Sort(asked)
		asked = slices.Compact(asked)
	case len(request.ManagementGroups) > 0:
		for _, name := range request.ManagementGroups {
			if group, ok := t.ManagementGroup(name); ok {
				scope.Groups = append(scope.Groups, group.Name)
				asked = append(asked, t.Under(group.Name)...)
			}
		}
		if len(scope.Groups) == 0 {
			return scope, s.accessDenied(w)
		}
		slices.Sort(asked)
		asked = slices.Compact(asked)
	default:
		scope.Whole = true
		for i := range t.Subscriptions {
			asked = append(asked, t.Subscriptions[i].ID)
		}
	}
	if len(request.Subscriptions) == 0 && len(asked) > maxTenantSubscriptions {
		asked = asked[:maxTenantSubscriptions]
		w.Header().Set("x-ms-tenant-subscription-limit-hit", "true")
	}
	scope.Subscriptions = s.faults.graphSees(asked)
	if len(asked)+len(request.Subscriptions) > 0 && len(scope.Subscriptions) == 0 {
		return scope, s.accessDenied(w)
	}
	return scope, nil
}

func (s *Server) accessDenied(w http.ResponseWriter) *armError {
	return s.graphFailure(w, http.StatusForbidden, "AccessDenied",
		detail("AccessDenied", "Access is denied to the requested resource. The user might not have enough permission."))
}

// rateLimited is Resource Graph's own throttling, which names the wait in its quota header.
func (s *Server) rateLimited(w http.ResponseWriter, reset time.Duration) *armError {
	e := s.graphFailure(w, http.StatusTooManyRequests, "RateLimiting", detail("RateLimiting",
		"Client application has been throttled and should not attempt to repeat the request until an amount of time has elapsed. Please see https://aka.ms/resourcegraph-throttling for help."))
	e.retryAfter = max(1, int((reset+time.Second-1)/time.Second))
	return e
}

func detail(code, message string) map[string]any {
	return map[string]any{"code": code, "message": message}
}

// graphFailure is an error of Resource Graph: what went wrong stands in the details.
func (s *Server) graphFailure(w http.ResponseWriter, status int, code string, details ...map[string]any) *armError {
	e := newARMError(status, code, fmt.Sprintf(
		"Please provide below info when asking for support: timestamp = %s, correlationId = %s.",
		s.config.Now().UTC().Format("2006-01-02T15:04:05.0000000Z"), correlationID(w)))
	e.Details, e.provider = details, true
	return e
}

const invalidQuery = "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying."

func (s *Server) queryFailure(w http.ResponseWriter, err error) *armError {
	var failure *kql.Error
	if !errors.As(err, &failure) {
		return s.graphFailure(w, http.StatusInternalServerError, "InternalServerError", detail("InternalServerError", err.Error()))
	}
	cause := detail(failure.Code, failure.Message)
	if failure.Line != 0 {
		cause["line"], cause["token"] = failure.Line, failure.Token
		if failure.Column != 0 { // Azure leaves out a zero
			cause["characterPositionInLine"] = failure.Column
		}
		if failure.Expected != "" {
			cause["expectedToken"] = failure.Expected
		}
	}
	if failure.Code == kql.CodeDisallowedTable {
		return s.graphFailure(w, http.StatusBadRequest, "BadRequest", cause)
	}
	return s.graphFailure(w, http.StatusBadRequest, "BadRequest", detail("InvalidQuery", invalidQuery), cause)
}

// clock writes a duration as hh:mm:ss, rounded up.
func clock(d time.Duration) string {
	seconds := int((d + time.Second - 1) / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
