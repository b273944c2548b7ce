// Command supplychain says what atg's programs are made of: it checks the licences of everything that is linked into them,
// writes the notices that these ask for, and the bills of materials of archives.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

const usage = `usage:
  supplychain notices [-dir DIR] [-out DIR] [-extra FILE]… PACKAGE…
      checks the licences of all modules that PACKAGE… link on any platform; writes DIR/THIRD-PARTY.txt and DIR/licenses.json
  supplychain sbom -version V -licenses licenses.json -o FILE ARCHIVE
      writes a bill of materials (CycloneDX 1.6) of the Go programs in a .tar.gz or .zip
  supplychain bundle [-root DIR] -dist DIR -o DIR
      packs what goreleaser left in dist for each platform into one archive that needs no network
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) //nolint:forbidigo // this is main
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "supplychain:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// texts is a flag that may be given several times.
type texts []string

func (t *texts) String() string     { return fmt.Sprint(*t) }
func (t *texts) Set(s string) error { *t = append(*t, s); return nil }

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	switch args[0] {
	case "notices":
		var extra texts
		dir := flags.String("dir", ".", "")
		to := flags.String("out", "", "")
		flags.Var(&extra, "extra", "")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		return notices(ctx, out, *dir, *to, extra, flags.Args())
	case "sbom":
		version := flags.String("version", "", "")
		licenses := flags.String("licenses", "", "")
		to := flags.String("o", "", "")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if flags.NArg() != 1 || *to == "" {
			return errors.New(usage)
		}
		return sbom(flags.Arg(0), *version, *licenses, *to)
	case "bundle":
		root := flags.String("root", ".", "")
		dist := flags.String("dist", "", "")
		to := flags.String("o", "", "")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if flags.NArg() > 0 || *dist == "" || *to == "" {
			return errors.New(usage)
		}
		return bundle(ctx, *root, *dist, *to, out)
	default:
		return errors.New(usage)
	}
}

// notices checks licences and writes what it found.
func notices(ctx context.Context, out io.Writer, dir, to string, extra, packages []string) error {
	modules, err := linked(ctx, dir, packages)
	if err != nil {
		return err
	}
	var wrong []error
	for _, m := range modules {
		if err := m.license(); err != nil {
			wrong = append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("licences:\n%w", err)
	}
	counts := map[string]int{}
	for _, m := range modules {
		for _, p := range m.Programs {
			counts[p]++
		}
	}
	fmt.Fprintf(out, "licences: %d modules, all of licences that may be shipped\n", len(modules))
	for _, p := range sorted(counts) {
		fmt.Fprintf(out, "licences: %-20s %3d modules\n", p, counts[p])
	}
	if to == "" {
		return nil
	}
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	text, err := thirdParty(modules, extra)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "THIRD-PARTY.txt"), text, 0o644); err != nil { //nolint:gosec // it is published
		return err
	}
	return writeJSON(filepath.Join(to, "licenses.json"), index(modules))
}
