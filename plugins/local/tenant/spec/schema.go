package spec

import (
	"encoding/json"
	"sort"
)

// Schema is the JSON Schema of a block, made of the same description by which Parse checks it. It is published as
// docs/specification.schema.json.
func Schema() []byte {
	definitions := map[string]any{}
	root := schemaOf(document, definitions)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "A block of the specification of an Azure tenant"
	root["$defs"] = definitions
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps and texts alone
	}
	return append(text, '\n')
}

// schemaNames are the names of objects in $defs.
func schemaNames() map[*shape]string {
	return map[*shape]string{
		identityShape: "identity", resourceShape: "resource", groupShape: "resourceGroup", subscriptionShape: "subscription", userShape: "user", entraGroupShape: "group",
		serviceShape: "servicePrincipal", assignmentShape: "roleAssignment", relationshipShape: "relationship", placedGroup: "placedResourceGroup", placed: "placedResource",
		managedIdentityShape: "managedIdentity", placedMI: "placedManagedIdentity", tenantShape: "tenant",
	}
}

// schemaOf is the schema of a shape. An object with a name goes to the definitions once.
func schemaOf(s *shape, definitions map[string]any) map[string]any {
	if name := schemaNames()[s]; name != "" {
		if _, done := definitions[name]; !done {
			definitions[name] = nil // for shapes that lead back
			definitions[name] = objectSchema(s, definitions)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	switch s.kind {
	case textValue:
		return map[string]any{"type": "string"}
	case boolValue:
		return map[string]any{"type": "boolean"}
	case listOf:
		return map[string]any{"type": "array", "items": schemaOf(s.items, definitions)}
	case mapOf:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(s.items, definitions)}
	case freeObject:
		return map[string]any{"type": "object"}
	case listOrMap:
		return map[string]any{"type": []string{"array", "object"}}
	case object:
		return objectSchema(s, definitions)
	}
	return map[string]any{}
}

// objectSchema is the schema of an object: each member under all of its names, a required one under one of them.
func objectSchema(s *shape, definitions map[string]any) map[string]any {
	properties := map[string]any{}
	var needed []any
	for i := range s.members {
		m := &s.members[i]
		of := schemaOf(m.shape, definitions)
		if !m.required { // null is as if it were not there
			of = map[string]any{"anyOf": []any{of, map[string]any{"type": "null"}}}
		}
		if m.doc != "" {
			of["description"] = m.doc
		}
		properties[m.name] = of
		names := append([]string{m.name}, m.aliases()...)
		for _, alias := range names[1:] {
			properties[alias] = map[string]any{"$ref": pointer(s, m.name), "description": "The same as " + m.name + "."}
		}
		if m.required {
			var any1 []any
			for _, name := range names {
				any1 = append(any1, map[string]any{"required": []string{name}})
			}
			needed = append(needed, map[string]any{"anyOf": any1})
		}
	}
	made := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(needed) > 0 {
		made["allOf"] = needed
	}
	return made
}

// pointer leads to a member of an object in the schema.
func pointer(s *shape, name string) string {
	if in := schemaNames()[s]; in != "" {
		return "#/$defs/" + in + "/properties/" + name
	}
	if s == document {
		return "#/properties/" + name
	}
	panic("an object of the format has no name in the schema") // a test makes the schema
}

// Members are the names of all members of a block's objects, sorted, for documentation and its test.
func Members() []string {
	seen := map[string]bool{}
	visited := map[*shape]bool{}
	var visit func(*shape)
	visit = func(s *shape) {
		if s == nil || visited[s] {
			return
		}
		visited[s] = true
		visit(s.items)
		for i := range s.members {
			seen[s.members[i].name] = true
			visit(s.members[i].shape)
		}
	}
	visit(document)
	all := make([]string, 0, len(seen))
	for name := range seen {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
