package azure

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// source is a source that answers as told.
func sourceOf(name string, soft bool, openErr, tokenErr error) source {
	return source{name: name, soft: soft, open: func(context.Context) (azcore.TokenCredential, error) { return failing{tokenErr}, openErr }}
}

type failing struct{ err error }

func (f failing) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t"}, f.err
}

func TestTheChain(t *testing.T) {
	unset, out := errors.New("AZURE_CLIENT_ID is not set"), errors.New("AzureCLICredential: Please run 'az login'\nto set up an account. To troubleshoot, visit https://aka.ms/azsdk")
	cases := map[string]struct {
		sources []source
		by      string
		tried   []fault.Problem
		code    fault.Code
	}{
		"the first that works": {[]source{sourceOf("env", false, unset, nil), sourceOf("az", true, nil, out), sourceOf("azd", true, nil, nil)}, "azd", nil, ""},
		"what is configured and refused ends it": {[]source{sourceOf("env", false, nil, errors.New("refused")), sourceOf("az", true, nil, nil)}, "",
			nil, fault.AzureAuthRequired},
		"none": {[]source{sourceOf("env", false, unset, nil), sourceOf("az", true, nil, out)}, "", []fault.Problem{
			{Key: "env", Message: "AZURE_CLIENT_ID is not set"}, {Key: "az", Message: "Please run 'az login' to set up an account"}}, fault.AzureAuthRequired},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			k := &credential{sources: c.sources, wire: &watched{}}
			_, err := k.GetToken(t.Context(), policy.TokenRequestOptions{})
			if fault.CodeOf(err) != c.code || k.source() != c.by {
				t.Fatalf("by %q: %v", k.source(), err)
			}
			if f := fault.As(err); f != nil {
				if d := cmp.Diff(c.tried, f.Problems); d != "" || f.Hint == "" {
					t.Errorf("tried (-want +got):\n%s", d)
				}
			}
		})
	}
}

// roundTrip answers requests of Microsoft Entra ID.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestEntraRefuses(t *testing.T) {
	refusal := func(status int, text string) roundTrip {
		return func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "openid-configuration") {
				return withRequest(r, respond(200, `{"authorization_endpoint":"https://login.example/t/a","token_endpoint":"https://login.example/t/t","issuer":"https://login.example/t/v2.0"}`, "Content-Type", "application/json")), nil
			}
			return withRequest(r, respond(status, text, "Content-Type", "application/json")), nil
		}
	}
	cases := map[string]struct {
		entra roundTrip
		want  fault.Code
		says  string
		hint  string
	}{
		"a wrong secret": {refusal(401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2 Timestamp: 3","correlation_id":"c-2"}`),
			fault.AzureAuthRequired, "AADSTS7000215: Invalid client secret provided (correlation id c-2)", "the secret is wrong"},
		"an expired one": {refusal(401, `{"error":"invalid_client","error_description":"AADSTS7000222: The provided client secret keys are expired."}`),
			fault.AzureAuthRequired, "AADSTS7000222", "expired"},
		"no such tenant": {refusal(400, `{"error":"invalid_request","error_description":"AADSTS90002: Tenant 'x' not found."}`),
			fault.InvalidArgument, "AADSTS90002", "tenant"},
		"something new": {refusal(400, `{"error":"invalid_grant","error_description":"AADSTS99999: New."}`),
			fault.AzureAuthRequired, "AADSTS99999", "az login"},
		"nobody there": {func(*http.Request) (*http.Response, error) { return nil, errors.New("dial tcp: connection refused") },
			fault.ServiceUnavailable, "connection refused", "network"},
		"a stranger's certificate": {func(*http.Request) (*http.Response, error) {
			return nil, &tls.CertificateVerificationError{Err: errors.New("signed by unknown authority")}
		}, fault.ServiceUnavailable, "unknown authority", "ca_file"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := Config{Auth: AuthClientSecret, TenantID: "contoso.example", ClientID: "app", ClientSecret: secret.New("hush-hush"),
				Endpoints: Endpoints{ResourceManager: "https://arm.example", AuthorityHost: "https://login.example"}, Getenv: func(string) string { return "" }}
			if problems := config.resolve(); problems != nil {
				t.Fatal(problems)
			}
			k := newCredential(&config, config.TenantID, &watched{client: &http.Client{Transport: c.entra}})
			_, err := k.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{config.scope()}})
			f := fault.As(err)
			if f == nil || f.Code != c.want || !strings.Contains(f.Error(), c.says) || !strings.Contains(f.Hint, c.hint) {
				t.Fatalf("fault = %+v", f)
			}
			if strings.Contains(f.Error(), "hush") || strings.ContainsAny(f.Message, "\n\r") || strings.Contains(f.Message, "Trace ID") {
				t.Errorf("message = %q", f.Message)
			}
		})
	}
}

func withRequest(r *http.Request, resp *http.Response) *http.Response {
	resp.Request = r
	resp.Body = io.NopCloser(resp.Body)
	return resp
}

// TestTheCLI runs a program named az that behaves as the CLI does.
func TestTheCLI(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("the stand-in for az is a shell script")
		return
	}
	cases := map[string]struct {
		script string
		want   fault.Code
		says   string
	}{
		"logged in":  {`echo '{"accessToken":"abc","expires_on":4102444800}'`, "", ""},
		"logged out": {`echo "ERROR: Please run 'az login' to setup account." >&2; exit 1`, fault.AzureAuthRequired, "Please run 'az login'"},
		"expired":    {`echo "ERROR: AADSTS700082: The refresh token has expired due to inactivity." >&2; exit 1`, fault.AzureAuthRequired, "AADSTS700082"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "az"), []byte("#!/bin/sh\n"+c.script+"\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			config := Config{Auth: AuthCLI, Getenv: func(string) string { return "" }}
			if problems := config.resolve(); problems != nil {
				t.Fatal(problems)
			}
			k := newCredential(&config, "", &watched{client: http.DefaultClient})
			_, err := k.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{config.scope()}})
			if fault.CodeOf(err) != c.want || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v", err)
			}
		})
	}
}
