package terraform

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Check has terraform check a folder that Write has written: its format, and, where the provider can be had, references,
// types, and bodies. It works on a copy, so that nothing is left in dir. env is the environment of terraform, as in exec.Cmd:
// its PATH is where terraform is looked for, and nil is that of this process. What is not there is said by Skipped;
// an error is that nothing could be checked at all, or that ctx has ended.
func Check(ctx context.Context, dir string, env []string) ([]check.Result, error) {
	c := checker{env: env, results: []check.Result{{Tool: "terraform fmt"}, {Tool: "terraform validate"}}}
	if c.program = check.Find("terraform", env); c.program == "" {
		return c.all(check.Skipped, "terraform is not installed, so it has checked nothing."), nil
	}
	copied, err := os.MkdirTemp("", "atg-terraform-*")
	if err == nil {
		defer os.RemoveAll(copied) //nolint:errcheck // a temporary folder that stays is no reason to fail
		err = os.CopyFS(copied, os.DirFS(dir))
	}
	if err != nil {
		return nil, fault.New(fault.ExecutionFailed, "cannot copy the generated files for terraform to check them", fault.Because(err),
			fault.Hint("the folder for temporary files needs space, and must be writable"))
	}
	c.dir = copied
	c.version(ctx)
	c.format(ctx, &c.results[0])
	c.validate(ctx, &c.results[1])
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return c.results, nil
}

// checker runs one program over one folder.
type checker struct {
	program, dir string
	env          []string
	results      []check.Result
}

func (c *checker) all(state check.State, message string) []check.Result {
	for i := range c.results {
		c.results[i].State, c.results[i].Message = state, message
	}
	return c.results
}

func (c *checker) run(ctx context.Context, arguments ...string) check.Answer {
	env := c.env
	if env == nil {
		env = os.Environ()
	}
	return check.Run(ctx, c.dir, append(slices.Clip(env), "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1", "TF_DATA_DIR=.terraform", "TF_CLI_ARGS=", "TF_LOG="), c.program, arguments...)
}

func (c *checker) version(ctx context.Context) {
	var v struct {
		Version string `json:"terraform_version"`
	}
	if a := c.run(ctx, "version", "-json"); json.Unmarshal(a.Stdout, &v) == nil {
		for i := range c.results {
			c.results[i].Version = v.Version
		}
	}
}

// format has terraform fmt say which files it would write otherwise.
func (c *checker) format(ctx context.Context, r *check.Result) {
	a := c.run(ctx, "fmt", "-check", "-recursive", "-list=true", "-no-color")
	switch {
	case a.Err == nil && a.Code == 0:
		r.State, r.Message = check.Passed, "Every file is formatted as terraform fmt does it."
		return
	case a.Err == nil && a.Code == 3:
		r.Message = "terraform fmt would write some files otherwise."
		for name := range strings.Lines(string(a.Stdout)) {
			r.Findings = append(r.Findings, check.Finding{Severity: check.Error, File: filepath.ToSlash(strings.TrimSpace(name)), Message: "terraform fmt would write this file otherwise"})
		}
	default:
		r.Message = "terraform fmt failed."
		r.Findings = []check.Finding{{Severity: check.Error, Message: a.Why()}}
	}
	r.State = check.Failed
}

// diagnostic is what terraform says of something, in its JSON.
type diagnostic struct {
	Severity, Summary, Detail, Address string
	Range                              *struct {
		Filename string
		Start    struct{ Line int }
	}
	Snippet *struct{ Context *string }
}

// noProvider are the summaries of what terraform init says where it cannot have the provider.
var noProvider = []string{"Failed to query available provider packages", "Failed to install provider", "Failed to resolve provider packages"}

func (c *checker) validate(ctx context.Context, r *check.Result) {
	r.State = check.Failed
	a := c.run(ctx, "init", "-backend=false", "-input=false", "-json")
	if a.Err != nil || a.Code != 0 {
		for text := range bytes.Lines(a.Stdout) {
			var entry struct{ Diagnostic *diagnostic }
			if json.Unmarshal(text, &entry) != nil || entry.Diagnostic == nil {
				continue
			}
			if d := entry.Diagnostic; slices.Contains(noProvider, d.Summary) {
				detail, _, _ := strings.Cut(d.Detail, "\n\n")
				r.State, r.Message, r.Findings = check.Skipped, "terraform init cannot have the azapi provider, so terraform has validated nothing: "+check.Line(detail), nil
				return
			}
			r.Findings = append(r.Findings, finding(*entry.Diagnostic))
		}
		if r.Message = "terraform init failed."; len(r.Findings) == 0 {
			r.Findings = []check.Finding{{Severity: check.Error, Message: a.Why()}}
		}
		return
	}
	a = c.run(ctx, "validate", "-json")
	var said struct {
		Valid       bool
		Diagnostics []diagnostic
	}
	if err := json.Unmarshal(a.Stdout, &said); err != nil {
		r.Message = "terraform validate failed."
		r.Findings = []check.Finding{{Severity: check.Error, Message: a.Why()}}
		return
	}
	for _, d := range said.Diagnostics {
		r.Findings = append(r.Findings, finding(d))
	}
	slices.SortStableFunc(r.Findings, func(a, b check.Finding) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	r.Message = "terraform validate found errors."
	if said.Valid {
		r.State, r.Message = check.Passed, "terraform validate found nothing wrong."
	}
}

var resourceContext = regexp.MustCompile(`^(resource|data) "([^"]+)" "([^"]+)"$`)

func finding(d diagnostic) check.Finding {
	f := check.Finding{Severity: check.Error, Resource: d.Address, Message: check.Line(d.Summary)}
	if d.Severity == "warning" {
		f.Severity = check.Warning
	}
	if d.Detail != "" {
		f.Message += ": " + check.Line(d.Detail)
	}
	if d.Range == nil {
		return f
	}
	f.File, f.Line = filepath.ToSlash(d.Range.Filename), d.Range.Start.Line
	if f.Resource == "" && d.Snippet != nil && d.Snippet.Context != nil {
		if m := resourceContext.FindStringSubmatch(*d.Snippet.Context); m != nil {
			if m[1] == "data" {
				f.Resource = "data."
			}
			f.Resource += m[2] + "." + m[3]
			if dir := path.Dir(f.File); strings.HasPrefix(dir, "modules/") {
				f.Resource = "module." + label(path.Base(dir)) + "." + f.Resource
			}
		}
	}
	return f
}
