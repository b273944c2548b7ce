package docs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/internal/docs"
	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/service"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// languages are those that blocks may be in, with how each is read.
var languages = map[string]func(b block) error{
	"console": nil, // TestCommandsAreOnesThatThereAre
	"sh":      nil, // likewise
	"json":    checkJSON,
	"yaml":    checkYAML,
	"hcl":     checkHCL,
	"go":      checkGo,
	"proto":   func(b block) error { return docs.CheckProto(b.text) },

	// What nothing here can read. SQL is run by the tests of plugins/local/graph/query, and Cypher is read by make cypher. Another language
	// comes in with what reads it, or with the reason why nothing does: for Kusto there is no parser but Azure's, for PowerShell none on
	// most machines.
	"sql": nil, "cypher": nil,
	"bicep": nil, // compared by internal/e2e with what is generated, which make iac reads with a grammar of Bicep
	"ini":   nil, "markdown": nil, "text": nil,
}

// TestEveryBlockHasALanguageAndIsInIt reads all blocks.
func TestEveryBlockHasALanguageAndIsInIt(t *testing.T) {
	for _, b := range everyBlock(t) {
		check, known := languages[b.language]
		if !known {
			t.Errorf("%s: the language %q is none of %s", b, b.language, strings.Join(slices.Sorted(maps.Keys(languages)), ", "))
		}
		if check == nil || slices.Contains(b.words, "ignore") {
			continue
		}
		if err := check(b); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
}

// checkJSON reads one value, or one a line.
func checkJSON(b block) error { return readAll(json.NewDecoder(strings.NewReader(b.text))) }

func checkYAML(b block) error { return readAll(yaml.NewDecoder(strings.NewReader(b.text))) }

func readAll(d interface{ Decode(any) error }) error {
	for {
		var v any
		if err := d.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func checkHCL(b block) error {
	if _, problems := hclsyntax.ParseConfig([]byte(b.text), b.page, hcl.InitialPos); problems.HasErrors() {
		return problems
	}
	return nil
}

// checkGo reads a file, or statements.
func checkGo(b block) error {
	_, err := parser.ParseFile(token.NewFileSet(), b.page, b.text, 0)
	if err != nil && !strings.Contains(b.text, "package ") {
		_, err = parser.ParseFile(token.NewFileSet(), b.page, "package p\nfunc _() {\n"+b.text+"\n}", 0)
	}
	return err
}

// meant is what the YAML of a page is, where it is a file of ours.
var meant = map[string]func(t *testing.T, b block) error{
	"docs/configuration.md": checkConfig, "docs/backends.md": checkConfig, "docs/remote.md": checkConfig,
	"docs/operations.md": checkServerConfig, "docs/cluster.md": checkServerConfig,
	"docs/large-tenant.md": checkConfig, "docs/move-a-tenant.md": checkSpec,
	"docs/specification.md": func(*testing.T, block) error { return nil }, // its blocks are one specification, which plugins/local/tenant/spec reads
}

// TestConfigurationsAndSpecificationsAreTaken gives every YAML of a page to the code that reads such files.
func TestConfigurationsAndSpecificationsAreTaken(t *testing.T) {
	found := map[string]int{}
	for _, b := range everyBlock(t) {
		if b.language != "yaml" || slices.Contains(b.words, "ignore") || slices.Contains(b.words, "other") { // other: a file of somebody else
			continue
		}
		check := meant[b.page]
		if check == nil {
			t.Errorf("%s: nobody knows what this YAML is; say it in the table meant, or mark the block as other", b)
			continue
		}
		found[b.page]++
		if err := check(t, b); err != nil {
			t.Errorf("%s: %v", b, err)
		}
	}
	if len(found) < 3 {
		t.Errorf("only %v were found", found)
	}
}

// checkConfig loads a configuration of atg.
func checkConfig(t *testing.T, b block) error {
	home := t.TempDir()
	file := filepath.Join(home, "config.yaml")
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		return err
	}
	_, err := config.Load(config.Options{Flags: config.Flags{Config: file}, Environ: []string{"HOME=" + home}})
	return detailed(err)
}

// checkServerConfig loads one of the service. Where it has no certificate, it is that of a worker, or an excerpt.
func checkServerConfig(t *testing.T, b block) error {
	file := filepath.Join(t.TempDir(), "server.yaml")
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		return err
	}
	more := map[string]any{"data_dir": t.TempDir()}
	if !bytes.Contains([]byte(b.text), []byte("tls:")) {
		more["role"] = "worker"
	}
	_, err := service.LoadConfig(file, more, func(string) string { return "the test" }, func(string) string { return "" })
	return detailed(err)
}

// checkSpec parses a specification that the block is.
func checkSpec(t *testing.T, b block) error {
	_, problems, err := spec.Parse(t.Context(), strings.NewReader("```yaml\n"+b.text+"```\n"), spec.Limits{})
	for _, p := range problems {
		err = errors.Join(err, errors.New(p.String()))
	}
	return err
}

// detailed is a fault with all of its problems.
func detailed(err error) error {
	f := fault.As(err)
	if f == nil {
		return err
	}
	for _, p := range f.Problems {
		err = errors.Join(err, fmt.Errorf("line %d: %s: %s", p.Line, p.Key, p.Message))
	}
	return err
}
