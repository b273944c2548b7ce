package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// TestClasses holds Azure's own error bodies, as its documentation and bug reports show them, against
// what they mean.
func TestClasses(t *testing.T) {
	arm := func(code, message string) string {
		return fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message)
	}
	graph := func(code, message string) string {
		return fmt.Sprintf(`{"error":{"code":"BadRequest","message":"Please provide below info when asking for support: timestamp = 2026-05-13T08:49:27.0003638Z, correlationId = 3a991f94-a570-4f43-a031-d6d34c4138a2.","details":[{"code":%q,"message":%q}]}}`, code, message)
	}
	type class struct{ NotFound, Unsupported, NoResourceGraph, NoTable, TooLarge bool }
	cases := map[string]struct {
		status  int
		body    string
		ofARM   class
		ofGraph class
		code    fault.Code
	}{
		"a resource": {404, arm("ResourceNotFound", "The Resource 'Microsoft.Storage/storageAccounts/x' under resource group 'g' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"),
			class{NotFound: true}, class{NotFound: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"its parent": {404, arm("ParentResourceNotFound", "Failed to perform 'read' on resource(s) of type 'storageAccounts/blobServices', because the parent resource '/subscriptions/s/…/x' could not be found."),
			class{NotFound: true}, class{NotFound: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"its group":          {404, arm("ResourceGroupNotFound", "Resource group 'g' could not be found."), class{NotFound: true}, class{NotFound: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"its subscription":   {404, arm("SubscriptionNotFound", "The subscription 's' could not be found."), class{NotFound: true}, class{NotFound: true}, fault.ExecutionFailed},
		"something in Graph": {404, `{"error":{"code":"NotFound","message":"'/providers/Microsoft.Management/managementGroups/x' not found","details":null}}`, class{NotFound: true}, class{NotFound: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"nothing at all":     {204, "", class{NotFound: true}, class{NotFound: true}, fault.ExecutionFailed},
		"nothing but a page": {404, "<html>Not Found</html>", class{NotFound: true}, class{NotFound: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"a type": {404, arm("InvalidResourceType", "The resource type 'x' could not be found in the namespace 'Microsoft.Network' for api version '2024-01-01'. The supported api-versions are ''."),
			class{Unsupported: true}, class{Unsupported: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"a namespace": {404, arm("InvalidResourceNamespace", "The resource namespace 'Microsoft.ResourceGraph' is invalid."), class{Unsupported: true}, class{Unsupported: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"a version or region": {400, arm("NoRegisteredProviderFound", "No registered resource provider found for location 'local' and API version '2017-11-01' for type 'virtualNetworks'. The supported api-versions are '2014-12-01-preview, 2015-06-15'."),
			class{Unsupported: true}, class{Unsupported: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"a provider not registered": {409, arm("MissingSubscriptionRegistration", "The subscription is not registered to use namespace 'Microsoft.Cdn'. See https://aka.ms/rps-not-found for how to register subscriptions."),
			class{Unsupported: true}, class{Unsupported: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"diagnostic settings, without the envelope": {400, `{"code":"ResourceTypeNotSupported","message":"The resource type 'microsoft.network/networkwatchers' does not support diagnostic settings."}`,
			class{Unsupported: true}, class{Unsupported: true}, fault.ExecutionFailed},
		"files of a blob account": {400, arm("FeatureNotSupportedForAccount", "File is not supported for the account."), class{Unsupported: true}, class{Unsupported: true}, fault.ExecutionFailed},
		"groups of a small tier":  {400, arm("MethodNotAllowedInPricingTier", "Method not allowed in Consumption pricing tier"), class{Unsupported: true}, class{Unsupported: true}, fault.ExecutionFailed},
		"topics of a small tier":  {400, arm("MessagingGatewayBadRequest", "SubCode=40000. Topics are not supported in the 'Basic' tier."), class{Unsupported: true}, class{}, fault.ExecutionFailed},
		"another conflict":        {409, arm("Conflict", "The namespace is being updated and does not support this now."), class{}, class{}, fault.ExecutionFailed},
		"another refusal":         {400, arm("BadRequest", "The tier of the request is malformed."), class{}, class{}, fault.ExecutionFailed},
		"a list that cannot be":   {405, arm("MethodNotAllowed", "The requested resource does not support http method 'GET'."), class{Unsupported: true}, class{Unsupported: true, NoResourceGraph: true}, fault.ExecutionFailed},
		"a table":                 {400, graph("DisallowedLogicalTableName", "Table appserviceresources is invalid, unsupported or disallowed."), class{}, class{NoTable: true}, fault.ExecutionFailed},
		"a bad query":             {400, graph("InvalidQuery", "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error before retrying."), class{}, class{}, fault.ExecutionFailed},
		"a large answer":          {400, graph("ResponsePayloadTooLarge", "Response payload size is 94330584, and has exceeded the limit of 16777216."), class{TooLarge: true}, class{TooLarge: true}, fault.ExecutionFailed},
		"a lack of rights":        {403, arm("AuthorizationFailed", "The client 'c' with object id 'o' does not have authorization to perform action 'x' over scope 'y' or the scope is invalid."), class{}, class{}, fault.AzureForbidden},
		"throttling":              {429, arm("TooManyRequests", "The request is being throttled"), class{}, class{}, fault.Throttled},
		"an outage":               {503, arm("ServerTimeout", "The request timed out."), class{}, class{}, fault.ServiceUnavailable},
	}
	classOf := func(err error) class {
		return class{IsNotFound(err), IsUnsupported(err), IsNoResourceGraph(err), IsNoTable(err), IsTooLarge(err)}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			resp := func(*http.Request) (*http.Response, error) {
				return respond(c.status, c.body, "Retry-After", "3600"), nil
			}
			_, err := read(t.Context(), sessionWith(t, Config{}, resp), Query{KQL: "resources | project id", Limit: 1})
			if d := cmp.Diff(c.ofGraph, classOf(err)); d != "" || fault.CodeOf(err) != c.code {
				t.Errorf("Resource Graph: %v (-want +got):\n%s", err, d)
			}
			err = get(t.Context(), sessionWith(t, Config{}, resp), "/subscriptions/s/resourceGroups")
			if d := cmp.Diff(c.ofARM, classOf(err)); d != "" || fault.CodeOf(err) != c.code {
				t.Errorf("Resource Manager: %v (-want +got):\n%s", err, d)
			}
			// The class survives wrapping, as a fault or as any error.
			if d := cmp.Diff(c.ofARM, classOf(fmt.Errorf("reading: %w", err))); d != "" || classOf(fault.As(err)) != c.ofARM {
				t.Errorf("wrapped (-want +got):\n%s", d)
			}
		})
	}
	for _, err := range []error{nil, context.Canceled, errors.New("x"), (*fault.Fault)(nil), fault.New(fault.Internal, "x")} {
		if classOf(err) != (class{}) {
			t.Errorf("%v is %+v", err, classOf(err))
		}
	}
}

func TestATooLargeRowIsNamed(t *testing.T) {
	s := sessionWith(t, Config{}, numbered(t, 3, func(i int) int { return i * mostBytes }, new([]int64)))
	ids, err := read(t.Context(), s, Query{KQL: "resources | where type == 'x'\n| project id, properties | order by id asc"})
	const says = "one row of `resources | where type == 'x' | project id, properties | order by id asc` is larger than the 1 MiB"
	if f := fault.As(err); !IsTooLarge(err) || f.Message[:len(says)] != says || !cmp.Equal(ids, []string{"0"}) {
		t.Errorf("after the rows %v: %v", ids, err)
	}
}

// TestTheSizeOfRowsIsRemembered asks a table of large rows twice.
func TestTheSizeOfRowsIsRemembered(t *testing.T) {
	var tops []int64
	s := sessionWith(t, Config{}, numbered(t, 400, func(int) int { return 6250 }, &tops))
	for range 2 {
		tops = nil
		if ids, err := read(t.Context(), s, Query{KQL: "policyresources | order by id asc"}); err != nil || len(ids) != 400 {
			t.Fatal(len(ids), err)
		}
	}
	if d := cmp.Diff([]int64{124, 124, 124, 124}, tops); d != "" {
		t.Errorf("the second time (-want +got):\n%s", d)
	}
}
