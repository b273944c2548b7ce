package azure

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// failure is an attempt that did not succeed.
type failure struct {
	status        int   // of the answer; 0 if there was none or it was not whole
	cause         error // where there was no whole answer
	wait          time.Duration
	code, message string // Azure's own, the innermost that says something
	correlationID string
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.cause.Error()
	}
	return fmt.Sprintf("HTTP %d: %s: %s", f.status, f.code, f.message)
}

func (f *failure) Unwrap() error { return f.cause }

// answer is Azure's error as ARM and Resource Graph write it.
type answer struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Details []errorBody `json:"details"`
}

// maxErrorBody is how much of an error's body is read.
const maxErrorBody = 256 << 10

// failed reads the answer of a call that Azure refused.
func failed(resp *http.Response) *failure {
	f := &failure{status: resp.StatusCode, wait: retryAfter(resp.Header),
		correlationID: oneLine(resp.Header.Get("x-ms-correlation-request-id"))}
	if f.throttled() {
		f.wait = max(f.wait, clockTime(resp.Header.Get(headerQuotaResets)))
	}
	var body answer
	_ = withBody(resp, func(r io.Reader) error {
		content, err := io.ReadAll(io.LimitReader(r, maxErrorBody))
		if err == nil {
			err = json.Unmarshal(content, &body)
		}
		return err
	})
	inner := body.Error
	// Resource Graph says BadRequest and "Please provide below info …" outside, what it means inside.
	for len(inner.Details) > 0 && inner.Details[0].Code != "" {
		inner = inner.Details[0]
	}
	f.code, f.message = oneLine(inner.Code), oneLine(inner.Message)
	if f.code == "" {
		f.code = strings.ReplaceAll(http.StatusText(f.status), " ", "")
	}
	if f.message == "" {
		f.message = fmt.Sprintf("HTTP %d", f.status)
	}
	return f
}

// throttled says that Azure asks to slow down.
func (f *failure) throttled() bool { return f.status == http.StatusTooManyRequests }

// passing says that the same call may succeed in a moment.
func (f *failure) passing() bool {
	switch f.status {
	case 0:
		return !untrusted(f.cause)
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// why says in a word or two what the wait before the next attempt is for.
func (f *failure) why() string {
	switch {
	case f.throttled():
		return "throttled"
	case f.status != 0:
		return fmt.Sprintf("Azure fails (HTTP %d)", f.status)
	}
	return "the connection broke"
}

// fault is the failure for those outside this package. what names the API, as in "Resource Graph".
func (f *failure) fault(what string) *fault.Fault {
	if f.status == 0 {
		return unreachable(what, f.cause)
	}
	text := fmt.Sprintf("%s: %s", f.code, f.message)
	if f.correlationID != "" {
		text += fmt.Sprintf(" (correlation id %s)", f.correlationID)
	}
	origin := fault.From(fault.OriginAzure)
	switch {
	case f.status == http.StatusUnauthorized:
		return fault.New(fault.AzureAuthRequired, what+" does not accept the token: "+text, origin, fault.Hint(hintAgain))
	case f.status == http.StatusForbidden:
		return fault.New(fault.AzureForbidden, what+" refuses: "+text, origin,
			fault.Hint("ask an owner for the role Reader on the subscription or its management group"))
	case f.throttled():
		return fault.New(fault.Throttled, what+" throttles: "+text, origin, fault.Retryable(), fault.Hint(hintThrottle))
	case f.passing():
		return fault.New(fault.ServiceUnavailable, what+" fails: "+text, origin, fault.Retryable(), fault.Hint("try again later"))
	}
	return fault.New(fault.ExecutionFailed, what+" answers with an error: "+text, origin)
}
