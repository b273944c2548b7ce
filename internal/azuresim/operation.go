package azuresim

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// operations are requests that were accepted and go on: polls of their Location tell when they end.
type operations struct {
	mu   sync.Mutex
	done map[string]acceptedOperation
}

type acceptedOperation struct {
	at     time.Time
	body   []byte // of the final answer; nil is none
	status int    // of it; 0 is 200
}

func (o *operations) add(op acceptedOperation) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.done == nil {
		o.done = map[string]acceptedOperation{}
	}
	id := newGUID()
	o.done[id] = op
	return id
}

// accept answers 202 with the Location of an operation.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, c *call, id string) {
	path := "/operationresults/" + id
	if c.at("subscriptions", "*") {
		path = "/subscriptions/" + c.segments[1] + path
	}
	link := url.URL{Scheme: "https", Host: r.Host, Path: path, RawQuery: "api-version=" + url.QueryEscape(c.version)}
	w.Header().Set("Location", link.String())
	w.Header().Set("Retry-After", strconv.Itoa(s.Settings().RetryAfter))
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusAccepted)
}

// operationResult answers the poll of an operation's Location.
func (s *Server) operationResult(w http.ResponseWriter, r *http.Request, c *call) *armError {
	id := c.lower[len(c.lower)-1]
	s.operations.mu.Lock()
	op, ok := s.operations.done[id]
	s.operations.mu.Unlock()
	switch {
	case !ok:
		return newARMError(http.StatusNotFound, "OperationNotFound", fmt.Sprintf("The operation '%s' could not be found.", id))
	case s.config.Now().Before(op.at):
		s.accept(w, r, c, id)
	case op.body == nil:
		w.WriteHeader(http.StatusOK)
	default:
		writeBody(w, cmp.Or(op.status, http.StatusOK), op.body)
	}
	return nil
}
