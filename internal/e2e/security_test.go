//go:build unix

package e2e

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestSecurity holds what docs/security.md says of running programs: what they speak, where they listen, what others may read.
func TestSecurity(t *testing.T) {
	runScripts(t, "testdata/security", map[string]func(*testscript.TestScript, bool, []string){
		"tls-scan": tlsScan, "certificate": certificate, "generous": generous, "listens": listens, "sockets-of-backends": socketsOfBackends, "nats-wants-a-token": natsWantsToken, "private": private,
	})
}

// What docs/security.md says that holds a promise is there.
func TestSecurityDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	if err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, "_test.go"):
			content, err := os.ReadFile(path)
			for _, found := range function.FindAllSubmatch(content, -1) {
				there[string(found[1])] = true
			}
			return err
		case strings.HasSuffix(path, ".txtar"):
			there[filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path)] = true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w+|\w+/\w+\.txtar`).FindAllString(string(document), -1)
	if len(named) < 100 {
		t.Errorf("it names %d tests: these cannot be all", len(named))
	}
	for _, name := range named {
		if !there[name] {
			t.Errorf("there is no %s", name)
		}
	}
}

// generous is generous PROGRAM…: makes of each a program in $WORK/generous that starts it with a umask of 0.
func generous(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: generous PROGRAM…")
	}
	dir := ts.MkAbs("generous")
	ts.Check(os.Mkdir(dir, 0o700))
	for _, program := range args {
		ts.Check(os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\numask 0\nexec '"+filepath.Join(ts.Getenv("PROGRAMS"), program)+"' \"$@\"\n"), 0o700))
	}
}

// private is private: nobody but its owner reads or changes anything below the home and the temporary folder of the script. Files of the
// embedded NATS, which chooses their mode, lie in a folder that nobody else can enter.
func private(ts *testscript.TestScript, _ bool, _ []string) {
	seen := 0
	for _, root := range []string{ts.Getenv("HOME"), ts.Getenv("TMPDIR")} {
		ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) || d != nil && d.Type()&fs.ModeSymlink != 0 {
				return nil
			}
			info, err := os.Lstat(path)
			if os.IsNotExist(err) {
				return nil // what was on its way
			}
			if err != nil {
				return err
			}
			seen++
			if info.Mode().Perm()&0o077 != 0 && !strings.Contains(path, "/jetstream/") {
				ts.Fatalf("%s is for others, too: %v", path, info.Mode())
			}
			return nil
		}))
	}
	if seen < 10 {
		ts.Fatalf("there are %d files: these cannot be all", seen)
	}
}

// open are the sockets that a process has open, by their inodes.
func open(ts *testscript.TestScript, pid int) map[string]bool {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	ts.Check(err)
	inodes := map[string]bool{}
	for _, link := range links {
		target, _ := os.Readlink(link) // it may be closed by now
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes
}

// table are the lines of a table of the kernel's, by fields.
func table(ts *testscript.TestScript, name string) (lines [][]string) {
	content, err := os.ReadFile("/proc/net/" + name)
	ts.Check(err)
	for line := range strings.Lines(string(content)) {
		lines = append(lines, strings.Fields(line))
	}
	return lines[1:]
}

// listeners are the addresses at which a process takes TCP connections or datagrams.
func listeners(ts *testscript.TestScript, pid int) (addresses []netip.AddrPort) {
	inodes := open(ts, pid)
	for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for _, line := range table(ts, name) {
			const listening, unconnected = "0A", "07"
			if state := line[3]; !inodes[line[9]] || state != listening && state != unconnected {
				continue
			}
			address, port, _ := strings.Cut(line[1], ":")
			ip, err := hex.DecodeString(address)
			ts.Check(err)
			for word := range slices.Chunk(ip, 4) {
				slices.Reverse(word) // the kernel's order
			}
			number, err := hex.DecodeString(port)
			ts.Check(err)
			addr, _ := netip.AddrFromSlice(ip)
			addresses = append(addresses, netip.AddrPortFrom(addr.Unmap(), uint16(number[0])<<8|uint16(number[1])))
		}
	}
	return addresses
}

// listens is listens NAME N: a program takes connections at N addresses, all of this machine alone.
func listens(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: listens NAME N")
	}
	addresses := listeners(ts, stateOf(ts).processes[args[0]].cmd.Process.Pid)
	outside := slices.ContainsFunc(addresses, func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() })
	if fmt.Sprint(len(addresses)) != args[1] || outside {
		ts.Fatalf("%s listens at %v, not at %s places on loopback", args[0], addresses, args[1])
	}
}

// socketsOfBackends is sockets-of-backends N: there are N backends at least, each listens at one socket in a folder that nobody else can enter, and at no
// address.
func socketsOfBackends(ts *testscript.TestScript, neg bool, args []string) {
	pids := backends(ts)
	if neg || len(args) != 1 || fmt.Sprint(len(pids)) != args[0] {
		ts.Fatalf("there are %d backends, not %v", len(pids), args)
	}
	for _, pid := range pids {
		if addresses := listeners(ts, pid); len(addresses) > 0 {
			ts.Fatalf("backend %d listens at %v", pid, addresses)
		}
		inodes, sockets := open(ts, pid), 0
		for _, line := range table(ts, "unix") {
			const accepting = "00010000" // __SO_ACCEPTCON
			if line[3] != accepting || !inodes[line[6]] {
				continue
			}
			if sockets++; len(line) < 8 {
				ts.Fatalf("backend %d listens at a socket without a name, which has no mode", pid)
			}
			for dir := filepath.Dir(line[7]); ; dir = filepath.Dir(dir) {
				info, err := os.Stat(dir)
				ts.Check(err)
				if info.Mode().Perm() == 0o700 {
					break
				}
				if dir == "/" {
					ts.Fatalf("anybody can reach %s", line[7])
				}
			}
		}
		if sockets != 1 {
			ts.Fatalf("backend %d listens at %d sockets", pid, sockets)
		}
	}
}

// natsWantsToken is nats-wants-a-token: who comes to the embedded NATS without its token is sent away.
func natsWantsToken(ts *testscript.TestScript, _ bool, _ []string) {
	files, err := filepath.Glob(filepath.Join(ts.Getenv("XDG_DATA_HOME"), "atg/server/nats.json"))
	ts.Check(err)
	if len(files) != 1 {
		ts.Fatalf("there is no nats.json")
	}
	var access struct{ URL, Token string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(files[0])), &access))
	u, err := url.Parse(access.URL)
	ts.Check(err)
	for token, want := range map[string]string{"": "-ERR 'Authorization Violation'", "x" + access.Token: "-ERR 'Authorization Violation'", access.Token: "PONG"} {
		conn, err := net.DialTimeout("tcp", u.Host, 5*time.Second)
		ts.Check(err)
		ts.Check(conn.SetDeadline(time.Now().Add(5 * time.Second)))
		lines := bufio.NewScanner(conn)
		if !lines.Scan() || !strings.HasPrefix(lines.Text(), "INFO ") || !strings.Contains(lines.Text(), `"auth_required":true`) {
			ts.Fatalf("NATS greets with %s", lines.Text())
		}
		_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"auth_token\":%q}\r\nPING\r\n", token)
		ts.Check(err)
		if lines.Scan(); lines.Text() != want {
			ts.Fatalf("NATS answers %q with the token %q", lines.Text(), token)
		}
		ts.Check(conn.Close())
	}
}
