package azure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// maxPage bounds the body of one page; ARM and Resource Graph send 16 MiB at most.
const maxPage = 64 << 20

// List is one of Resource Manager's lists.
type List struct {
	Path    string // below the endpoint, without a query: /subscriptions/{s}/resourcegroups
	Version string // api-version
	Query   url.Values
}

// ReadList reads the pages of a list to the end, like Read; a row is an item of the list. If Azure
// does not support the api-version, the best of those that it names is used, and remembered for the
// type as long as the session lives.
func ReadList[T any](ctx context.Context, s *Session, l List, r Reader[T]) error {
	return readPages(ctx, paging{api: apiARM, on: l.Path, endpoint: s.config.Endpoints.ResourceManager, form: shapeList,
		get: func(link string, read func(io.Reader) error) error {
			if link == "" {
				return s.mended(ctx, l, read)
			}
			return s.get(ctx, l.Path, link, read)
		}}, "", r)
}

// paging is how the pages of a list are read that links from each page to the next.
type paging struct {
	api, on  string // for messages
	endpoint string // which links must stay with
	form     shape
	get      func(link string, read func(io.Reader) error) error // an empty link is the first page
}

// readPages reads the pages of a list to the end, from a link on; an empty one is the beginning.
func readPages[T any](ctx context.Context, l paging, next string, r Reader[T]) error {
	seen := map[string]bool{}
	for first := true; first || next != ""; first = false {
		page, err := r.New(ctx)
		if err != nil {
			return err
		}
		var around envelope
		if err = l.get(next, func(content io.Reader) (err error) {
			if around, err = page.read(content, l.form, r.Set); errors.Is(err, errNoRows) { // it would not help to ask again
				return fault.New(fault.ExecutionFailed, l.api+" answers with something that is no list", fault.From(fault.OriginAzure), fault.On(l.on))
			}
			return err
		}); err != nil {
			page.Rows = page.Rows[:0]
			return errors.Join(final(err), r.Take(page))
		}
		if err := r.Take(page); err != nil {
			return err
		}
		if next, err = follow(l.api, l.endpoint, l.on, around.link); err != nil {
			return err
		}
		if seen[next] {
			return fault.New(fault.ExecutionFailed, l.api+" sends the same page again and again", fault.From(fault.OriginAzure), fault.On(l.on))
		}
		seen[next] = next != ""
	}
	return nil
}

// ReadOne reads a single resource, as a page of one row. The api-version is mended as in ReadList.
func ReadOne[T any](ctx context.Context, s *Session, id, version string, r Reader[T]) error {
	page, err := r.New(ctx)
	if err != nil {
		return err
	}
	if err := s.mended(ctx, List{Path: id, Version: version}, func(content io.Reader) error {
		_, err := page.read(content, shapeOne, r.Set)
		return err
	}); err != nil {
		page.Rows = page.Rows[:0]
		return errors.Join(final(err), r.Take(page))
	}
	return r.Take(page)
}

// readOnce reads a single resource into a page.
func readOnce(page *Page[struct{}]) func(io.Reader) error {
	return func(content io.Reader) error {
		_, err := page.read(content, shapeOne, func(*struct{}, Column) error { return nil })
		return err
	}
}

// mended gets the first page of a list with the api-version that is known to do, and mends it once.
func (s *Session) mended(ctx context.Context, l List, read func(io.Reader) error) error {
	typ := typeOfPath(l.Path)
	version := s.versions.get(typ, l.Version)
	err := s.get(ctx, l.Path, s.address(l.Path, version, l.Query), read)
	f := (*failure)(nil)
	if !errors.As(err, &f) {
		return err
	}
	better := newest(f.versions)
	if better == "" || better == version || s.versions.isUseless(typ, better) {
		return err
	}
	again := s.get(ctx, l.Path, s.address(l.Path, better, l.Query), read)
	switch f := failureOf(again); {
	case f == nil || len(f.versions) == 0:
		s.versions.tried(typ, better, true)
	case f.has("InvalidResourceType"): // in all regions alike
		s.versions.tried(typ, better, false)
	}
	return again
}

// get reads one page.
func (s *Session) get(ctx context.Context, path, address string, read func(io.Reader) error) error {
	return s.do(ctx, &call{api: apiARM, on: path, limiter: s.limits.arm(path), method: http.MethodGet, url: address, read: read})
}

// address is the URL of a path with an api-version.
func (s *Session) address(path, version string, query url.Values) string {
	values := url.Values{"api-version": {version}}
	for name, all := range query {
		values[name] = all
	}
	escaped := (&url.URL{Path: path}).EscapedPath()
	return s.config.Endpoints.ResourceManager + escaped + "?" + strings.ReplaceAll(values.Encode(), "+", "%20")
}

// follow checks that a link to the next page stays with an API's endpoint, for the token goes with it.
func follow(api, endpoint, path, link string) (string, error) {
	if link == "" {
		return "", nil
	}
	u, err := url.Parse(link)
	if own, _ := url.Parse(endpoint); err != nil || u.Scheme != own.Scheme || !strings.EqualFold(u.Host, own.Host) {
		return "", fault.New(fault.ExecutionFailed, fmt.Sprintf("%s links to a page elsewhere: %s", api, oneLine(link)),
			fault.From(fault.OriginAzure), fault.On(path))
	}
	return u.String(), nil
}

// final is the error of do for those outside this package.
func final(err error) error {
	if f := (*failure)(nil); errors.As(err, &f) {
		return f.fault()
	}
	return err
}
