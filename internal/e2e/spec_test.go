//go:build unix

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/testscript"
	"go.yaml.in/yaml/v3"
)

var (
	secretPattern = regexp.MustCompile(`\$\{secret:([^}]+)\}`)
	blockPattern  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
)

// giveSecrets is secrets FILE: every secret that the specification names has a value in the environment from now on.
func giveSecrets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: secrets FILE")
	}
	found := secretPattern.FindAllStringSubmatch(ts.ReadFile(args[0]), -1)
	if len(found) == 0 {
		ts.Fatalf("%s names no secret", args[0])
	}
	for _, m := range found {
		ts.Setenv("ATG_SECRET_"+strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(m[1])), "a Secret of 2026!")
	}
}

// sameSpec is same-spec A B BUT: two specifications are equal but for what BUT explains: regular expressions, one a line, for the lines
// of a difference, + or - before them. What is in a block is a line for each value, with the way to it, so that an expression can name
// the resource. Every expression has to be needed.
func sameSpec(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: same-spec A B BUT")
	}
	var but []*regexp.Regexp
	for line := range strings.Lines(ts.ReadFile(args[2])) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			but = append(but, regexp.MustCompile("^(?:"+line+")$"))
		}
	}
	needed := make([]bool, len(but))
	var unexplained []string
	for line := range strings.Lines(string(diff.Diff(args[0], flatSpec(ts, args[0]), args[1], flatSpec(ts, args[1])))) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "-") || strings.HasPrefix(line, "+++ ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		i := slices.IndexFunc(but, func(r *regexp.Regexp) bool { return r.MatchString(line) })
		if i < 0 {
			unexplained = append(unexplained, line)
			continue
		}
		needed[i] = true
	}
	if len(unexplained) > 0 {
		ts.Fatalf("%d differences are not explained:\n%s", len(unexplained), strings.Join(unexplained, "\n"))
	}
	if i := slices.Index(needed, false); i >= 0 {
		ts.Fatalf("nothing differs any more as %s says: %s", args[2], but[i])
	}
}

// flatSpec is a specification whose blocks have a line for each value, those of an object in the order of their names.
func flatSpec(ts *testscript.TestScript, file string) []byte {
	content := ts.ReadFile(file)
	if !blockPattern.MatchString(content) {
		ts.Fatalf("%s has no block", file)
	}
	return []byte(blockPattern.ReplaceAllStringFunc(content, func(block string) string {
		var document yaml.Node
		ts.Check(yaml.Unmarshal([]byte(blockPattern.FindStringSubmatch(block)[1]), &document))
		return strings.Join(flat(nil, "", document.Content[0]), "\n")
	}))
}

func flat(lines []string, way string, n *yaml.Node) []string {
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		members := map[string]*yaml.Node{}
		var names []string
		for i := 0; i < len(n.Content); i += 2 {
			names = append(names, n.Content[i].Value)
			members[n.Content[i].Value] = n.Content[i+1]
		}
		// A resource, or whatever else has a name, is known by it.
		if t, name := members["type"], members["name"]; name != nil {
			way = "[" + strings.ToLower(name.Value) + "]"
			if t != nil {
				way = "[" + t.Value + " " + strings.ToLower(name.Value) + "]"
			}
		}
		for _, name := range slices.Sorted(slices.Values(names)) {
			lines = flat(lines, way+"."+name, members[name])
		}
		return lines
	case n.Kind == yaml.SequenceNode && len(n.Content) > 0:
		for _, item := range n.Content {
			lines = flat(lines, way+"[]", item)
		}
		return lines
	}
	return append(lines, fmt.Sprintf("%s: %s %q", way, n.Tag, n.Value))
}
