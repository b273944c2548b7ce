package remote

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// What a service may say that a job has made.
const (
	maxFiles = 100_000
	maxTotal = 1 << 38 // bytes: 256 GiB
	maxDepth = 32      // folders
	maxName  = 255     // bytes of one name

	// ownPrefix begins the names of what is on its way into a folder.
	ownPrefix = ".atg-"
)

// checkArtifacts refuses files whose names lead out of their folder, cannot be on each system, or would be one
// file on some, and sums that are none. The answer is fault.Integrity.
func checkArtifacts(artifacts []backend.Artifact) error {
	if len(artifacts) > maxFiles {
		return untrusted(fmt.Sprintf("more than %d files are said to be there", maxFiles), "")
	}
	var total int64
	places := places{}
	for _, a := range artifacts {
		if why := badPath(a.Path); why != "" {
			return untrusted("a file's name "+why, a.Path)
		}
		if why := places.take(a.Path); why != "" {
			return untrusted(why, a.Path)
		}
		if a.Size < 0 || a.Size > maxTotal-total {
			return untrusted(fmt.Sprintf("files of more than %d GiB are said to be there", maxTotal>>30), a.Path)
		}
		total += a.Size
		if sum, err := hex.DecodeString(a.SHA256); err != nil || len(sum) != 32 || strings.ToLower(a.SHA256) != a.SHA256 {
			return untrusted("a file's SHA-256 is none", a.Path)
		}
	}
	return nil
}

// untrusted is the fault of files that are not what they should be.
func untrusted(message, path string) error {
	options := []fault.Option{fault.From(fault.OriginBackend), fault.Hint("nothing of it was kept; tell the service's operator")}
	if path != "" {
		message += ": " + printable(path)
		options = append(options, fault.On(printable(path)))
	}
	return fault.New(fault.Integrity, message, options...)
}

// badPath says what is wrong with a relative path with slashes; empty is nothing.
func badPath(path string) string {
	names := strings.Split(path, "/")
	if strings.HasPrefix(strings.ToLower(path), ownPrefix) {
		return "is one that atg keeps for itself"
	}
	if len(names) > maxDepth {
		return "is too deep"
	}
	for _, n := range names {
		if why := badName(n); why != "" {
			return why
		}
	}
	return ""
}

func badName(name string) string {
	switch {
	case name == "":
		return "has an empty part"
	case name == "." || name == "..":
		return "leads elsewhere"
	case len(name) > maxName:
		return "is too long"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }):
		return "holds what no name should"
	case strings.ContainsAny(name, `\:*?"<>|`):
		return "holds a character that Windows reserves"
	case strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") || strings.HasPrefix(name, " "):
		return "begins or ends with what Windows removes"
	case reserved(name):
		return "is one that Windows reserves"
	}
	return ""
}

// portNumbers end the names of ports, as Windows reads them.
var portNumbers = strings.Split("0 1 2 3 4 5 6 7 8 9 ¹ ² ³", " ")

// reserved says whether Windows takes a name for a device, whatever its extension.
func reserved(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	name = strings.ToUpper(strings.TrimRight(name, " "))
	if slices.Contains([]string{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"}, name) {
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if n, ok := strings.CutPrefix(name, port); ok && slices.Contains(portNumbers, n) {
			return true
		}
	}
	return false
}

// places are the files and folders that are taken, as a system sees them that knows neither case nor the
// ways to write an accent.
type places map[string]place

type place struct {
	path   string
	folder bool
}

// take takes a file's place, and says why it cannot.
func (p places) take(path string) (why string) {
	for i, r := range path + "/" {
		if r != '/' {
			continue
		}
		here := place{path[:i], i < len(path)}
		key := folded(here.path)
		switch there, taken := p[key]; {
		case !taken:
			p[key] = here
		case there != here || !here.folder:
			return "two names are one on some systems"
		}
	}
	return ""
}

func folded(path string) string {
	return norm.NFC.String(strings.ToLower(strings.ToUpper(norm.NFC.String(path))))
}
