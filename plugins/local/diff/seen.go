package diff

import (
	"fmt"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/graph"
	"github.com/azure-tenant-grapher/atg/plugins/local/graph/filter"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// The scopes of a ledger that are no subscription: what belongs to none, and the line that subscriptions without one of their own share.
const (
	tenantScope = "tenant"
	restScope   = "subscriptions"
)

// The kinds of a ledger that stand for more than the table of their name. docs/scan.md has the tables.
const (
	kindResources  = graph.TableResources
	kindContainers = graph.TableContainers
	kindRoles      = graph.TableAuthorization
	kindARM        = "arm"    // resources where Resource Manager lists instead of Resource Graph
	kindAround     = "scopes" // and what stands about them there
	kindLocks      = "locks"
	kindChildren   = "children"
	kindExtensions = "extensions"
)

// seen is what one of the two scans has read.
type seen struct {
	side    string // before, after
	request backend.ScanRequest
	lines   map[line]backend.CoverageEntry
	types   map[string][]backend.CoverageEntry // lines of single types, by scope: not all of their resources could be read
	kinds   map[string]bool                    // that have a line anywhere
	names   map[string]string                  // of the subscriptions that it has read, or knows why not
	asked   *filter.Filter                     // that of the request
	alike   bool                               // the other scan was asked with the same filter
	partial bool                               // something was not read to its end
}

// line of a ledger.
type line struct{ scope, kind string }

func newSeen(side string, request *backend.ScanRequest, coverage backend.Coverage) *seen {
	s := &seen{side: side, lines: map[line]backend.CoverageEntry{}, types: map[string][]backend.CoverageEntry{}, kinds: map[string]bool{}, names: map[string]string{}}
	if request != nil {
		s.request = *request
	}
	s.asked, _ = filter.Of(s.request.Filter, nil) // by the ids of subscriptions it is not asked
	for _, e := range coverage.Entries {
		scope, kind := strings.ToLower(e.Scope), strings.ToLower(e.Kind)
		s.partial = s.partial || e.State.Gap() || e.State == backend.CoverageLimited
		if scope != tenantScope && scope != restScope {
			s.names[scope] = e.Name
		}
		if strings.Contains(kind, "/") {
			s.types[scope] = append(s.types[scope], e)
			continue
		}
		s.kinds[kind] = true
		if known, twice := s.lines[line{scope, kind}]; !twice || known.State == backend.CoverageListed {
			s.lines[line{scope, kind}] = e
		}
	}
	return s
}

// missed says why the scan may have missed a row that the other one has; nothing if it would have found it.
func (s *seen) missed(e *graph.Entry) string {
	scope := e.SubscriptionID
	if scope == "" {
		scope = tenantScope
	} else if _, known := s.names[scope]; !known {
		if len(s.request.Filter.Subscriptions) > 0 {
			return s.say("was not asked for this subscription")
		}
		return s.say("did not see this subscription: there was none, or it must not be seen")
	}
	if why := s.filtered(e); why != "" {
		return why
	}
	for _, alternatives := range s.needs(scope, e) {
		if why := s.unread(scope, alternatives); why != "" {
			return why
		}
	}
	for _, gap := range s.types[scope] {
		if kind := strings.ToLower(gap.Kind); e.Type == kind || strings.HasPrefix(e.Type, kind+"/") {
			return s.say(lacking(gap))
		}
	}
	return ""
}

// shut is a line of a subscription of which nothing could be read; nil is that something was. Such a one has lines for the main tables alone, and
// the line that the others share is not about it.
func (s *seen) shut(scope string) *backend.CoverageEntry {
	var closed *backend.CoverageEntry
	for _, kind := range []string{kindResources, kindContainers, kindRoles, kindARM, kindAround} {
		e, ok := s.lines[line{scope, kind}]
		switch {
		case !ok:
		case e.State == backend.CoverageListed || e.State == backend.CoverageLimited:
			return nil
		case closed == nil:
			closed = &e
		}
	}
	return closed
}

// say is a sentence about the scan.
func (s *seen) say(what string) string { return "the scan " + s.side + " " + what }

// unread says why none of the kinds of a ledger that may tell of something was read to its end in a scope.
func (s *seen) unread(scope string, kinds []string) string {
	found := false
	shut := s.shut(scope)
	for _, kind := range kinds {
		e, ok := s.lines[line{scope, kind}]
		switch {
		case ok:
		case scope == tenantScope:
			// The rows of the tenant come with those of the subscriptions: a line of their own says that there are some, or a gap. Else they
			// were read as far as the others were.
			if e, ok = s.lines[line{restScope, kind}]; !ok && s.kinds[kind] {
				e, ok = backend.CoverageEntry{State: backend.CoverageListed}, true
			}
		case shut != nil:
			e, ok = *shut, true
		default:
			e, ok = s.lines[line{restScope, kind}]
		}
		if !ok {
			continue
		}
		found = true
		if e.State != backend.CoverageListed {
			return s.say(lacking(e))
		}
	}
	if found {
		return ""
	}
	switch kinds[0] {
	case kindChildren:
		return s.say("did not read child resources (--depth)")
	case kindExtensions:
		return s.say("did not read extensions (--depth)")
	case kindLocks:
		return s.say("did not read locks, because of its filter")
	case kindUnlisted:
		return s.say("asked Resource Manager, and only Resource Graph tells of these")
	}
	return s.say("did not read " + kinds[0])
}

// lacking says what a line of a ledger lacks.
func lacking(e backend.CoverageEntry) string {
	what := map[backend.CoverageState]string{
		backend.CoverageLimited: "reached its limit before it had read ", backend.CoverageSkipped: "left out ",
		backend.CoverageDenied: "was denied to read ", backend.CoverageDropped: "was not shown ", backend.CoverageThrottled: "was throttled when it read ",
		backend.CoverageUnsupported: "could not ask for ",
	}[e.State]
	if what == "" {
		what = "failed to read "
	}
	where := ""
	if e.Name != "" {
		where = " of " + e.Name
	}
	why := ""
	if e.Fault != nil {
		why = ": " + e.Fault.Message
	}
	return what + e.Kind + where + why
}

// byARM says that Resource Manager listed a scope instead of Resource Graph.
func (s *seen) byARM(scope string) bool {
	if scope == tenantScope {
		return !s.kinds[kindContainers]
	}
	_, listed := s.lines[line{scope, kindARM}]
	return listed
}

// toldBy is who told of a row.
func (s *seen) toldByARM(e *graph.Entry) bool {
	switch e.Table {
	case graph.Containers:
		scope := e.SubscriptionID
		if scope == "" {
			scope = tenantScope
		}
		return s.byARM(scope)
	case graph.RoleAssignments, graph.RoleDefinitions:
		scope := e.SubscriptionID
		if scope == "" {
			scope = tenantScope
		}
		_, graphed := s.lines[line{scope, kindRoles}]
		return !graphed
	}
	return e.Source == graph.SourceARM
}

// identity says why the scan may have missed an identity of a kind, or a membership.
func (s *seen) identity(kind string) (why string) {
	switch kind {
	case string(graph.KindUser):
		kind = "users"
	case string(graph.KindGroup):
		kind = "groups"
	case string(graph.KindServicePrincipal), string(graph.KindManagedIdentity):
		kind = "service principals"
	case string(graph.KindApplication):
		kind = "applications"
	default: // what has no list of its own is kept where a group has it
		kind = "memberships"
	}
	if s.request.Identities == backend.IdentitiesNone || !s.kinds["users"] && !s.kinds["groups"] && !s.kinds["service principals"] {
		return s.say("did not read identities (--identities)")
	}
	e, ok := s.lines[line{tenantScope, kind}]
	switch {
	case !ok && s.request.Identities == backend.IdentitiesAll:
		return s.say(fmt.Sprintf("did not read %s", kind))
	case ok && e.State != backend.CoverageListed:
		return s.say(lacking(e))
	case s.namedAlone() && (s.partial || !s.alike):
		return s.say("read those identities that something names, and has not read all that may name them")
	}
	return ""
}

// namedAlone says that the scan read those identities alone that something names.
func (s *seen) namedAlone() bool { return s.request.Identities != backend.IdentitiesAll }
