package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// publicClients are Microsoft's applications that sign users in without a secret: the Azure CLI
// and the one that azidentity uses for developers.
var publicClients = []string{"04b07795-8ddb-461a-bbee-02f9e1bf7b46", "04b07795-a71b-4346-935f-02f9a1efa4ce"}

func isPublicClient(id string) bool { return slices.Contains(publicClients, id) }

// deviceCodes are the sign-ins that wait for a user.
type deviceCodes struct {
	mu       sync.Mutex
	count    int
	approved map[string]bool   // by device code
	device   map[string]string // user code to device code
}

func newDeviceCodes() *deviceCodes {
	return &deviceCodes{approved: map[string]bool{}, device: map[string]string{}}
}

func (d *deviceCodes) issue() (userCode, deviceCode string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	userCode, deviceCode = fmt.Sprintf("ATGSIM%03d", d.count), randomSecret()
	d.approved[deviceCode] = false
	d.device[userCode] = deviceCode
	return userCode, deviceCode
}

func (d *deviceCodes) approve(userCode string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	code, ok := d.device[strings.ToUpper(userCode)]
	if ok {
		d.approved[code] = true
	}
	return ok
}

// state is whether the code is known, and whether the user has approved it.
func (d *deviceCodes) state(deviceCode string) (known, approved bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	approved, known = d.approved[deviceCode]
	return known, approved
}

// ApproveDevice does what a user does who enters the code; false means that there is no such code.
func (s *Server) ApproveDevice(userCode string) bool { return s.devices.approve(userCode) }

func (s *Server) serveDeviceCode(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("client_id") == "" {
		s.missingParameter(w, r, "client_id")
		return
	}
	userCode, deviceCode := s.devices.issue()
	page := s.URL() + "/common/oauth2/deviceauth"
	writeJSON(w, http.StatusOK, map[string]any{
		"user_code": userCode, "device_code": deviceCode, "verification_uri": page,
		"expires_in": 900, "interval": 1,
		"message": fmt.Sprintf("To sign in, use a web browser to open the page %s and enter the code %s to authenticate.", page, userCode),
	})
}

// serveDeviceApproval is the page where the user enters the code; ?code= enters it at once.
func (s *Server) serveDeviceApproval(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch code := r.FormValue("code"); {
	case code == "":
		fmt.Fprint(w, `<form method="post"><label>Code <input name="code"></label> <button>Next</button></form>`)
	case s.devices.approve(code):
		fmt.Fprint(w, "You have signed in. You may now close this window.")
	default:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, "That code didn't work. Check the code and try again.")
	}
}

func (s *Server) grantDevice(w http.ResponseWriter, r *http.Request) {
	known, approved := s.devices.state(r.PostForm.Get("device_code"))
	switch {
	case !known:
		s.entraFailure(w, r, http.StatusBadRequest, "invalid_grant", 70000, "The provided value for the 'device_code' parameter is not valid.")
	case !approved:
		s.entraFailure(w, r, http.StatusBadRequest, "authorization_pending", 70016,
			"OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
	default:
		s.grant(w, r, simulatedUser(r))
	}
}

func simulatedUser(r *http.Request) principal {
	return principal{
		objectID: userObject, appID: r.PostForm.Get("client_id"),
		name: "Adele Vance", userName: "adele@contoso.onmicrosoft.com",
	}
}

// addUserTokens adds what a client keeps of a user: identity and refresh token.
func (s *Server) addUserTokens(answer map[string]any, r *http.Request, access claims) {
	identity := access
	identity.Audience, identity.Version = access.AppID, "2.0"
	identity.Issuer = s.URL() + "/" + access.TenantID + "/v2.0"
	if token, err := s.tokens.sign(identity, s.tokenLifetime()); err == nil {
		answer["id_token"] = token
	}
	refresh := access
	refresh.Audience = refreshAudience
	if token, err := s.tokens.sign(refresh, s.tokenLifetime()); err == nil {
		answer["refresh_token"] = "1." + token
	}
	answer["scope"] = r.PostForm.Get("scope")
	answer["client_info"] = encode(fmt.Appendf(nil, `{"uid":%q,"utid":%q}`, access.ObjectID, access.TenantID))
	answer["foci"] = "1"
}

// refreshAudience marks refresh tokens, so that no access token passes for one.
const refreshAudience = "refresh"

func (s *Server) grantRefresh(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.PostForm.Get("refresh_token"), "1.")
	if token == "" {
		s.missingParameter(w, r, "refresh_token")
		return
	}
	c, err := s.tokens.verify(token)
	if err != nil || c.Audience != refreshAudience {
		s.entraFailure(w, r, http.StatusBadRequest, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
		return
	}
	s.grant(w, r, principal{objectID: c.ObjectID, appID: c.AppID, name: c.Name, userName: c.UserName})
}
