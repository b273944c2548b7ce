//go:build unix

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// atTerminal is terminal FILE CODE PROGRAM ARGS…: runs a program at a terminal of 20 rows and 80 columns, where somebody sits
// who does what FILE says: in each line what is waited for, a |, and what is typed then, with \r, \x03 and their kin. What
// the terminal showed is in the file shown.
func atTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: terminal FILE CODE PROGRAM ARGS…")
	}
	var steps [][2]string
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		until, typed, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		typed, err := strconv.Unquote(`"` + typed + `"`)
		ts.Check(err)
		steps = append(steps, [2]string{until, typed})
	}
	ctx, cancel := patience(ts)
	defer cancel()
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	cmd := exec.CommandContext(ctx, path, args[3:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(environ(ts), "TERM=xterm", "ATG_PAGER="+ts.Getenv("ATG_PAGER"))
	control, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 20, Cols: 80})
	ts.Check(err)
	defer func() { _ = control.Close() }()
	var shown bytes.Buffer
	for seen, chunk := 0, make([]byte, 4096); err == nil; {
		var n int
		n, err = control.Read(chunk) // fails when the program has ended
		shown.Write(chunk[:n])
		for len(steps) > 0 {
			at := bytes.Index(shown.Bytes()[seen:], []byte(steps[0][0]))
			if at < 0 {
				break
			}
			seen += at + len(steps[0][0])
			_, typing := control.WriteString(steps[0][1])
			ts.Check(typing)
			steps = steps[1:]
		}
	}
	code := codeOf(cmd.Wait())
	text := strings.ReplaceAll(shown.String(), "\r\n", "\n")
	ts.Check(os.WriteFile(ts.MkAbs("shown"), []byte(text), 0o600))
	if len(steps) > 0 {
		ts.Fatalf("%q did not appear:\n%s", steps[0][0], text)
	}
	if strconv.Itoa(code) != args[1] {
		ts.Fatalf("it exited with %d:\n%s", code, text)
	}
}
