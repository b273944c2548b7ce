package bicep

import (
	"hash/fnv"
	"strconv"
)

// longest is Bicep's limit for an identifier (BCP024).
const longest = 255

// reserved are names that a declaration must not take: namespaces are an error (BCP084), and a declaration that is named like
// a function hides it from the expressions of its file (BCP059). The literals are keywords everywhere; the others only where a
// declaration begins, but nobody wants to read them as a name.
var reserved = set(
	"az", "sys", "this", "true", "false", "null", "none", "void",
	"targetScope", "metadata", "type", "param", "var", "resource", "module", "output", "func", "test", "assert", "import", "extension",
	"using", "extends", "provider", "existing", "if", "for", "in", "from", "with", "as",
	"any", "array", "object", "string", "int", "bool",
	"resourceGroup", "subscription", "tenant", "managementGroup", "deployment", "deployer", "environment",
	"json", "string", "bool", "int", "format", "concat", "union", "contains", "empty", "first", "last", "length", "split", "join", "replace",
	"toLower", "toUpper", "guid", "uniqueString", "newGuid", "utcNow", "base64", "uri", "uriComponent", "range", "min", "max", "skip", "take", "trim",
	"resourceId", "subscriptionResourceId", "tenantResourceId", "managementGroupResourceId", "extensionResourceId", "reference", "pickZones",
	"items", "map", "filter", "reduce", "sort", "flatten", "indexOf", "substring", "startsWith", "endsWith", "createArray", "createObject",
	"intersection", "parseUri", "cidrHost", "cidrSubnet", "parseCidr", "dateTimeAdd", "providers", "nameof", "fail", "externalInput", "readEnvironmentVariable",
	"loadTextContent", "loadJsonContent", "loadYamlContent", "loadFileAsBase64", "toObject", "shallowMerge", "mapValues", "groupBy", "coalesce",
)

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

// camel writes a snake_case symbol, or the name of a unit, as camelCase. Names that differ by more than case and separators stay
// different.
func camel(name string) string {
	out := make([]byte, 0, len(name)+1)
	up := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z':
			if up {
				c -= 'a' - 'A'
			}
		case c >= 'A' && c <= 'Z':
			if len(out) == 0 {
				c += 'a' - 'A'
			}
		case c >= '0' && c <= '9':
			if len(out) == 0 {
				out = append(out, 'n') // an identifier begins with a letter
			}
		default:
			up = len(out) > 0
			continue
		}
		out, up = append(out, c), false
	}
	switch {
	case len(out) == 0:
		return "unnamed"
	case len(out) > longest-16: // room for a number behind it
		h := fnv.New32a()
		h.Write([]byte(name))
		return string(out[:longest-32]) + strconv.FormatUint(uint64(h.Sum32()), 16)
	}
	return string(out)
}

// symbol is camel as a declaration can have it: a reserved name says what it is the name of.
func symbol(name, what string) string {
	if s := camel(name); !reserved[s] {
		return s
	}
	return camel(name) + what
}

// pascal is camel with a large first letter, to stand behind another word.
func pascal(name string) string {
	s := []byte(camel(name))
	if s[0] >= 'a' && s[0] <= 'z' {
		s[0] -= 'a' - 'A'
	}
	return string(s)
}

// names are the identifiers of one file: parameters, variables, resources and modules share one space in Bicep.
type names map[string]struct{}

// take gives name, or, if that is taken, the first of name2, name3, … that is free.
func (n names) take(name string) string {
	free := name
	for i := 2; ; i++ {
		if _, taken := n[free]; !taken {
			n[free] = struct{}{}
			return free
		}
		free = name + strconv.Itoa(i)
	}
}
