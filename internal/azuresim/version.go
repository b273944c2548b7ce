package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// versionSet are the versions that writes have used of types, so that what was written in a version
// can be read in it.
type versionSet struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (v *versionSet) add(typ, version string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = map[string]bool{}
	}
	v.seen[strings.ToLower(typ)+"@"+version] = true
}

func (v *versionSet) has(typ, version string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen[strings.ToLower(typ)+"@"+version]
}

// firstVersion is the date of the oldest version of any provider of Resource Manager.
const firstVersion = "2014-01-01"

// checkWriteType refuses namespaces and types that no provider has, and versions. Of these it takes
// those of the list and, unless Settings.StrictVersions is on, any whose date is neither before
// Resource Manager nor in the future: the list has only some of Azure's.
func (s *Server) checkWriteType(typ, version string) *armError {
	namespace, name, _ := strings.Cut(typ, "/")
	provider, ok := s.Tenant().Provider(namespace)
	if !ok {
		return unknownNamespace(namespace)
	}
	for _, known := range provider.Types {
		if !strings.EqualFold(known.Name, name) {
			continue
		}
		date := version[:min(len(version), 10)]
		plausible := versionForm.MatchString(version) && date >= firstVersion && date <= s.config.Now().UTC().Format("2006-01-02")
		if slices.Contains(known.Versions, version) || plausible && !s.Settings().StrictVersions {
			return nil
		}
		return unsupportedVersion(known.Name, version, known.Versions)
	}
	return newARMError(http.StatusNotFound, "InvalidResourceType", fmt.Sprintf(
		"The resource type '%s' could not be found in the namespace '%s' for api version '%s'. The supported api-versions are '%s'.",
		name, namespace, version, strings.Join(provider.Versions(), ",")))
}
