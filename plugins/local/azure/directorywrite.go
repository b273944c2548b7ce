package azure

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// The permissions of Microsoft Graph that making identities needs.
const (
	PermissionWriteUsers        = "User.ReadWrite.All"
	PermissionWriteGroups       = "Group.ReadWrite.All"
	PermissionWriteApplications = "Application.ReadWrite.All" // and service principals
)

// DirectoryRequest is a call to Microsoft Graph about one object, or that changes something.
type DirectoryRequest struct {
	Method     string
	Path       string     // below the version, escaped: see url.PathEscape
	Query      url.Values // may be nil
	Body       []byte     // JSON; nil is none. It is in no log and no error
	Permission string     // the least that the call needs, for the message of a refusal
}

// SendDirectory makes a call. Waits for Microsoft Graph are told to the context's Trace. A POST is made again where it was throttled, and not where
// its answer was lost: then IsUncertain says that nobody knows whether it was done.
func (s *Session) SendDirectory(ctx context.Context, r DirectoryRequest) (Answer, error) {
	address := s.config.Endpoints.Graph + directoryVersion + r.Path
	if len(r.Query) > 0 {
		address += "?" + strings.ReplaceAll(r.Query.Encode(), "+", "%20")
	}
	var a Answer
	c := &call{api: apiDirectory, on: r.Path, limiter: s.limits.directory, method: r.Method, url: address, body: r.Body, permission: r.Permission, once: r.Method == http.MethodPost}
	c.header = func(status int, header http.Header) { a = Answer{Status: status} }
	c.read = func(content io.Reader) (err error) {
		a.Body, err = io.ReadAll(io.LimitReader(content, maxAnswer))
		return err
	}
	if err := s.do(ctx, c); err != nil {
		return Answer{}, final(err)
	}
	return a, nil
}

// DirectoryObject is the address by which others refer to an object of the directory.
func (s *Session) DirectoryObject(id string) string {
	return s.config.Endpoints.Graph + directoryVersion + "/directoryObjects/" + url.PathEscape(id)
}

// IsUncertain says of a call that changes something that its answer was lost: it may have been done.
func IsUncertain(err error) bool {
	f := failureOf(err)
	return f != nil && f.passing() && !f.throttled()
}
