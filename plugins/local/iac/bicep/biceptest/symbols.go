package biceptest

import (
	"fmt"
	"slices"
	"strings"
)

// namespaces and functions that declarations must not hide.
var namespaces = []string{"az", "sys", "this"}

var functions = []string{"resourceGroup", "subscription", "tenant", "managementGroup", "json"}

// Check finds what is wrong with the symbols of a file: two of one name, one that nobody declared, one that nobody uses, one that waits
// for itself.
func (f *File) Check() error {
	declared := map[string]*Declaration{}
	for _, d := range f.Declarations {
		switch {
		case d.Kind == "metadata":
			continue
		case declared[d.Name] != nil:
			return fmt.Errorf("line %d: %s is declared in line %d too (BCP028)", d.Line, d.Name, declared[d.Name].Line)
		case slices.Contains(namespaces, d.Name):
			return fmt.Errorf("line %d: %s is a namespace (BCP084)", d.Line, d.Name)
		case slices.Contains(functions, d.Name):
			return fmt.Errorf("line %d: %s hides a function (BCP059)", d.Line, d.Name)
		}
		declared[d.Name] = d
	}
	used, edges := map[string]bool{}, map[string][]string{}
	var wrong error
	for _, d := range f.Declarations {
		Walk(d.Value, func(e Expr) {
			access, ok := e.(*Access)
			if !ok || wrong != nil {
				return
			}
			switch {
			case access.Call && !slices.Contains(functions, access.Name) && (f.Using == "" || access.Name != "readEnvironmentVariable"):
				wrong = fmt.Errorf("line %d: %s is no function that is ever written (BCP057)", access.Line, access.Name)
			case access.Call:
			case declared[access.Name] == nil:
				wrong = fmt.Errorf("line %d: nobody declares %s (BCP057)", access.Line, access.Name)
			case access.Name == d.Name:
				wrong = fmt.Errorf("line %d: %s refers to itself (BCP079)", access.Line, d.Name)
			default:
				used[access.Name] = true
				edges[d.Name] = append(edges[d.Name], access.Name)
			}
		})
	}
	if wrong != nil {
		return wrong
	}
	for _, d := range f.Declarations {
		if f.Using == "" && !used[d.Name] && (d.Kind == "param" || d.Kind == "var" || d.Existing) {
			return fmt.Errorf("line %d: nobody uses %s (no-unused-params, no-unused-vars, no-unused-existing-resources)", d.Line, d.Name)
		}
	}
	return f.cycles(edges)
}

// cycles finds symbols that wait for each other (BCP080).
func (f *File) cycles(edges map[string][]string) error {
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(string, []string) error
	visit = func(name string, path []string) error {
		path = append(path, name)
		switch state[name] {
		case done:
			return nil
		case open:
			return fmt.Errorf("symbols wait for each other (BCP080): %s", strings.Join(path, " -> "))
		}
		state[name] = open
		for _, next := range edges[name] {
			if err := visit(next, path); err != nil {
				return err
			}
		}
		state[name] = done
		return nil
	}
	for _, d := range f.Declarations {
		if err := visit(d.Name, nil); err != nil {
			return err
		}
	}
	return nil
}
