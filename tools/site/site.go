package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// repository is where files are that the site does not have.
const repository = "https://github.com/azure-tenant-grapher/atg/blob/main/"

// site is docs/ as pages in the order in which one reads them.
type site struct {
	root     string
	pages    []*page
	sections []section
	files    map[string]bool // of docs, that are no pages: images, schemas
}

// section is a part of the navigation: a heading of index.md with the list below it.
type section struct {
	Title string
	Pages []*page
}

// page is a file of docs.
type page struct {
	Path     string // of its Markdown, below docs, with slashes: reference/cli/scan.md
	Title    string // its heading
	Label    string // what the navigation calls it
	About    string // what index.md says of it
	Children []*page
	Parent   *page
	Headings []heading
	HTML     string
	Lead     string // its first paragraph, as text
	parts    []part
}

// heading is what the table of contents of a page lists: levels 2 and 3.
type heading struct {
	Level    int
	ID, Text string
}

// part is what the search finds: the text below a heading.
type part struct {
	ID, Heading, Text string
}

// Href is the page's address from the root of the site.
func (p *page) Href() string { return strings.TrimSuffix(p.Path, ".md") + ".html" }

// open reads docs/. It is an error if a page is in no list of index.md, if a list has a page that is not there, and
// if anything leads nowhere.
func open(root string) (*site, error) {
	s := &site{root: root, files: map[string]bool{}}
	found := map[string]bool{}
	docs := filepath.Join(root, "docs")
	err := filepath.WalkDir(docs, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(docs, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if strings.HasSuffix(name, ".md") {
			found[name] = true
		} else {
			s.files[name] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.navigation(found); err != nil {
		return nil, err
	}
	var wrong []error
	for _, p := range s.pages {
		if err := s.render(p); err != nil {
			wrong = append(wrong, err)
		}
	}
	return s, errors.Join(wrong...)
}

// navigation reads the lists of index.md. Pages in a folder that has the name of a page, as reference/cli/ has that
// of reference/cli.md, stand below that page without being listed.
func (s *site) navigation(found map[string]bool) error {
	home := &page{Path: "index.md", Label: "Overview"}
	s.pages = []*page{home}
	listed := map[string]bool{home.Path: true}
	text, err := os.ReadFile(filepath.Join(s.root, "docs", home.Path))
	if err != nil {
		return err
	}
	for _, l := range lists(text) {
		sec := section{Title: l.title}
		for _, item := range l.links {
			if listed[item.to] || !found[item.to] {
				return fmt.Errorf("docs/index.md lists %s, which is listed already or not there", item.to)
			}
			p := &page{Path: item.to, Label: item.text, About: item.about}
			listed[p.Path] = true
			s.pages = append(s.pages, p)
			folder := strings.TrimSuffix(p.Path, ".md") + "/"
			for _, name := range slices.Sorted(keys(found)) {
				if path.Dir(name)+"/" == folder && !listed[name] {
					child := &page{Path: name, Parent: p}
					p.Children = append(p.Children, child)
					s.pages = append(s.pages, child)
					listed[name] = true
				}
			}
			sec.Pages = append(sec.Pages, p)
		}
		s.sections = append(s.sections, sec)
	}
	var missing []error
	for _, name := range slices.Sorted(keys(found)) {
		if !listed[name] {
			missing = append(missing, fmt.Errorf("docs/%s is in no list of docs/index.md, which is the navigation", name))
		}
	}
	return errors.Join(missing...)
}

func keys(m map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
