package azuresim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Role is what the applications may do in every subscription.
type Role string

// The roles that Azure has built in, as far as the simulator knows of them.
const (
	RoleOwner       Role = "owner"
	RoleContributor Role = "contributor"
	RoleReader      Role = "reader"
)

// permissions are what a role allows, and what of that it does not.
// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/privileged
func (r Role) permissions() (actions, except []string) {
	switch r {
	case RoleReader:
		return []string{"*/read"}, []string{}
	case RoleContributor:
		return []string{"*"}, []string{"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}
	}
	return []string{"*"}, []string{}
}

// servePermissions tells what the caller may do at a scope.
// https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource-group
func (s *Server) servePermissions(w http.ResponseWriter) *armError {
	actions, except := s.config.Role.permissions()
	content, err := json.Marshal(map[string]any{"value": []any{map[string]any{"actions": actions, "notActions": except, "dataActions": []string{}, "notDataActions": []string{}}}})
	if err != nil {
		return newARMError(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(content)
	return nil
}

// checkRole refuses what the caller's role does not allow.
func (s *Server) checkRole(c *call, verb string) *armError {
	action := strings.TrimSuffix(actionOf(c), "read") + verb
	actions, except := s.config.Role.permissions()
	matches := func(pattern string) bool { return matchesAction(pattern, action) }
	if slices.ContainsFunc(actions, matches) && !slices.ContainsFunc(except, matches) {
		return nil
	}
	return forbidden(c.caller, action, c.path())
}

// matchesAction says whether an action is one of a role's pattern, in which * stands for any text.
func matchesAction(pattern, action string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	matched, err := regexp.MatchString("^"+strings.Join(parts, ".*")+"$", strings.ToLower(action))
	return err == nil && matched
}
