package azuresim

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

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
		case fault.Truncate, fault.Cut, fault.Garble, fault.BytesPerSecond > 0:
			w = &heldWriter{ResponseWriter: w, fault: fault, header: http.Header{}}
			if fault.Cut || fault.Garble { // of the JSON, not of a compressed form of it
				r.Header.Del("Accept-Encoding")
			}
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
	if first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); isMSGraphPath(first) {
		s.writeMSGraph(w, r, s.graph.Refuse(msgraphRequest(r), struckBy(fault)))
		return
	}
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
	if fault.Cause != "" {
		e.provider = fault.Cause == "service"
	}
	e.write(w)
}

// heldWriter keeps an answer back, so that finish can send it spoiled.
type heldWriter struct {
	http.ResponseWriter
	fault  Fault
	header http.Header
	status int
	body   bytes.Buffer
}

func (h *heldWriter) Header() http.Header         { return h.header }
func (h *heldWriter) WriteHeader(status int)      { h.status = status }
func (h *heldWriter) Write(b []byte) (int, error) { return h.body.Write(b) }

// finish sends what a held writer holds, through those that hold it in turn.
func (s *Server) finish(w http.ResponseWriter, r *http.Request) {
	broken := false
	for h, ok := w.(*heldWriter); ok; h, ok = h.ResponseWriter.(*heldWriter) {
		broken = broken || h.fault.Truncate
		if !s.send(h, r) {
			panic(http.ErrAbortHandler)
		}
	}
	if broken {
		panic(http.ErrAbortHandler)
	}
}

// send is false if the caller has gone.
func (s *Server) send(h *heldWriter, r *http.Request) bool {
	body := h.body.Bytes()
	announced := len(body)
	switch {
	case h.fault.Truncate:
		body = body[:len(body)/2]
	case h.fault.Cut:
		body = body[:len(body)/2]
		announced = len(body)
	case h.fault.Garble: // control characters stand nowhere in JSON
		copy(body[len(body)/2:], "\x00\x01]}\x02,{[\x03")
	}
	header := h.ResponseWriter.Header()
	for name, values := range h.header {
		header[name] = values
	}
	header.Set("Content-Length", strconv.Itoa(announced))
	if h.status != 0 {
		h.ResponseWriter.WriteHeader(h.status)
	}
	return s.trickle(h, r, body)
}

// trickle sends a body at the speed that the fault allows, in parts of a tenth of a second.
func (s *Server) trickle(h *heldWriter, r *http.Request, body []byte) bool {
	part := len(body)
	if h.fault.BytesPerSecond > 0 {
		part = max(1, h.fault.BytesPerSecond/10)
	}
	for len(body) > 0 {
		n := min(part, len(body))
		h.ResponseWriter.Write(body[:n]) //nolint:errcheck // the caller has gone
		body = body[n:]
		_ = http.NewResponseController(h.ResponseWriter).Flush() // a writer that holds has none
		if h.fault.BytesPerSecond > 0 && !s.sleep(r, time.Duration(n)*time.Second/time.Duration(h.fault.BytesPerSecond)) {
			return false
		}
	}
	return true
}
