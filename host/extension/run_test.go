package extension_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/host/extension"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// role makes the test binary one of the two programs: atg, which runs an extension, and that extension.
const role = "EXTENSION_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "atg":
		os.Exit(asAtg())
	case "extension":
		os.Exit(asExtension())
	}
	os.Exit(m.Run())
}

func asAtg() int {
	self, err := os.Executable()
	if err != nil {
		return 99
	}
	code, err := extension.Run(context.Background(), self, os.Args[1:], []string{role + "=extension", "GIVEN=1", "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}) //nolint:forbidigo // this is the program's main
	if err != nil {
		return 98
	}
	return code
}

func asExtension() int {
	input, _ := io.ReadAll(os.Stdin)
	fmt.Fprintf(os.Stdout, "%d %q %s GIVEN=%s WITHHELD=%s\n", os.Getpid(), os.Args[1:], input, os.Getenv("GIVEN"), os.Getenv("WITHHELD"))
	fmt.Fprint(os.Stderr, "complaint")
	return 7
}

func TestRunPassesEverythingThrough(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "--flag", "two words", "")
	cmd.Env = append(os.Environ(), role+"=atg", "WITHHELD=hunter2")
	cmd.Stdin = strings.NewReader("typed")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatalf("Run = %v, %s", err, &complaint)
	}
	pid, rest, _ := strings.Cut(out.String(), " ")
	if want := `["--flag" "two words" ""] typed GIVEN=1 WITHHELD=` + "\n"; rest != want || complaint.String() != "complaint" {
		t.Errorf("the extension saw %q, and said %q; want %q", rest, &complaint, want)
	}
	if runtime.GOOS != "windows" && pid != strconv.Itoa(cmd.Process.Pid) {
		t.Errorf("the extension is process %s, not %d: signals would miss it", pid, cmd.Process.Pid)
	}
}

func TestRunWhatCannotBeRun(t *testing.T) {
	if _, err := extension.Run(t.Context(), t.TempDir(), nil, nil); fault.CodeOf(err) != fault.ExecutionFailed {
		t.Errorf("Run = %v", err)
	}
}
