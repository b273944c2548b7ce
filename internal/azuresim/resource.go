package azuresim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// listed are the members of a resource in Resource Manager's lists, properties those in addition
// of a resource on its own.
var (
	listed     = []string{"kind", "location", "managedBy", "tags", "sku", "plan", "identity", "zones", "extendedLocation"}
	properties = []string{"properties"}
	complete   = slices.Concat(listed, properties)
)

// resourceBody is a resource as Resource Manager shows it: without what Resource Graph adds, and
// without members that it has not.
func resourceBody(row tenant.Row, members ...string) []byte {
	return appendResource(make([]byte, 0, 1024), row, row.Name(), members)
}

// appendResource appends resourceBody under a name.
func appendResource(dst []byte, row tenant.Row, name string, members []string) []byte {
	id := row.ID()
	typ, _ := tenant.TypeOf(id)
	if typ == "" {
		typ = row.Type()
	}
	dst = append(dst, `{"id":`...)
	dst = kql.AppendString(dst, id)
	dst = append(dst, `,"name":`...)
	dst = kql.AppendString(dst, name)
	dst = append(dst, `,"type":`...)
	dst = kql.AppendString(dst, typ)
	for _, member := range members {
		start := len(dst)
		dst = append(dst, `,"`...)
		dst = append(dst, member...)
		dst = append(dst, `":`...)
		value := len(dst)
		dst = row.Append(dst, member)
		switch string(dst[value:]) {
		case "null", `""`:
			dst = dst[:start]
			continue
		}
		if member == "properties" && bytes.Contains(dst[value:], []byte(`"extended"`)) {
			dst = append(dst[:value], withoutExtended(bytes.Clone(dst[value:]))...)
		}
	}
	if len(members) == len(complete) {
		for name, raw := range row.Extra() {
			dst = append(dst, ',')
			dst = kql.AppendString(dst, name)
			dst = append(dst, ':')
			dst = append(dst, raw...)
		}
	}
	return append(dst, '}')
}

// withoutExtended drops properties.extended, which only Resource Graph has.
func withoutExtended(raw []byte) []byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members["extended"] == nil {
		return raw
	}
	delete(members, "extended")
	return mustJSON(members)
}

// listResources lists a subscription's or a group's resources without their properties.
// https://learn.microsoft.com/rest/api/resources/resources/list
func (s *Server) listResources(w http.ResponseWriter, r *http.Request, c *call) *armError {
	p, failure := s.listWindow(r)
	if failure != nil {
		return failure
	}
	query := r.URL.Query()
	filter, err := parseFilter(query.Get("$filter"))
	if err != nil {
		return newARMError(http.StatusBadRequest, "InvalidFilterInQueryString",
			fmt.Sprintf("Invalid $filter '%s' specified in the query string.", query.Get("$filter")))
	}
	expand := strings.Split(strings.ToLower(query.Get("$expand")), ",")
	table := s.Tenant().Resources()
	rows := table.InSubscription(c.lower[1])
	if len(c.lower) == 5 {
		rows = table.InGroup(c.lower[1], c.lower[3])
	}
	var items []json.RawMessage
	next := 0
	for i := p.from; i < len(rows); i++ {
		row := tenant.Row{Table: table, Index: rows[i]}
		if !filter.matches(row) {
			continue
		}
		if len(items) == p.size {
			next = i
			break
		}
		items = append(items, listedBody(row, filter, expand))
	}
	s.writePageOf(w, r, items, next, nil)
	return nil
}

func listedBody(row tenant.Row, filter *filter, expand []string) json.RawMessage {
	members := listed
	if filter.byTag { // the answer to a filter by tag has no tags
		members = slices.DeleteFunc(slices.Clone(members), func(name string) bool { return name == "tags" })
	}
	_, name := tenant.TypeOf(row.ID())
	if name == "" {
		name = row.Name()
	}
	body := appendResource(make([]byte, 0, 512), row, name, members)
	body = body[:len(body)-1]
	if slices.Contains(expand, "provisioningstate") {
		var p struct {
			State string `json:"provisioningState"`
		}
		if err := json.Unmarshal(row.JSON("properties"), &p); err == nil && p.State != "" {
			body = append(body, `,"provisioningState":`...)
			body = append(body, mustJSON(p.State)...)
		}
	}
	for _, name := range []string{"createdTime", "changedTime"} {
		if slices.Contains(expand, strings.ToLower(name)) {
			body = append(body, `,"`+name+`":"2024-03-01T08:00:00.0000000Z"`...)
		}
	}
	return append(body, '}')
}

// listGroups lists resource groups, all or by tag.
func (s *Server) listGroups(w http.ResponseWriter, r *http.Request, c *call) *armError {
	filter, err := parseFilter(r.URL.Query().Get("$filter"))
	if err != nil {
		return newARMError(http.StatusBadRequest, "InvalidFilterInQueryString",
			fmt.Sprintf("Invalid $filter '%s' specified in the query string.", r.URL.Query().Get("$filter")))
	}
	var items []json.RawMessage
	for _, row := range s.Tenant().Groups(c.lower[1]) {
		if filter.matches(row) {
			items = append(items, groupBody(row))
		}
	}
	return s.writeList(w, r, items)
}

func groupBody(row tenant.Row) []byte {
	body := map[string]any{
		"id": row.Text("id"), "name": row.Text("name"), "type": "Microsoft.Resources/resourceGroups",
		"location": row.Text("location"), "properties": map[string]any{"provisioningState": "Succeeded"},
	}
	for _, name := range []string{"tags", "managedBy"} {
		if raw := row.JSON(name); !slices.Contains([]string{"null", `""`}, string(raw)) {
			body[name] = json.RawMessage(raw)
		}
	}
	return mustJSON(body)
}
