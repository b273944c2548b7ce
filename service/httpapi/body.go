package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// What a request may be. An address, and what its headers have altogether, beyond the limit of http.Server is refused there, without a problem.
const (
	maxAddress = 8 << 10    // bytes of path and query
	maxHeaders = 100        // lines
	maxDepth   = 32         // of a JSON body: the deepest that any call knows is 6
	maxValues  = 50_000     // and names in one; each takes many times its size in memory
	identity   = "identity" // the coding of bodies that are not coded
)

// wellMade refuses requests of a size or a form that no call has, before anything is done for them.
func wellMade(r *http.Request) error {
	if len(r.RequestURI) > maxAddress {
		return withStatus{tooMuch("the address is longer than the service takes", "at most %d bytes are taken", maxAddress), http.StatusRequestURITooLong}
	}
	lines := 0
	for _, values := range r.Header {
		lines += len(values)
	}
	if lines > maxHeaders {
		return withStatus{tooMuch("the request has more headers than the service takes", "at most %d are taken", maxHeaders), http.StatusRequestHeaderFieldsTooLarge}
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, identity) {
		return withStatus{tooMuch(fmt.Sprintf("the body is encoded as %q", coding), "send it as it is: the service takes no compressed bodies"), http.StatusUnsupportedMediaType}
	}
	return nil
}

func tooMuch(message, hint string, args ...any) *fault.Fault {
	return fault.New(fault.InvalidArgument, message, fault.From(fault.OriginService), fault.Hint(hint, args...))
}

// orderly refuses JSON that costs more than it is worth, or that two readers may understand in two ways. What else may be wrong with it says
// whoever decodes it.
func orderly(body []byte) error {
	if !utf8.Valid(body) {
		return tooMuch("the body is not UTF-8", "JSON is UTF-8 (RFC 8259)")
	}
	d := jsontext.NewDecoder(bytes.NewReader(body)) // refuses names that come twice
	for values := 0; ; values++ {
		_, err := d.ReadToken()
		var wrong *jsontext.SyntacticError
		switch {
		case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &wrong):
			return malformed([]fault.Problem{{Key: string(wrong.JSONPointer), Message: "the name comes twice"}})
		case err != nil:
			return nil
		case d.StackDepth() > maxDepth:
			return tooMuch("the body is nested deeper than the service takes", "at most %d levels are taken", maxDepth)
		case values > maxValues:
			return tooMuch("the body has more values than the service takes", "at most %d are taken; send several requests", maxValues)
		}
	}
}
