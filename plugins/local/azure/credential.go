package azure

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// credential gives tokens for one tenant. Of its sources the first that gives one is kept.
type credential struct {
	sources []source
	wire    *watched // what the sources call Microsoft Entra ID with

	mu     sync.Mutex
	chosen azcore.TokenCredential // nil until a source gave a token
	by     string                 // the name of the chosen source
	latest map[string]string      // the latest tokens, by their scopes; an empty one was refused, and a new one is needed
	keeps  bool                   // the chosen source gives the same token again, unless told otherwise
}

// source is one way to get a credential.
type source struct {
	name string
	// soft means that any failure lets the next source try. Otherwise only the failure to open does:
	// what is configured and refused is not passed over.
	soft bool
	// keeps means that what the SDK remembers is not forgotten by opening the source again: it is
	// there for the whole process, or a person would have to sign in again.
	keeps bool
	open  func(ctx context.Context) (azcore.TokenCredential, error)
}

// newCredential prepares the sources that config asks for; it calls nobody.
func newCredential(c *Config, tenant string, wire *watched) *credential {
	s := sources{config: c, tenant: tenant, client: policy.ClientOptions{
		Cloud: c.sdk(), Transport: wire,
		Telemetry: policy.TelemetryOptions{ApplicationID: c.UserAgent[:min(len(c.UserAgent), 24)]},
		Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: 500 * time.Millisecond, MaxRetryDelay: 5 * time.Second, TryTimeout: 30 * time.Second},
	}}
	client := source{name: "env", open: s.clientCredential}
	workload := source{name: "workload-identity", open: s.workload}
	cli := source{name: "az", open: s.azureCLI}
	known := map[Auth][]source{
		AuthEnv:               {client},
		AuthClientSecret:      {{name: "client-secret", open: s.clientCredential}},
		AuthClientCertificate: {{name: "client-certificate", open: s.clientCredential}},
		AuthWorkloadIdentity:  {workload},
		AuthCLI:               {cli},
		AuthManagedIdentity:   {{name: "managed-identity", keeps: true, open: s.managed}},
		AuthDeviceCode:        {{name: "device-code", keeps: true, open: s.deviceCode}},
		// As azidentity's DefaultAzureCredential, except that a login of the person at the terminal
		// comes before asking the machine for its identity, which takes time where it has none.
		AuthAuto: {client, workload, {name: "managed-identity", keeps: true, open: s.managedByEnvironment},
			{name: "az", soft: true, open: s.azureCLI}, {name: "azd", soft: true, open: s.azureDeveloperCLI},
			{name: "managed-identity of this machine", soft: true, keeps: true, open: s.managedByProbe}},
	}
	return &credential{sources: known[c.Auth], wire: wire}
}

// GetToken implements azcore.TokenCredential. Its errors are faults.
func (c *credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	scopes := strings.Join(o.Scopes, " ")
	if c.latest == nil {
		c.latest = map[string]string{}
	}
	if c.chosen != nil {
		if token, known := c.latest[scopes]; known && token == "" && c.keeps && o.Claims == "" {
			o.Claims = "{}" // asks for nothing, and passes over what is remembered
		}
		token, err := c.chosen.GetToken(ctx, o)
		if err != nil {
			return token, c.refused(ctx, c.by, err)
		}
		c.latest[scopes] = token.Token
		return token, nil
	}
	var tried []fault.Problem
	for _, s := range c.sources {
		opened, err := s.open(ctx)
		if err == nil {
			var token azcore.AccessToken
			if token, err = opened.GetToken(ctx, o); err == nil {
				c.chosen, c.by, c.latest[scopes], c.keeps = opened, s.name, token.Token, s.keeps
				return token, nil
			}
			if !s.soft || ctx.Err() != nil {
				return azcore.AccessToken{}, c.refused(ctx, s.name, err)
			}
		}
		tried = append(tried, fault.Problem{Key: s.name, Message: reason(err)})
	}
	return azcore.AccessToken{}, noCredential(tried)
}

// renew forgets a token that Azure refused, unless another one has replaced it since. It also forgets
// what the SDK keeps in memory, which would give the same token again: our clock may be wrong, or
// Azure may have revoked it.
func (c *credential) renew(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for scopes, latest := range c.latest {
		if latest != token {
			continue
		}
		c.latest[scopes] = ""
		if !c.keeps {
			c.chosen = nil
		}
	}
}

// source is the name of the source that gives the tokens; empty if none has given any.
func (c *credential) source() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by
}

// noCredential says what was tried, and the way out.
func noCredential(tried []fault.Problem) error {
	names := make([]string, len(tried))
	for i, t := range tried {
		names[i] = t.Key
	}
	return fault.New(fault.AzureAuthRequired, "there is no credential for Azure (tried "+strings.Join(names, ", ")+")",
		fault.From(fault.OriginBackend), fault.Problems(tried...),
		fault.Hint("run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"))
}

// sources open credentials for a tenant; without one, for the credential's own.
type sources struct {
	config *Config
	tenant string
	client policy.ClientOptions
}

// custom says that the authority is not one that Microsoft's instance discovery knows.
func (s sources) custom() bool { return s.config.Cloud == CloudCustom }

// clientCredential is an application's, by secret or certificate.
func (s sources) clientCredential(context.Context) (azcore.TokenCredential, error) {
	c := s.config
	switch {
	case c.ClientID == "":
		return nil, errors.New("AZURE_CLIENT_ID is not set, nor is client_id")
	case s.tenant == "":
		return nil, errors.New("AZURE_TENANT_ID is not set, nor is tenant_id")
	case !c.ClientSecret.IsZero() && c.Auth != AuthClientCertificate:
		return azidentity.NewClientSecretCredential(s.tenant, c.ClientID, c.ClientSecret.Reveal(), &azidentity.ClientSecretCredentialOptions{
			ClientOptions: s.client, DisableInstanceDiscovery: s.custom()})
	case c.ClientCertificateFile != "" && c.Auth != AuthClientSecret:
		content, err := os.ReadFile(c.ClientCertificateFile)
		if err != nil {
			return nil, err
		}
		certificates, key, err := certificate(content, c.ClientCertificatePassword.Reveal())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.ClientCertificateFile, err)
		}
		return azidentity.NewClientCertificateCredential(s.tenant, c.ClientID, certificates, key, &azidentity.ClientCertificateCredentialOptions{
			ClientOptions: s.client, DisableInstanceDiscovery: s.custom()})
	}
	return nil, errors.New("neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set, nor client_secret or client_certificate_file")
}

// certificate reads a certificate with its key and chain: PEM or PKCS#12. The latter not by the SDK,
// which knows only the ciphers of old that OpenSSL and Windows have stopped using.
func certificate(content []byte, password string) ([]*x509.Certificate, crypto.PrivateKey, error) {
	if bytes.Contains(content, []byte("-----BEGIN ")) {
		return azidentity.ParseCertificates(content, []byte(password))
	}
	key, own, chain, err := pkcs12.DecodeChain(content, password)
	return append([]*x509.Certificate{own}, chain...), key, err
}

func (s sources) workload(context.Context) (azcore.TokenCredential, error) {
	if s.config.getenv("AZURE_FEDERATED_TOKEN_FILE") == "" {
		return nil, errors.New("AZURE_FEDERATED_TOKEN_FILE is not set")
	}
	return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
		ClientOptions: s.client, ClientID: s.config.ClientID, TenantID: s.tenant,
		TokenFilePath:            s.config.getenv("AZURE_FEDERATED_TOKEN_FILE"),
		DisableInstanceDiscovery: s.custom()})
}

func (s sources) managed(context.Context) (azcore.TokenCredential, error) {
	o := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: s.client}
	if s.config.Auth == AuthManagedIdentity {
		o.Retry = policy.RetryOptions{} // the SDK's own, which outlasts an update of the metadata service
	}
	if s.config.ClientID != "" {
		o.ID = azidentity.ClientID(s.config.ClientID)
	}
	return azidentity.NewManagedIdentityCredential(o)
}

// managedByEnvironment is the identity of an App Service, a function, a container app or an Arc
// machine, which their environment announces.
func (s sources) managedByEnvironment(ctx context.Context) (azcore.TokenCredential, error) {
	for _, v := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT"} {
		if s.config.getenv(v) != "" {
			return s.managed(ctx)
		}
	}
	return nil, errors.New("neither IDENTITY_ENDPOINT, MSI_ENDPOINT nor IMDS_ENDPOINT is set")
}

// The address of a virtual machine's metadata service, and how long to wait for it where there is
// none. Where there is one, it answers within milliseconds.
const (
	metadataAddress = "169.254.169.254:80"
	metadataProbe   = 400 * time.Millisecond
)

// managedByProbe is the identity of an Azure virtual machine, if this is one.
func (s sources) managedByProbe(ctx context.Context) (azcore.TokenCredential, error) {
	probe, cancel := context.WithTimeout(ctx, metadataProbe)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(probe, "tcp", metadataAddress)
	if err != nil {
		return nil, errors.New("no metadata service answers: this is no Azure machine, or its metadata is blocked")
	}
	_ = conn.Close()
	return s.managed(ctx)
}

func (s sources) azureCLI(context.Context) (azcore.TokenCredential, error) {
	return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: s.tenant})
}

func (s sources) azureDeveloperCLI(context.Context) (azcore.TokenCredential, error) {
	return azidentity.NewAzureDeveloperCLICredential(&azidentity.AzureDeveloperCLICredentialOptions{TenantID: s.tenant})
}

// signInTime is how long Microsoft Entra ID waits for a person by default.
const signInTime = 15 * time.Minute

func (s sources) deviceCode(context.Context) (azcore.TokenCredential, error) {
	return azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: s.client, ClientID: s.config.ClientID, TenantID: s.tenant, DisableInstanceDiscovery: s.custom(),
		UserPrompt: func(ctx context.Context, m azidentity.DeviceCodeMessage) error {
			t := traceOf(ctx)
			if t.SignIn == nil {
				return errors.New("nobody is there to sign in")
			}
			t.SignIn(SignIn{URL: m.VerificationURL, Code: m.UserCode, ExpiresAt: time.Now().Add(signInTime)})
			return nil
		},
	})
}
