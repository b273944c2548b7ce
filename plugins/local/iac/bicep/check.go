package bicep

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/check"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// largestTemplate is Azure's limit for a compiled template, modules and all, in bytes.
const largestTemplate = 4 << 20

// Check has Bicep compile a folder that Write has written, with the program bicep or else az bicep, and leaves nothing in dir. With
// whatIf, and only then, it asks Azure what a deployment would change, which reads from Azure as the user of az. env is the environment of the programs, as in
// exec.Cmd: its PATH is where they are looked for, and nil is that of this process. What is not there is said by Skipped; an error is
// that nothing could be checked at all, or that ctx has ended.
func Check(ctx context.Context, dir string, env []string, whatIf bool) ([]check.Result, error) {
	if env == nil {
		env = os.Environ()
	}
	out, err := os.MkdirTemp("", "atg-bicep-*")
	if err == nil {
		defer os.RemoveAll(out) //nolint:errcheck // a temporary folder that stays is no reason to fail
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return nil, fault.New(fault.ExecutionFailed, "cannot have the generated files checked by Bicep", fault.Because(err),
			fault.Hint("the folder for temporary files needs space, and must be writable"))
	}
	c := &checker{dir: dir, out: out, env: env, sources: map[string][]string{}}
	results := []check.Result{c.build(ctx)}
	if whatIf {
		results = append(results, c.whatIf(ctx))
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return results, nil
}

type checker struct {
	dir, out string
	env      []string
	sources  map[string][]string // lines of files, by their names
}

func (c *checker) run(ctx context.Context, env []string, program string, arguments ...string) check.Answer {
	return check.Run(ctx, c.dir, append(slices.Clip(c.env), env...), program, arguments...)
}

// compiler is the program that compiles, and what its arguments begin with.
func (c *checker) compiler(ctx context.Context) (command []string, version string) {
	for _, candidate := range [][]string{{"bicep", "--version"}, {"az", "bicep", "version"}} {
		program := check.Find(candidate[0], c.env)
		if program == "" {
			continue
		}
		// az without Bicep fails here, and would download it where it has to compile.
		if a := c.run(ctx, nil, program, candidate[1:]...); a.Err == nil && a.Code == 0 {
			return append([]string{program}, candidate[1:len(candidate)-1]...), versionNumber.FindString(string(a.Stdout))
		}
	}
	return nil, ""
}

var (
	versionNumber = regexp.MustCompile(`\d+\.\d+\.\d+`)
	diagnosticOf  = regexp.MustCompile(`(?m)^(?:(?:WARNING|ERROR): )?(.+?)\((\d+),\d+\) : (Error|Warning) ([\w-]+): (.*?)(?: \[https://\S+\])?\r?$`)
	declaration   = regexp.MustCompile(`^(?:resource|module|param) (\w+) `)
	environmentOf = regexp.MustCompile(`readEnvironmentVariable\('([A-Z0-9_]+)'\)`)
)

// compilation is one run of the compiler.
type compilation struct {
	source, compiled string
	arguments, env   []string
	answer           check.Answer
}

// compilations are those of every main file, which compile its modules too, and of its parameters.
func (c *checker) compilations(command []string) (all []*compilation, err error) {
	entries, err := os.ReadDir(c.dir)
	for _, entry := range entries {
		verb, env := "", []string(nil)
		switch source := filepath.Join(c.dir, entry.Name()); filepath.Ext(source) {
		case ".bicep":
			verb = "build"
		case ".bicepparam":
			verb, env = "build-params", c.placeholders(source)
		default:
			continue
		}
		one := &compilation{source: filepath.Join(c.dir, entry.Name()), compiled: filepath.Join(c.out, entry.Name()+".json"), env: env}
		one.arguments = append(slices.Clone(command[1:]), verb)
		if len(command) > 1 { // bicep takes the file itself, az after a flag
			one.arguments = append(one.arguments, "--file")
		}
		one.arguments = append(one.arguments, one.source, "--outfile", one.compiled)
		all = append(all, one)
	}
	return all, err
}

// build compiles all there is, as many files at a time as there are processors: Bicep takes seconds for each.
func (c *checker) build(ctx context.Context) check.Result {
	r := check.Result{Tool: "bicep build", State: check.Skipped, Message: "Bicep is not installed, so it has checked nothing."}
	command, version := c.compiler(ctx)
	if command == nil {
		return r
	}
	r.Version = version
	all, err := c.compilations(command)
	if err != nil || len(all) == 0 {
		r.Message = "There are no Bicep files to check."
		return r
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, one := range all {
		g.Go(func() error {
			one.answer = c.run(ctx, one.env, command[0], one.arguments...)
			return nil
		})
	}
	_ = g.Wait() // no run fails: what went wrong is in its answer
	seen := map[check.Finding]bool{}
	for _, one := range all {
		for _, f := range c.findings(one) {
			if !seen[f] {
				seen[f] = true
				r.Findings = append(r.Findings, f)
			}
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b check.Finding) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	r.State, r.Message = check.Passed, "Bicep compiles every file."
	if slices.ContainsFunc(r.Findings, isError) {
		r.State, r.Message = check.Failed, "Bicep found errors."
	}
	return r
}

// findings are what a compilation found. One that fails without a diagnostic is an error all the same.
func (c *checker) findings(one *compilation) []check.Finding {
	found := c.diagnostics(one.answer)
	if failed := one.answer.Err != nil || one.answer.Code != 0; failed && !slices.ContainsFunc(found, isError) {
		found = append(found, check.Finding{Severity: check.Error, File: c.relative(one.source), Message: one.answer.Why()})
	}
	if info, err := os.Stat(one.compiled); err == nil && info.Size() > largestTemplate {
		found = append(found, check.Finding{Severity: check.Error, File: c.relative(one.source),
			Message: fmt.Sprintf("it compiles to %d bytes, and Azure takes %d", info.Size(), largestTemplate)})
	}
	return found
}

func isError(f check.Finding) bool { return f.Severity == check.Error }

// placeholders sets the variables that a file of parameters reads: Bicep wants a value for each, and compiling looks at none.
func (c *checker) placeholders(source string) (env []string) {
	for _, line := range c.lines(c.relative(source)) {
		if m := environmentOf.FindStringSubmatch(line); m != nil {
			env = append(env, m[1]+"=placeholder")
		}
	}
	return env
}

// diagnostics are what Bicep said, each with the declaration that its line belongs to.
func (c *checker) diagnostics(a check.Answer) (found []check.Finding) {
	for _, m := range diagnosticOf.FindAllStringSubmatch(string(a.Stderr)+"\n"+string(a.Stdout), -1) {
		f := check.Finding{Severity: check.Warning, File: c.relative(m[1]), Message: m[4] + ": " + strings.TrimSpace(m[5])}
		if m[3] == "Error" {
			f.Severity = check.Error
		}
		f.Line, _ = strconv.Atoi(m[2]) // the expression takes digits alone
		lines := c.lines(f.File)
		for at := min(f.Line, len(lines)) - 1; at >= 0; at-- {
			if m := declaration.FindStringSubmatch(lines[at]); m != nil {
				f.Resource = m[1]
				break
			}
		}
		found = append(found, f)
	}
	return found
}

// relative is the name of a file in the folder, with slashes; one that lies elsewhere keeps its own.
func (c *checker) relative(file string) string {
	if !filepath.IsAbs(file) {
		return filepath.ToSlash(filepath.Clean(file))
	}
	if name, err := filepath.Rel(c.dir, file); err == nil && filepath.IsLocal(name) {
		return filepath.ToSlash(name)
	}
	return filepath.ToSlash(file)
}

// lines are those of a file of the folder; none where there is no such file.
func (c *checker) lines(name string) []string {
	lines, known := c.sources[name]
	if !known && filepath.IsLocal(filepath.FromSlash(name)) {
		if text, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(name))); err == nil {
			lines = strings.Split(string(text), "\n")
		}
		c.sources[name] = lines
	}
	return lines
}
