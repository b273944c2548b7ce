package azuresim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/template/expression"
)

// Entra ID's endpoints: discovery, keys, tokens, device codes.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow

// principal is who a token speaks for.
type principal struct{ objectID, appID, name, userName string }

const (
	servicePrincipalObject = "b1d2e3f4-0000-4000-8000-00000000b001"
	userObject             = "b1d2e3f4-0000-4000-8000-00000000b002"
)

// serveEntra answers paths whose first segment is a tenant.
func (s *Server) serveEntra(w http.ResponseWriter, r *http.Request, tenantName string, path string) {
	if !s.knowsTenant(tenantName) {
		s.entraFailure(w, r, http.StatusBadRequest, "invalid_tenant", 90002, fmt.Sprintf(
			"Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.", tenantName))
		return
	}
	switch strings.ToLower(path) {
	case "v2.0/.well-known/openid-configuration":
		writeJSON(w, http.StatusOK, s.openIDConfiguration(tenantName))
	case "discovery/instance":
		writeJSON(w, http.StatusOK, s.instanceDiscovery(r))
	case "discovery/v2.0/keys":
		keys, err := s.tokens.keys()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, http.StatusOK, keys)
	case "oauth2/v2.0/token":
		s.serveToken(w, r)
	case "oauth2/v2.0/devicecode":
		s.serveDeviceCode(w, r)
	case "oauth2/deviceauth":
		s.serveDeviceApproval(w, r)
	default:
		http.NotFound(w, r)
	}
}

// knowsTenant takes the tenant's id, its domain, and the names that stand for any tenant.
func (s *Server) knowsTenant(name string) bool {
	t := s.Tenant()
	name = strings.ToLower(name)
	return slices.Contains([]string{strings.ToLower(t.ID), strings.ToLower(t.Domain), "common", "organizations"}, name)
}

func (s *Server) openIDConfiguration(tenantName string) map[string]any {
	base := s.URL() + "/" + tenantName
	return map[string]any{
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"response_modes_supported":              []string{"query", "fragment", "form_post"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"issuer":                                s.URL() + "/" + s.Tenant().ID + "/v2.0",
		"request_uri_parameter_supported":       false,
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"device_authorization_endpoint":         base + "/oauth2/v2.0/devicecode",
		"http_logout_supported":                 true,
		"tenant_region_scope":                   "EU",
		"cloud_instance_name":                   s.Address(),
		"cloud_graph_host_name":                 s.Address(),
		"msgraph_host":                          s.Address(),
	}
}

func (s *Server) instanceDiscovery(r *http.Request) map[string]any {
	host := s.Address()
	tenantName := s.Tenant().ID
	if rest, ok := strings.CutPrefix(r.URL.Query().Get("authorization_endpoint"), "https://"); ok {
		if parts := strings.SplitN(rest, "/", 3); len(parts) == 3 {
			tenantName = parts[1]
		}
	}
	return map[string]any{
		"tenant_discovery_endpoint": s.URL() + "/" + tenantName + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []any{map[string]any{
			"preferred_network": host, "preferred_cache": host, "aliases": []string{host},
		}},
	}
}

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		s.entraFailure(w, r, http.StatusBadRequest, "invalid_request", 900561, "The endpoint only accepts POST requests.")
		return
	}
	if clientID := r.PostForm.Get("client_id"); clientID == "" {
		s.missingParameter(w, r, "client_id")
		return
	} else if !s.isApplication(clientID) && !isPublicClient(clientID) {
		s.entraFailure(w, r, http.StatusBadRequest, "unauthorized_client", 700016, fmt.Sprintf(
			"Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", clientID, s.Tenant().Name))
		return
	}
	switch grant := r.PostForm.Get("grant_type"); grant {
	case "":
		s.missingParameter(w, r, "grant_type")
	case "client_credentials":
		s.grantClient(w, r)
	case "refresh_token":
		s.grantRefresh(w, r)
	case "device_code", "urn:ietf:params:oauth:grant-type:device_code":
		s.grantDevice(w, r)
	default:
		s.entraFailure(w, r, http.StatusBadRequest, "unsupported_grant_type", 70003,
			fmt.Sprintf("The app requested an unsupported grant type '%s'.", grant))
	}
}

func (s *Server) missingParameter(w http.ResponseWriter, r *http.Request, name string) {
	s.entraFailure(w, r, http.StatusBadRequest, "invalid_request", 900144,
		fmt.Sprintf("The request body must contain the following parameter: '%s'.", name))
}

// grantClient signs in an application with its secret, or with an assertion, whose signature is
// taken on trust because the simulator registers no certificates.
func (s *Server) grantClient(w http.ResponseWriter, r *http.Request) {
	clientID, secret, assertion := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), r.PostForm.Get("client_assertion")
	switch {
	case secret == "" && assertion == "":
		s.entraFailure(w, r, http.StatusUnauthorized, "invalid_client", 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
		return
	case secret != "" && secret != s.config.ClientSecret:
		s.entraFailure(w, r, http.StatusUnauthorized, "invalid_client", 7000215, fmt.Sprintf(
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", clientID))
		return
	case assertion != "" && !isAssertionOf(assertion, clientID):
		s.entraFailure(w, r, http.StatusUnauthorized, "invalid_client", 50027, "JWT token is invalid or malformed.")
		return
	}
	s.grant(w, r, principal{objectID: s.objectOf(clientID), appID: clientID})
}

// isApplication says that an application may sign in with the secret.
func (s *Server) isApplication(clientID string) bool {
	return clientID == s.config.ClientID || slices.Contains(s.config.MoreClientIDs, clientID)
}

// objectOf is the object id of an application's service principal in the tenant.
func (s *Server) objectOf(clientID string) string {
	if clientID == s.config.ClientID {
		return servicePrincipalObject
	}
	return expression.GUID("application", clientID)
}

// isAssertionOf says that the assertion is a JWT whose subject is the client.
func isAssertionOf(assertion, clientID string) bool {
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		return false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var c struct {
		Subject string `json:"sub"`
	}
	return json.Unmarshal(raw, &c) == nil && c.Subject == clientID
}

// grant answers with an access token for the scopes asked for, and for a user with the tokens
// that let the client remember them.
func (s *Server) grant(w http.ResponseWriter, r *http.Request, who principal) {
	audience, ok := s.audienceOf(r.PostForm.Get("scope"))
	if !ok {
		s.entraFailure(w, r, http.StatusBadRequest, "invalid_resource", 500011, fmt.Sprintf(
			"The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.", audience, s.Tenant().Name))
		return
	}
	c := claims{
		Audience: audience,
		Issuer:   "https://sts.windows.net/" + s.Tenant().ID + "/",
		AppID:    who.appID, ObjectID: who.objectID, Subject: who.objectID,
		TenantID: s.Tenant().ID, Type: "app", Version: "1.0",
	}
	if who.userName != "" {
		c.Type, c.Name, c.UserName = "user", who.name, who.userName
	}
	lifetime := s.tokenLifetime()
	token, err := s.tokens.sign(c, lifetime)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	seconds := int(lifetime / time.Second)
	answer := map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token,
	}
	if who.userName != "" {
		s.addUserTokens(answer, r, c)
	}
	w.Header().Set("Cache-Control", "no-store, no-cache")
	writeJSON(w, http.StatusOK, answer)
}

// serviceAudiences are the resources that tokens can be had for besides Resource Manager.
var serviceAudiences = []string{
	"https://graph.microsoft.com", "https://graph.windows.net", "https://vault.azure.net",
	"https://storage.azure.com", "https://database.windows.net",
}

// armAudiences are Resource Manager's own names; the simulator's address is one too.
var armAudiences = []string{"https://management.azure.com", "https://management.core.windows.net"}

// audienceOf is the resource among the scopes, as the token names it.
func (s *Server) audienceOf(scopes string) (audience string, known bool) {
	for scope := range strings.FieldsSeq(scopes) {
		if !strings.HasPrefix(scope, "https://") {
			continue // openid, profile, offline_access
		}
		audience = strings.TrimSuffix(scope, "/.default")
		if audience == scope {
			audience = scope[:strings.LastIndexByte(scope, '/')]
		}
		name := strings.TrimSuffix(audience, "/")
		return audience, s.isARMAudience(name) || slices.Contains(serviceAudiences, name)
	}
	return scopes, false
}

func (s *Server) isARMAudience(audience string) bool {
	audience = strings.TrimSuffix(audience, "/")
	return slices.Contains(armAudiences, audience) || audience == s.URL()
}

// entraFailure answers with the error body of Microsoft's sign-in.
func (s *Server) entraFailure(w http.ResponseWriter, r *http.Request, status int, name string, code int, message string) {
	trace := newGUID()
	correlation := r.Header.Get("client-request-id")
	if correlation == "" {
		correlation = newGUID()
	}
	timestamp := s.config.Now().UTC().Format("2006-01-02 15:04:05Z")
	writeJSON(w, status, map[string]any{
		"error": name,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			code, message, trace, correlation, timestamp),
		"error_codes": []int{code}, "timestamp": timestamp,
		"trace_id": trace, "correlation_id": correlation,
		"error_uri": fmt.Sprintf("%s/error?code=%d", s.URL(), code),
	})
}
