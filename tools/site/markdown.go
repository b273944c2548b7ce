package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// parse reads Markdown as GitHub does: the same extensions, and the same anchors.
func parse(source []byte) ast.Node {
	return engine(nil, nil).Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(&anchors{taken: map[string]int{}}))))
}

// engine renders pages of s. Raw HTML is not passed on.
func engine(s *site, p *page) goldmark.Markdown {
	return goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(&codeAndImages{s, p}, 100))))
}

// anchors makes the anchors of headings as GitHub does.
type anchors struct{ taken map[string]int }

// Generate makes the anchor of a heading.
func (a *anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	slug := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(string(value)))
	n := a.taken[slug]
	a.taken[slug] = n + 1
	if n > 0 {
		slug = fmt.Sprintf("%s-%d", slug, n)
	}
	return []byte(slug)
}

// Put takes note of an anchor.
func (a *anchors) Put(value []byte) { a.taken[string(value)]++ }

// list are the links of a list below a heading of level 2.
type list struct {
	title string
	links []link
}

// link is a link of a list, with what the item says behind it.
type link struct{ text, to, about string }

// lists are the lists of a page whose items begin with a link to a page.
func lists(source []byte) (all []list) {
	title := ""
	doc := parse(source)
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			title = plain(n, source)
		case *ast.List:
			l := list{title: title}
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				if item.FirstChild() == nil {
					continue
				}
				if to, ok := item.FirstChild().FirstChild().(*ast.Link); ok && strings.HasSuffix(string(to.Destination), ".md") {
					text := plain(to, source)
					about := strings.TrimLeft(strings.TrimPrefix(plain(item, source), text), ": ")
					l.links = append(l.links, link{text, string(to.Destination), about})
				}
			}
			if len(l.links) > 0 {
				all = append(all, l)
			}
		}
	}
	return all
}

// plain is the text of a node, without what marks it up.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			if n.Type() == ast.TypeBlock {
				b.WriteByte(' ')
			}
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(source))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *ast.AutoLink:
			b.Write(n.URL(source))
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			b.Write(code(n, source))
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(html.UnescapeString(b.String())), " ")
}

func code(n ast.Node, source []byte) []byte {
	var b bytes.Buffer
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(source))
	}
	return b.Bytes()
}

// render makes the HTML of a page, and what the navigation and the search know of it.
func (s *site) render(p *page) error {
	source, err := os.ReadFile(filepath.Join(s.root, "docs", filepath.FromSlash(p.Path)))
	if err != nil {
		return err
	}
	doc := parse(source)
	var wrong []string
	at := part{}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok {
			if _, isText := n.(*ast.Paragraph); isText && p.Lead == "" {
				p.Lead = plain(n, source)
			}
			at.Text += plain(n, source) + " "
			continue
		}
		id, _ := h.AttributeString("id")
		anchor := string(id.([]byte))
		if h.Level == 1 {
			p.Title = plain(h, source)
			at = part{Heading: p.Title}
			continue
		}
		p.parts = append(p.parts, at)
		at = part{ID: anchor, Heading: plain(h, source)}
		if h.Level <= 3 {
			p.Headings = append(p.Headings, heading{h.Level, anchor, at.Heading})
		}
	}
	p.parts = append(p.parts, at)
	if p.Title == "" {
		wrong = append(wrong, "it has no heading of level 1")
	}
	if p.Label == "" {
		p.Label = p.Title
	}
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok && entering {
			to, err := s.address(p, string(l.Destination))
			if err != nil {
				wrong = append(wrong, err.Error())
			}
			l.Destination = []byte(to)
			if strings.Contains(to, "://") {
				l.SetAttributeString("rel", []byte("external noopener noreferrer"))
			}
		}
		return ast.WalkContinue, nil
	})
	if len(wrong) > 0 {
		return fmt.Errorf("docs/%s: %s", p.Path, strings.Join(wrong, "; "))
	}
	var out bytes.Buffer
	if err := engine(s, p).Renderer().Render(&out, source, doc); err != nil {
		return fmt.Errorf("docs/%s: %w", p.Path, err)
	}
	p.HTML = strings.NewReplacer("<table>", `<div class="scroll"><table>`, "</table>", "</table></div>", "<th></th>", "<td></td>",
		`<p><svg class="drawing"`, `<div class="figure"><svg class="drawing"`, "</svg></p>", "</svg></div>").Replace(headings.ReplaceAllString(out.String(), anchor))
	return nil
}

var headings = regexp.MustCompile(`<h([2-4]) id="([^"]+)">(.*?)</h[2-4]>`)

// anchor is a heading that leads to itself.
const anchor = `<h$1 id="$2">$3 <a class="anchor" href="#$2" aria-label="This section">#</a></h$1>`

// address is where a link of a page leads on the site: pages are .html there, and what is not below docs is in the repository.
func (s *site) address(p *page, to string) (string, error) {
	if strings.Contains(to, "://") {
		if !strings.HasPrefix(to, "https://") {
			return to, fmt.Errorf("%s is not https", to)
		}
		return to, nil
	}
	file, fragment, _ := strings.Cut(to, "#")
	if fragment != "" {
		fragment = "#" + fragment
	}
	if file == "" {
		return fragment, nil
	}
	if path.IsAbs(file) || strings.Contains(file, ":") {
		return to, fmt.Errorf("%s is no address that a page can have", to)
	}
	target := path.Join("docs", path.Dir(p.Path), file)
	info, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(target)))
	if err != nil {
		return to, fmt.Errorf("%s leads nowhere", to)
	}
	inside, ok := strings.CutPrefix(target, "docs/")
	switch {
	case !ok:
		return repository + target + fragment, nil
	case strings.HasSuffix(inside, ".md"):
		return strings.TrimSuffix(file, ".md") + ".html" + fragment, nil
	case info.IsDir():
		return to, fmt.Errorf("%s is a folder", to)
	}
	return to, nil
}
