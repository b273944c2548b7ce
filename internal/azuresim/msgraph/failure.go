package msgraph

import (
	"net/http"
	"strconv"
	"time"
)

// failure is an error of Graph.
// https://learn.microsoft.com/graph/errors
type failure struct {
	status        int
	code, message string
	details       []detail
	retryAfter    int // seconds
}

type detail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Target  string `json:"target"`
}

func badRequest(code, message string) *failure {
	return &failure{status: http.StatusBadRequest, code: code, message: message}
}

func invalid(message string) *failure { return badRequest("Request_BadRequest", message) }

func unsupported(message string) *failure { return badRequest("Request_UnsupportedQuery", message) }

func notFound(id string) *failure {
	return &failure{
		status: http.StatusNotFound, code: "Request_ResourceNotFound",
		message: "Resource '" + id + "' does not exist or one of its queried reference-property objects are not present.",
	}
}

func methodNotAllowed() *failure {
	return &failure{
		status: http.StatusMethodNotAllowed, code: "Request_BadRequest",
		message: "Specified HTTP method is not allowed for the request target.",
	}
}

func denied() *failure {
	return &failure{status: http.StatusForbidden, code: "Authorization_RequestDenied", message: "Insufficient privileges to complete the operation."}
}

// texts are the codes and messages of statuses that services fail with.
var texts = map[int][2]string{
	http.StatusUnauthorized:        {"InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."},
	http.StatusForbidden:           {"Authorization_RequestDenied", "Insufficient privileges to complete the operation."},
	http.StatusNotFound:            {"Request_ResourceNotFound", "The resource does not exist."},
	http.StatusTooManyRequests:     {"TooManyRequests", "Too many requests. Please retry again later."},
	http.StatusInternalServerError: {"InternalServerError", "The server encountered an internal error."},
	http.StatusBadGateway:          {"BadGateway", "The gateway received an invalid response from a server that it relies on."},
	http.StatusServiceUnavailable:  {"ServiceUnavailable", "The service is temporarily unavailable. Please try again later."},
	http.StatusGatewayTimeout:      {"GatewayTimeout", "The gateway did not receive a response in time."},
}

func struckFailure(s Struck) *failure {
	f := &failure{status: s.Status, code: s.Code, message: s.Message, retryAfter: s.RetryAfter}
	text, ok := texts[s.Status]
	if !ok {
		text = [2]string{"UnknownError", http.StatusText(s.Status)}
	}
	if f.code == "" {
		f.code = text[0]
	}
	if f.message == "" {
		f.message = text[1]
	}
	return f
}

// fail makes an answer of a failure.
func (s *Service) fail(r *Request, a *Answer, f *failure) {
	inner := map[string]any{
		"date": s.Now().UTC().Format("2006-01-02T15:04:05"), "request-id": r.id, "client-request-id": a.Header.Get("client-request-id"),
	}
	body := map[string]any{"code": f.code, "message": f.message, "innerError": inner}
	if len(f.details) > 0 {
		body["details"] = f.details
	}
	a.Status = f.status
	a.Body = encode(map[string]any{"error": body})
	a.Header.Set("Content-Type", "application/json")
	a.Header.Del("OData-Version")
	if f.retryAfter > 0 {
		a.Header.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
}

// stamp is how Graph writes a time.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
