package launch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestAPinnedProgramIsTheFileThatWasHashed(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path, other := filepath.Join(t.TempDir(), "program"), filepath.Join(t.TempDir(), "other")
	for name, content := range map[string][]byte{path: content, other: []byte("#!/bin/sh\necho another program\n")} {
		if err := os.WriteFile(name, content, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256(content)
	program, err := verify(Spec{Name: "test", Path: path, SHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		t.Fatal(err)
	}
	defer program.close()
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Cmd{Path: program.execPath, Args: []string{path, "-test.list", "TestAPinnedProgramIsTheFileThatWasHashed"}}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.HasPrefix(out, []byte(t.Name())) {
		t.Errorf("started %q, %v", out, err)
	}
}
