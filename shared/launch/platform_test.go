package launch

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestPlatformOf(t *testing.T) {
	words := func(order binary.AppendByteOrder, words ...uint32) string {
		var b []byte
		for _, w := range words {
			b = order.AppendUint32(b, w)
		}
		return string(b)
	}
	zeros := func(n int) string { return strings.Repeat("\x00", n) }
	elf := func(data, system byte, machine string) string {
		return "\x7fELF\x02" + string([]byte{data, 1, system}) + zeros(8) + "\x02\x00" + machine + "\x01\x00\x00\x00" + zeros(40)
	}
	cases := map[string]struct{ content, want string }{
		"ELF":                  {elf(1, 0, "\xb7\x00"), "linux/arm64"},
		"ELF of FreeBSD":       {elf(1, 9, "\x3e\x00"), "freebsd/amd64"},
		"ELF, little POWER":    {elf(1, 0, "\x15\x00"), "linux/ppc64le"},
		"ELF, unknown":         {elf(1, 0, "\xf7\x00"), "linux/EM_BPF"},
		"Mach-O":               {words(binary.LittleEndian, 0xfeedfacf, 0x01000007, 3, 2, 0, 0, 0, 0), "darwin/amd64"},
		"PE":                   {"MZ" + zeros(58) + "\x40\x00\x00\x00" + "PE\x00\x00\x64\xaa" + zeros(120), "windows/arm64"},
		"a script":             {"#!/bin/sh\n", ""},
		"nothing":              {"", ""},
		"the beginning of one": {"\x7fELF", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := platformOf(path); got != c.want {
				t.Errorf("platformOf = %q, want %q", got, c.want)
			}
		})
	}
	t.Run("this program", func(t *testing.T) {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := platformOf(self), runtime.GOOS+"/"+runtime.GOARCH; got != want {
			t.Errorf("platformOf = %q, want %q", got, want)
		}
	})
}
