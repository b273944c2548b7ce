package bicep

import (
	"io"
	"strings"
)

// parameters writes the values of a stage's parameters. A secret has none: whoever deploys sets the environment variable, and Bicep
// does not go on without it (BCP338). A subscription's id is where deploy.sh has it too, so that both speak of one. A parameter that the
// snapshot has no value for is empty, to be filled in.
func (w *writer) parameters(index int, m *mainFile) error {
	taken := names{}
	environment := func(parts ...string) string {
		name := "ATG_SECRET"
		if w.prefixes != nil {
			name += "_" + w.prefixes[index] + "_"
		}
		for i, part := range parts {
			name += strings.Repeat("_", min(i, 1)+1) + shout(part)
		}
		name = taken.take(name)
		w.environment[index] = append(w.environment[index], name)
		return name
	}
	read := func(name string) []byte { return appendQuoted([]byte("readEnvironmentVariable("), name) }

	b := append(appendQuoted(append(w.notice("//"), "using "...), "./"+w.file(index)+".bicep"), '\n')
	if len(m.parameters) > 0 {
		b = append(b, '\n')
	}
	for _, p := range m.sorted() {
		if m.ownSubscription(p.Parameter) {
			continue // deploy.sh says it
		}
		b = append(append(append(b, "param "...), p.symbol...), " = "...)
		switch variable := w.subscriptions[p.Name]; {
		case p.Secret:
			b = append(append(b, read(environment(p.symbol))...), ')')
		case variable != "":
			b = append(appendQuoted(append(append(b, read(variable)...), ", "...), p.Default), ')')
		default:
			b = appendQuoted(b, p.Default)
		}
		b = append(b, '\n')
	}
	if m.object != "" {
		b = append(append(append(b, "param "...), m.object...), " = {"...)
		module := ""
		for _, s := range m.order {
			if s.module != module {
				if module != "" {
					b = append(b, "\n  }"...)
				}
				module = s.module
				b = append(append(append(b, "\n  "...), module...), ": {"...)
			}
			b = append(append(append(b, "\n    "...), s.symbol...), ": "...)
			b = append(append(b, read(environment(s.module, s.symbol))...), ')')
		}
		b = append(b, "\n  }\n}\n"...)
	}
	return w.files.Write(w.file(index)+".bicepparam", func(to io.Writer) error {
		_, err := to.Write(b)
		return err
	})
}

// shout writes camelCase, or a name with separators, as ENVIRONMENT_VARIABLES are written: with no underscore at an end, and never two.
func shout(name string) string {
	b := make([]byte, 0, len(name)+8)
	for i := range len(name) {
		c := name[i]
		switch {
		case c >= 'A' && c <= 'Z':
			if i > 0 && (name[i-1] >= 'a' && name[i-1] <= 'z' || name[i-1] >= '0' && name[i-1] <= '9') {
				b = append(b, '_')
			}
			b = append(b, c)
		case c >= 'a' && c <= 'z':
			b = append(b, c-('a'-'A'))
		case c >= '0' && c <= '9':
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	return strings.TrimRight(string(b), "_")
}
