// Package azure talks to Azure, and is the only one that does: clouds, credentials, throttling,
// retries, paging, and Microsoft's errors as faults.
package azure

import (
	"fmt"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/secret"
)

// Auth is how to get a credential.
type Auth string

// The ways.
const (
	AuthAuto              Auth = "auto"               // the first that works: env, workload-identity, az, azd, managed-identity
	AuthEnv               Auth = "env"                // AZURE_CLIENT_ID with AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH
	AuthCLI               Auth = "cli"                // whoever is logged in with the Azure CLI
	AuthClientSecret      Auth = "client-secret"      // the settings' client_id and client_secret
	AuthClientCertificate Auth = "client-certificate" // the settings' client_id and client_certificate_file
	AuthManagedIdentity   Auth = "managed-identity"   // of the machine; client_id chooses a user-assigned one
	AuthWorkloadIdentity  Auth = "workload-identity"  // of a Kubernetes pod
	AuthDeviceCode        Auth = "device-code"        // a person signs in with a browser elsewhere
)

// Auths are all of them.
func Auths() []Auth {
	return []Auth{AuthAuto, AuthEnv, AuthCLI, AuthClientSecret, AuthClientCertificate, AuthManagedIdentity, AuthWorkloadIdentity, AuthDeviceCode}
}

// Config says which Azure to talk to, as whom, and how hard. What it leaves open comes from the
// environment: Azure's own AZURE_* variables. ATG_AZURE_* variables stand above it.
type Config struct {
	Cloud     Cloud     // empty is public, or custom if there are endpoints
	Endpoints Endpoints // of a custom cloud

	Auth                      Auth   // empty is auto
	TenantID                  string // an id or a domain
	ClientID                  string
	ClientSecret              secret.String
	ClientCertificateFile     string // PEM or PKCS#12 with the private key
	ClientCertificatePassword secret.String

	CAFile    string        // PEM; trusted beside the system's authorities
	MaxRPS    float64       // requests a second to each API; 0 is no limit of our own
	Patience  time.Duration // how long one call may wait for a throttled or failing Azure; 0 is 5 minutes
	UserAgent string        // as atg/v1.2.3

	Getenv func(string) string // nil is os.Getenv
}

// DefaultPatience is how long one call waits for Azure by default.
const DefaultPatience = 5 * time.Minute

func (c *Config) getenv(name string) string {
	if c.Getenv != nil {
		return c.Getenv(name)
	}
	return os.Getenv(name)
}

// resolve completes the configuration from the environment, and answers everything wrong with it.
func (c *Config) resolve() []fault.Problem {
	problems := c.resolveCloud()
	if c.Auth == "" {
		c.Auth = AuthAuto
	}
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.UserAgent == "" {
		c.UserAgent = "atg"
	}
	if c.Auth == AuthEnv {
		c.ClientID, c.ClientSecret, c.ClientCertificateFile = "", secret.String{}, ""
	}
	for _, v := range []struct {
		variable string
		value    *string
	}{{"AZURE_TENANT_ID", &c.TenantID}, {"AZURE_CLIENT_ID", &c.ClientID}} {
		if *v.value == "" {
			*v.value = c.getenv(v.variable)
		}
	}
	if c.ClientSecret.IsZero() && c.ClientCertificateFile == "" {
		c.ClientSecret = secret.New(c.getenv("AZURE_CLIENT_SECRET"))
		c.ClientCertificateFile = c.getenv("AZURE_CLIENT_CERTIFICATE_PATH")
		c.ClientCertificatePassword = secret.New(c.getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD"))
	}
	if c.TenantID != "" && !ValidTenant(c.TenantID) {
		problems = append(problems, fault.Problem{Key: "tenant_id", Message: fmt.Sprintf("%q is no tenant", c.TenantID), Hint: tenantForms})
	}
	return problems
}

const tenantForms = "an id like 72f988bf-86f1-41af-91ab-2d7cd011db47, or a domain like contoso.onmicrosoft.com"

var (
	guidForm   = expression(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	domainForm = expression(`^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]{0,61}[a-zA-Z0-9]$`)
)

// expression compiles a regular expression when it is first used: each command starts a backend, and most
// need none.
func expression(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// ValidTenant says whether text has the form of a tenant: a GUID or a domain.
func ValidTenant(text string) bool {
	return guidForm().MatchString(text) || len(text) <= 253 && domainForm().MatchString(text)
}

// CheckTenant is nil for a text of a tenant's form, else fault.InvalidArgument.
func CheckTenant(text string) error {
	if ValidTenant(text) {
		return nil
	}
	return fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no tenant id", text), fault.Hint("give %s", tenantForms))
}
