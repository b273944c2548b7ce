package extension

import (
	"encoding/json"
	"os"
	"strings"
	"unicode"
)

// Metadata is what an extension says of itself in a file beside its program, atg-NAME.json. Nothing is run to learn it.
type Metadata struct {
	Summary string `json:"summary"` // a line for people
	Version string `json:"version"`
	// Complete says that the program answers `atg-NAME __complete WORD…` as atg's own completion does: a line for each
	// word that may stand at the place of the last one, its explanation behind a tab; or :files, or :folders.
	Complete bool `json:"complete"`
}

// maxMetadata bounds the file, in bytes.
const maxMetadata = 64 << 10

// Metadata reads the extension's file; none, or one that cannot be read, says nothing.
func (e Extension) Metadata() (m Metadata) {
	path := e.Path
	for _, suffix := range suffixes() {
		path = strings.TrimSuffix(path, suffix)
	}
	info, err := os.Stat(path + ".json")
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxMetadata {
		return Metadata{}
	}
	content, err := os.ReadFile(path + ".json")
	if err != nil || json.Unmarshal(content, &m) != nil {
		return Metadata{}
	}
	m.Summary, m.Version = printable(m.Summary), printable(m.Version)
	return m
}

// printable is a text without what could steer a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, text)
}
