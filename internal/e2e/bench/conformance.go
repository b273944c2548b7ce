package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// conformance times atg backend test on our own backend, which reaches no cloud here, and on the examples. One that cannot be
// built here, because its language is not installed, has no figure, which is said.
func (b bench) conformance(ctx context.Context) ([]figure, error) {
	examples, err := filepath.Abs("examples")
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(examples, "backend-"+name) }
	at := func(name string) string { return filepath.Join(b.home, "atg-backend-"+name) }
	var figures []figure
	for _, one := range []struct {
		name, dir string
		build     []string
	}{
		{"local", ".", nil},
		{"hello", in("hello"), []string{"go", "build", "-o", at("hello"), "."}},
		{"inventory", in("python"), []string{"/usr/bin/python3", "build.py", at("inventory")}},
		{"folder", in("node"), []string{"npm", "run", "--silent", "build", "--", at("folder")}},
	} {
		path := one.name
		if one.build != nil {
			cmd := exec.CommandContext(ctx, one.build[0], one.build[1:]...)
			cmd.Dir = one.dir
			if out, err := cmd.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "conformance: the backend %s CANNOT BE BUILT here, so there is no figure for it: %v\n%s", one.name, err, out)
				continue
			}
			path = at(one.name)
		}
		cmd := b.command(ctx, b.program("atg"), "backend", "test", path, "-o", "json", "-q")
		began := time.Now()
		out, err := cmd.Output()
		took := time.Since(began)
		var report struct {
			Passed bool  `json:"passed"`
			Checks []any `json:"checks"`
		}
		if err := errors.Join(err, json.Unmarshal(out, &report)); err != nil || !report.Passed {
			return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
		figures = append(figures, figure{Name: "conformance_s_" + one.name, Value: round(took.Seconds()), Unit: "s", Goal: "<= 20"})
	}
	return figures, nil
}
