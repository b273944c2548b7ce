package azure

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
)

// Request is a call to Resource Manager that changes something, or that is answered by no list. Resource Manager takes the same PUT, DELETE
// or cancellation twice, so that one whose answer was lost is made again.
type Request struct {
	Method  string
	Path    string            // below the endpoint, without a query
	Version string            // api-version
	Content *io.SectionReader // JSON; nil is none. It is read for each attempt anew, from its begin, and is in no log and no error
}

// Answer is that of Resource Manager.
type Answer struct {
	Status int
	Body   []byte
	Poll   string        // where Azure tells how an operation goes on that the call has begun; empty is nowhere
	Wait   time.Duration // what it asks to wait before that; 0 is nothing
}

// maxAnswer bounds the body of an answer that is no list.
const maxAnswer = 16 << 20

// Send makes a call. Waits for Azure, throttled ones among them, are told to the context's Trace.
func (s *Session) Send(ctx context.Context, r Request) (Answer, error) {
	return s.send(ctx, r.Path, &call{method: r.Method, url: s.address(r.Path, r.Version, nil), content: r.Content})
}

// Poll asks how an operation goes on. link is Answer.Poll; it has to lead to Resource Manager. path is what messages name.
func (s *Session) Poll(ctx context.Context, path, link string) (Answer, error) {
	address, err := follow(apiARM, s.config.Endpoints.ResourceManager, path, link)
	if err != nil {
		return Answer{}, err
	}
	return s.send(ctx, path, &call{method: http.MethodGet, url: address})
}

// Get reads a single resource, as Azure sent it. The api-version is mended as in ReadList.
func (s *Session) Get(ctx context.Context, id, version string) ([]byte, error) {
	var body []byte
	err := s.mended(ctx, List{Path: id, Version: version}, func(content io.Reader) (err error) {
		body, err = io.ReadAll(io.LimitReader(content, maxAnswer))
		return err
	})
	return body, final(err)
}

func (s *Session) send(ctx context.Context, path string, c *call) (Answer, error) {
	var a Answer
	c.api, c.on, c.limiter = apiARM, path, s.limits.call(c.method, path)
	c.header = func(status int, header http.Header) {
		a = Answer{Status: status, Wait: retryAfter(header)}
		for _, name := range []string{"Azure-AsyncOperation", "Operation-Location", "Location"} {
			if a.Poll = header.Get(name); a.Poll != "" {
				break
			}
		}
	}
	c.read = func(content io.Reader) (err error) {
		a.Body, err = io.ReadAll(io.LimitReader(content, maxAnswer))
		return err
	}
	if err := s.do(ctx, c); err != nil {
		return Answer{}, final(err)
	}
	return a, nil
}

// RefusalOf is what Azure said when it refused a call for what was asked: nil where there was no answer, where the caller may not make the
// call, and where the same call may succeed in a moment.
func RefusalOf(err error) *Refusal {
	f := failureOf(err)
	if f == nil || f.status < http.StatusBadRequest || f.passing() || f.status == http.StatusUnauthorized ||
		f.status == http.StatusForbidden && !f.has("RequestDisallowedByPolicy") {
		return nil
	}
	e := f.refusal
	if e.Code == "" {
		e.Code, e.Message = f.code, f.message
	}
	return &e
}

// HasCode says that Azure's refusal has one of some codes, in any case.
func HasCode(err error, codes ...string) bool {
	f := failureOf(err)
	return f != nil && f.has(codes...)
}

// role is the least of the usual roles that may make a call.
func (c *call) role() string {
	switch {
	case c.method == http.MethodGet || c.api != apiARM:
		return "Reader"
	case strings.Contains(strings.ToLower(c.on), "/providers/microsoft.authorization/"):
		return "Owner"
	}
	return "Contributor"
}

// Items hands out the items of a list one by one, as Azure sent them; each is valid until take returns. It is for lists that are short.
func (s *Session) Items(ctx context.Context, l List, take func(raw []byte) error) error {
	page := Page[struct{}]{}
	return ReadList(ctx, s, l, Reader[struct{}]{
		New: func(context.Context) (*Page[struct{}], error) { return &page, nil },
		Set: func(*struct{}, Column) error { return nil },
		Take: func(p *Page[struct{}]) error {
			for i := range p.Rows {
				if err := take(p.Raw(i)); err != nil {
					return err
				}
			}
			return nil
		},
	})
}
