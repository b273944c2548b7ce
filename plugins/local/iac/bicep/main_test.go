package bicep_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain makes the test binary the programs bicep and az. They write what they are called with into the file LOG, and answer with what
// SAYS_VERB has: the code, the standard output and the standard error, with | between them.
func TestMain(m *testing.M) {
	program := filepath.Base(os.Args[0])
	if program != "bicep" && program != "az" {
		os.Exit(m.Run())
	}
	arguments := os.Args[1:]
	if path := os.Getenv("LOG"); path != "" {
		log, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = fmt.Fprintln(log, program, strings.Join(arguments, " "))
		}
		if err != nil {
			panic(err)
		}
	}
	if arguments[0] == "bicep" {
		arguments = arguments[1:]
	}
	for i, argument := range arguments[:len(arguments)-1] {
		if argument == "--outfile" {
			size := 0
			fmt.Sscan(os.Getenv("SIZE"), &size)
			if err := os.WriteFile(arguments[i+1], make([]byte, size), 0o600); err != nil {
				panic(err)
			}
		}
	}
	verb := arguments[0]
	if verb == "deployment" {
		verb = arguments[2]
	}
	answer := strings.SplitN(os.Getenv("SAYS_"+strings.Trim(strings.ReplaceAll(verb, "-", "_"), "_")), "|", 3)
	code := 0
	fmt.Sscan(answer[0], &code)
	if len(answer) == 3 {
		fmt.Print(answer[1])
		fmt.Fprint(os.Stderr, answer[2])
	}
	os.Exit(code)
}

// pretended is an environment with these programs, and bash.
func pretended(t *testing.T, programs []string, says ...string) (env []string, log string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, program := range programs {
		if err := os.Symlink(self, filepath.Join(dir, program)); err != nil {
			t.Fatal(err)
		}
	}
	log = filepath.Join(t.TempDir(), "log")
	// A program with the race detector waits a second before it ends, unless it is told not to.
	return append(says, "GORACE=atexit_sleep_ms=0", "GOCOVERDIR="+t.TempDir(), "LOG="+log, "PATH="+strings.Join([]string{dir, "/bin", "/usr/bin"}, string(filepath.ListSeparator))), log
}

// calls are what the programs were called with, one line each.
func calls(t *testing.T, log string) string {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}
