package azure

import (
	"errors"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Azure's codes of things that do not exist.
var codesNotFound = []string{"ResourceNotFound", "ParentResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound",
	"NotFound", "EntityNotFound"}

// Azure's codes of what a type, a resource of it, or a subscription does not have or know.
var codesUnsupported = []string{"ResourceTypeNotSupported", "FeatureNotSupportedForAccount", "FeatureNotSupported",
	"MissingSubscriptionRegistration", "SubscriptionNotRegistered", "NoRegisteredProviderFound", "InvalidResourceType",
	"InvalidResourceNamespace", "UnsupportedResourceOperation", "OperationNotSupported", "MethodNotAllowed", "HttpMethodNotAllowed",
	"MethodNotAllowedInPricingTier"}

// Providers without a code for it say in their messages that a resource's tier does not have what was asked for:
// "Topics are not supported in the 'Basic' tier."
var (
	saysNot  = expression(`(?i)(not|n't) (be )?(supported|available|allowed|enabled)|(not|n't) support|only (supported|available|allowed)|unsupported`)
	saysTier = expression(`(?i)\b(tiers?|skus?)\b`)
)

// Azure's codes where no provider Microsoft.ResourceGraph exists.
var codesNoResourceGraph = []string{"InvalidResourceNamespace", "InvalidResourceType", "NoRegisteredProviderFound",
	"MissingSubscriptionRegistration", "DisallowedProvider"}

// IsNotFound says that Azure has no such thing: a resource, its parent, its group or its subscription.
func IsNotFound(err error) bool {
	f := failureOf(err)
	return f != nil && (f.has(codesNotFound...) || f.status == http.StatusNoContent ||
		f.status == http.StatusNotFound && !f.has(codesUnsupported...))
}

// IsUnsupported says that a type, or this resource of it, does not have what was asked for, or that
// the subscription does not know the type. To ask again would not help.
func IsUnsupported(err error) bool {
	f := failureOf(err)
	return f != nil && (f.has(codesUnsupported...) || f.status == http.StatusMethodNotAllowed || f.ofTier())
}

// ofTier says that the failure is of the tier that a resource has.
func (f *failure) ofTier() bool {
	return (f.status == http.StatusBadRequest || f.status == http.StatusConflict) && !f.ofGraph() &&
		saysNot().MatchString(f.message) && saysTier().MatchString(f.message)
}

// IsNoResourceGraph says that this cloud has no Resource Graph.
func IsNoResourceGraph(err error) bool {
	f := failureOf(err)
	return f != nil && f.ofGraph() && (f.has(codesNoResourceGraph...) ||
		f.status == http.StatusNotFound && !f.has("SubscriptionNotFound") || f.status == http.StatusMethodNotAllowed)
}

// IsNoTable says that Resource Graph does not know, in this cloud, the table that was asked.
func IsNoTable(err error) bool {
	f := failureOf(err)
	return f != nil && f.ofGraph() && f.status == http.StatusBadRequest &&
		(f.has("DisallowedLogicalTableName") || strings.Contains(f.message, "does not refer to any known table"))
}

// IsTooLarge says that a single row is larger than what Resource Graph can send.
func IsTooLarge(err error) bool {
	f := failureOf(err)
	return f != nil && f.has(payloadTooLarge)
}

// failureOf is the failure behind an error of this package; nil is none.
func failureOf(err error) *failure {
	f := (*failure)(nil)
	if known, ok := err.(*fault.Fault); ok && known == nil { //nolint:errorlint // a nil fault has no chain
		return nil
	}
	errors.As(err, &f)
	return f
}

func (f *failure) ofGraph() bool { return f.call != nil && f.call.api == apiResourceGraph }
