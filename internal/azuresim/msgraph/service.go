// Package msgraph answers as Microsoft Graph v1.0 is documented to for the objects of a directory:
// users, groups, service principals and applications.
package msgraph

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// Organization is what a tenant says of itself.
type Organization struct{ ID, Name, Domain string }

// Settings can change between two requests.
type Settings struct {
	// Permissions are those that the calling application has been granted: User.Read.All, ….
	Permissions []string
	// Limits switches throttling on. Units is how many resource units an application may spend in a
	// Window; 0 is what is documented for tenants of that size. Writes is how many writes it may make
	// in fifteen windows.
	Limits bool
	Units  int
	Writes int
	Window time.Duration
	// Lag is how late reads find what has been created.
	Lag directory.Lag
}

// Caller is whom a token speaks for.
type Caller struct{ AppID, ObjectID, TenantID string }

// Struck is what a fault does to a request within a batch.
type Struck struct {
	Status        int
	Code, Message string
	RetryAfter    int // seconds
}

// Service is Microsoft Graph. All its fields are needed.
type Service struct {
	Directory    func() *directory.Directory
	Organization func() Organization
	Settings     func() Settings
	Now          func() time.Time
	NewID        func() string
	// Strike asks for the fault that hits a request within a batch.
	Strike func(method, path string, body []byte) (Struck, bool)

	throttle throttle
}

// Request is a call, its path and query taken apart from the rest.
type Request struct {
	Method string
	// Base is the address that the version's segment ends, https://graph.microsoft.com/v1.0, and Path
	// what comes behind, with a leading slash.
	Base, Path string
	Query      url.Values
	Header     http.Header
	Body       []byte
	Caller     Caller

	id       string
	segments []segment
}

// segment is a part of a path: users, or users('id'), which has a key.
type segment struct{ name, key string }

// Answer is what comes back. Body is empty if the status says so.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

const contentType = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

// Answer answers a call.
func (s *Service) Answer(r *Request) *Answer {
	r.id = s.NewID()
	a := &Answer{Header: http.Header{}}
	s.setHeaders(r, a.Header)
	body, failure := s.route(r, a)
	if failure != nil {
		s.fail(r, a, failure)
		return a
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	a.Body = body
	if a.Header.Get("Content-Type") == "" && len(body) > 0 {
		a.Header.Set("Content-Type", contentType)
	}
	return a
}

// Refuse is the answer to a call for which there is no valid token, or that a fault strikes.
func (s *Service) Refuse(r *Request, struck Struck) *Answer {
	r.id = s.NewID()
	a := &Answer{Header: http.Header{}}
	s.setHeaders(r, a.Header)
	s.fail(r, a, struckFailure(struck))
	return a
}

func (s *Service) setHeaders(r *Request, h http.Header) {
	client := r.Header.Get("client-request-id")
	if client == "" {
		client = r.id
	}
	h.Set("Cache-Control", "no-cache")
	h.Set("OData-Version", "4.0")
	h.Set("request-id", r.id)
	h.Set("client-request-id", client)
	h.Set("Strict-Transport-Security", "max-age=31536000")
	h.Set("x-ms-ags-diagnostic", `{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"SIM00000000"}}`)
}

// route finds the handler of a path.
func (s *Service) route(r *Request, a *Answer) ([]byte, *failure) {
	r.segments = parsePath(r.Path)
	if len(r.segments) == 0 {
		return nil, badRequest("BadRequest", "The request URI is not valid.")
	}
	if r.is("$batch") {
		return s.batch(r, a)
	}
	if failure := s.spend(r, a); failure != nil {
		return nil, failure
	}
	switch first := r.segments[0]; {
	case strings.EqualFold(first.name, "organization"):
		return s.organization(r)
	case strings.EqualFold(first.name, "directoryObjects"):
		return s.directoryObjects(r, a)
	default:
		kind, ok := directory.OfCollection(first.name)
		if !ok {
			return nil, badRequest("BadRequest", "Resource not found for the segment '"+first.name+"'.")
		}
		return s.collection(r, a, kind)
	}
}

// parsePath takes a path apart; users('x') is the same as users/x.
func parsePath(path string) []segment {
	var segments []segment
	for part := range strings.SplitSeq(path, "/") {
		if part == "" {
			continue
		}
		name, key, keyed := strings.Cut(part, "(")
		if !keyed || !strings.HasSuffix(key, ")") {
			segments = append(segments, segment{name: part})
			continue
		}
		key = strings.TrimSuffix(key, ")")
		if property, value, named := strings.Cut(key, "="); named {
			segments = append(segments, segment{name: name, key: strings.ToLower(property) + "=" + strings.Trim(value, "'")})
			continue
		}
		segments = append(segments, segment{name: name}, segment{name: strings.Trim(key, "'")})
	}
	return segments
}

// is compares the path with names, in any case; "*" stands for any one segment.
func (r *Request) is(names ...string) bool {
	if len(names) != len(r.segments) {
		return false
	}
	for i, name := range names {
		if name != "*" && !strings.EqualFold(name, r.segments[i].name) {
			return false
		}
	}
	return true
}

// rest are the segments behind the first n.
func (r *Request) rest(n int) []segment { return r.segments[min(n, len(r.segments)):] }

// context is the address of metadata that answers name.
func (r *Request) context(of string) string { return r.Base + "/$metadata#" + of }

// advanced says that the caller wants the index that knows more, but later.
// https://learn.microsoft.com/graph/aad-advanced-queries
func (r *Request) advanced() bool {
	return r.eventual() && strings.EqualFold(r.Query.Get("$count"), "true")
}

func (r *Request) eventual() bool {
	return strings.EqualFold(r.Header.Get("ConsistencyLevel"), "eventual")
}
