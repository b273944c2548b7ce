package azuresim

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// armError is the error of Resource Manager's and Resource Graph's answers.
// https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/overview
type armError struct {
	status  int
	Code    string           `json:"code"`
	Message string           `json:"message"`
	Target  string           `json:"target,omitempty"`
	Details []map[string]any `json:"details,omitempty"`

	// provider says that a resource provider failed, not Resource Manager's own gateway.
	provider   bool
	retryAfter int // seconds; 0 sends no Retry-After
	challenge  string
}

func newARMError(status int, code, message string) *armError {
	return &armError{status: status, Code: code, Message: message}
}

func (e *armError) write(w http.ResponseWriter) {
	cause := "gateway"
	if e.provider {
		cause = "service"
	}
	w.Header().Set("x-ms-failure-cause", cause)
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	if e.challenge != "" {
		w.Header().Set("WWW-Authenticate", e.challenge)
	}
	writeJSON(w, e.status, map[string]any{"error": e})
}

// writeJSON answers with a small value.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails if the caller has gone
}
