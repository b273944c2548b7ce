//go:build unix

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// runnable is how a block begins whose commands are run, in the order of the page and in one shell. What stands below a command is
// what it prints on standard output, with … for anything; nothing is anything. `exits=N` says with what the last one ends.
var runnable = regexp.MustCompile("(?ms)^```console run(?: exits=(\\d+))?\n(.*?)^```$")

// excerpt is a block that shows a part of a file, which the blocks that are run have made.
var excerpt = regexp.MustCompile("(?ms)^```[a-z]+ in=(\\S+)\n(.*?)^```$")

// TestDocs runs what the pages of docs tell to type, against the simulator: the programs as a user has them.
func TestDocs(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	simulator := filepath.Join(t.TempDir(), "atg-azuresim")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", simulator, "../../cmd/atg-azuresim").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ran, shown := []string{}, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		blocks := runnable.FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			continue
		}
		ran = append(ran, filepath.Base(file))
		excerpts := excerpt.FindAllStringSubmatch(string(text), -1)
		shown += len(excerpts)
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			home := newHome(t, simulator)
			if filepath.Base(file) != "quick-start.md" { // which comes before all others, and tells of this
				home.script(example{`eval "$(atg-azuresim env)"`, "", 0}, example{"atg -q scan >scanned.txt", "", 0})
			}
			for _, b := range blocks {
				home.script(examplesIn(b[2], b[1])...)
			}
			home.run()
			for _, e := range excerpts {
				if made, err := os.ReadFile(filepath.Join(home.dir, e[1])); err != nil || !bytes.Contains(made, []byte(e[2])) {
					t.Errorf("the page shows what is not in %s (%v):\n%s", e[1], err, e[2])
				}
			}
		})
	}
	if !slices.Contains(ran, "quick-start.md") || len(ran) < 6 || shown < 2 {
		t.Errorf("only pages %v were run, with %d excerpts of files", ran, shown)
	}
}

// example is a command of a page, and what it prints and ends with.
type example struct {
	command, want string
	exit          int
}

// examplesIn are those of a block.
func examplesIn(block, exit string) (all []example) {
	for _, text := range strings.Split("\n"+block, "\n$ ")[1:] {
		lines := strings.Split(text, "\n")
		n := 1
		for strings.HasSuffix(lines[n-1], `\`) {
			n++
		}
		all = append(all, example{command: strings.Join(lines[:n], "\n"), want: strings.TrimSpace(strings.Join(lines[n:], "\n"))})
	}
	if exit != "" && len(all) > 0 {
		all[len(all)-1].exit, _ = strconv.Atoi(exit)
	}
	return all
}

// home is a user's, with a simulator that runs.
type home struct {
	t        *testing.T
	dir      string
	env      []string
	examples []example
}

func newHome(t *testing.T, simulator string) *home {
	t.Helper()
	dir := t.TempDir()
	tmp := filepath.Join(dir, "tmp")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	h := &home{t: t, dir: dir, env: []string{
		"PATH=" + filepath.Dir(simulator) + ":" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + tmp, "TZ=UTC", "LC_ALL=C.UTF-8", "ATG_KEYRING=off",
	}}
	serve := exec.CommandContext(t.Context(), simulator, "serve", "--until-stdin-closes", "--retry-after", "0")
	serve.Env, serve.Dir, serve.Stderr = h.env, dir, os.Stderr
	stdin, err := serve.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = serve.Wait()
	})
	if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) script(examples ...example) { h.examples = append(h.examples, examples...) }

// run runs all commands in one shell, and compares.
func (h *home) run() {
	h.t.Helper()
	const mark = "\x01end of an example\x01"
	var script strings.Builder
	for _, e := range h.examples {
		fmt.Fprintf(&script, "%s\nprintf '%s%%d\\n' $?\n", e.command, mark)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Minute) // for what waits for a file that never comes
	h.t.Cleanup(cancel)
	shell := exec.CommandContext(ctx, "bash", "-c", script.String())
	shell.Env, shell.Dir, shell.WaitDelay = h.env, h.dir, 10*time.Second
	shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	shell.Cancel = func() error { return syscall.Kill(-shell.Process.Pid, syscall.SIGKILL) }
	h.t.Cleanup(func() {
		if shell.Process != nil { // what an example has left running, because another one failed
			_ = shell.Cancel()
		}
	})
	var out, log bytes.Buffer
	shell.Stdout, shell.Stderr = &out, &log
	if err := shell.Run(); err != nil {
		h.t.Errorf("the shell: %v", err)
	}
	answers := strings.Split(out.String(), mark)
	for i, e := range h.examples {
		if i+1 >= len(answers) {
			h.t.Errorf("$ %s\nwas not reached", e.command)
			break
		}
		answer := answers[i]
		if i > 0 { // behind the exit code of the one before
			_, answer, _ = strings.Cut(answer, "\n")
		}
		code, _, _ := strings.Cut(answers[i+1], "\n")
		if code != strconv.Itoa(e.exit) {
			h.t.Errorf("$ %s\nexits with %s, want %d", e.command, code, e.exit)
		}
		if e.want != "" && !alike(e.want, strings.TrimSpace(answer)) {
			h.t.Errorf("$ %s\nprints\n%s\nwhere the page has\n%s", e.command, answer, e.want)
		}
	}
	if h.t.Failed() {
		h.t.Logf("on standard error:\n%s", log.String())
	}
}

// alike compares what a page has with what was printed; … stands for anything.
func alike(page, printed string) bool {
	parts := strings.Split(page, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*") + `$`).MatchString(printed)
}
