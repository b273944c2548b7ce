package main

import (
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
)

const root = "../.."

// built writes the site of docs/ into a folder that goes with the test.
func built(t testing.TB) (*site, string) {
	t.Helper()
	s, err := open(root)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "site")
	if err := s.write(out); err != nil {
		t.Fatal(err)
	}
	return s, out
}

// document is what is of interest in a page that was built.
type document struct {
	ids   map[string]int
	links []string // href and src
	nodes map[string]int
}

func readDocument(t *testing.T, file string) document {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tree, err := html.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	d := document{ids: map[string]int{}, nodes: map[string]int{}}
	for n := range tree.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		d.nodes[n.Data]++
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				d.ids[a.Val]++
			case "href", "src":
				d.links = append(d.links, a.Val)
			case "style", "srcset":
				t.Errorf("%s: <%s %s=%q> does not keep the content security policy", file, n.Data, a.Key, a.Val)
			}
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s: <%s %s> is a script", file, n.Data, a.Key)
			}
		}
	}
	return d
}

// TestEveryLinkOfTheSiteLeadsSomewhere reads every page that was built: each address within the site is a file of it with that anchor, each
// other one is https and only followed, never loaded.
func TestEveryLinkOfTheSiteLeadsSomewhere(t *testing.T) {
	s, out := built(t)
	pages := map[string]document{}
	err := filepath.WalkDir(out, func(file string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(file, ".html") {
			name, _ := filepath.Rel(out, file)
			pages[filepath.ToSlash(name)] = readDocument(t, file)
		}
		return err
	})
	if err != nil || len(pages) != len(s.pages) {
		t.Fatalf("%d pages of %d were written: %v", len(pages), len(s.pages), err)
	}
	followed := 0
	for name, d := range pages {
		for id, n := range d.ids {
			if n > 1 {
				t.Errorf("%s: the id %s is there %d times", name, id, n)
			}
		}
		for _, element := range []string{"header", "main", "nav", "h1", "title"} {
			if d.nodes[element] == 0 || element == "h1" && d.nodes[element] != 1 {
				t.Errorf("%s: %d of <%s>", name, d.nodes[element], element)
			}
		}
		for _, to := range d.links {
			followed++
			u, err := url.Parse(to)
			if err != nil {
				t.Errorf("%s: %s: %v", name, to, err)
				continue
			}
			if u.IsAbs() {
				if u.Scheme != "https" || u.Host == "" {
					t.Errorf("%s: %s is not https", name, to)
				}
				continue
			}
			target := name
			if u.Path != "" {
				target = path.Join(path.Dir(name), u.Path)
			}
			if _, err := os.Stat(filepath.Join(out, filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: %s leads nowhere", name, to)
			}
			if u.Fragment != "" && strings.HasSuffix(target, ".html") && pages[target].ids[u.Fragment] == 0 {
				t.Errorf("%s: %s: there is no such section", name, to)
			}
		}
	}
	if followed < 1000 {
		t.Errorf("only %d links were followed", followed)
	}
}

// TestEveryLinkOfTheMarkdownLeadsSomewhere does the same for who reads the files themselves, those outside of docs as well.
func TestEveryLinkOfTheMarkdownLeadsSomewhere(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "docs/*/*/*.md", "examples/*/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	sections := map[string]map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]bool{}
		walk(source, func(n ast.Node) {
			if h, ok := n.(*ast.Heading); ok {
				id, _ := h.AttributeString("id")
				all[string(id.([]byte))] = true
			}
		})
		sections[filepath.Clean(file)] = all
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		walk(source, func(n ast.Node) {
			to := ""
			switch n := n.(type) {
			case *ast.Link:
				to = string(n.Destination)
			case *ast.Image:
				to = string(n.Destination)
			case *ast.RawHTML:
				t.Errorf("%s has raw HTML, which no reader passes on alike", file)
			case *ast.HTMLBlock:
				if text := string(code(n, source)); !strings.HasPrefix(text, "<!--") { // a comment is shown by none
					t.Errorf("%s has raw HTML, which no reader passes on alike: %s", file, text)
				}
			}
			if to == "" {
				return
			}
			if strings.Contains(to, "://") {
				if u, err := url.Parse(to); err != nil || u.Scheme != "https" || u.Host == "" {
					t.Errorf("%s: %s is no https address", file, to)
				}
				return
			}
			name, section, _ := strings.Cut(to, "#")
			target := filepath.Clean(file)
			if name != "" {
				target = filepath.Join(filepath.Dir(file), filepath.FromSlash(name))
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", file, to)
			}
			if section != "" && sections[target] != nil && !sections[target][section] {
				t.Errorf("%s: %s: there is no such section", file, to)
			}
		})
	}
}

func walk(source []byte, visit func(ast.Node)) {
	_ = ast.Walk(parse(source), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			visit(n)
		}
		return ast.WalkContinue, nil
	})
}

// TestWhatIsWrongIsRefused makes a site of what must not become one.
func TestWhatIsWrongIsRefused(t *testing.T) {
	for name, tc := range map[string]struct{ index, page, want string }{
		"a page in no list":       {"# Home\n", "# Page\n", "docs/page.md is in no list"},
		"a list of nothing":       {"# Home\n\n## A\n\n- [Other](other.md): it is not there.\n", "# Page\n", "other.md"},
		"a link to nothing":       {"# Home\n\n## A\n\n- [Page](page.md): it is.\n", "# Page\n\n[x](nothing.md)\n", "nothing.md leads nowhere"},
		"a link that is http":     {"# Home\n\n## A\n\n- [Page](page.md): it is.\n", "# Page\n\n[x](http://example.com/)\n", "is not https"},
		"a link that is a script": {"# Home\n\n## A\n\n- [Page](page.md): it is.\n", "# Page\n\n[x](javascript:alert(1))\n", "is no address"},
		"no heading":              {"# Home\n\n## A\n\n- [Page](page.md): it is.\n", "text\n", "no heading"},
		"an image without words":  {"# Home\n\n## A\n\n- [Page](page.md): it is.\n", "# Page\n\n![](x.png)\n", "has no text"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"index.md": tc.index, "page.md": tc.page, "x.png": "x"} {
				if err := put(dir, "docs/"+file, []byte(text)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := open(dir); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
}

// TestRawHTMLIsNotPassedOn looks at what a page with HTML in it becomes.
func TestRawHTMLIsNotPassedOn(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"index.md": "# Home\n\n## A\n\n- [Page](page.md): it is.\n",
		"page.md":  "# Page <script>alert(1)</script>\n\n<img src=x onerror=alert(1)>\n\na <b onclick=\"x()\">word</b> and `<i>`\n\n```html\n<script>alert(2)</script>\n```\n",
	} {
		if err := put(dir, "docs/"+file, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.pages[1].HTML; strings.Contains(got, "<script") || strings.Contains(got, "<img") || strings.Contains(got, "<b") || strings.Contains(got, "<i>") {
		t.Errorf("it is passed on: %s", got)
	}
	out := filepath.Join(t.TempDir(), "site")
	if err := s.write(out); err != nil {
		t.Fatal(err)
	}
	if d := readDocument(t, filepath.Join(out, "page.html")); d.nodes["script"] != 2 || d.nodes["img"] != 0 { // the site's own two
		t.Errorf("%v", d.nodes)
	}
}
