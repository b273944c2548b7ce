// Command generate derives what package armschema knows of resource types from the source of the Azure SDK's modules, and
// compares with it what the scan reads of children. docs/armschema.md tells more.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func run(args []string, log io.Writer) error {
	flags := flag.NewFlagSet("generate", flag.ContinueOnError)
	in := flags.String("in", ".", "folder with modules.txt and the other lists")
	out := flags.String("out", "..", "folder with schema.bin and children.txt")
	check := flags.Bool("check", false, "compare, and write nothing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	modules, err := readModules(filepath.Join(*in, "modules.txt"))
	if err != nil {
		return err
	}
	if err := fetch(modules); err != nil {
		return err
	}
	sources, err := parseAll(modules)
	if err != nil {
		return err
	}
	c, m := newCatalog(), newModel()
	if c.pins, err = readPins(filepath.Join(*in, "pins.txt")); err != nil {
		return err
	}
	for _, s := range sources {
		c.read(s)
	}
	resources, err := supplement(filepath.Join(*in, "supplement.txt"), m, c.resources(m))
	if err != nil {
		return err
	}
	defs, number := minimize(m.defs)
	encoded := encode(resources, defs, number)
	fmt.Fprintf(log, "%d modules, %d types, %d bytes\n", len(modules), len(resources), len(encoded))
	children, err := readChildren(filepath.Join(*out, "children.txt"))
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "%d lines of children.txt, of which the SDK knows %d api-versions\n", len(children), c.known(children))
	complaints, err := c.checkChildren(children, resources, defs, number, filepath.Join(*in, "children-exceptions.txt"))
	if err != nil {
		return err
	}
	for _, complaint := range complaints {
		fmt.Fprintln(log, "children.txt:", complaint)
	}
	if len(complaints) > 0 {
		err = errors.New("children.txt is not as the SDK has it")
	}
	return errors.Join(err, store(filepath.Join(*out, "schema.bin"), encoded, *check))
}

func store(file string, encoded []byte, check bool) error {
	if !check {
		return os.WriteFile(file, encoded, 0o644) //nolint:gosec // it is committed
	}
	is, err := os.ReadFile(file)
	if err == nil && !bytes.Equal(is, encoded) {
		err = errors.New("schema.bin is not what the modules give: run go generate ./plugins/local/armschema")
	}
	return err
}

func parseAll(modules []*module) ([]*source, error) {
	sources, errs := make([]*source, len(modules)), make([]error, len(modules))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for i, m := range modules {
		wait.Go(func() {
			slots <- struct{}{}
			sources[i], errs[i] = parse(m)
			<-slots
		})
	}
	wait.Wait()
	return sources, errors.Join(errs...)
}
