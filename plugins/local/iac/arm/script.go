package arm

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// scriptBody is the script without what is this template's own: its functions, and how it takes its arguments.
//
//go:embed deploy.sh
var scriptBody string

// writeScript writes the script that deploys the stages one after the other.
func writeScript(w io.Writer, t *template.Template, stages []*stageFile) error {
	var b strings.Builder
	b.WriteString("#!/usr/bin/env bash\n")
	for _, line := range t.Notice() {
		b.WriteString("# " + line + "\n")
	}
	b.WriteString("#\n")
	variables := environment(stages)
	if len(variables) > 0 {
		b.WriteString("# Set these environment variables first:\n")
		for _, s := range stages {
			for _, x := range s.given() {
				fmt.Fprintf(&b, "#   %s: %s\n", variables[variableOf{s, x.name}], comment(x.description))
			}
		}
		if slices.ContainsFunc(stages, func(s *stageFile) bool { return len(s.secrets) > 0 && !s.grouped }) {
			b.WriteString("# A secret that a parameter file refers to in a Key Vault (\"reference\") needs none.\n")
		}
		b.WriteString("#\n")
	}
	body, calls, _ := strings.Cut(scriptBody, "# STAGES\n")
	b.WriteString(strings.ReplaceAll(strings.TrimPrefix(body, "#!/usr/bin/env bash\n"), "@LOCATION@", shell(location(t))))
	if len(variables) > 0 {
		b.WriteString("\n# All that has to be given is given, or nothing is deployed.\n")
		for _, s := range stages {
			for _, x := range s.given() {
				fmt.Fprintf(&b, "need %s %s %s\n", shell(s.base), shell(x.name), variables[variableOf{s, x.name}])
			}
		}
		b.WriteString("[[ -z $missing ]] || fail \"set these environment variables first:$missing\"\n")
	}
	for _, s := range stages {
		b.WriteString(call(s, stages, variables))
	}
	b.WriteString(calls)
	_, err := io.WriteString(w, b.String())
	return err
}

// comment is a text as a comment of one line.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// call is what the script says to deploy a stage.
func call(s *stageFile, stages []*stageFile, variables map[variableOf]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n# %s\n", comment(s.stage.Title))
	scope := ""
	switch p := s.stage.Scope.Subscription; {
	case s.stage.Scope.Kind == template.ScopeManagementGroup:
		scope = " --management-group-id " + shell(s.stage.Scope.ManagementGroup)
	case p != nil:
		from := s
		if i := slices.IndexFunc(stages, func(other *stageFile) bool { return other.has(p) }); i >= 0 && !s.has(p) {
			from = stages[i] // of the same subscription, most likely
		}
		if from.has(p) {
			fmt.Fprintf(&b, "subscription=$(parameter %s %s)\n", shell(from.parameterFile()), shell(p.Name))
			scope = ` --subscription "$subscription"`
		} else {
			scope = " --subscription " + shell(p.Default)
		}
	}
	fmt.Fprintf(&b, "begin %s\n", shell(s.base))
	for _, x := range s.given() {
		from := "from_environment"
		if x.grouped {
			from = "grouped_from_environment"
		}
		fmt.Fprintf(&b, "%s %s %s\n", from, shell(x.name), variables[variableOf{s, x.name}])
	}
	fmt.Fprintf(&b, "deploy %s %s %s%s\n", s.scopeName(), shell(s.deploymentName()), shell(s.stage.Title), scope)
	return b.String()
}

// given are the parameters that have no value in the parameter file: what nobody chose yet, and secrets.
func (s *stageFile) given() []given {
	var all []given
	for _, p := range s.parameters {
		if !p.HasDefault {
			all = append(all, given{secret{name: p.Name, description: p.Description}, "ATG_PARAMETER_"})
		}
	}
	for _, x := range s.secrets {
		all = append(all, given{x, "ATG_SECRET_"})
	}
	return all
}

type given struct {
	secret
	prefix string // of the environment variable
}

// variableOf is the parameter of a stage that an environment variable gives.
type variableOf struct {
	stage *stageFile
	name  string
}

// environment names the environment variables. With several stages the stage is in the name, for the same name may be
// of different secrets there. A prefix keeps clear of variables that mean something to programs.
func environment(stages []*stageFile) map[variableOf]string {
	taken, answer := map[string]bool{}, map[variableOf]string{}
	name := func(s *stageFile, words, parameter string) {
		if len(stages) > 1 {
			words += s.stage.Name + "_"
		}
		base := strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z':
				return r - 'a' + 'A'
			case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
				return r
			}
			return '_'
		}, words+parameter)
		unique := base
		for n := 2; taken[unique]; n++ {
			unique = base + "_" + strconv.Itoa(n)
		}
		taken[unique] = true
		answer[variableOf{s, parameter}] = unique
	}
	for _, s := range stages {
		for _, x := range s.given() {
			name(s, x.prefix, x.name)
		}
	}
	return answer
}

// location is where Azure keeps the records of the deployments; the script asks for --location where it is empty.
func location(t *template.Template) string {
	if t.Target.Location != "" {
		return t.Target.Location
	}
	for _, p := range t.Parameters {
		if strings.HasPrefix(p.Name, "location") && p.Default != "" {
			return p.Default
		}
	}
	return ""
}

// shell quotes a word for the shell.
func shell(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
