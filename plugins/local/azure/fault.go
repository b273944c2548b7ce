package azure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// failure is an attempt that did not succeed.
type failure struct {
	call          *call
	status        int   // of the answer; 0 if there was none or it was not whole
	cause         error // where there was no whole answer
	answered      bool  // there was an answer, and it could not be read
	cut           bool  // of the answer only the status came whole: what Azure means is not known
	wait          time.Duration
	code, message string   // Azure's own, the innermost that says something
	codes         []string // all of them, the outermost first
	refusal       Refusal  // as Azure told it
	versions      []string // api-versions that the answer names as supported
	service       bool     // a resource provider refused, not Resource Manager's gateway
	correlationID string
}

// Error is what a fault's message does not say already.
func (f *failure) Error() string {
	if f.cause != nil {
		return f.cause.Error()
	}
	return fmt.Sprintf("HTTP %d", f.status)
}

func (f *failure) Unwrap() error { return f.cause }

// has says whether one of Azure's codes is among some.
func (f *failure) has(codes ...string) bool {
	return slices.ContainsFunc(f.codes, func(code string) bool {
		return slices.ContainsFunc(codes, func(c string) bool { return strings.EqualFold(c, code) })
	})
}

// answer is Azure's error as ARM and Resource Graph write it; some resource providers leave the
// envelope out.
type answer struct {
	Error Refusal `json:"error"`
	Refusal
}

// Refusal is an error in Azure's words. Its texts are as Azure sent them: nobody has looked at them yet.
type Refusal struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Target  string    `json:"target"` // what it is about: an id, a name, or nothing
	Details []Refusal `json:"details"`
}

// Innermost is the first of the errors that say something: those around it say that something has failed.
func (e *Refusal) Innermost() *Refusal {
	for len(e.Details) > 0 && e.Details[0].Code != "" {
		e = &e.Details[0]
	}
	return e
}

// maxErrorBody is how much of an error's body is read: a deployment of 800 resources can be refused for each of them.
const maxErrorBody = 4 << 20

// failed reads the answer of a call that Azure refused.
func failed(resp *http.Response) *failure {
	var content []byte
	cut := withBody(resp, func(r io.Reader) (err error) {
		content, err = io.ReadAll(io.LimitReader(r, maxErrorBody))
		return err
	}) != nil
	f := failedWith(resp.StatusCode, resp.Header, content)
	f.cut = f.cut || cut
	return f
}

// failedWith is the failure of an answer with such a content.
func failedWith(status int, header http.Header, content []byte) *failure {
	f := &failure{status: status, wait: retryAfter(header), correlationID: correlationOf(header),
		service: strings.EqualFold(header.Get("x-ms-failure-cause"), "service")}
	if f.throttled() {
		resets := header.Get(headerQuotaResets)
		f.wait = max(f.wait, clockTime(resets))
		if f.wait == 0 && resets != "" {
			f.wait = time.Second // less than that, in whole seconds
		}
	}
	var body answer
	// A gateway's page says what it says.
	f.cut = bytes.HasPrefix(content, []byte{'{'}) && json.Unmarshal(content, &body) != nil
	if body.Error.Code == "" && body.Error.Message == "" {
		body.Error = body.Refusal
	}
	f.take(body.Error)
	if f.code == "" {
		f.code = strings.ReplaceAll(http.StatusText(f.status), " ", "")
	}
	if f.message == "" {
		f.message = fmt.Sprintf("HTTP %d", f.status)
	}
	return f
}

// take takes in Azure's error. Resource Graph says BadRequest and "Please provide below info …"
// outside, what it means inside.
func (f *failure) take(e Refusal) {
	f.refusal = e
	var all func(e Refusal)
	all = func(e Refusal) {
		if e.Code != "" {
			f.codes = append(f.codes, e.Code)
		}
		if len(f.versions) == 0 {
			f.versions = supportedVersions(e.Message)
		}
		for _, d := range e.Details {
			all(d)
		}
	}
	all(e)
	inner := e.Innermost()
	f.code, f.message = oneLine(inner.Code), oneLine(inner.Message)
}

// throttled says that Azure asks to slow down.
func (f *failure) throttled() bool { return f.status == http.StatusTooManyRequests }

// byProvider says of a throttled call that a resource provider's own limit is meant, and not Resource
// Manager's of the subscription or tenant.
func (f *failure) byProvider() bool {
	return f.service || !f.has("SubscriptionRequestsThrottled", "TenantRequestsThrottled")
}

// passing says that the same call may succeed in a moment.
func (f *failure) passing() bool {
	switch f.status {
	case 0:
		return !untrusted(f.cause)
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return f.cut
}

// why says in a word or two what the wait before the next attempt is for.
func (f *failure) why() string {
	switch {
	case f.throttled():
		return "throttled"
	case f.status != 0:
		return fmt.Sprintf("Azure fails (HTTP %d)", f.status)
	case f.answered:
		return "the answer is broken"
	}
	return "the connection broke"
}

// fault is the failure for those outside this package.
func (f *failure) fault() *fault.Fault {
	because := []fault.Option{fault.From(fault.OriginAzure), fault.On(f.call.on), fault.Because(f)}
	with := func(code fault.Code, message string, more ...fault.Option) *fault.Fault {
		return fault.New(code, message, append(because, more...)...)
	}
	if f.status == 0 {
		return f.broken(with)
	}
	text := fmt.Sprintf("%s: %s", f.code, f.message)
	if f.correlationID != "" {
		text += fmt.Sprintf(" (correlation id %s)", f.correlationID)
	}
	switch {
	case f.status == http.StatusUnauthorized:
		return with(fault.AzureAuthRequired, f.call.api+" does not accept the token: "+text, fault.Hint(hintAgain))
	case f.status == http.StatusForbidden && f.call.api == apiDirectory:
		return with(fault.AzureForbidden, fmt.Sprintf("%s refuses: %s; the permission %s is missing", f.call.api, text, f.call.permission),
			hintPermission(f.call.permission))
	case f.status == http.StatusForbidden:
		return with(fault.AzureForbidden, f.call.api+" refuses: "+text,
			fault.Hint("ask an owner for the role %s on the subscription or its management group", f.call.role()))
	case f.throttled():
		if f.wait > 0 {
			text += fmt.Sprintf("; it asks to wait %s", f.wait.Round(time.Second))
		}
		return with(fault.Throttled, f.call.api+" throttles: "+text, fault.Retryable(), fault.Hint(hintThrottle))
	case f.passing():
		return with(fault.ServiceUnavailable, f.call.api+" fails: "+text, fault.Retryable(), fault.Hint("try again later"))
	}
	return with(fault.ExecutionFailed, f.call.api+" answers with an error: "+text)
}

// broken is the fault of an answer that did not come, or not whole.
func (f *failure) broken(with func(fault.Code, string, ...fault.Option) *fault.Fault) *fault.Fault {
	if !f.answered {
		u := unreachable(f.call.api, f.cause)
		u.Resource, u.Cause = f.call.on, f // which says nothing but its cause
		return u
	}
	text := f.call.api + " sends answers that cannot be read"
	if f.call.query != "" {
		text = f.call.api + " sends answers to " + f.call.query + " that cannot be read"
	}
	if f.correlationID != "" {
		text += fmt.Sprintf(" (correlation id %s)", f.correlationID)
	}
	return with(fault.ServiceUnavailable, text, fault.Retryable(),
		fault.Hint("try again later; if a proxy stands between, see that it passes answers on unchanged"))
}
