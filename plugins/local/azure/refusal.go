package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Microsoft Entra ID's numbers for what deserves an answer of its own; see its page on
// authentication error codes.
var refusals = map[string]struct {
	code fault.Code
	hint string
}{
	"AADSTS7000215": {fault.AzureAuthRequired, "the secret is wrong: give the secret's value, not its id, in AZURE_CLIENT_SECRET"},
	"AADSTS7000222": {fault.AzureAuthRequired, "the secret has expired: make a new one and set AZURE_CLIENT_SECRET"},
	"AADSTS700016":  {fault.AzureAuthRequired, "the tenant has no such application: check AZURE_CLIENT_ID and the tenant id"},
	"AADSTS90002":   {fault.InvalidArgument, "there is no such tenant: check the tenant id"},
	"AADSTS900021":  {fault.InvalidArgument, "there is no such tenant: check the tenant id"},
	"AADSTS900023":  {fault.InvalidArgument, "there is no such tenant: check the tenant id"},
	"AADSTS50020":   {fault.AzureAuthRequired, "the account does not belong to this tenant: choose another tenant or account"},
}

const (
	hintLogin    = "run `az login`, or check the AZURE_* variables"
	hintAgain    = "log in again: `az login`"
	hintReach    = "check the network, the proxy variables, and the cloud that is configured"
	hintTrust    = "if a private authority signed the certificate, name its file in the setting ca_file or in SSL_CERT_FILE"
	hintThrottle = "try again later, or raise the setting throttle_patience"
)

var (
	entraCode = expression(`AADSTS\d+`)
	entraTail = expression(`(?is)\s*(trace id|correlation id|timestamp):.*`)
	// What azidentity adds for readers of its own documentation.
	azidentityTail = expression(`(?s)\.?\s*To troubleshoot, visit.*`)
)

// refused is the fault behind the failure of a source of tokens.
func (c *credential) refused(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		return refusedByEntra(name, failed.RawResponse, err)
	}
	if wire := c.wire.failure(); wire != nil {
		return unreachable("Microsoft Entra ID", wire)
	}
	hint := hintLogin
	if entraCode().MatchString(err.Error()) { // the CLI's text of an expired or revoked login
		hint = hintAgain
	}
	return fault.New(fault.AzureAuthRequired, fmt.Sprintf("the credential of %s gives no token: %s", name, reason(err)),
		fault.From(fault.OriginAzure), fault.Hint("%s", hint))
}

func refusedByEntra(name string, resp *http.Response, cause error) error {
	var body struct {
		Code          string `json:"error"`
		Description   string `json:"error_description"`
		CorrelationID string `json:"correlation_id"`
	}
	content, _ := runtime.Payload(resp)
	if json.Unmarshal(content, &body) != nil || body.Code == "" {
		if resp.StatusCode >= 500 {
			return fault.New(fault.ServiceUnavailable, fmt.Sprintf("Microsoft Entra ID fails (HTTP %d)", resp.StatusCode),
				fault.From(fault.OriginAzure), fault.Retryable(), fault.Hint("try again later"))
		}
		body.Description = reason(cause)
	}
	code, hint := fault.AzureAuthRequired, hintLogin
	if r, ok := refusals[entraCode().FindString(body.Description)]; ok {
		code, hint = r.code, r.hint
	}
	text := oneLine(entraTail().ReplaceAllString(body.Description, ""))
	if body.CorrelationID != "" {
		text += fmt.Sprintf(" (correlation id %s)", oneLine(body.CorrelationID))
	}
	return fault.New(code, fmt.Sprintf("Microsoft Entra ID refuses the credential of %s: %s", name, text),
		fault.From(fault.OriginAzure), fault.Hint("%s", hint))
}

// reason is an error of the SDK in one line, without its advertisements.
func reason(err error) string {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) && failed.RawResponse != nil {
		return fmt.Sprintf("it was asked, and answered with HTTP %d", failed.RawResponse.StatusCode)
	}
	text := azidentityTail().ReplaceAllString(err.Error(), "")
	if _, after, found := strings.Cut(text, "Credential: "); found {
		text = after // the SDK's name of the source, which stands beside
	}
	return oneLine(text)
}

// unreachable is the fault of a connection that did not come about or broke.
func unreachable(what string, cause error) *fault.Fault {
	hint := hintReach
	if untrusted(cause) {
		hint = hintTrust
	}
	return fault.New(fault.ServiceUnavailable, what+" cannot be reached", fault.From(fault.OriginAzure),
		fault.Because(cause), fault.Hint("%s", hint), fault.Retryable())
}

// oneLine makes text from outside fit for a message: one line, nothing that a terminal obeys, and no
// essay.
func oneLine(text string) string {
	const limit = 600
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)), " ")
	text = strings.TrimSuffix(text, ".")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}
