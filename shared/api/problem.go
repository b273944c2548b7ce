package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// ProblemType is the media type of a Problem (RFC 9457).
const ProblemType = "application/problem+json"

// Problem is a fault as it travels over HTTP: an RFC 9457 problem with the fault's own members.
type Problem struct {
	Type      string          `json:"type,omitempty"` // "about:blank"; the code tells the kind
	Title     string          `json:"title"`          // the fault's message
	Status    int             `json:"status"`
	Detail    string          `json:"detail,omitempty"`   // message and cause
	Instance  string          `json:"instance,omitempty"` // the request's id
	Code      fault.Code      `json:"code"`
	Hint      string          `json:"hint,omitempty"`
	Retryable bool            `json:"retryable,omitempty"`
	Resource  string          `json:"resource,omitempty"`
	Origin    fault.Origin    `json:"origin,omitempty"`
	Problems  []fault.Problem `json:"problems,omitempty"`
}

// statuses has the HTTP status of each code that a service answers; the others are 500.
var statuses = map[fault.Code]int{
	fault.InvalidArgument: http.StatusBadRequest, fault.ConfigInvalid: http.StatusBadRequest,
	fault.AuthRequired: http.StatusUnauthorized, fault.AuthFailed: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden,
	fault.JobNotFound: http.StatusNotFound, fault.SnapshotNotFound: http.StatusNotFound, fault.ArtifactsNotAvailable: http.StatusNotFound,
	fault.JobNotComplete: http.StatusConflict, fault.Conflict: http.StatusConflict,
	fault.Integrity: http.StatusUnprocessableEntity, fault.Throttled: http.StatusTooManyRequests,
	fault.Unsupported: http.StatusNotImplemented, fault.ServiceUnavailable: http.StatusServiceUnavailable, fault.Timeout: http.StatusGatewayTimeout,
}

// StatusOf is the HTTP status that goes with a code.
func StatusOf(code fault.Code) int {
	if s, ok := statuses[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// ProblemOf is an error as a problem. A fault without an origin came from the service.
func ProblemOf(err error) *Problem {
	f := fault.Of(err)
	p := &Problem{
		Type: "about:blank", Title: f.Message, Status: StatusOf(f.Code), Code: f.Code, Hint: f.Hint,
		Retryable: f.Retryable, Resource: f.Resource, Origin: f.Origin, Problems: f.Problems,
	}
	if text := f.Error(); text != f.Message {
		p.Detail = text
	}
	if p.Origin == "" {
		p.Origin = fault.OriginService
	}
	return p
}

// Fault is the fault that the problem carried, none of its texts longer than MaxText.
func (p *Problem) Fault() *fault.Fault {
	f := &fault.Fault{
		Code: fault.Code(clip(string(p.Code), MaxText)), Message: clip(p.Title, MaxText), Hint: clip(p.Hint, MaxText), Retryable: p.Retryable,
		Resource: clip(p.Resource, MaxText), Origin: fault.Origin(clip(string(p.Origin), MaxText)), Problems: p.Problems,
	}
	if cause, found := strings.CutPrefix(p.Detail, p.Title+": "); found && cause != "" {
		f.Cause = errors.New(clip(cause, MaxText))
	}
	return f
}

const (
	// maxPlain is how much of a body that is no problem is shown, in bytes.
	maxPlain = 200
	// MaxText bounds each text of a refusal, in bytes. Whoever refuses may write as much as fits into an answer.
	MaxText = 16 << 10
)

// clip cuts a text to at most so many bytes, between two characters.
func clip(text string, most int) string {
	const mark = "…"
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(mark)], "") + mark
}

// DecodeProblem reads the body of a refusal: a Problem, {"error":{"code","message"}}, {"detail":…} or
// {"message":…}, or what a proxy says in plain text. A page meant for a browser is not quoted. notFound is the
// code of a 404 that brings none of its own.
func DecodeProblem(status int, contentType string, body []byte, notFound fault.Code) *fault.Fault {
	media, _, _ := mime.ParseMediaType(contentType)
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("{")) {
		if f := decodeObject(status, body, notFound); f != nil {
			return f
		}
	}
	message := fmt.Sprintf("the service answered %s", statusText(status))
	if media == "text/html" || bytes.HasPrefix(bytes.ToLower(body), []byte("<!doctype")) || bytes.HasPrefix(bytes.ToLower(body), []byte("<html")) {
		return bare(status, message+" with a web page", notFound)
	}
	if text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "")), " "); text != "" {
		message += ": " + clip(text, maxPlain)
	}
	return bare(status, message, notFound)
}

func decodeObject(status int, body []byte, notFound fault.Code) *fault.Fault {
	var p Problem
	if json.Unmarshal(body, &p) == nil && p.Code != "" && p.Title != "" {
		return p.Fault()
	}
	var foreign struct {
		Title   string          `json:"title"`
		Detail  json.RawMessage `json:"detail"`
		Message string          `json:"message"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &foreign) != nil {
		return nil
	}
	var inner struct {
		Code    fault.Code `json:"code"`
		Message string     `json:"message"`
	}
	_ = json.Unmarshal(foreign.Error, &inner)
	text := inner.Message
	for _, raw := range []json.RawMessage{foreign.Detail, foreign.Error} {
		var s string
		if text == "" && json.Unmarshal(raw, &s) == nil {
			text = s
		}
	}
	for _, s := range []string{foreign.Message, foreign.Title, string(foreign.Detail)} {
		if text == "" {
			text = s
		}
	}
	if text == "" {
		return nil
	}
	f := bare(status, clip(text, MaxText), notFound)
	if inner.Code.Known() {
		f.Code = inner.Code
	}
	return f
}

// bare is the fault of a refusal of which only the status is to be trusted.
func bare(status int, message string, notFound fault.Code) *fault.Fault {
	f := fault.New(fault.RemoteFailed, message, fault.From(fault.OriginService))
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusMethodNotAllowed:
		f.Code = fault.InvalidArgument
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		f.Code, f.Hint = fault.AuthFailed, "check the API key: atg auth status"
	case http.StatusForbidden:
		f.Code, f.Hint = fault.Forbidden, "ask the service's operator what this key may do"
	case http.StatusNotFound, http.StatusGone:
		if f.Code = notFound; notFound == "" {
			f.Code = fault.RemoteFailed
		}
	case http.StatusConflict:
		f.Code = fault.Conflict
	case http.StatusTooManyRequests:
		f.Code, f.Retryable = fault.Throttled, true
	case http.StatusNotImplemented:
		f.Code = fault.Unsupported
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		f.Code, f.Retryable = fault.ServiceUnavailable, true
	}
	return f
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return fmt.Sprintf("%d (%s)", status, text)
	}
	return fmt.Sprint(status)
}
