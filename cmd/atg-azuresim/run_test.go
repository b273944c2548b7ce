package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/directory"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// served is a simulator that runs as its command does.
type served struct {
	ready  ready
	stdin  *io.PipeWriter
	ended  chan int
	stderr *bytes.Buffer
}

func serve(t *testing.T, ctx context.Context, args ...string) *served {
	t.Helper()
	stdin, stdinWriter := io.Pipe()
	stdout, stdoutWriter := io.Pipe()
	s := &served{stdin: stdinWriter, ended: make(chan int, 1), stderr: &bytes.Buffer{}}
	go func() {
		code := run(ctx, args, &streams{in: stdin, out: stdoutWriter, err: s.stderr})
		stdoutWriter.Close()
		s.ended <- code
	}()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("ended with %d before it was ready: %s", <-s.ended, s.stderr)
	}
	if err := json.Unmarshal(line, &s.ready); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	return s
}

// reaches asks the simulator something that needs no token.
func (s *served) reaches(t *testing.T) error {
	t.Helper()
	_, err := s.get(t, "/metadata/endpoints?api-version=2022-09-01")
	return err
}

func (s *served) get(t *testing.T, path string) ([]byte, error) {
	t.Helper()
	pem, err := os.ReadFile(s.ready.Env["SSL_CERT_FILE"])
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.ready.Env["ATG_AZURE_RESOURCE_MANAGER_ENDPOINT"]+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return io.ReadAll(response.Body)
}

// TestLimitsAndFaultsFromTheCommandLine reads back what the flags have set.
func TestLimitsAndFaultsFromTheCommandLine(t *testing.T) {
	faults := filepath.Join(t.TempDir(), "faults.json")
	if err := os.WriteFile(faults, []byte(`{"seed": 3, "no_tables": ["dnsresources"], "mixed_case": true,
		"rules": [{"path": "^/metadata", "times": 1, "probability": 1, "status": 429, "retry_after": 3, "cause": "service"}, {"garble": true, "bytes_per_second": 1000, "after": 9}],
		"changes": [{"path": "resourcegraph", "every": 3, "table": "resources", "add": 1, "delete": 1}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, t.Context(), "--state-dir", filepath.Join(t.TempDir(), "state"), "--until-stdin-closes", "--control", "--faults", faults,
		"--quota", "0", "--quota-window", "9s", "--arm-bucket", "7", "--arm-rate", "0.5", "--regions", "eastus,westus", "--msgraph-units", "40", "--msgraph-permissions", "User.Read.All,Group.Read.All", "--latency", "1us", "--latency-spread", "2us", "--token-lifetime", "4s")
	defer func() {
		s.stdin.Close()
		<-s.ended
	}()
	raw, err := s.get(t, "/_sim/settings")
	if err != nil {
		t.Fatal(err)
	}
	want := `{"quota":-1,"quota_window":"9s","arm_limits":true,"arm_bucket":7,"arm_rate":0.5,"write_bucket":200,"write_rate":10,"write_time":"0s","delete_time":"0s","retry_after":1,"validate_time":"0s","graph_delay":"0s","keep_history":false,"strict_versions":false,"lenient_members":false,"msgraph_permissions":["User.Read.All","Group.Read.All"],"msgraph_limits":true,"msgraph_units":40,"msgraph_writes":3000,"msgraph_window":"10s","directory_delay":"0s","directory_misses":0,"latency":"1µs","latency_spread":"2µs","token_lifetime":"4s"}`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Error(diff)
	}
	for _, code := range []string{"TooManyRequests", "AzureSimulator"} {
		if raw, err := s.get(t, "/metadata/endpoints?api-version=2022-09-01"); err != nil || !strings.Contains(string(raw), code) {
			t.Errorf("%v: %s", err, raw)
		}
	}
}

func TestServeUntilStandardInputCloses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := serve(t, t.Context(), "serve", "--until-stdin-closes", "--state-dir", dir)
	if err := s.reaches(t); err != nil {
		t.Error(err)
	}
	if s.ready.TenantID == "" || s.ready.ClientID == "" || s.ready.CAFile != filepath.Join(dir, "ca.pem") || !strings.HasPrefix(s.ready.Address, "127.0.0.1:") {
		t.Errorf("%+v", s.ready)
	}

	var out bytes.Buffer
	if code := run(t.Context(), []string{"env", "--state-dir", dir}, &streams{out: &out, err: s.stderr}); code != 0 {
		t.Errorf("env ended with %d: %s", code, s.stderr)
	}
	var want strings.Builder
	for _, name := range []string{"ATG_AZURE_AUTHORITY_HOST", "ATG_AZURE_CLOUD", "ATG_AZURE_GRAPH_ENDPOINT", "ATG_AZURE_RESOURCE_MANAGER_ENDPOINT", "AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID", "SSL_CERT_FILE"} {
		want.WriteString("export " + name + "='" + s.ready.Env[name] + "'\n")
	}
	if diff := cmp.Diff(want.String(), out.String()); diff != "" {
		t.Error(diff)
	}

	s.stdin.Close()
	if code := <-s.ended; code != 0 {
		t.Errorf("ended with %d: %s", code, s.stderr)
	}
	if err := s.reaches(t); err == nil {
		t.Error("it still answers")
	}
	if code := run(t.Context(), []string{"env", "--state-dir", dir}, &streams{out: io.Discard, err: s.stderr}); code != 1 || !strings.Contains(s.stderr.String(), "no simulator is running") {
		t.Errorf("env ended with %d: %s", code, s.stderr)
	}
}

func TestServeUntilInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, ctx, "--state-dir", t.TempDir()+"/state")
	cancel()
	if code := <-s.ended; code != 0 {
		t.Errorf("ended with %d: %s", code, s.stderr)
	}
}

func TestTenantsToServe(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.jsonl", `{"table":"resources","row":{"id":"/x/y","type":"a.b/c","tenantId":"from-file"}}`)
	bad := write("bad.jsonl", "\n{")
	secret := write("secret", "s3cret\n")
	faults := write("faults.json", `{"deny":[]}`)
	badFaults := write("bad.json", `{"refuse":[]}`)

	tests := map[string]struct {
		args []string
		want string // tenant id, or text of the error
	}{
		"contoso":      {[]string{"--client-secret-file", secret, "--faults", faults}, "c0175050-0000-4000-8000-0000000000c0"},
		"file":         {[]string{"--tenant-file", good}, "from-file"},
		"empty":        {[]string{"--empty", "--quota", "0"}, "c0175050-0000-4000-8000-0000000000c0"},
		"bad file":     {[]string{"--tenant-file", bad}, "bad.jsonl: line 2: not a JSON object"},
		"two tenants":  {[]string{"--empty", "--synthetic", "5"}, "can't be used together"},
		"no such file": {[]string{"--tenant-file", dir + "/none"}, "no such file"},
		"bad faults":   {[]string{"--faults", badFaults}, `unknown field "refuse"`},
		"too many":     {[]string{"--synthetic", "5", "--subscriptions", "0"}, "number of synthetic subscriptions"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--until-stdin-closes", "--state-dir", t.TempDir() + "/state"}, test.args...)
			if strings.ContainsAny(test.want, " ") {
				var stderr bytes.Buffer
				if code := run(t.Context(), args, &streams{in: strings.NewReader(""), out: io.Discard, err: &stderr}); code == 0 || !strings.Contains(stderr.String(), test.want) {
					t.Errorf("ended with %d: %s", code, &stderr)
				}
				return
			}
			s := serve(t, t.Context(), args...)
			if s.ready.TenantID != test.want {
				t.Errorf("tenant %s", s.ready.TenantID)
			}
			if name == "contoso" && s.ready.Env["AZURE_CLIENT_SECRET"] != "s3cret" {
				t.Error("the secret is not the one in the file")
			}
			s.stdin.Close()
			if code := <-s.ended; code != 0 {
				t.Errorf("ended with %d: %s", code, s.stderr)
			}
		})
	}
}

func TestSameSyntheticTenantTwice(t *testing.T) {
	var ids []string
	for range 2 {
		s := serve(t, t.Context(), "--until-stdin-closes", "--state-dir", t.TempDir()+"/state", "--synthetic", "100", "--seed", "5")
		ids = append(ids, s.ready.TenantID)
		s.stdin.Close()
		<-s.ended
	}
	if ids[0] != ids[1] {
		t.Errorf("tenants %v", ids)
	}
}

func TestStateFolderThatOthersCanRead(t *testing.T) {
	if os.PathSeparator == '\\' {
		return // no such modes
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"serve", "--state-dir", dir}, &streams{in: strings.NewReader(""), out: io.Discard, err: &stderr}); code != 1 || !strings.Contains(stderr.String(), "open to others") {
		t.Errorf("ended with %d: %s", code, &stderr)
	}
}

func TestHelpAndVersion(t *testing.T) {
	for _, flag := range []string{"--help", "--version"} {
		var out bytes.Buffer
		if code := run(t.Context(), []string{flag}, &streams{out: &out, err: io.Discard}); code != 0 || out.Len() == 0 {
			t.Errorf("%s ended with %d: %s", flag, code, &out)
		}
	}
}

func TestAssignment(t *testing.T) {
	for shell, want := range map[string]string{"sh": `export A='it'\''s'`, "powershell": `$env:A = 'it''s'`} {
		if got := assignment(shell, "A", "it's"); got != want {
			t.Errorf("%s: %s", shell, got)
		}
	}
}

// TestDirectoryToServe: flags decide whom the directory has.
func TestDirectoryToServe(t *testing.T) {
	for name, test := range map[string]struct {
		command        serveCmd
		users, members int
	}{
		"contoso":            {serveCmd{Users: -1, Members: -1}, 30, 2},
		"without resources":  {serveCmd{WithoutResources: true, Users: -1, Members: -1}, 30, 2},
		"without identities": {serveCmd{WithoutIdentities: true, WithoutResources: true, Users: -1, Members: -1}, 0, 0},
		"generated":          {serveCmd{Synthetic: 10, Subscriptions: -1, Users: -1, Members: -1}, tenant.DefaultUsers, tenant.DefaultMembers},
		"of a size":          {serveCmd{Synthetic: 10, Subscriptions: -1, Users: 40, Members: 30}, 40, 30},
		"of nobody":          {serveCmd{Synthetic: 10, Subscriptions: -1, Users: 0, Members: 0}, 0, 0},
		"more members":       {serveCmd{Synthetic: 10, Subscriptions: -1, Users: 5, Members: 50}, 5, 5},
		"empty":              {serveCmd{Empty: true, Users: -1, Members: -1}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			served, err := test.command.tenant()
			if err != nil {
				t.Fatal(err)
			}
			members := 0
			if served.Directory.Len(directory.Group) > 0 {
				members = served.Directory.Links(directory.Group, 0, directory.Members).Len()
			}
			if users := served.Directory.Len(directory.User); users != test.users || members != test.members {
				t.Errorf("%d users, %d members", users, members)
			}
		})
	}
}
