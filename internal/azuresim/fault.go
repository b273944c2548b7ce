package azuresim

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is what happens to some requests instead of, or around, their proper answer.
type Fault struct {
	// Method, Path and Body choose the requests; an empty one matches any. Path is a regular
	// expression on the URL's path and Body one on the request's body, both in any case.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Body   string `json:"body,omitempty"`
	// After lets so many matching requests through first; Every then takes only each so many-th;
	// Times ends the fault after it has struck so often. Zero means from the start, each, for ever.
	After int `json:"after,omitempty"`
	Every int `json:"every,omitempty"`
	Times int `json:"times,omitempty"`

	// Status answers with an error. Code and Message replace the ones that Azure gives with that
	// status; RetryAfter, in seconds, sends the header.
	Status     int    `json:"status,omitempty"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
	RetryAfter int    `json:"retry_after,omitempty"`
	// Reset breaks the connection without an answer.
	Reset bool `json:"reset,omitempty"`
	// Timeout never answers: it waits until the caller gives up.
	Timeout bool `json:"timeout,omitempty"`
	// Truncate sends the first half of the proper answer and breaks the connection.
	Truncate bool `json:"truncate,omitempty"`
	// LatencyMS delays the answer by so many milliseconds.
	LatencyMS int `json:"latency_ms,omitempty"`
}

// Faults is the content of a fault file and of the control endpoint's requests.
type Faults struct {
	// Deny are subscriptions that are listed but may not be read.
	Deny []string `json:"deny,omitempty"`
	// Hide are subscriptions that Resource Graph drops without a word, and nothing else.
	Hide []string `json:"hide,omitempty"`
	// Rules strike in this order; the first that matches a request and fails it wins.
	Rules []Fault `json:"rules,omitempty"`
}

type rule struct {
	Fault
	path, body *regexp.Regexp
	seen, hits int
}

// faultInjector holds the faults and gates that are in force.
type faultInjector struct {
	mu     sync.Mutex
	rules  []*rule
	denied map[string]bool
	hidden map[string]bool
	gates  []*Gate
	closed chan struct{}
	once   sync.Once
}

func newFaultInjector() *faultInjector {
	return &faultInjector{denied: map[string]bool{}, hidden: map[string]bool{}, closed: make(chan struct{})}
}

// Inject puts faults in force until the returned function takes them away.
func (s *Server) Inject(faults Faults) (remove func(), err error) {
	f := s.faults
	var rules []*rule
	for _, fault := range faults.Rules {
		r := &rule{Fault: fault}
		if r.path, err = regexp.Compile("(?i)" + fault.Path); err != nil {
			return nil, fmt.Errorf("the path of a fault: %w", err)
		}
		if r.body, err = regexp.Compile("(?i)" + fault.Body); err != nil {
			return nil, fmt.Errorf("the body of a fault: %w", err)
		}
		rules = append(rules, r)
	}
	f.set(faults, true)
	f.mu.Lock()
	f.rules = append(f.rules, rules...)
	f.mu.Unlock()
	return func() {
		f.set(faults, false)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.rules = slices.DeleteFunc(slices.Clone(f.rules), func(r *rule) bool { return slices.Contains(rules, r) })
	}, nil
}

// ClearFaults takes all faults away and opens all gates.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	s.faults.rules = nil
	clear(s.faults.denied)
	clear(s.faults.hidden)
	gates := s.faults.gates
	s.faults.mu.Unlock()
	for _, gate := range gates {
		gate.Release()
	}
}

func (f *faultInjector) set(faults Faults, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range faults.Deny {
		f.denied[strings.ToLower(id)] = on
	}
	for _, id := range faults.Hide {
		f.hidden[strings.ToLower(id)] = on
	}
}

// graphSees are the subscriptions, of some, that Resource Graph shows.
func (f *faultInjector) graphSees(subscriptions []string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(subscriptions, func(id string) bool { return f.denied[id] || f.hidden[id] })
}

// armAllows says whether Resource Manager lets the caller read a subscription.
func (f *faultInjector) armAllows(subscription string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.denied[subscription]
}

// strike returns the faults that hit a request: delays and truncation, and the one that ends it.
func (f *faultInjector) strike(method, path string, body []byte) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var struck []Fault
	for _, r := range f.rules {
		if (r.Method != "" && !strings.EqualFold(r.Method, method)) || !r.path.MatchString(path) || !r.body.Match(body) {
			continue
		}
		r.seen++
		nth := r.seen - r.After
		if nth < 1 || (r.Every > 0 && nth%r.Every != 0) || (r.Times > 0 && r.hits >= r.Times) {
			continue
		}
		r.hits++
		struck = append(struck, r.Fault)
		if r.Status > 0 || r.Reset || r.Timeout {
			break
		}
	}
	return struck
}

// spoil applies faults. It returns the writer for the proper answer, nil if there shall be none.
func (s *Server) spoil(w http.ResponseWriter, r *http.Request, body []byte) http.ResponseWriter {
	if !s.pass(r, body) {
		panic(http.ErrAbortHandler)
	}
	for _, fault := range s.faults.strike(r.Method, r.URL.Path, body) {
		if !s.sleep(r, time.Duration(fault.LatencyMS)*time.Millisecond) {
			panic(http.ErrAbortHandler)
		}
		switch {
		case fault.Timeout:
			select {
			case <-r.Context().Done():
			case <-s.faults.closed:
			}
			panic(http.ErrAbortHandler)
		case fault.Reset:
			reset(w)
		case fault.Status > 0:
			s.writeFault(w, r, fault)
			return nil
		case fault.Truncate:
			w = &truncatedWriter{real: w, header: http.Header{}}
		}
	}
	return w
}

// reset breaks the connection, on HTTP/1.1 with a TCP reset.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
			if plain, ok := secure.NetConn().(*net.TCPConn); ok {
				plain.SetLinger(0) //nolint:errcheck // then it is closed in the ordinary way
				plain.Close()      //nolint:errcheck // broken on purpose
			}
		}
		conn.Close() //nolint:errcheck // broken on purpose
	}
	panic(http.ErrAbortHandler)
}

// writeFault answers with the error that Azure gives with a status.
func (s *Server) writeFault(w http.ResponseWriter, r *http.Request, fault Fault) {
	s.setARMHeaders(w, r)
	e := newARMError(fault.Status, "InternalServerError", "Encountered internal server error. Diagnostic information: simulated.")
	switch fault.Status {
	case http.StatusTooManyRequests:
		e.Code, e.Message = "TooManyRequests", "The request is being throttled as the limit has been reached for operation type. For more information, see - https://aka.ms/srpthrottlinglimits"
		if strings.HasSuffix(strings.ToLower(r.URL.Path), "/microsoft.resourcegraph/resources") {
			wait := time.Duration(fault.RetryAfter) * time.Second
			e = s.rateLimited(w, wait)
			w.Header().Set("x-ms-user-quota-remaining", "0")
			w.Header().Set("x-ms-user-quota-resets-after", clock(wait))
		}
	case http.StatusServiceUnavailable:
		e.Code, e.Message = "ServiceUnavailable", "The service is temporarily unavailable. Please retry the request."
	case http.StatusBadGateway:
		e.Code, e.Message = "BadGateway", "The gateway did not receive a response from the resource provider."
	case http.StatusGatewayTimeout:
		e.Code, e.Message = "GatewayTimeout", "The gateway did not receive a response from 'Microsoft.Resources' within the specified time period."
	case http.StatusForbidden:
		e = forbidden(&claims{AppID: s.config.ClientID, ObjectID: servicePrincipalObject}, "Microsoft.Resources/subscriptions/read", r.URL.Path)
	case http.StatusUnauthorized:
		now := s.config.Now().UTC()
		e = s.unauthorized("ExpiredAuthenticationToken",
			fmt.Sprintf("The access token expiry UTC time '%s' is earlier than current UTC time '%s'.", now.Add(-time.Minute).Format(armTime), now.Format(armTime)),
			"The access token expiry UTC time is earlier than current UTC time.")
	}
	if fault.Code != "" {
		e.Code = fault.Code
	}
	if fault.Message != "" {
		e.Message = fault.Message
	}
	e.retryAfter = fault.RetryAfter
	e.write(w)
}

// truncatedWriter keeps an answer back, so that finish can send half of it.
type truncatedWriter struct {
	real   http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func (t *truncatedWriter) Header() http.Header         { return t.header }
func (t *truncatedWriter) WriteHeader(status int)      { t.status = status }
func (t *truncatedWriter) Write(b []byte) (int, error) { return t.body.Write(b) }

func (t *truncatedWriter) finish() {
	for name, values := range t.header {
		t.real.Header()[name] = values
	}
	t.real.Header().Set("Content-Length", strconv.Itoa(t.body.Len()))
	if t.status != 0 {
		t.real.WriteHeader(t.status)
	}
	t.real.Write(t.body.Bytes()[:t.body.Len()/2]) //nolint:errcheck // broken on purpose
	http.NewResponseController(t.real).Flush()    //nolint:errcheck // broken on purpose
	panic(http.ErrAbortHandler)
}
