package msgraph

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
)

// draft is an object that a call wants to write.
type draft struct {
	kind       directory.Kind
	properties map[string]any
	// bound are the ids that the object shall refer to.
	bound map[directory.Relation][]string
}

func (d *draft) text(name string) string {
	text, _ := d.properties[name].(string)
	return text
}

func (d *draft) has(name string) bool {
	value, ok := d.properties[name]
	return ok && value != nil && value != ""
}

// resource is the name of the kind in messages.
func (d *draft) resource() string {
	return strings.ToUpper(d.kind.String()[:1]) + d.kind.String()[1:]
}

func (d *draft) wrong(name string) *failure {
	return withDetail(invalid("Invalid value specified for property '"+name+"' of resource '"+d.resource()+"'."), "InvalidValue", name)
}

func missing(name string) *failure {
	return withDetail(invalid("Property "+name+" value is required but is empty or missing."), "MissingValue", name)
}

func conflict(name string) *failure {
	return withDetail(invalid("Another object with the same value for property "+name+" already exists."), "ObjectConflict", name)
}

func withDetail(f *failure, code, target string) *failure {
	f.details = []detail{{Code: code, Message: f.message, Target: target}}
	return f
}

// The properties that callers cannot set, those that hold true or false, and the longest texts.
var (
	readOnly = words(`id createdDateTime deletedDateTime renewedDateTime securityIdentifier proxyAddresses assignedLicenses assignedPlans provisionedPlans
		creationType externalUserState onPremisesLastSyncDateTime onPremisesSyncEnabled onPremisesSecurityIdentifier onPremisesDomainName
		appOwnerOrganizationId applicationTemplateId publisherDomain servicePrincipalType appDisplayName identities`)
	flags   = words("accountEnabled mailEnabled securityEnabled isAssignableToRole appRoleAssignmentRequired isFallbackPublicClient showInAddressList")
	longest = map[string]int{
		"displayName": 256, "mailNickname": 64, "givenName": 64, "surname": 64, "jobTitle": 128, "department": 64, "description": 1024, "userPrincipalName": 113,
	}
)

// maxBound is how many objects a call can refer to.
const maxBound = 20

// readDraft reads the body of a call. creating lets properties be set that cannot be changed.
func (s *Service) readDraft(r *Request, kind directory.Kind, creating bool) (*draft, *failure) {
	d := &draft{kind: kind, bound: map[directory.Relation][]string{}}
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil || body == nil {
		return nil, badRequest("BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	d.properties = map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		value := body[name]
		if relation, ok := strings.CutSuffix(name, "@odata.bind"); ok {
			if failure := d.bind(relation, value); failure != nil {
				return nil, failure
			}
			continue
		}
		if strings.HasPrefix(name, "@odata.") {
			continue
		}
		exact, ok := property(kind, name)
		if !ok {
			return nil, badRequest("BadRequest", "The property '"+name+"' does not exist on type 'microsoft.graph."+kind.String()+"'. Make sure to only use property names that are defined by the type or mark the type as open type.")
		}
		if contains(readOnly, strings.TrimSuffix(exact, "[]")) || !creating && kind != directory.User && exact == "appId" {
			return nil, invalid("Property '" + name + "' is read-only and cannot be set.")
		}
		if failure := d.set(exact, value); failure != nil {
			return nil, failure
		}
	}
	return d, nil
}

// set checks the type and the length of a value.
func (d *draft) set(exact string, value any) *failure {
	name, list := strings.CutSuffix(exact, "[]")
	switch v := value.(type) {
	case nil:
		value = nil
		if list {
			value = []any{}
		}
	case bool:
		if !contains(flags, name) {
			return badRequest("BadRequest", "Cannot convert the literal '"+string(encode(v))+"' to the expected type 'Edm.String'.")
		}
	case string:
		if contains(flags, name) {
			return badRequest("BadRequest", "Cannot convert a value to target type 'Edm.Boolean'.")
		}
		if list {
			return badRequest("BadRequest", "A node of type 'PrimitiveValue' was read from the JSON reader when trying to read the contents of the property '"+name+"'; however, a 'StartArray' node was expected.")
		}
		if limit, ok := longest[name]; ok && utf8.RuneCountInString(v) > limit {
			return d.wrong(name)
		}
	case []any:
		if !list {
			return badRequest("BadRequest", "A node of type 'StartArray' was read from the JSON reader when trying to read the contents of the property '"+name+"'; however, a 'PrimitiveValue' node was expected.")
		}
	}
	d.properties[name] = value
	return nil
}

// bind reads the addresses of objects that the new one shall refer to.
func (d *draft) bind(name string, value any) *failure {
	relation := directory.Members
	switch {
	case name == "owners" && d.kind != directory.User:
		relation = directory.Owners
	case name == "members" && d.kind == directory.Group:
	default:
		return badRequest("BadRequest", "The property '"+name+"' does not exist on type 'microsoft.graph."+d.kind.String()+"'.")
	}
	addresses, _ := value.([]any)
	if len(addresses) > maxBound {
		return invalid("The number of references in the request exceeds the maximum of 20.")
	}
	for _, address := range addresses {
		text, _ := address.(string)
		id, ok := idOf(text)
		if !ok {
			return badRequest("BadRequest", "Invalid URL format specified in @odata.bind for '"+name+"'.")
		}
		d.bound[relation] = append(d.bound[relation], id)
	}
	return nil
}

// idOf is the id at the end of an object's address.
func idOf(address string) (string, bool) {
	segments := parsePath(address)
	if len(segments) == 0 || !strings.HasPrefix(address, "https://") {
		return "", false
	}
	id := segments[len(segments)-1].name
	return strings.ToLower(id), guid.MatchString(id)
}

// create answers POST of a collection.
func (s *Service) create(r *Request, a *Answer, kind directory.Kind) ([]byte, *failure) {
	if failure := s.require(writeKind[kind]); failure != nil {
		return nil, failure
	}
	d, failure := s.readDraft(r, kind, true)
	if failure != nil {
		return nil, failure
	}
	switch kind {
	case directory.User:
		failure = s.checkUser(d)
	case directory.Group:
		failure = s.checkGroup(d)
	case directory.Application:
		failure = s.checkApplication(d)
	case directory.ServicePrincipal:
		failure = s.checkServicePrincipal(d)
	}
	if failure != nil {
		return nil, failure
	}
	object := directory.Object{Kind: kind, ID: s.NewID(), Properties: d.properties}
	if failure := s.checkBound(object, d); failure != nil {
		return nil, failure
	}
	object.Properties["createdDateTime"] = stamp(s.Now())
	if err := s.Directory().Create(object, s.Settings().Lag); err != nil {
		return nil, nameUsed(d)
	}
	if failure := s.link(object.ID, d); failure != nil {
		return nil, failure
	}
	a.Status = http.StatusCreated
	a.Header.Set("Location", r.Base+"/directoryObjects/"+object.ID)
	return s.entity(r, object, &options{}, kind.Collection()), nil
}

// checkBound refuses references that cannot be made, before anything is written.
func (s *Service) checkBound(object directory.Object, d *draft) *failure {
	for relation, ids := range d.bound {
		if relation == directory.Members && isDynamic(object) {
			return dynamicMembers()
		}
		for i, id := range ids {
			switch {
			case slices.Contains(ids[:i], id):
				return invalid("Request contains a property with duplicate values.")
			case s.Directory().IsLinked(object.ID, relation, id):
				return linkFailure(directory.ErrLinked, relation, id)
			}
			if failure := s.checkTarget(object, relation, id); failure != nil {
				return failure
			}
		}
	}
	return nil
}

// link makes an object refer to what its draft binds.
func (s *Service) link(id string, d *draft) *failure {
	for relation, ids := range d.bound {
		for _, to := range ids {
			if err := s.Directory().Link(id, relation, to); err != nil {
				return linkFailure(err, relation, to)
			}
		}
	}
	return nil
}

func linkFailure(err error, relation directory.Relation, to string) *failure {
	if errors.Is(err, directory.ErrLinked) {
		return invalid("One or more added object references already exist for the following modified properties: '" + relation.String() + "'.")
	}
	return notFound(to)
}

// update answers PATCH of an object.
func (s *Service) update(r *Request, a *Answer, kind directory.Kind, key string) ([]byte, *failure) {
	if failure := s.require(writeKind[kind]); failure != nil {
		return nil, failure
	}
	object, failure := s.findKeyed(r, kind, key)
	if failure != nil {
		return nil, failure
	}
	d, failure := s.readDraft(r, kind, false)
	if failure != nil {
		return nil, failure
	}
	if failure := s.checkChange(object, d); failure != nil {
		return nil, failure
	}
	if failure := s.checkBound(object, d); failure != nil {
		return nil, failure
	}
	switch err := s.Directory().Update(object.ID, d.properties); {
	case errors.Is(err, directory.ErrNameUsed):
		return nil, nameUsed(d)
	case err != nil:
		return nil, notFound(key)
	}
	if failure := s.link(object.ID, d); failure != nil {
		return nil, failure
	}
	a.Status = http.StatusNoContent
	return nil, nil
}

// checkChange refuses what cannot be changed to.
func (s *Service) checkChange(object directory.Object, d *draft) *failure {
	for _, name := range []string{"displayName", "userPrincipalName", "mailNickname"} {
		if _, changes := d.properties[name]; changes && !d.has(name) {
			return missing(name)
		}
	}
	delete(d.properties, "passwordProfile") // it is never shown
	switch object.Kind {
	case directory.User:
		if d.has("userPrincipalName") {
			if failure := s.checkPrincipalName(d); failure != nil {
				return failure
			}
		}
		return checkNickname(d)
	case directory.Group:
		for _, name := range []string{"mailEnabled", "isAssignableToRole"} {
			if value, changes := d.properties[name]; changes && value != object.Properties[name] {
				return invalid("Property '" + name + "' is read-only and cannot be set.")
			}
		}
		return checkNickname(d)
	}
	return nil
}

// remove answers DELETE of an object. The service principal of an application goes with it.
func (s *Service) remove(r *Request, a *Answer, kind directory.Kind, key string) ([]byte, *failure) {
	if failure := s.require(writeKind[kind]); failure != nil {
		return nil, failure
	}
	object, failure := s.findKeyed(r, kind, key)
	if failure != nil {
		return nil, failure
	}
	if object.Text("servicePrincipalType") == "ManagedIdentity" {
		return nil, denied() // it goes with its resource
	}
	d := s.Directory()
	if err := d.Delete(object.ID); err != nil {
		return nil, notFound(key)
	}
	if kind == directory.Application {
		if own, ok := d.Named(directory.ServicePrincipal, object.Text("appId")); ok {
			_ = d.Delete(own.ID) // someone else may have been faster
		}
	}
	a.Status = http.StatusNoContent
	return nil, nil
}
