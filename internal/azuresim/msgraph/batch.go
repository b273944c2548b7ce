package msgraph

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// maxBatch is how many requests a batch may have.
const maxBatch = 20

// batchItem is a request of a batch.
type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`
}

// batch answers many requests, in the order in which they depend on each other.
// https://learn.microsoft.com/graph/json-batching
func (s *Service) batch(r *Request, a *Answer) ([]byte, *failure) {
	if r.Method != http.MethodPost {
		return nil, methodNotAllowed()
	}
	var form struct {
		Requests []batchItem `json:"requests"`
	}
	if err := json.Unmarshal(r.Body, &form); err != nil || form.Requests == nil {
		return nil, badRequest("BadRequest", "Invalid batch payload format.")
	}
	if failure := checkBatch(form.Requests); failure != nil {
		return nil, failure
	}
	statuses := map[string]int{}
	body := []byte(`{"responses":[`)
	for pending := form.Requests; len(pending) > 0; {
		var later []batchItem
		for _, item := range pending {
			ready, failed := depends(item, statuses)
			if !ready {
				later = append(later, item)
				continue
			}
			answer := s.batchAnswer(r, item, failed)
			statuses[strings.ToLower(item.ID)] = answer.Status
			if len(statuses) > 1 {
				body = append(body, ',')
			}
			body = appendResponse(body, item.ID, answer)
		}
		if len(later) == len(pending) {
			return nil, badRequest("BadRequest", "The dependencies of the requests form a cycle.")
		}
		pending = later
	}
	a.Header.Set("Content-Type", "application/json")
	return append(body, "]}"...), nil
}

func checkBatch(items []batchItem) *failure {
	if len(items) > maxBatch {
		return badRequest("BadRequest", "Number of batch request steps exceeds the maximum value of 20.")
	}
	seen := map[string]bool{}
	for _, item := range items {
		id := strings.ToLower(item.ID)
		switch {
		case id == "" || item.Method == "" || item.URL == "":
			return badRequest("BadRequest", "Invalid batch payload format.")
		case seen[id]:
			return badRequest("BadRequest", "Request Id "+item.ID+" has to be unique in a batch.")
		case len(item.Body) > 0 && item.header("Content-Type") == "":
			return badRequest("BadRequest", "Write request id : "+item.ID+" does not contain Content-Type header or body.")
		}
		seen[id] = true
	}
	for _, item := range items {
		for _, other := range item.DependsOn {
			if !seen[strings.ToLower(other)] {
				return badRequest("BadRequest", "Invalid dependsOn property: there is no request "+other+".")
			}
		}
	}
	return nil
}

func (i batchItem) header(name string) string {
	for known, value := range i.Headers {
		if strings.EqualFold(known, name) {
			return value
		}
	}
	return ""
}

// depends says whether all that an item depends on has been answered, and whether some of it failed.
func depends(item batchItem, statuses map[string]int) (ready, failed bool) {
	for _, other := range item.DependsOn {
		status, ok := statuses[strings.ToLower(other)]
		if !ok {
			return false, false
		}
		failed = failed || status >= 400
	}
	return true, failed
}

func (s *Service) batchAnswer(outer *Request, item batchItem, failed bool) *Answer {
	r := &Request{
		Method: strings.ToUpper(item.Method), Base: outer.Base, Header: http.Header{}, Query: url.Values{}, Body: item.Body, Caller: outer.Caller,
	}
	for name, value := range item.Headers {
		r.Header.Set(name, value)
	}
	address, err := url.Parse("/" + strings.TrimPrefix(item.URL, "/"))
	if failed {
		return s.Refuse(r, Struck{Status: http.StatusFailedDependency, Code: "FailedDependency", Message: "A request on which this one depends has failed."})
	}
	if err != nil || strings.Contains(item.URL, "://") || strings.EqualFold(address.Path, "/$batch") {
		return s.Refuse(r, Struck{Status: http.StatusBadRequest, Code: "BadRequest", Message: "The url of the request is not valid: '" + item.URL + "'."})
	}
	r.Path, r.Query = address.Path, address.Query()
	if struck, ok := s.Strike(r.Method, "/v1.0"+r.Path, r.Body); ok {
		return s.Refuse(r, struck)
	}
	return s.Answer(r)
}

func appendResponse(dst []byte, id string, a *Answer) []byte {
	headers := map[string]string{}
	for _, name := range []string{"Cache-Control", "Content-Type", "Location", "OData-Version", "Retry-After", "x-ms-resource-unit", "x-ms-throttle-limit-percentage", "x-ms-throttle-scope", "x-ms-throttle-information"} {
		if value := a.Header.Get(name); value != "" {
			headers[name] = value
		}
	}
	dst = append(dst, `{"id":`...)
	dst = append(dst, encode(id)...)
	dst = append(dst, `,"status":`...)
	dst = append(dst, encode(a.Status)...)
	dst = append(dst, `,"headers":`...)
	dst = append(dst, encode(headers)...)
	if len(a.Body) > 0 {
		dst = append(dst, `,"body":`...)
		if bytes.HasPrefix(a.Body, []byte("{")) {
			dst = append(dst, a.Body...)
		} else {
			dst = append(dst, encode(string(a.Body))...)
		}
	}
	return append(dst, '}')
}
