package launch

import (
	"runtime"
	"slices"
	"strings"
)

// apiKey is the service's key. It reaches the remote backend in Configure, never through an environment.
const apiKey = "ATG_API_KEY"

// common are the variables that every backend gets, upper case. A name that ends with * is a prefix.
var common = []string{
	"PATH", "HOME", "TMPDIR", "XDG_*",
	"TZ", "LANG", "LANGUAGE", "LC_*",
	"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
	"SSL_CERT_*", "TRACEPARENT",
}

// commonWindows are those that Windows has beside them, and without which programs do not start there.
var commonWindows = []string{
	"USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA",
	"TEMP", "TMP", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT",
}

// azure are the variables that only the bundled local backend gets: Azure's credentials and endpoints, and the secrets of specifications.
var azure = []string{"AZURE_*", "ATG_AZURE_*", "ATG_SECRET_*", "IDENTITY_*", "MSI_*", "IMDS_ENDPOINT"}

// lowerCase are the variables that Unix programs also know in lower case, and curl in that case alone.
var lowerCase = []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"}

// Environment chooses, from environ (as os.Environ returns it), the variables that the backend of
// that name gets: path, home, temporary, XDG and AppData folders, locale, proxies, certificate
// authorities and the W3C trace; for the bundled local backend also Azure's and the secrets of specifications; and those whose names are in allow. The service's
// key (ATG_API_KEY) is never among them. Order is kept. On Windows names compare without regard to case.
func Environment(name string, bundled bool, allow []string, environ []string) []string {
	return environment(runtime.GOOS == "windows", name, bundled, allow, environ)
}

func environment(windows bool, name string, bundled bool, allow, environ []string) []string {
	patterns := slices.Concat(common, allow)
	if windows {
		patterns = append(patterns, commonWindows...)
	} else {
		patterns = append(patterns, lowerCase...)
	}
	if bundled && name == "local" {
		patterns = append(patterns, azure...)
	}
	fold := func(s string) string {
		if windows {
			return strings.ToUpper(s)
		}
		return s
	}
	chosen := []string{}
	for _, variable := range environ {
		key, _, found := strings.Cut(variable, "=")
		key = fold(key)
		if !found || key == "" || strings.EqualFold(key, apiKey) {
			continue
		}
		if slices.ContainsFunc(patterns, func(pattern string) bool { return matches(fold(pattern), key) }) {
			chosen = append(chosen, variable)
		}
	}
	return chosen
}

func matches(pattern, key string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(key, prefix)
	}
	return pattern == key
}
