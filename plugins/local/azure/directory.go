package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	apiDirectory     = "Microsoft Graph"
	directoryVersion = "/v1.0"

	// directoryTop is the most objects that Microsoft Graph gives in one page of users, groups and their like.
	directoryTop = "999"
)

// MaxObjects is how many objects one call of ReadObjects may ask for.
// https://learn.microsoft.com/graph/api/directoryobject-getbyids
const MaxObjects = 1000

// The permissions of Microsoft Graph that reading identities needs, the least of each; the last covers all.
const (
	PermissionUsers        = "User.Read.All"
	PermissionGroups       = "GroupMember.Read.All"
	PermissionApplications = "Application.Read.All" // and service principals
	PermissionDirectory    = "Directory.Read.All"
	// PermissionHidden is needed beside PermissionGroups for the members of groups that hide them.
	PermissionHidden = "Member.Read.Hidden"
)

// DirectoryQuery asks Microsoft Graph for a list, or for a single object.
type DirectoryQuery struct {
	Path       string   // below the version: /users, /groups/{id}/members
	Select     []string // the properties that are wanted
	One        bool     // it is an object, and no list
	Cast       bool     // the path ends with a type, which takes the index that may be some moments old
	Permission string   // the least that the query needs, for the message of a refusal
}

// HasDirectory says that this cloud has a Microsoft Graph, as far as is configured.
func (s *Session) HasDirectory() bool { return s.config.Endpoints.Graph != "" }

// relative is the address below the version, as a batch takes it, with pages of so many rows.
func (q *DirectoryQuery) relative(top string) string {
	var options []string
	if len(q.Select) > 0 {
		options = append(options, "$select="+strings.Join(q.Select, ","))
	}
	if !q.One {
		options = append(options, "$top="+top)
	}
	if q.Cast {
		options = append(options, "$count=true")
	}
	if len(options) == 0 {
		return q.Path
	}
	return q.Path + "?" + strings.Join(options, "&")
}

// call is the call of an address for a query.
func (q *DirectoryQuery) call(s *Session, address string, read func(io.Reader) error) *call {
	return &call{api: apiDirectory, on: q.Path, limiter: s.limits.directory, method: http.MethodGet, url: address, read: read,
		permission: q.Permission, eventual: q.Cast}
}

// ReadDirectory reads the pages of a list of Microsoft Graph's to the end, following its links as they are, like Read.
func ReadDirectory[T any](ctx context.Context, s *Session, q DirectoryQuery, r Reader[T]) error {
	return readDirectory(ctx, s, q, "", r)
}

// readDirectory reads from a link on; an empty one is the beginning.
func readDirectory[T any](ctx context.Context, s *Session, q DirectoryQuery, from string, r Reader[T]) error {
	form := shapeDirectory
	if q.One {
		form = shapeOne
	}
	return readPages(ctx, paging{api: apiDirectory, on: q.Path, endpoint: s.config.Endpoints.Graph, form: form,
		get: func(link string, read func(io.Reader) error) error {
			if link == "" {
				link = s.config.Endpoints.Graph + directoryVersion + q.relative(directoryTop)
			}
			return s.do(ctx, q.call(s, link, read))
		}}, from, r)
}

// ReadObjects reads the objects of some ids, MaxObjects at most, of whatever type. Those that the directory does not have are
// left out of the answer. Microsoft's documentation has said that this call takes no choice of properties, and it takes one all the
// same; where it does not, those that it gives without have to do.
func ReadObjects[T any](ctx context.Context, s *Session, ids, properties []string, r Reader[T]) error {
	if s.unselective.Load() {
		properties = nil
	}
	err := readObjects(ctx, s, ids, properties, r)
	if f := failureOf(err); f != nil && f.status == http.StatusBadRequest && len(properties) > 0 {
		s.unselective.Store(true)
		return readObjects(ctx, s, ids, nil, r)
	}
	return err
}

func readObjects[T any](ctx context.Context, s *Session, ids, properties []string, r Reader[T]) error {
	body, err := json.Marshal(map[string][]string{"ids": ids})
	if err != nil {
		return fault.New(fault.Internal, "the ids cannot be encoded", fault.Because(err))
	}
	q := DirectoryQuery{Path: "/directoryObjects/getByIds", Select: properties, One: true, Permission: PermissionDirectory}
	return readPages(ctx, paging{api: apiDirectory, on: q.Path, endpoint: s.config.Endpoints.Graph, form: shapeDirectory,
		get: func(link string, read func(io.Reader) error) error {
			c := q.call(s, link, read)
			if link == "" {
				c.method, c.url, c.body = http.MethodPost, s.config.Endpoints.Graph+directoryVersion+q.relative(directoryTop), body
			}
			return s.do(ctx, c)
		}}, "", r)
}

// CountDirectory is how many objects a list has.
func (s *Session) CountDirectory(ctx context.Context, path, permission string) (int64, error) {
	page := Page[struct{}]{}
	q := DirectoryQuery{Path: path, Permission: permission, Cast: true}
	err := s.do(ctx, q.call(s, s.config.Endpoints.Graph+directoryVersion+path+"?$count=true&$top=1&$select=id", func(content io.Reader) error {
		_, err := page.read(content, shapeDirectory, func(*struct{}, Column) error { return nil })
		return err
	}))
	return page.Total, final(err)
}

// TryDirectory asks Microsoft Graph for a user, a group and a service principal, and answers which of the permissions are missing
// that this takes.
func (s *Session) TryDirectory(ctx context.Context) (missing []string, err error) {
	page := Page[struct{}]{}
	queries := []DirectoryQuery{
		{Path: "/users", Select: []string{"id"}, Permission: PermissionUsers},
		{Path: "/groups", Select: []string{"id"}, Permission: PermissionGroups},
		{Path: "/servicePrincipals", Select: []string{"id"}, Permission: PermissionApplications},
	}
	err = readBatch(ctx, s, queries, "1", BatchReader[struct{}]{
		Reader: Reader[struct{}]{
			New:  func(context.Context) (*Page[struct{}], error) { return &page, nil },
			Set:  func(*struct{}, Column) error { return nil },
			Take: func(*Page[struct{}]) error { return nil },
		},
		Of: func(*struct{}, int) {},
		Failed: func(i int, err error) error {
			if fault.CodeOf(err) != fault.AzureForbidden {
				return err
			}
			missing = append(missing, queries[i].Permission)
			return nil
		},
	})
	return missing, err
}

// MissingPermissions is the fault of what Microsoft Graph does not show for lack of some permissions.
func MissingPermissions(permissions []string, format string, args ...any) *fault.Fault {
	list, missing := strings.Join(permissions, ", "), "; the permission %s is missing"
	if len(permissions) > 1 {
		missing = "; the permissions %s are missing"
	}
	return fault.New(fault.AzureForbidden, fmt.Sprintf(format, args...)+fmt.Sprintf(missing, list), fault.From(fault.OriginAzure), hintPermission(list))
}

// hintPermission is the way out of a missing permission.
func hintPermission(permission string) fault.Option {
	return fault.Hint("have an administrator grant %s, as docs/permissions.md says, or scan with --identities none", permission)
}
