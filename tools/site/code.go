package main

import (
	"fmt"
	"html"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/alecthomas/chroma/v2"
	chromahtml "github.com/alecthomas/chroma/v2/formatters/html"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/alecthomas/chroma/v2/styles"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// codeAndImages renders blocks of code in colours, and drawings as a part of the page, where they follow its theme.
type codeAndImages struct {
	site *site
	page *page
}

// RegisterFuncs says what is rendered here.
func (c *codeAndImages) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, c.fenced)
	r.Register(ast.KindImage, c.image)
}

var classes = chromahtml.New(chromahtml.WithClasses(true), chromahtml.PreventSurroundingPre(true))

func (c *codeAndImages) fenced(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.FencedCodeBlock)
	language, text := string(n.Language(source)), string(code(n, source))
	fmt.Fprintf(w, `<pre data-language="%s"><code>`, html.EscapeString(language))
	if err := colour(w, language, text); err != nil {
		return ast.WalkStop, err
	}
	fmt.Fprint(w, "</code></pre>\n")
	return ast.WalkSkipChildren, nil
}

// colour writes code in spans whose classes say what is what.
func colour(w util.BufWriter, language, text string) error {
	lexer := lexers.Get(language)
	if lexer == nil || language == "text" {
		_, err := w.WriteString(html.EscapeString(text))
		return err
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, text)
	if err != nil {
		return err
	}
	return classes.Format(w, styles.Fallback, tokens)
}

// rest is what stands around a drawing in its file: what says that it is XML, and the style by which it looks right where there is
// no page. The style of the site has the same classes.
var rest = regexp.MustCompile(`(?s)<\?xml.*?\?>|<style>.*?</style>|<!--.*?-->`)

func (c *codeAndImages) image(w util.BufWriter, source []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	n := node.(*ast.Image)
	to, alt := string(n.Destination), plain(n, source)
	name := path.Join(path.Dir(c.page.Path), to)
	if !c.site.files[name] {
		return ast.WalkStop, fmt.Errorf("there is no image %s", to)
	}
	if alt == "" {
		return ast.WalkStop, fmt.Errorf("the image %s has no text", to)
	}
	if !strings.HasSuffix(to, ".svg") {
		fmt.Fprintf(w, `<img src="%s" alt="%s" loading="lazy">`, html.EscapeString(to), html.EscapeString(alt))
		return ast.WalkSkipChildren, nil
	}
	drawing, err := os.ReadFile(filepath.Join(c.site.root, "docs", filepath.FromSlash(name)))
	if err != nil {
		return ast.WalkStop, err
	}
	inline := strings.TrimSpace(rest.ReplaceAllString(string(drawing), ""))
	inline = strings.Replace(inline, "<svg ", fmt.Sprintf(`<svg class="drawing" role="img" aria-label="%s" `, html.EscapeString(alt)), 1)
	_, err = w.WriteString(inline)
	return ast.WalkSkipChildren, err
}
