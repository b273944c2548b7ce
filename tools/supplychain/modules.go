package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// platforms are those that programs are shipped for: what is linked differs between them.
var platforms = []struct{ os, arch string }{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

// standard is the module of Go's own library and runtime, which every program links.
const standard = "std"

// module is one that is linked into a program.
type module struct {
	Path, Version, Dir string
	Packages           []string // folders of its linked packages
	Programs           []string // that link it, by name
	Licenses           []string // SPDX identifiers of what its license files say
	Texts              []text   // its license files and notices
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Name string
	Standard              bool
	Deps                  []string
	Module                *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version, Dir string }
	}
}

// linked lists the modules that the programs in packages link on any platform, without the programs' own, by path.
func linked(ctx context.Context, dir string, packages []string) ([]*module, error) {
	modules := map[string]*module{}
	for _, p := range platforms {
		list, err := list(ctx, dir, p.os, p.arch, packages)
		if err != nil {
			return nil, err
		}
		byPath := map[string]listed{}
		for _, l := range list {
			byPath[l.ImportPath] = l
		}
		for _, program := range list {
			if program.Name != "main" || program.Module == nil || !program.Module.Main {
				continue
			}
			for _, dep := range program.Deps {
				if l := byPath[dep]; l.Standard || l.Module != nil && !l.Module.Main {
					add(modules, l, path.Base(program.ImportPath))
				}
			}
		}
	}
	if len(modules) == 0 {
		return nil, errors.New("there is no program in " + fmt.Sprint(packages))
	}
	out := slices.Collect(maps.Values(modules))
	for _, m := range out {
		slices.Sort(m.Packages)
		slices.Sort(m.Programs)
	}
	slices.SortFunc(out, func(a, b *module) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// add notes that a program links a package.
func add(modules map[string]*module, l listed, program string) {
	m := module{Path: standard, Version: strings.TrimPrefix(runtime.Version(), "go"), Dir: strings.TrimSuffix(l.Dir, filepath.FromSlash("/src/"+l.ImportPath))}
	if !l.Standard {
		m = module{Path: l.Module.Path, Version: l.Module.Version, Dir: l.Module.Dir}
		if r := l.Module.Replace; r != nil {
			m.Version, m.Dir = r.Version, r.Dir
		}
	}
	known := modules[m.Path]
	if known == nil {
		known = &m
		modules[m.Path] = known
	}
	if l.Standard {
		l.Dir = known.Dir // its licence is one, for all
	}
	if !slices.Contains(known.Packages, l.Dir) {
		known.Packages = append(known.Packages, l.Dir)
	}
	if !slices.Contains(known.Programs, program) {
		known.Programs = append(known.Programs, program)
	}
}

// list asks go list for packages and all that they import on a platform.
func list(ctx context.Context, dir, goos, goarch string, packages []string) ([]listed, error) {
	command := exec.CommandContext(ctx, "go", append([]string{"list", "-deps", "-json=ImportPath,Dir,Name,Standard,Deps,Module"}, packages...)...) //nolint:gosec // the packages that one was told
	command.Dir = dir
	command.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0", "GOWORK=off")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s/%s: %w\n%s", goos, goarch, err, stderr.Bytes())
	}
	var out []listed
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var l listed
		switch err := decoder.Decode(&l); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("go list for %s/%s: %w", goos, goarch, err)
		}
		out = append(out, l)
	}
}

// sorted are the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
