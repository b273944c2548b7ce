// Command generate writes the manual pages of atg and atg-server into a folder, as man finds them there:
//
//	go run ./internal/manual/generate -out bin/share/man -version v1.2.3
//
// SOURCE_DATE_EPOCH is the date that they have, in seconds since 1970; without it they have the one of today.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	server "github.com/azure-tenant-grapher/atg/cmd/atg-server/cli"
	"github.com/azure-tenant-grapher/atg/host/cli"
	"github.com/azure-tenant-grapher/atg/internal/manual"
)

func main() {
	out := flag.String("out", "man", "the folder to write into")
	version := flag.String("version", "dev", "of atg")
	flag.Parse()
	if err := write(*out, *version); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

func write(dir, version string) error {
	date, err := dated(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	pages, err := all()
	if err != nil {
		return err
	}
	for _, page := range pages {
		file := filepath.Join(dir, filepath.FromSlash(page.File()))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // everyone may read a manual
			return err
		}
		if err := os.WriteFile(file, page.Roff(version, date), 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	return nil
}

// all are the pages of both programs.
func all() ([]*manual.Page, error) {
	host, err := cli.Manual()
	if err != nil {
		return nil, err
	}
	service, err := server.Manual()
	return slices.Concat(host, service), err
}

func dated(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is no number of seconds: %w", err)
	}
	return time.Unix(seconds, 0), nil
}
