package azuresim

import (
	"fmt"
	"net/http"
	"strings"
)

// armTime is how Resource Manager writes times in the messages of refused tokens.
const armTime = "1/2/2006 3:04:05 PM"

// authenticate checks the bearer token of a call to Resource Manager.
func (s *Server) authenticate(r *http.Request) (*claims, *armError) {
	header := r.Header.Get("Authorization")
	if header == "" {
		return nil, s.unauthorized("AuthenticationFailed",
			"Authentication failed. The 'Authorization' header is missing.",
			"The authentication failed because of missing 'Authorization' header.")
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, s.unauthorized("AuthenticationFailedInvalidHeader",
			fmt.Sprintf("Authentication failed. The 'Authorization' header is provided in an invalid format: '%s'.", scheme),
			"The authentication scheme is not supported.")
	}
	c, err := s.tokens.verify(strings.TrimSpace(token))
	if err != nil {
		return nil, s.unauthorized("InvalidAuthenticationToken",
			"The access token is invalid.", "Could not find identity for access token.")
	}
	if now := s.config.Now(); !now.Before(c.expires()) {
		return nil, s.unauthorized("ExpiredAuthenticationToken",
			fmt.Sprintf("The access token expiry UTC time '%s' is earlier than current UTC time '%s'.",
				c.expires().Format(armTime), now.UTC().Format(armTime)),
			"The access token expiry UTC time is earlier than current UTC time.")
	}
	if !s.isARMAudience(c.Audience) {
		return nil, s.unauthorized("InvalidAuthenticationTokenAudience",
			fmt.Sprintf("The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com','%s/','%s'.",
				c.Audience, s.URL(), s.URL()),
			"The access token has been obtained from wrong audience or resource.")
	}
	if id := s.Tenant().ID; c.TenantID != id {
		return nil, s.unauthorized("InvalidAuthenticationTokenTenant",
			fmt.Sprintf("The access token is from the wrong issuer '%s'. It must match the tenant 'https://sts.windows.net/%s/' associated with this subscription. Please use the authority (URL) '%s/%s' to get the token. Note, if the subscription is transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate (up to an hour). If you just transferred your subscription and see this error message, please try back later.",
				c.Issuer, id, s.URL(), id),
			"The access token is from the wrong issuer. It must match the tenant associated with this subscription. Please use correct authority to get the token.")
	}
	return c, nil
}

func (s *Server) unauthorized(code, message, description string) *armError {
	e := newARMError(http.StatusUnauthorized, code, message)
	e.challenge = fmt.Sprintf(`Bearer authorization_uri="%s/%s", error="invalid_token", error_description="%s"`,
		s.URL(), s.Tenant().ID, description)
	return e
}

// forbidden is the answer to an action that no role assignment allows.
func forbidden(c *claims, action, scope string) *armError {
	return newARMError(http.StatusForbidden, "AuthorizationFailed", fmt.Sprintf(
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		clientName(c), c.ObjectID, action, scope))
}

func clientName(c *claims) string {
	if c.UserName != "" {
		return c.UserName
	}
	return c.AppID
}
