package azure

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// entra is Microsoft Entra ID and the metadata services of machines. It gives a new token each time,
// and keeps what it was asked.
type entra struct {
	mu    sync.Mutex
	asked []string // host and path of each request for a token
	forms []url.Values
	given int
}

func (e *entra) RoundTrip(r *http.Request) (*http.Response, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	answer := func(body string, args ...any) (*http.Response, error) {
		return withRequest(r, respond(200, fmt.Sprintf(body, args...), "Content-Type", "application/json")), nil
	}
	of := "https://" + r.URL.Host + "/" + strings.Split(r.URL.Path, "/")[1]
	switch {
	case strings.HasSuffix(r.URL.Path, "/discovery/instance"):
		return answer(`{"tenant_discovery_endpoint":"%s/v2.0/.well-known/openid-configuration","api-version":"1.1","metadata":[`+
			`{"preferred_network":"login.microsoftonline.com","preferred_cache":"login.windows.net","aliases":["login.microsoftonline.com","login.windows.net"]},`+
			`{"preferred_network":"login.partner.microsoftonline.cn","preferred_cache":"login.partner.microsoftonline.cn","aliases":["login.partner.microsoftonline.cn","login.chinacloudapi.cn"]},`+
			`{"preferred_network":"login.microsoftonline.us","preferred_cache":"login.microsoftonline.us","aliases":["login.microsoftonline.us"]}]}`, of)
	case strings.HasSuffix(r.URL.Path, "openid-configuration"):
		return answer(`{"authorization_endpoint":"%[1]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token","issuer":"%[1]s/v2.0"}`, of)
	}
	form := r.URL.Query()
	if r.Body != nil {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if body, err := url.ParseQuery(string(content)); err == nil {
			for name, values := range body {
				form[name] = values
			}
		}
	}
	e.asked = append(e.asked, r.URL.Host+r.URL.Path)
	e.forms = append(e.forms, form)
	if r.URL.Host == "169.254.169.254" && r.Header.Get("Metadata") != "true" || strings.HasPrefix(r.URL.Path, "/msi") && r.Header.Get("X-Identity-Header") != "from-the-machine" {
		return withRequest(r, respond(400, `{"error":"invalid_request"}`, "Content-Type", "application/json")), nil
	}
	e.given++
	return answer(`{"access_token":"token-%p-%d","token_type":"Bearer","expires_in":"86400","expires_on":"4102444800","resource":"r"}`, e, e.given)
}

// certificateFiles are a certificate and its key as PEM, and as PKCS#12 with the password open-sesame,
// in today's form and in that of old.
func certificateFiles(t *testing.T) (pemFile, pfx, old string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotAfter: time.Now().Add(time.Hour)}
	raw, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	own, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rawKey})...)
	modern, err := pkcs12.Modern.Encode(key, own, nil, "open-sesame")
	if err != nil {
		t.Fatal(err)
	}
	legacy, err := pkcs12.LegacyRC2.Encode(key, own, nil, "open-sesame")
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "app.pem", string(text)), write(t, "app.pfx", string(modern)), write(t, "old.pfx", string(legacy))
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestKindsOfCredentials gets a token in each way and cloud, and once more after Azure has refused it.
func TestKindsOfCredentials(t *testing.T) {
	const tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
	pemFile, pfx, old := certificateFiles(t)
	federated := write(t, "token", "from-kubernetes")
	hosts := map[Cloud]string{CloudPublic: "login.microsoftonline.com", CloudUSGovernment: "login.microsoftonline.us", CloudChina: "login.chinacloudapi.cn"}
	audiences := map[Cloud]string{CloudPublic: "https://management.core.windows.net/", CloudUSGovernment: "https://management.core.usgovcloudapi.net/", CloudChina: "https://management.core.chinacloudapi.cn/"}
	own := "/" + tenant + "/oauth2/v2.0/token"
	kinds := map[string]struct {
		config Config
		env    map[string]string
		asked  string            // empty is the cloud's authority
		form   map[string]string // of the request; * is any value
		source string
	}{
		"a secret": {Config{Auth: AuthClientSecret, ClientID: "app", ClientSecret: secret.New("s")}, nil, "",
			map[string]string{"grant_type": "client_credentials", "client_id": "app", "client_secret": "s"}, "client-secret"},
		"a secret of the environment": {Config{Auth: AuthAuto}, map[string]string{"AZURE_CLIENT_ID": "app", "AZURE_CLIENT_SECRET": "s"}, "",
			map[string]string{"client_id": "app", "client_secret": "s"}, "env"},
		"a certificate in PEM": {Config{Auth: AuthClientCertificate, ClientID: "app", ClientCertificateFile: pemFile}, nil, "",
			map[string]string{"client_id": "app", "client_assertion": "*", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client-certificate"},
		"a certificate in PKCS#12": {Config{Auth: AuthClientCertificate, ClientID: "app", ClientCertificateFile: pfx, ClientCertificatePassword: secret.New("open-sesame")}, nil, "",
			map[string]string{"client_assertion": "*"}, "client-certificate"},
		"a certificate of the environment": {Config{Auth: AuthEnv}, map[string]string{"AZURE_CLIENT_ID": "app", "AZURE_CLIENT_CERTIFICATE_PATH": old, "AZURE_CLIENT_CERTIFICATE_PASSWORD": "open-sesame"}, "",
			map[string]string{"client_assertion": "*"}, "env"},
		"a workload": {Config{Auth: AuthWorkloadIdentity}, map[string]string{"AZURE_CLIENT_ID": "app", "AZURE_FEDERATED_TOKEN_FILE": federated}, "",
			map[string]string{"client_id": "app", "client_assertion": "from-kubernetes"}, "workload-identity"},
		"a workload, found": {Config{}, map[string]string{"AZURE_CLIENT_ID": "app", "AZURE_FEDERATED_TOKEN_FILE": federated}, "",
			map[string]string{"client_assertion": "from-kubernetes"}, "workload-identity"},
		"a virtual machine": {Config{Auth: AuthManagedIdentity}, nil, "169.254.169.254/metadata/identity/oauth2/token",
			map[string]string{"client_id": "", "resource": "*"}, "managed-identity"},
		"an identity assigned to it": {Config{Auth: AuthManagedIdentity, ClientID: "chosen"}, nil, "169.254.169.254/metadata/identity/oauth2/token",
			map[string]string{"client_id": "chosen", "resource": "*"}, "managed-identity"},
		"an app service": {Config{}, map[string]string{"IDENTITY_ENDPOINT": "http://127.0.0.1:1/msi/token", "IDENTITY_HEADER": "from-the-machine"}, "127.0.0.1:1/msi/token",
			map[string]string{"resource": "*"}, "managed-identity"},
		"a cloud shell": {Config{}, map[string]string{"MSI_ENDPOINT": "http://127.0.0.1:1/cloudshell/token"}, "127.0.0.1:1/cloudshell/token",
			map[string]string{"resource": "*"}, "managed-identity"},
	}
	for cloud, host := range hosts {
		for name, c := range kinds {
			t.Run(string(cloud)+", "+name, func(t *testing.T) {
				for _, v := range []string{"IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "IMDS_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST", "IDENTITY_SERVER_THUMBPRINT"} {
					t.Setenv(v, c.env[v]) // the SDK reads them itself
				}
				config := c.config
				config.Cloud, config.TenantID = cloud, tenant
				config.Getenv = func(name string) string { return c.env[name] }
				if problems := config.resolve(); problems != nil {
					t.Fatal(problems)
				}
				e := &entra{}
				k := newCredential(&config, tenant, &watched{client: &http.Client{Transport: e}})
				first, err := k.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{config.scope()}, EnableCAE: true})
				if err != nil {
					t.Fatal(err)
				}
				k.renew(first.Token)
				second, err := k.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{config.scope()}, EnableCAE: true})
				if err != nil || first.Token == second.Token || k.source() != c.source {
					t.Errorf("after renewal %q, before %q, by %s: %v", second.Token, first.Token, k.source(), err)
				}
				want := host + own
				if c.asked != "" {
					want = c.asked
				}
				if len(e.asked) == 1 && c.asked != "" { // the SDK keeps an identity's token as long as the process lives
					e.asked = append(e.asked, want)
				}
				if d := cmp.Diff([]string{want, want}, e.asked); d != "" {
					t.Fatalf("asked (-want +got):\n%s", d)
				}
				for field, value := range c.form {
					if got := e.forms[0].Get(field); got != value && (value != "*" || got == "") {
						t.Errorf("%s = %q", field, got)
					}
				}
				// Resource and scope name the cloud's own Resource Manager.
				asks := e.forms[0].Get("scope") + e.forms[0].Get("resource")
				if !strings.Contains(asks, audiences[cloud]) {
					t.Errorf("the token is for %q, want %s", asks, audiences[cloud])
				}
			})
		}
	}
}

func TestCertificatesThatCannotBeUsed(t *testing.T) {
	_, pfx, _ := certificateFiles(t)
	cases := map[string]struct{ file, password, says string }{
		"no file":          {filepath.Join(t.TempDir(), "none.pem"), "", "no such file"},
		"a wrong password": {pfx, "sesame", "app.pfx"},
		"no certificate":   {write(t, "x.pem", "hello"), "", "x.pem"},
	}
	for name, c := range cases {
		config := Config{Auth: AuthClientCertificate, TenantID: "contoso.example", ClientID: "app", ClientCertificateFile: c.file,
			ClientCertificatePassword: secret.New(c.password), Getenv: func(string) string { return "" }}
		if problems := config.resolve(); problems != nil {
			t.Fatal(problems)
		}
		_, err := newCredential(&config, config.TenantID, &watched{}).GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{config.scope()}})
		f := fault.As(err)
		if f == nil || f.Code != fault.AzureAuthRequired {
			t.Fatalf("%s: %v", name, err)
		}
		if said, _ := json.Marshal(f.Problems); !strings.Contains(string(said), c.says) || c.password != "" && strings.Contains(string(said), `"sesame`) {
			t.Errorf("%s: %s", name, said)
		}
	}
}
