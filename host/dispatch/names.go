package dispatch

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// checkNames refuses names that lead out of the folder, that are atg's own, or that are not the name of one
// file on every system: a result is the same everywhere, and a folder is copied from one to the other.
func checkNames(artifacts []backend.Artifact) error {
	seen := map[string]string{}    // names as file systems without case see them
	folders := map[string]string{} // and the folders on the way to them
	for _, a := range artifacts {
		why := unsafeName(a.Path)
		key := strings.ToLower(a.Path)
		switch other, twice := seen[key]; {
		case why != "":
		case twice && other == a.Path:
			why = "twice"
		case twice:
			why = "beside " + other + ", from which some systems cannot tell it"
		}
		for dir := path.Dir(a.Path); why == "" && dir != "."; dir = path.Dir(dir) {
			key := strings.ToLower(dir)
			if other, ok := folders[key]; ok && other != dir {
				why = "in a folder which some systems cannot tell from " + other
			}
			folders[key] = dir
		}
		if why != "" {
			return distrust(fmt.Sprintf("the backend gave a file the unsafe name %q: %s", a.Path, why), a.Path)
		}
		seen[key] = a.Path
	}
	for name, file := range seen {
		if dir, ok := folders[name]; ok {
			return distrust(fmt.Sprintf("the backend gave a file the unsafe name %q: there are files below %s", file, dir), file)
		}
	}
	return nil
}

// unsafeName says what is wrong with a file's name; nothing if it may be used. Windows's rules are those of
// "Naming Files, Paths, and Namespaces" (learn.microsoft.com/windows/win32/fileio/naming-a-file).
func unsafeName(name string) string {
	if name == "." || path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "it leads elsewhere"
	}
	for part := range strings.SplitSeq(name, "/") {
		switch stem, _, _ := strings.Cut(part, "."); {
		case strings.ContainsFunc(part, func(r rune) bool { return r < 0x20 || r == 0x7f || strings.ContainsRune(`<>:"\|?*`, r) }):
			return "it has a character that not every system takes"
		case strings.HasSuffix(part, ".") || strings.HasSuffix(part, " "):
			return "it ends with a dot or a blank, which not every system keeps"
		case reserved(strings.TrimRight(stem, " ")):
			return "Windows reserves it for a device"
		case len(part) > 255:
			return "it is too long"
		}
	}
	if first, _, _ := strings.Cut(strings.ToLower(name), "/"); first == manifestName || strings.HasPrefix(first, stagingPrefix) {
		return "it is one of atg's own"
	}
	return ""
}

// ports are the numbers of Windows's serial and parallel ports, some of them in superscript.
var ports = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³"}

// reserved says whether Windows takes a name, whatever its extension, for a device.
func reserved(stem string) bool {
	stem = strings.ToUpper(stem)
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	port, ok := strings.CutPrefix(stem, "COM")
	if !ok {
		port, ok = strings.CutPrefix(stem, "LPT")
	}
	return ok && slices.Contains(ports, port)
}
