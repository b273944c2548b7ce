package azuresim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/msgraph"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// The version of Microsoft Graph that is served, and the names of its resource in tokens.
const graphVersion = "v1.0"

var msgraphAudiences = []string{"https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"}

// isMSGraphPath says whether the first segment of a path is a version of Microsoft Graph.
func isMSGraphPath(first string) bool { return first == graphVersion || first == "beta" }

func (s *Server) isMSGraphAudience(audience string) bool {
	audience = strings.TrimSuffix(audience, "/")
	return slices.Contains(msgraphAudiences, audience) || audience == s.URL()
}

// newMSGraph makes Microsoft Graph of the server's parts.
func (s *Server) newMSGraph() *msgraph.Service {
	return &msgraph.Service{
		Directory: s.Directory,
		Organization: func() msgraph.Organization {
			t := s.Tenant()
			return msgraph.Organization{ID: t.ID, Name: t.Name, Domain: t.Domain}
		},
		Settings: func() msgraph.Settings {
			settings := s.settings.Load()
			return msgraph.Settings{
				Permissions: settings.MSGraphPermissions, Limits: settings.MSGraphLimits, Units: settings.MSGraphUnits,
				Writes: settings.MSGraphWrites, Window: time.Duration(settings.MSGraphWindow), Lag: settings.directoryLag(),
			}
		},
		Now: s.config.Now, NewID: newGUID,
		Strike: func(method, path string, body []byte) (msgraph.Struck, bool) {
			for _, fault := range s.faults.strike(method, path, body) {
				if fault.Status > 0 {
					return struckBy(fault), true
				}
			}
			return msgraph.Struck{}, false
		},
	}
}

func struckBy(fault Fault) msgraph.Struck {
	return msgraph.Struck{Status: fault.Status, Code: fault.Code, Message: fault.Message, RetryAfter: fault.RetryAfter}
}

// serveMSGraph answers a call to Microsoft Graph.
func (s *Server) serveMSGraph(w http.ResponseWriter, r *http.Request, version string) {
	request := msgraphRequest(r)
	caller, refused := s.authenticateMSGraph(r)
	switch {
	case refused != nil:
		s.writeMSGraph(w, r, s.graph.Refuse(request, *refused))
		return
	case version != graphVersion:
		s.writeMSGraph(w, r, s.graph.Refuse(request, msgraph.Struck{Status: http.StatusBadRequest, Code: "BadRequest", Message: "Invalid version: " + version}))
		return
	}
	body, err := drain(r)
	if err != nil {
		return // the caller has gone
	}
	request.Body, request.Caller = body, msgraph.Caller{AppID: caller.AppID, ObjectID: caller.ObjectID, TenantID: caller.TenantID}
	s.writeMSGraph(w, r, s.graph.Answer(request))
}

func msgraphRequest(r *http.Request) *msgraph.Request {
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return &msgraph.Request{
		Method: r.Method, Base: "https://" + r.Host + "/" + graphVersion, Path: "/" + path, Query: r.URL.Query(), Header: r.Header,
	}
}

func (s *Server) writeMSGraph(w http.ResponseWriter, r *http.Request, a *msgraph.Answer) {
	header := w.Header()
	for name, values := range a.Header {
		header[name] = values
	}
	if a.Status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="", authorization_uri="`+s.URL()+`/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`)
	}
	if len(a.Body) == 0 {
		w.WriteHeader(a.Status)
		return
	}
	writeTyped(w, r, a.Status, a.Body)
}

// authenticateMSGraph checks the bearer token of a call to Microsoft Graph.
func (s *Server) authenticateMSGraph(r *http.Request) (*claims, *msgraph.Struck) {
	refuse := func(message string) (*claims, *msgraph.Struck) {
		return nil, &msgraph.Struck{Status: http.StatusUnauthorized, Code: "InvalidAuthenticationToken", Message: message}
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return refuse("Access token is empty.")
	}
	c, err := s.tokens.verify(strings.TrimSpace(token))
	switch {
	case err != nil:
		return refuse("CompactToken parsing failed with error code: 80049217")
	case !s.isMSGraphAudience(c.Audience):
		return refuse("Access token validation failure. Invalid audience.")
	case !s.config.Now().Before(c.expires()):
		return refuse("Lifetime validation failed, the token is expired.")
	case c.TenantID != s.Tenant().ID:
		return refuse("Access token validation failure. Invalid issuer.")
	}
	return c, nil
}

// Directory is the directory of the tenant that is served, with the service principals of its
// managed identities. It is made when first asked for.
func (s *Server) Directory() *directory.Directory {
	s.directoryMu.Lock()
	defer s.directoryMu.Unlock()
	if s.directory == nil {
		s.directory = s.newDirectory(s.Tenant())
	}
	return s.directory
}

// newDirectory is a tenant's directory, in which the applications that may sign in have their service
// principals in any case.
func (s *Server) newDirectory(t *tenant.Tenant) *directory.Directory {
	d := directory.New(t.Directory, s.config.Now)
	for _, client := range append([]string{s.config.ClientID}, s.config.MoreClientIDs...) {
		own, object := map[string]any{"appId": client, "servicePrincipalNames": []any{client}}, s.objectOf(client)
		if err := d.Update(object, own); err == nil {
			continue
		}
		own["displayName"], own["appDisplayName"] = "Azure simulator client", "Azure simulator client"
		own["servicePrincipalType"], own["accountEnabled"], own["appOwnerOrganizationId"] = "Application", true, t.ID
		if err := d.Create(directory.Object{Kind: directory.ServicePrincipal, ID: object, Properties: own}, directory.Lag{}); err != nil {
			s.config.Log.Error("the directory has no service principal of the application", "client_id", client, "error", err)
		}
	}
	for identity := range t.Identities() {
		if identity.Client == "" {
			identity.Client = identityClient(identity.Resource)
		}
		d.AddIdentity(identity, directory.Lag{})
	}
	return d
}
