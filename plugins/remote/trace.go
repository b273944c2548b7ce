package remote

import "strings"

// trace is the W3C trace that all requests of a client belong to, so that a job can be followed to its worker.
type trace struct {
	id     string // 32 hexadecimal digits
	parent string // the traceparent of whoever called; empty if the trace begins here
}

// traceOf goes on with the trace of a traceparent; one that has no proper form, or none, begins another.
func traceOf(parent string) trace {
	p := strings.Split(parent, "-")
	if len(p) == 4 && p[0] == "00" && isTraceID(p[1], 32) && isTraceID(p[2], 16) && isHex(p[3], 2) {
		return trace{id: p[1], parent: parent}
	}
	return trace{id: newID()}
}

// header is the traceparent of a request.
func (t trace) header() string {
	if t.parent != "" {
		return t.parent
	}
	return "00-" + t.id + "-" + newID()[:16] + "-01"
}

// isTraceID says whether s is an id of n digits; one of zeros alone is none.
func isTraceID(s string, n int) bool { return isHex(s, n) && strings.Trim(s, "0") != "" }

func isHex(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" }
