package azuresim

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Request is a request that the simulator has received.
type Request struct {
	Time   time.Time   `json:"time"`
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Query  string      `json:"query,omitempty"`
	Header http.Header `json:"header,omitempty"` // without Authorization
	Body   string      `json:"body,omitempty"`   // without what sign-in sends
	// Status is 0 while the request is under way, and if it was broken off.
	Status int `json:"status"`
}

// maxRecorded bounds the requests that are kept; further ones are only counted.
const maxRecorded = 20000

type requestLog struct {
	mu       sync.Mutex
	total    int
	requests []*Request
	changed  chan struct{}
}

func newRequestLog() *requestLog { return &requestLog{changed: make(chan struct{})} }

func (l *requestLog) begin(r *http.Request, body []byte, now time.Time) *Request {
	entry := &Request{
		Time: now, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Header: r.Header.Clone(),
	}
	entry.Header.Del("Authorization")
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" && !strings.Contains(r.URL.Path, "/oauth2/") {
		entry.Body = string(body)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	if len(l.requests) < maxRecorded {
		l.requests = append(l.requests, entry)
	}
	l.signal()
	return entry
}

func (l *requestLog) end(entry *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Status = status
	l.signal()
}

func (l *requestLog) signal() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Requests lists what has been received, oldest first, up to a bound of 20,000.
func (s *Server) Requests() []Request {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	list := make([]Request, len(s.requests.requests))
	for i, r := range s.requests.requests {
		list[i] = *r
	}
	return list
}

// TotalRequests counts all requests since the start or ResetRequests.
func (s *Server) TotalRequests() int {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	return s.requests.total
}

// ResetRequests forgets what has been received.
func (s *Server) ResetRequests() {
	s.requests.mu.Lock()
	defer s.requests.mu.Unlock()
	s.requests.total, s.requests.requests = 0, nil
}

// Count counts the recorded requests of a method ("" for any) whose path matches a regular
// expression, in any case.
func (s *Server) Count(method, path string) int {
	pattern := regexp.MustCompile("(?i)" + path)
	n := 0
	for _, r := range s.Requests() {
		if (method == "" || strings.EqualFold(method, r.Method)) && pattern.MatchString(r.Path) {
			n++
		}
	}
	return n
}

// WaitRequests returns when Count has reached n.
func (s *Server) WaitRequests(ctx context.Context, method, path string, n int) error {
	for {
		s.requests.mu.Lock()
		changed := s.requests.changed
		s.requests.mu.Unlock()
		if s.Count(method, path) >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests received: %w", s.Count(method, path), n, context.Cause(ctx))
		}
	}
}
