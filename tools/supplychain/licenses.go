package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences under which a module may be linked into what is shipped: they ask for their notice, and those of
// MPL-2.0, beyond that, for the source of their own files, which the notice tells where to find.
var allowed = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "ISC", "MIT", "MIT-0", "MPL-2.0", "Unicode-DFS-2016", "Unlicense", "Zlib", "blessing"}

// told is what a person has read in a license file that the classifier does not know, for as long as it stays the same.
type told struct {
	sum      string // SHA-256 of the file, without white space around it
	licenses []string
}

// readBy are those files, by module and name.
var readBy = map[string]told{
	"github.com/opencontainers/go-digest/LICENSE.docs": {"56694295348ed6037c4e7ecb0c7b813082bc8b8eba2e2f6a9f655057c90fc96c", nil},                                             // CC-BY-SA-4.0 of its documentation, which is not linked
	"modernc.org/libc/LICENSE-3RD-PARTY.md":            {"de2e7c240a45e22cd9f3e4e627cee0f64e23425dee2ab3adb89862f208deb83a", []string{"BSD-2-Clause", "BSD-3-Clause", "MIT"}}, // of Go, musl, go-netdb, nixpkgs
	"modernc.org/memory/LICENSE-LOGO":                  {"ce9c578c2968e316b80b180c3f5a5d70a8f32f37256c1bcf944a5de4f9f4eb59", nil},                                             // of a picture, which is not linked
	"modernc.org/sqlite/LICENSE-3RD-PARTY.md":          {"d782121ab8bc21a30d401f333c3d769394651cd0d162f00a70b1655858378506", nil},                                             // a list of all that is linked, which is judged one by one, and of what is not
	"modernc.org/sqlite/LICENSE-SQLITE":                {"14088888f59c8feb910cb6cad319c6f5cddc751201662f3c09ac7b3d4ae04bfa", []string{"blessing"}},                            // the authors of SQLite give it to the public
}

// licenseFile tells by its name a file that has to be looked at; noticeFile one that has to be passed on, and grants nothing.
var (
	licenseFile = regexp.MustCompile(`(?i)^((un)?licen[cs]e|copying|copyright)s?([-._].*)?$`)
	noticeFile  = regexp.MustCompile(`(?i)^(notice|patents|authors)([-._](txt|md))?$`)
	sourceFile  = regexp.MustCompile(`(?i)\.(go|s|tmpl|json|sh|py)$`)
)

// enough is how much of a license file has to be text of known licences, in percent: the rest are names and years.
const enough = 75

// text is a file that goes into the notices.
type text struct {
	Name    string // its path in the module
	Content []byte
}

// license finds and judges the licences of a module.
func (m *module) license() error {
	if m.Dir == "" {
		return fmt.Errorf("  %s %s is not downloaded", m.Path, m.Version)
	}
	for _, folder := range upTo(m.Dir, m.Packages) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || sourceFile.MatchString(e.Name()) || !licenseFile.MatchString(e.Name()) && !noticeFile.MatchString(e.Name()) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(folder, e.Name()))
			if err != nil {
				return err
			}
			name, err := filepath.Rel(m.Dir, filepath.Join(folder, e.Name()))
			if err != nil {
				return err
			}
			m.Texts = append(m.Texts, text{filepath.ToSlash(name), bytes.TrimSpace(content)})
		}
	}
	return m.judge()
}

// judge says which licences the texts are of, and what is wrong with them.
func (m *module) judge() error {
	var wrong []error
	granted := 0
	for _, t := range m.Texts {
		if noticeFile.MatchString(path.Base(t.Name)) {
			continue
		}
		ids, err := t.licenses(m.Path)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("  %s %s: %w", m.Path, m.Version, err))
		}
		granted += len(ids)
		for _, id := range ids {
			if !slices.Contains(allowed, id) {
				wrong = append(wrong, fmt.Errorf("  %s %s: %s is of %s, which is none of the licences that may be shipped", m.Path, m.Version, t.Name, id))
			}
			if !slices.Contains(m.Licenses, id) {
				m.Licenses = append(m.Licenses, id)
			}
		}
	}
	slices.Sort(m.Licenses)
	if granted == 0 && len(wrong) == 0 {
		return fmt.Errorf("  %s %s: there is no license file", m.Path, m.Version)
	}
	return errors.Join(wrong...)
}

// licenses are those of a file of a module.
func (t text) licenses(module string) (ids []string, err error) {
	if known, ok := readBy[module+"/"+t.Name]; ok {
		if sum := fmt.Sprintf("%x", sha256.Sum256(t.Content)); sum != known.sum {
			return nil, fmt.Errorf("%s is not the one that somebody has read: read it again, and note its sum %s", t.Name, sum)
		}
		return known.licenses, nil
	}
	coverage := licensecheck.Scan(t.Content)
	if coverage.Percent < enough {
		return nil, fmt.Errorf("%s is of no known licence (%.0f %% of it)", t.Name, coverage.Percent)
	}
	for _, match := range coverage.Match {
		ids = append(ids, match.ID)
	}
	return ids, nil
}

// upTo are the folders and all above them within root, each once, in order.
func upTo(root string, folders []string) []string {
	seen := map[string]bool{root: true}
	for _, folder := range folders {
		for ; folder != root && strings.HasPrefix(folder, root+string(filepath.Separator)); folder = filepath.Dir(folder) {
			seen[folder] = true
		}
	}
	return sorted(seen)
}

// licensed is what licenses.json says of a module, by path and version.
type licensed map[string][]string

func index(modules []*module) licensed {
	out := licensed{}
	for _, m := range modules {
		out[m.Path+"@"+m.Version] = m.Licenses
	}
	return out
}

// thirdParty is the text that has all notices: a list of the modules, and each text once. extra are files that already have
// the notices of what else is in the programs.
func thirdParty(modules []*module, extra []string) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "Third-party software in the programs of atg\n\nEach module's source is what go mod download MODULE@VERSION fetches, that of Go itself (std) is at https://go.dev.\n\n")
	users, order := map[string][]string{}, []string{}
	contents := map[string][]byte{}
	for _, m := range modules {
		fmt.Fprintf(&out, "%s %s\n    %s; in %s\n", m.Path, m.Version, strings.Join(m.Licenses, " AND "), strings.Join(m.Programs, ", "))
		for _, t := range m.Texts {
			sum := fmt.Sprintf("%x", sha256.Sum256(t.Content))
			if contents[sum] == nil {
				contents[sum] = t.Content
				order = append(order, sum)
			}
			users[sum] = append(users[sum], m.Path+" "+m.Version+", "+t.Name)
		}
	}
	line := strings.Repeat("=", 80)
	for _, sum := range order {
		fmt.Fprintf(&out, "\n%s\n%s\n%s\n\n%s\n", line, strings.Join(users[sum], "\n"), line, contents[sum])
	}
	for _, file := range extra {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "\n%s\n%s\n%s\n\n%s\n", line, filepath.ToSlash(file), line, bytes.TrimSpace(content))
	}
	return out.Bytes(), nil
}

func writeJSON(file string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(content, '\n'), 0o644) //nolint:gosec // it is published
}
