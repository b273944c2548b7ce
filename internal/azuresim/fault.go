package azuresim

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
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
	// Probability, unless zero, lets the fault strike a request that is its turn only with this
	// chance, drawn by Faults.Seed in the order of the requests that match.
	Probability float64 `json:"probability,omitempty"`

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
	// Cut sends the first half of the proper answer as if it were the whole.
	Cut bool `json:"cut,omitempty"`
	// Garble sends as many bytes as the proper answer has, of which some in its middle are rubbish.
	Garble bool `json:"garble,omitempty"`
	// BytesPerSecond sends the answer's body, uncompressed or not, no faster than this.
	BytesPerSecond int `json:"bytes_per_second,omitempty"`
	// LatencyMS delays the answer by so many milliseconds.
	LatencyMS int `json:"latency_ms,omitempty"`

	// Cause is the x-ms-failure-cause of an error: gateway, Resource Manager itself, or service, the
	// resource provider behind it. Empty is gateway, but service for Resource Graph's 429.
	Cause string `json:"cause,omitempty"`
}

// Faults is the content of a fault file and of the control endpoint's requests.
type Faults struct {
	// Deny are subscriptions that are listed but may not be read.
	Deny []string `json:"deny,omitempty"`
	// Hide are subscriptions that Resource Graph drops without a word, and nothing else.
	Hide []string `json:"hide,omitempty"`
	// Rules strike in this order; the first that matches a request and fails it wins.
	Rules []Fault `json:"rules,omitempty"`
	// NoResourceGraph takes Resource Graph away, as from a cloud that does not have it.
	NoResourceGraph bool `json:"no_resource_graph,omitempty"`
	// NoTables are tables that Resource Graph does not know.
	NoTables []string `json:"no_tables,omitempty"`
	// DuplicateRows lets each page of Resource Graph but the first begin with the last row of the
	// page before.
	DuplicateRows bool `json:"duplicate_rows,omitempty"`
	// MixedCase spells the ids on every second page of Resource Graph with the names of groups and
	// providers in another case.
	MixedCase bool `json:"mixed_case,omitempty"`
	// Changes change what is served while clients read it.
	Changes []Change `json:"changes,omitempty"`
	// Resources strike writes of resources; of the first that fail one, the first wins.
	Resources []ResourceFault `json:"resources,omitempty"`
	// Seed draws what is left to chance; the same requests in the same order meet the same.
	Seed uint64 `json:"seed,omitempty"`
}

type rule struct {
	Fault
	path, body *regexp.Regexp
	seen, hits int
	random     *rand.Rand
}

// matches says whether a request is one that a rule looks at.
func (r *rule) matches(method, path string, body []byte) bool {
	return (r.Method == "" || strings.EqualFold(r.Method, method)) && r.path.MatchString(path) && r.body.Match(body)
}

// turn counts a request that matches, and says whether it is one to strike.
func (r *rule) turn() bool {
	r.seen++
	nth := r.seen - r.After
	if nth < 1 || (r.Every > 0 && nth%r.Every != 0) || (r.Times > 0 && r.hits >= r.Times) {
		return false
	}
	if r.Probability > 0 && r.random.Float64() >= r.Probability {
		return false
	}
	r.hits++
	return true
}

func newRule(fault Fault, seed, number uint64) (*rule, error) {
	path, err := regexp.Compile("(?i)" + fault.Path)
	if err != nil {
		return nil, fmt.Errorf("the path of a fault: %w", err)
	}
	body, err := regexp.Compile("(?i)" + fault.Body)
	if err != nil {
		return nil, fmt.Errorf("the body of a fault: %w", err)
	}
	if fault.Probability < 0 || fault.Probability > 1 {
		return nil, fmt.Errorf("the probability of a fault is %v, not between 0 and 1", fault.Probability)
	}
	return &rule{Fault: fault, path: path, body: body, random: rand.New(rand.NewPCG(seed, number))}, nil
}

// faultInjector holds the faults and gates that are in force.
type faultInjector struct {
	mu        sync.Mutex
	rules     []*rule
	resources []*resourceRule
	changes   []*change
	told      Changed
	counts    map[string]int // of the documents in force that have a switch on, or name a subscription
	gates     []*Gate
	closed    chan struct{}
	once      sync.Once
}

func newFaultInjector() *faultInjector {
	return &faultInjector{counts: map[string]int{}, closed: make(chan struct{})}
}

// switches are what a document turns on, as keys of faultInjector.counts.
func (f *Faults) switches() []string {
	var on []string
	for _, id := range f.Deny {
		on = append(on, "deny "+strings.ToLower(id))
	}
	for _, id := range f.Hide {
		on = append(on, "hide "+strings.ToLower(id))
	}
	for _, table := range f.NoTables {
		on = append(on, "no table "+strings.ToLower(table))
	}
	for name, set := range map[string]bool{noResourceGraph: f.NoResourceGraph, duplicateRows: f.DuplicateRows, mixedCase: f.MixedCase} {
		if set {
			on = append(on, name)
		}
	}
	return on
}

const (
	noResourceGraph = "no resource graph"
	duplicateRows   = "duplicate rows"
	mixedCase       = "mixed case"
)

// Inject puts faults in force until the returned function takes them away.
func (s *Server) Inject(faults Faults) (remove func(), err error) {
	f := s.faults
	var rules []*rule
	for i, fault := range faults.Rules {
		r, err := newRule(fault, faults.Seed, uint64(i))
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	resources, err := newResourceRules(faults.Resources)
	if err != nil {
		return nil, err
	}
	changes, err := newChanges(s.Tenant(), faults)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	on := faults.switches()
	for _, name := range on {
		f.counts[name]++
	}
	f.rules = append(f.rules, rules...)
	f.changes = append(f.changes, changes...)
	f.resources = append(f.resources, resources...)
	cleared := f.counts // ClearFaults makes another
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, name := range on {
			cleared[name]--
		}
		f.rules = slices.DeleteFunc(slices.Clone(f.rules), func(r *rule) bool { return slices.Contains(rules, r) })
		f.resources = slices.DeleteFunc(slices.Clone(f.resources), func(r *resourceRule) bool { return slices.Contains(resources, r) })
		f.changes = slices.DeleteFunc(slices.Clone(f.changes), func(c *change) bool { return slices.Contains(changes, c) })
	}, nil
}

// any says whether anything has been switched on.
func (f *faultInjector) any() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.counts) > 0
}

// on says whether a switch is on.
func (f *faultInjector) on(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[name] > 0
}

// ClearFaults takes all faults away and opens all gates.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	s.faults.rules, s.faults.changes, s.faults.resources = nil, nil, nil
	s.faults.counts = map[string]int{}
	gates := s.faults.gates
	s.faults.mu.Unlock()
	for _, gate := range gates {
		gate.Release()
	}
}

// graphSees are the subscriptions, of some, that Resource Graph shows.
func (f *faultInjector) graphSees(subscriptions []string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.counts) == 0 {
		return subscriptions
	}
	return slices.DeleteFunc(subscriptions, func(id string) bool {
		return f.counts["deny "+id] > 0 || f.counts["hide "+id] > 0
	})
}

// armAllows says whether Resource Manager lets the caller read a subscription.
func (f *faultInjector) armAllows(subscription string) bool { return !f.on("deny " + subscription) }

// strike returns the faults that hit a request: those that spoil its answer, and the one that ends it.
func (f *faultInjector) strike(method, path string, body []byte) []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var struck []Fault
	for _, r := range f.rules {
		if !r.matches(method, path, body) || !r.turn() {
			continue
		}
		struck = append(struck, r.Fault)
		if r.Status > 0 || r.Reset || r.Timeout {
			break
		}
	}
	return struck
}
