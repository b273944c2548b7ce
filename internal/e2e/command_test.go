//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// checkJSON is json PATH WANT: the value at a dotted path of the last command's stdout.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH WANT")
	}
	var value any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &value))
	for _, name := range strings.Split(args[0], ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[name]
		case []any:
			var at int
			if _, err := fmt.Sscan(name, &at); err != nil || at >= len(v) {
				ts.Fatalf("the list at %s has %d items", args[0], len(v))
			}
			value = v[at]
		default:
			ts.Fatalf("there is nothing at %s", args[0])
		}
	}
	if got := fmt.Sprint(value); (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// hello is the example's program.
const hello = "atg-backend-hello"

// buildHello builds the example once, as its author would, with the real environment, and answers the program.
var buildHello = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "atg-hello-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, hello)
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join("..", "..", "examples", "backend-hello")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the example: %w\n%s", err, out)
	}
	return os.ReadFile(path)
})

// installHello is hello FOLDER: puts the example backend into a backends folder.
func installHello(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hello FOLDER")
	}
	program, err := buildHello()
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(os.WriteFile(filepath.Join(dir, hello), program, 0o700))
}
