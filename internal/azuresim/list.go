package azuresim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// window is which items of a list a call asks for: from a position, at most so many.
type window struct{ from, size int }

// listWindow reads $top and the token of a nextLink.
func (s *Server) listWindow(r *http.Request) (window, *armError) {
	p := window{size: s.config.PageSize}
	query := r.URL.Query()
	if text := query.Get("$top"); text != "" {
		top, err := strconv.Atoi(text)
		if err != nil || top < 1 {
			return p, newARMError(http.StatusBadRequest, "InvalidTopInQueryString",
				"Invalid $top '"+text+"' specified in the query string.")
		}
		p.size = min(p.size, top)
	}
	if token := query.Get("$skiptoken"); token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		from, numberErr := strconv.Atoi(string(raw))
		if err != nil || numberErr != nil || from < 0 {
			return p, newARMError(http.StatusBadRequest, "InvalidSkipToken", "The skip token in the query string is not valid.")
		}
		p.from = from
	}
	return p, nil
}

// nextLink is the absolute address of the page that starts at a position.
func nextLink(r *http.Request, position int) string {
	query := r.URL.Query()
	query.Set("$skiptoken", encode(strconv.AppendInt(nil, int64(position), 10)))
	link := url.URL{Scheme: "https", Host: r.Host, Path: r.URL.Path, RawQuery: query.Encode()}
	return link.String()
}

// writeList answers with one page of items.
func (s *Server) writeList(w http.ResponseWriter, r *http.Request, items []json.RawMessage) *armError {
	p, failure := s.listWindow(r)
	if failure != nil {
		return failure
	}
	from := min(p.from, len(items))
	to := min(from+p.size, len(items))
	next := 0
	if to < len(items) {
		next = to
	}
	s.writePageOf(w, r, items[from:to], next, nil)
	return nil
}

// writePageOf answers with items; the next page starts at position next, there is none if it is 0.
func (s *Server) writePageOf(w http.ResponseWriter, r *http.Request, items []json.RawMessage, next int, extra map[string]any) {
	body := []byte(`{"value":[`)
	for i, item := range items {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, item...)
	}
	body = append(body, ']')
	if next > 0 {
		body = append(body, `,"nextLink":`...)
		body = append(body, mustJSON(nextLink(r, next))...)
	}
	for name, value := range extra {
		body = append(body, ',')
		body = append(body, mustJSON(name)...)
		body = append(body, ':')
		body = append(body, mustJSON(value)...)
	}
	body = append(body, '}')
	writeCompressed(w, r, body)
}
