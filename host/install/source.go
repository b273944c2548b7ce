package install

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"oras.land/oras-go/v2/registry"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type kind int

const (
	kindFile kind = iota
	kindFolder
	kindWeb
	kindRegistry
	kindLayout
)

// Source is where a backend comes from.
type Source struct {
	kind       kind
	text       string // canonical: as the lock file has it, and as policies are looked up
	path       string // of a file, a folder, a layout
	url        string // with its query
	repository string // REGISTRY/NAME
	reference  string // a tag or a digest
}

const (
	ociScheme    = "oci://"
	layoutScheme = "oci-layout:"
)

// ParseSource understands where a backend comes from:
//
//	PATH                          a program, an archive with one, or a folder of them
//	https://HOST/PATH             a program or an archive
//	oci://REGISTRY/NAME[:TAG][@sha256:HEX]
//	oci-layout:FOLDER[:TAG][@sha256:HEX]
func ParseSource(text string) (Source, error) {
	if rest, ok := strings.CutPrefix(text, ociScheme); ok {
		return parseRegistry(text, rest)
	}
	if rest, ok := strings.CutPrefix(text, layoutScheme); ok {
		return parseLayout(text, rest)
	}
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		u, err := url.Parse(text)
		if err != nil || scheme != "https" || u.Host == "" {
			return Source{}, wrongSource(text, "backends come by https:// or oci:// alone")
		}
		if u.User != nil {
			return Source{}, wrongSource(u.Redacted(), "a URL with a password in it would be kept in the lock file")
		}
		u.Fragment = ""
		u.Host = strings.ToLower(u.Host)
		u = u.JoinPath() // no .. to get around a policy
		s := Source{kind: kindWeb, url: u.String()}
		u.RawQuery = "" // it may hold a signature that lets whoever has it in
		s.text = u.String()
		return s, nil
	}
	path, err := filepath.Abs(text)
	if err != nil || text == "" {
		return Source{}, wrongSource(text, "name a file, a folder, https://…, oci://… or oci-layout:…")
	}
	info, err := os.Stat(path)
	if err != nil {
		return Source{}, missing(path, "there is no such file", err)
	}
	s := Source{kind: kindFile, text: path, path: path}
	if info.IsDir() {
		s.kind = kindFolder
		if _, err := os.Stat(filepath.Join(path, "oci-layout")); err == nil {
			return parseLayout(text, path)
		}
	}
	return s, nil
}

func parseRegistry(text, rest string) (Source, error) {
	ref, err := registry.ParseReference(rest)
	if err != nil {
		return Source{}, wrongSource(text, "write oci://REGISTRY/NAME:TAG or oci://REGISTRY/NAME@sha256:…")
	}
	ref.Registry = strings.ToLower(ref.Registry)
	s := Source{kind: kindRegistry, repository: ref.Registry + "/" + ref.Repository, reference: ref.Reference}
	if s.reference == "" {
		s.reference = "latest"
	}
	s.text = ociScheme + s.repository + separated(s.reference)
	return s, nil
}

// separated is a reference behind its separator.
func separated(reference string) string {
	if strings.Contains(reference, ":") {
		return "@" + reference
	}
	return ":" + reference
}

func parseLayout(text, rest string) (Source, error) {
	s := Source{kind: kindLayout, path: rest}
	if folder, digest, ok := strings.Cut(rest, "@"); ok {
		if !lockfile.IsDigest(digest) {
			return Source{}, wrongSource(text, "a digest is sha256: and 64 hexadecimal digits")
		}
		s.path, s.reference = folder, digest
	} else if i := strings.LastIndexByte(rest, ':'); i > 1 && !strings.ContainsAny(rest[i:], `/\`) { // not behind the letter of a drive
		s.path, s.reference = rest[:i], rest[i+1:]
	}
	path, err := filepath.Abs(s.path)
	if err != nil || s.path == "" {
		return Source{}, wrongSource(text, "write oci-layout:FOLDER:TAG")
	}
	s.path, s.text = path, layoutScheme+path
	if s.reference != "" {
		s.text += separated(s.reference)
	}
	return s, nil
}

func wrongSource(text, hint string) error {
	return fault.New(fault.InvalidArgument, fmt.Sprintf("%q is nothing that a backend can be installed from", text), fault.Hint("%s", hint), fault.From(fault.OriginHost))
}

// pinned says whether the source means the same for ever.
func (s Source) pinned() bool { return strings.HasPrefix(s.reference, "sha256:") }

const filePrefix = "atg-backend-"

// parseFile reads the name of a program or of an archive with one: atg-backend-NAME, perhaps with _OS_ARCH, .exe, .tar.gz, .tgz or
// .zip behind it. The platform is empty where the name has none.
func parseFile(base string) (name, platform string, ok bool) {
	rest, ok := strings.CutPrefix(base, filePrefix)
	if !ok {
		return "", "", false
	}
	for _, ending := range []string{".tar.gz", ".tgz", ".zip", ".exe"} {
		if cut, found := strings.CutSuffix(rest, ending); found {
			rest = cut
			break
		}
	}
	parts := strings.Split(rest, "_")
	if len(parts) == 3 && slices.Min([]int{len(parts[1]), len(parts[2])}) > 0 {
		platform = parts[1] + "/" + parts[2]
		parts = parts[:1]
	}
	return parts[0], platform, len(parts) == 1 && config.ValidName(parts[0])
}
