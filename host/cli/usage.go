package cli

import (
	"errors"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/azure-tenant-grapher/atg/internal/manual"
	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// looksLikeFlag is kong's complaint of a value that begins with a hyphen.
var looksLikeFlag = regexp.MustCompile(`^(--[^:]+): expected .* but got ("[^"]*") \((?:short|long) flag\)`)

// nothingGiven is kong's complaint of a flag without a value, at the end of a line.
var nothingGiven = regexp.MustCompile(`^(--[^:]+): expected .* but got "EOL"`)

// usageFault makes the parser's complaint a fault that names the nearest flag or command, and where
// to read on.
func usageFault(parser *kong.Kong, err error) error {
	if f := fault.As(err); f != nil { // of a hook
		return f
	}
	message, suggestion, _ := strings.Cut(err.Error(), ", did you mean ")
	node := parser.Model.Node
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if selected := parse.Context.Selected(); selected != nil {
			node = selected
		}
	}
	suggestion = strings.TrimSuffix(strings.ReplaceAll(strings.TrimPrefix(suggestion, "one of "), `"`, ""), "?")
	if wrong, ok := strings.CutPrefix(message, "unknown flag "); ok && suggestion == "" {
		suggestion = nearestFlag(node, wrong)
	}
	if wrong, ok := strings.CutPrefix(message, "unexpected argument "); ok && suggestion == "" {
		suggestion = nearest.To(wrong, commands(node))
	}
	if like := looksLikeFlag.FindStringSubmatch(message); like != nil {
		message, suggestion = like[1]+" needs a value, and "+like[2]+" looks like a flag", like[1]+"="+strings.Trim(like[2], `"`)
	}
	if bare := nothingGiven.FindStringSubmatch(message); bare != nil {
		message = bare[1] + " needs a value"
	}
	if what, ok := strings.CutPrefix(message, "expected "); ok {
		message = "missing: " + strings.Trim(what, `"`)
	}
	hint := path(node) + " --help lists its flags"
	if len(node.Children) > 0 {
		hint = path(node) + " --help lists the commands"
	}
	if strings.HasPrefix(message, "unexpected argument") && node.Parent == nil && suggestion == "" {
		hint = "an extension's name comes first, before any flag; " + hint
	}
	if suggestion != "" {
		hint = "did you mean " + suggestion + "? " + hint
	}
	return fault.New(fault.InvalidArgument, message, fault.Hint("%s", hint), fault.From(fault.OriginHost))
}

func nearestFlag(node *kong.Node, wrong string) string {
	var names []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			names = append(names, f.Name)
		}
	}
	if near := nearest.To(strings.TrimLeft(wrong, "-"), names); near != "" {
		return "--" + near
	}
	return ""
}

// commands are the names of a node's commands.
func commands(node *kong.Node) []string {
	var names []string
	for _, c := range node.Children {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// path is how a node is called: atg snapshot list.
func path(node *kong.Node) string { return manual.Path(node) }
