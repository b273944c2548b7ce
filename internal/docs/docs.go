// Package docs makes the pages of docs/reference from the code that they describe: the grammars of the programs, the
// structs and schemas of configurations, the codes of faults, the OpenAPI document, the files of the protocol. Words
// come from where the code has them, its comments among them, so that a page cannot say anything else than the code.
//
// `make docs` writes the pages; a test says whether they are current. The tests of this package also hold against the
// code what the other pages of docs show: commands, configurations, specifications.
package docs

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// Page is a file below docs/reference.
type Page struct {
	Name string // cli.md, cli/scan.md
	Text string
}

// Pages makes all pages; root is the folder of the repository, whose sources are read.
func Pages(ctx context.Context, root string) ([]Page, error) {
	var pages []Page
	for _, make := range []func(context.Context, string) ([]Page, error){
		cliPages, configurationPage, faultsPage, typesPage, restPages, protocolPage, schemaPage,
	} {
		made, err := make(ctx, root)
		if err != nil {
			return nil, fmt.Errorf("make the reference: %w", err)
		}
		pages = append(pages, made...)
	}
	slices.SortFunc(pages, func(a, b Page) int { return cmp.Compare(a.Name, b.Name) })
	return pages, nil
}

// source is a folder of sources below root.
func source(root string, folders ...string) string {
	return filepath.Join(append([]string{root}, folders...)...)
}
