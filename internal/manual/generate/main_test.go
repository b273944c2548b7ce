package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// reference is how pages name each other, in the language of man.
var reference = regexp.MustCompile(`(?:\\f[BIR]|\b)atg(?:\\-[a-z]+)*(?:\\fR)?\([1-8]\)`)

var markup = regexp.MustCompile(`\\f[BIR]|\\(-)`)

// TestNamedPagesAreThere: pages name others that there are, and no name is given twice.
func TestNamedPagesAreThere(t *testing.T) {
	pages, err := all()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, p := range pages {
		if there[p.Reference()] {
			t.Errorf("there are two pages %s", p.Reference())
		}
		there[p.Reference()] = true
	}
	named := 0
	for _, p := range pages {
		for _, found := range reference.FindAllString(string(p.Roff("v1", time.Unix(0, 0))), -1) {
			named++
			if other := markup.ReplaceAllString(found, "$1"); !there[other] {
				t.Errorf("%s names %s, which is not there", p.Reference(), other)
			}
		}
	}
	if named < len(pages) {
		t.Errorf("%d pages name %d others", len(pages), named)
	}
}

// TestTheSameBytes: with SOURCE_DATE_EPOCH, what is written does not depend on when that is.
func TestTheSameBytes(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	var written [2][]byte
	for i := range written {
		dir := t.TempDir()
		if err := write(dir, "v1"); err != nil {
			t.Fatal(err)
		}
		var err error
		if written[i], err = os.ReadFile(filepath.Join(dir, "man1", "atg-scan.1")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(written[0], written[1]) || !bytes.Contains(written[0], []byte(`"2023-11-14"`)) {
		t.Errorf("%s", written[0])
	}
	t.Setenv("SOURCE_DATE_EPOCH", "yesterday")
	if err := write(t.TempDir(), "v1"); err == nil {
		t.Error("a date that is none was taken")
	}
}
