package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed assets
var assets embed.FS

var layout = template.Must(template.ParseFS(assets, "assets/page.html"))

// view is what the layout shows.
type view struct {
	*page
	Site     string
	Up       string // to the root of the site: "", ../, ../../
	Sections []section
	Home     *page
	Prev     *page
	Next     *page
	Body     template.HTML
}

// Current says that a page is the one that is shown.
func (v view) Current(p *page) bool { return p == v.page }

// Open says that a page's children are shown.
func (v view) Open(p *page) bool { return p == v.page || v.Parent == p }

// write writes the site into a folder, in whose place it comes as a whole.
func (s *site) write(out string) error {
	dir, err := os.MkdirTemp(filepath.Dir(filepath.Clean(out)), ".site-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left over is in the way of nothing
	for i, p := range s.pages {
		v := view{page: p, Up: strings.Repeat("../", strings.Count(p.Path, "/")), Sections: s.sections, Home: s.pages[0], Body: template.HTML(p.HTML)} //nolint:gosec // made here, of Markdown without HTML
		if i > 0 {
			v.Prev = s.pages[i-1]
		}
		if i+1 < len(s.pages) {
			v.Next = s.pages[i+1]
		}
		var b bytes.Buffer
		if err := layout.Execute(&b, v); err != nil {
			return fmt.Errorf("docs/%s: %w", p.Path, err)
		}
		if err := put(dir, p.Href(), b.Bytes()); err != nil {
			return err
		}
	}
	for name := range s.files {
		content, err := os.ReadFile(filepath.Join(s.root, "docs", filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		if err := put(dir, name, content); err != nil {
			return err
		}
	}
	for _, name := range []string{"site.css", "site.js", "theme.js", "icon.svg"} {
		content, err := fs.ReadFile(assets, "assets/"+name)
		if err != nil {
			return err
		}
		if err := put(dir, "assets/"+name, content); err != nil {
			return err
		}
	}
	if err := s.index(dir); err != nil {
		return err
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // a site is to be read
		return err
	}
	return os.Rename(dir, out)
}

func put(dir, name string, content []byte) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // a site is to be read
		return err
	}
	return os.WriteFile(file, content, 0o644) //nolint:gosec // likewise
}

// index writes what the search looks through: a script, because a page from a folder may not read other files. Each entry has the
// address, the title of the page, the heading, the text below that, and, of the beginning of a page, what index.md calls it and says of
// it. Of index.md itself there is nothing: it would be found for everything.
func (s *site) index(dir string) error {
	entries := [][]string{}
	for _, p := range s.pages[1:] {
		for _, part := range p.parts {
			entry := []string{p.Href(), p.Title, part.Heading, strings.TrimSpace(part.Text)}
			if part.ID == "" {
				entry = append(entry, p.Label+": "+p.About)
			} else {
				entry[0] += "#" + part.ID
			}
			entries = append(entries, entry)
		}
	}
	content, err := json.Marshal(entries)
	if err != nil {
		return err
	}
	return put(dir, "assets/index.js", append(append([]byte("window.atgIndex = "), content...), ";\n"...))
}
