package azuresim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	armruntime "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/google/go-cmp/cmp"
)

// customCloud is how the SDK is told of a cloud that it does not know.
func customCloud(server *Server) cloud.Configuration {
	return cloud.Configuration{
		ActiveDirectoryAuthorityHost: server.Env()["AZURE_AUTHORITY_HOST"],
		Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
			cloud.ResourceManager: {Endpoint: server.URL(), Audience: "https://management.azure.com"},
		},
	}
}

// TestAzureSDK signs in with azidentity, unmodified, and calls Resource Manager through azcore.
func TestAzureSDK(t *testing.T) {
	server := startServer(t, Config{})
	client := server.HTTPClient()
	options := policy.ClientOptions{Cloud: customCloud(server), Transport: client}
	for _, disabled := range []bool{true, false} { // the other way, discovery asks the public cloud's host
		t.Run(fmt.Sprintf("DisableInstanceDiscovery=%v", disabled), func(t *testing.T) {
			credential, err := azidentity.NewClientSecretCredential(server.Tenant().ID, server.ClientID(), server.ClientSecret(),
				&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: disabled})
			if err != nil {
				t.Fatal(err)
			}
			pipeline, err := armruntime.NewPipeline("test", "v0", credential, runtime.PipelineOptions{}, &arm.ClientOptions{ClientOptions: options})
			if err != nil {
				t.Fatal(err)
			}
			request, err := runtime.NewRequest(t.Context(), http.MethodGet, server.URL()+"/subscriptions?api-version=2022-12-01")
			if err != nil {
				t.Fatal(err)
			}
			response, err := pipeline.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			var list struct {
				Value []struct{ SubscriptionID string }
			}
			if err := runtime.UnmarshalAsJSON(response, &list); err != nil {
				t.Fatal(err)
			}
			if len(list.Value) != 4 {
				t.Errorf("%d subscriptions", len(list.Value))
			}
		})
	}
	t.Run("environment", func(t *testing.T) {
		for name, value := range server.Env() {
			t.Setenv(name, value)
		}
		credential, err := azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{
			ClientOptions: policy.ClientOptions{Transport: client}, DisableInstanceDiscovery: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}}); err != nil {
			t.Error(err)
		}
	})
	t.Run("wrong secret", func(t *testing.T) {
		credential, err := azidentity.NewClientSecretCredential(server.Tenant().ID, server.ClientID(), "wrong",
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
		var failed *azidentity.AuthenticationFailedError
		if !errors.As(err, &failed) || !strings.Contains(err.Error(), "AADSTS7000215") {
			t.Errorf("got %v", err)
		}
	})
}

// TestDeviceCode signs a user in who approves the code as soon as it is shown.
func TestDeviceCode(t *testing.T) {
	server := startServer(t, Config{})
	options := policy.ClientOptions{Cloud: customCloud(server), Transport: server.HTTPClient()}
	credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: options, TenantID: server.Tenant().ID, DisableInstanceDiscovery: true,
		UserPrompt: func(_ context.Context, message azidentity.DeviceCodeMessage) error {
			if !server.ApproveDevice(message.UserCode) {
				return errors.New("the code is not known")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://management.azure.com/.default"}})
	if err != nil {
		t.Fatal(err)
	}
	c := &caller{t: t, server: server, client: server.HTTPClient(), token: token.Token}
	if answer := c.get("/subscriptions?api-version=2022-12-01"); answer.status != http.StatusOK {
		t.Errorf("status %d: %s", answer.status, answer.body)
	}
	// the token in the cache is used up, and the refresh token gives another
	if _, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}}); err != nil {
		t.Error(err)
	}
	if n := server.Count(http.MethodPost, "/devicecode$"); n != 1 {
		t.Errorf("%d device codes asked for", n)
	}
}

func TestSignInFailures(t *testing.T) {
	c := &caller{t: t, server: startServer(t, Config{})}
	c.client = c.server.HTTPClient()
	id := c.server.Tenant().ID
	form := func(pairs ...string) url.Values {
		values := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.server.ClientID()}, "client_secret": {c.server.ClientSecret()}, "scope": {"https://management.azure.com/.default"}}
		for i := 0; i < len(pairs); i += 2 {
			if values.Del(pairs[i]); pairs[i+1] != "" {
				values.Set(pairs[i], pairs[i+1])
			}
		}
		return values
	}
	tests := map[string]struct {
		tenant string
		form   url.Values
		status int
		name   string
		code   float64
	}{
		"unknown tenant":      {"99999999-0000-4000-8000-000000000009", form(), 400, "invalid_tenant", 90002},
		"wrong secret":        {id, form("client_secret", "x"), 401, "invalid_client", 7000215},
		"no secret":           {id, form("client_secret", ""), 401, "invalid_client", 7000218},
		"no grant type":       {id, form("grant_type", ""), 400, "invalid_request", 900144},
		"other grant type":    {id, form("grant_type", "password"), 400, "unsupported_grant_type", 70003},
		"unknown application": {id, form("client_id", "99999999-0000-4000-8000-000000000009"), 400, "unauthorized_client", 700016},
		"unknown resource":    {id, form("scope", "https://nothing.example.com/.default"), 400, "invalid_resource", 500011},
		"no scope":            {id, form("scope", ""), 400, "invalid_resource", 500011},
		"bad assertion":       {id, form("client_secret", "", "client_assertion", "a.b.c"), 401, "invalid_client", 50027},
		"bad refresh token":   {id, form("grant_type", "refresh_token", "refresh_token", "x"), 400, "invalid_grant", 9002313},
		"unknown device code": {id, form("grant_type", "device_code", "device_code", "x"), 400, "invalid_grant", 70000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer := c.post("/"+test.tenant+"/oauth2/v2.0/token", test.form)
			if answer.status != test.status || answer.text("error") != test.name {
				t.Errorf("%d %s", answer.status, answer.body)
			}
			if codes := answer.list("error_codes"); len(codes) != 1 || codes[0] != test.code {
				t.Errorf("codes %v", codes)
			}
			form := regexp.MustCompile(`^AADSTS\d+: .+ Trace ID: \S+ Correlation ID: \S+ Timestamp: \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$`)
			if text := answer.text("error_description"); !form.MatchString(text) {
				t.Errorf("description %q", text)
			}
		})
	}
}

func TestClientAssertionSignsIn(t *testing.T) {
	c := start(t, Config{})
	assertion := encode([]byte(`{"alg":"RS256"}`)) + "." + encode(fmt.Appendf(nil, `{"sub":%q}`, c.server.ClientID())) + ".c2ln"
	answer := c.post("/"+c.server.Tenant().ID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {c.server.ClientID()}, "scope": {"https://management.core.windows.net//.default"},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})
	if answer.status != http.StatusOK {
		t.Fatalf("status %d: %s", answer.status, answer.body)
	}
	c.token = answer.text("access_token")
	if answer := c.get("/subscriptions?api-version=2022-12-01"); answer.status != http.StatusOK {
		t.Errorf("status %d: %s", answer.status, answer.body)
	}
}

// TestTokensAreChecked calls Resource Manager with what is no good token.
func TestTokensAreChecked(t *testing.T) {
	clock := newClock()
	c := start(t, Config{Now: clock.Now, TokenLifetime: time.Minute})
	good := c.token
	forge := func(change func(*claims)) string {
		parsed, err := c.server.tokens.verify(good)
		if err != nil {
			t.Fatal(err)
		}
		change(parsed)
		token, err := c.server.tokens.sign(*parsed, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	wrongTenant := forge(func(c *claims) { c.TenantID, c.Issuer = "other", "https://sts.windows.net/other/" })
	wrongAudience := forge(func(c *claims) { c.Audience = "https://graph.microsoft.com" })
	tests := []struct {
		name, token, code, challenge string
		wait                         time.Duration
	}{
		{"good", good, "", "", 0},
		{"none", "", "AuthenticationFailed", "missing 'Authorization' header", 0},
		{"no token", "abc", "InvalidAuthenticationToken", "invalid_token", 0},
		{"unsigned", good[:strings.LastIndexByte(good, '.')] + ".", "InvalidAuthenticationToken", "invalid_token", 0},
		{"another's signature", good[:strings.LastIndexByte(good, '.')] + "." + encode(make([]byte, 64)), "InvalidAuthenticationToken", "invalid_token", 0},
		{"wrong tenant", wrongTenant, "InvalidAuthenticationTokenTenant", "wrong issuer", 0},
		{"wrong audience", wrongAudience, "InvalidAuthenticationTokenAudience", "wrong audience", 0},
		{"expired", good, "ExpiredAuthenticationToken", "invalid_token", time.Minute},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			clock.advance(test.wait)
			c.t, c.token = t, test.token
			answer := c.get("/subscriptions?api-version=2022-12-01")
			if test.code == "" {
				if answer.status != http.StatusOK {
					t.Errorf("status %d: %s", answer.status, answer.body)
				}
				return
			}
			if answer.status != http.StatusUnauthorized || answer.text("error", "code") != test.code {
				t.Errorf("%d %s", answer.status, answer.body)
			}
			challenge := answer.header.Get("WWW-Authenticate")
			if !strings.HasPrefix(challenge, `Bearer authorization_uri="`+c.server.URL()+"/"+c.server.Tenant().ID+`"`) || !strings.Contains(challenge, test.challenge) {
				t.Errorf("challenge %q", challenge)
			}
		})
	}
}

func TestDiscoveryDocuments(t *testing.T) {
	c := &caller{t: t, server: startServer(t, Config{})}
	c.client = c.server.HTTPClient()
	id := c.server.Tenant().ID
	document := c.get("/" + id + "/v2.0/.well-known/openid-configuration")
	got := map[string]string{}
	for _, name := range []string{"issuer", "token_endpoint", "authorization_endpoint", "device_authorization_endpoint", "jwks_uri"} {
		got[name] = strings.TrimPrefix(document.text(name), c.server.URL())
	}
	want := map[string]string{
		"issuer": "/" + id + "/v2.0", "token_endpoint": "/" + id + "/oauth2/v2.0/token",
		"authorization_endpoint":        "/" + id + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint": "/" + id + "/oauth2/v2.0/devicecode", "jwks_uri": "/" + id + "/discovery/v2.0/keys",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	discovery := c.get("/common/discovery/instance?api-version=1.1&authorization_endpoint=" + url.QueryEscape("https://"+c.server.Address()+"/"+id+"/oauth2/v2.0/authorize"))
	if got := discovery.text("tenant_discovery_endpoint"); got != c.server.URL()+"/"+id+"/v2.0/.well-known/openid-configuration" {
		t.Errorf("tenant_discovery_endpoint %s", got)
	}
	if keys := c.get("/" + id + "/discovery/v2.0/keys").list("keys"); len(keys) != 1 {
		t.Errorf("keys %v", keys)
	}
	metadata := c.get("/metadata/endpoints?api-version=2022-09-01")
	if metadata.text("resourceManager") != c.server.URL() || metadata.text("authentication", "loginEndpoint") != c.server.URL() {
		t.Errorf("metadata %s", metadata.body)
	}
}

// TestMoreApplications: each is a principal of its own, with limits of its own.
func TestMoreApplications(t *testing.T) {
	const more = "bbbbbbbb-0000-4000-8000-000000000001"
	c := &caller{t: t, server: startServer(t, Config{MoreClientIDs: []string{more}})}
	c.client = c.server.HTTPClient()
	for _, id := range []string{c.server.ClientID(), more} {
		c.token = c.post("/"+c.server.Tenant().ID+"/oauth2/v2.0/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id},
			"client_secret": {c.server.ClientSecret()}, "scope": {"https://management.azure.com/.default"}}).text("access_token")
		if left := c.get("/subscriptions?api-version=2022-12-01").header.Get("x-ms-ratelimit-remaining-tenant-reads"); left != "249" {
			t.Errorf("%s: %q reads left", id, left)
		}
	}
}
