package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// block is a fenced block of code on a page.
type block struct {
	page     string // relative to the repository, with slashes
	line     int    // of its first line of text, from 1
	language string
	words    []string // behind the language: run, ignore
	text     string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// pages are the Markdown files that people read, by their path in the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	add := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.ToSlash(name)] = string(text)
	}
	add(root + "/README.md")
	add(root + "/CONTRIBUTING.md")
	examples, err := filepath.Glob(root + "/examples/*/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range examples {
		add(path)
	}
	err = filepath.WalkDir(root+"/docs", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			add(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// blocks are the blocks of a page.
func blocks(page, text string) (all []block) {
	var open *block
	var lines []string
	fence := ""
	for n, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case open == nil && strings.HasPrefix(trimmed, "```"):
			fence = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
			words := strings.Fields(strings.TrimPrefix(trimmed, fence))
			open = &block{page: page, line: n + 2}
			if len(words) > 0 {
				open.language, open.words = words[0], words[1:]
			}
		case open != nil && trimmed == fence:
			open.text = strings.Join(lines, "\n") + "\n"
			all, open, lines = append(all, *open), nil, nil
		case open != nil:
			lines = append(lines, line)
		}
	}
	return all
}

// everyBlock are the blocks of all pages.
func everyBlock(t *testing.T) (all []block) {
	t.Helper()
	for page, text := range pages(t) {
		all = append(all, blocks(page, text)...)
	}
	return all
}

// prose is a page without its blocks.
func prose(text string) string {
	var out []string
	inside, fence := false, ""
	for line := range strings.SplitSeq(text, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case !inside && strings.HasPrefix(trimmed, "```"):
			inside, fence = true, trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		case inside && trimmed == fence:
			inside = false
		case !inside:
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
