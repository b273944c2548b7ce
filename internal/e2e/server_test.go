//go:build unix

package e2e

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	servercli "github.com/azure-tenant-grapher/atg/cmd/atg-server/cli"
)

// runServer is the main of atg-server.
func runServer() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) //nolint:forbidigo // this is the main of atg-server
	code := servercli.Main(ctx, servercli.OS())
	stop()
	os.Exit(code)
}

// startServer is server NAME ARGS…: starts atg-server in the background, for this machine alone and on any free port, and
// waits until it is ready. It sets $URL, $CA and $KEY to what it takes to reach it. $SERVER is another program to start instead.
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: server NAME ARGS…")
	}
	name := args[0]
	command := append([]string{name, cmp.Or(ts.Getenv("SERVER"), "atg-server"), "start"}, args[1:]...)
	background(ts, false, command)
	line := ""
	until(ts, name+" does not become ready", func() bool {
		select {
		case err := <-stateOf(ts).processes[name].done:
			ts.Fatalf("%s ended: %v\n%s", name, err, ts.ReadFile(name+".stderr"))
		default:
		}
		line = ts.ReadFile(name + ".stdout")
		return strings.HasSuffix(line, "\n")
	})
	var ready struct {
		URL     string `json:"url"`
		CAFile  string `json:"ca_file"`
		DataDir string `json:"data_dir"`
	}
	ts.Check(json.Unmarshal([]byte(line), &ready))
	if ready.URL == "" {
		return // a worker
	}
	ts.Setenv("URL", ready.URL)
	ts.Setenv("LISTEN", strings.TrimPrefix(ready.URL, "https://"))
	ts.Setenv("CA", ready.CAFile)
	if key, err := os.ReadFile(ready.DataDir + "/dev/key"); err == nil {
		ts.Setenv("KEY", string(key))
	}
}

// clientOf trusts $CA.
func clientOf(ts *testscript.TestScript) *http.Client {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ts.ReadFile(ts.Getenv("CA"))))
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
}

// curl is curl STATUS METHOD PATH [BODY]: one request to the service with $KEY; the answer's body goes to the file answer.
func curl(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: curl STATUS METHOD PATH [BODY]")
	}
	client := clientOf(ts)
	defer client.CloseIdleConnections()
	var body io.Reader
	if len(args) == 4 {
		body = strings.NewReader(args[3])
	}
	status, content := ask(ts, client, args[1], args[2], body)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), content, 0o600))
	if got := fmt.Sprint(status); got != args[0] {
		ts.Fatalf("%s %s answered %s, not %s: %s", args[1], args[2], got, args[0], content)
	}
}

func ask(ts *testscript.TestScript, client *http.Client, method, path string, body io.Reader) (status int, content []byte) {
	ctx, cancel := patience(ts)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, ts.Getenv("URL")+path, body)
	ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+ts.Getenv("KEY"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	ts.Check(err)
	defer func() { _ = answer.Body.Close() }()
	content, err = io.ReadAll(answer.Body)
	ts.Check(err)
	return answer.StatusCode, content
}

// gone is gone PATH: waits until the service answers 404 there.
func gone(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: gone PATH")
	}
	client := clientOf(ts)
	defer client.CloseIdleConnections()
	until(ts, args[0]+" is still there", func() bool {
		status, _ := ask(ts, client, http.MethodGet, args[0], nil)
		return status == http.StatusNotFound
	})
}

// useKey is key FILE: $ATG_API_KEY and $ID from what `atg-server keys create --json` printed.
func useKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: key FILE")
	}
	var made struct{ Key, ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &made))
	ts.Setenv("ATG_API_KEY", made.Key)
	ts.Setenv("ID", made.ID)
}

// useSecret is secret FILE: $ATG_API_KEY from what `atg-server keys create` printed.
func useSecret(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: secret FILE")
	}
	ts.Setenv("ATG_API_KEY", strings.TrimSpace(ts.ReadFile(args[0])))
}

// jobID is jobid: $JOB from the first job id on the last command's standard output.
func jobID(ts *testscript.TestScript, neg bool, args []string) {
	found := jobPattern.FindString(ts.ReadFile("stdout"))
	if neg || len(args) > 0 || found == "" {
		ts.Fatalf("usage: jobid, behind a command that prints a job's id")
	}
	ts.Setenv("JOB", found)
}

// snapshotID is snapshotid: $SNAPSHOT from the first snapshot id on the last command's standard output.
func snapshotID(ts *testscript.TestScript, neg bool, args []string) {
	found := snapshotPattern.FindString(ts.ReadFile("stdout"))
	if neg || len(args) > 0 || found == "" {
		ts.Fatalf("usage: snapshotid, behind a command that prints a snapshot's id")
	}
	ts.Setenv("SNAPSHOT", found)
}

var snapshotPattern = regexp.MustCompile(`[0-9]{8}-[0-9]{9}-[a-z0-9]{6}`)

var jobPattern = regexp.MustCompile(`job-[a-z0-9]{24}`)

// noSecretProcesses is no-secret-processes: no process of this script has $KEY in its arguments or its environment.
func noSecretProcesses(ts *testscript.TestScript, _ bool, _ []string) {
	key, home, own := ts.Getenv("KEY"), "\x00HOME="+stateOf(ts).home+"\x00", 0
	folders, err := filepath.Glob("/proc/[0-9]*")
	ts.Check(err)
	for _, dir := range folders {
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !strings.Contains("\x00"+string(environ), home) {
			continue // it has ended, or is somebody else's
		}
		own++
		arguments, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if strings.Contains(string(environ)+string(arguments), key) {
			ts.Fatalf("a process has the key: %s", strings.ReplaceAll(string(arguments), "\x00", " "))
		}
	}
	if key == "" || own < 3 { // atg, its backend, the service
		ts.Fatalf("%d processes and a key of %d characters prove nothing", own, len(key))
	}
}

// noSecretFiles is no-secret-files: of all that the script and its programs have written, only the key's own files hold $KEY.
func noSecretFiles(ts *testscript.TestScript, _ bool, _ []string) {
	key, kept := ts.Getenv("KEY"), 0
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(content), key) {
			return err
		}
		info, err := d.Info()
		if name := filepath.Base(path); err != nil || info.Mode().Perm() != 0o600 || name != "key" && name != "dev.yaml" {
			ts.Fatalf("%s (%v) holds the key", path, info.Mode())
		}
		kept++
		return nil
	}))
	if kept != 2 {
		ts.Fatalf("%d files hold the key", kept)
	}
}
