package azure

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// permissionsVersion is the api-version of what the caller may do, as in armauthorization.
const permissionsVersion = "2022-04-01"

// Permissions are what a principal may do at a scope, by all of its roles together. Each is a set of actions of Resource Manager,
// of which * stands for any part, without some.
// https://learn.microsoft.com/azure/role-based-access-control/role-definitions
type Permissions []struct {
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions"`
}

// Permissions asks what the session's principal may do in a subscription.
func (s *Session) Permissions(ctx context.Context, subscription string) (Permissions, error) {
	type set = struct {
		Actions    []string `json:"actions"`
		NotActions []string `json:"notActions"`
	}
	return collect(ctx, s, List{Path: "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/permissions", Version: permissionsVersion},
		func(p *set, raw []byte) error { return json.Unmarshal(raw, p) })
}

// Allow says whether an action is among the permissions.
func (p Permissions) Allow(action string) bool {
	action = strings.ToLower(action)
	for _, set := range p {
		matches := func(pattern string) bool { return matchesAction(strings.ToLower(pattern), action) }
		if slices.ContainsFunc(set.Actions, matches) && !slices.ContainsFunc(set.NotActions, matches) {
			return true
		}
	}
	return false
}

// matchesAction says whether an action is one of a pattern, in which * stands for any text.
func matchesAction(pattern, action string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == action
	}
	rest, found := strings.CutPrefix(action, parts[0])
	if !found {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		if _, rest, found = strings.Cut(rest, part); !found {
			return false
		}
	}
	return strings.HasSuffix(rest, last)
}

// skew is how far this machine's clock is from Azure's, as the latest answer told it, to the second.
type skew struct{ nanoseconds atomic.Int64 }

// heard takes an answer in.
func (s *skew) heard(header http.Header) {
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		s.nanoseconds.Store(int64(time.Since(date)))
	}
}

// Skew is how far this machine's clock is ahead of Azure's, or behind it below zero, by the latest answer. Answers tell
// whole seconds.
func (c *Client) Skew() time.Duration { return time.Duration(c.transport.skew.nanoseconds.Load()) }
