package launch

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/go-plugin"

	"github.com/azure-tenant-grapher/atg/shared/rpc"
)

// maxBanner is how long, in bytes, a handshake can be; one with a certificate has about 1,100.
const maxBanner = 8 << 10

// banner takes a process's standard output: the first line is the handshake, what follows goes to
// the log.
type banner struct {
	complete chan struct{} // closed when the first line is there
	rest     *lines

	mu   sync.Mutex
	text []byte
	done bool
}

func newBanner(b *bridge) *banner {
	return &banner{complete: make(chan struct{}), rest: b.stdout()}
}

// Write implements io.Writer; it never fails, for a failure would stop the process.
func (b *banner) Write(p []byte) (int, error) {
	_, _ = b.rest.Write(b.take(p))
	return len(p), nil
}

// take takes what belongs to the first line and returns the rest.
func (b *banner) take(p []byte) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done {
		return p
	}
	first, rest, found := bytes.Cut(p, []byte("\n"))
	b.text = append(b.text, first[:min(len(first), maxBanner-len(b.text))]...)
	if found || len(b.text) == maxBanner {
		b.finish()
	}
	return rest
}

// end takes what is there for the first line, as no more will come.
func (b *banner) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done && len(b.text) > 0 {
		b.finish()
	}
}

func (b *banner) finish() {
	b.done = true
	close(b.complete)
}

// line is the first line of the output, and whether there is one.
func (b *banner) line() (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimRight(string(b.text), "\r"), b.done
}

// refuse says what is wrong with a handshake of a backend whose socket was to be in a folder; empty is nothing. Its fields,
// separated by |, are go-plugin's version, the protocol's, network, address, kind of RPC, and on demand a certificate.
func refuse(line, folder string) string {
	fields := strings.Split(strings.TrimSpace(line), "|")
	number := func(i int) int {
		n, err := strconv.Atoi(fields[i])
		if err != nil {
			return -1
		}
		return n
	}
	if len(fields) < 4 || number(0) < 0 || number(1) < 0 {
		return fmt.Sprintf("is no atg backend: it printed %q instead of a handshake", shorten(clean(line)))
	}
	if number(0) != plugin.CoreProtocolVersion {
		return fmt.Sprintf("shakes hands by version %s of go-plugin's rules, and this atg by version %d", fields[0], plugin.CoreProtocolVersion)
	}
	if ours := slices.Sorted(maps.Keys(rpc.PluginSets(nil))); !slices.Contains(ours, number(1)) {
		return fmt.Sprintf("speaks version %d of the backend protocol, and this atg speaks %s", number(1), strings.Trim(fmt.Sprint(ours), "[]"))
	}
	if len(fields) < 5 || plugin.Protocol(fields[4]) != plugin.ProtocolGRPC {
		return "does not offer gRPC, which the backend protocol needs"
	}
	if runtime.GOOS != "windows" && (fields[2] != "unix" || !within(folder, fields[3])) {
		where := clean(fields[2])
		if where == "unix" {
			where = "the socket " + shorten(clean(fields[3]))
		}
		return fmt.Sprintf("listens on %s instead of a Unix socket in $PLUGIN_UNIX_SOCKET_DIR, where other users could reach it", where)
	}
	return ""
}

// within says whether a file lies in a folder, by the folder's own name or by that where links lead.
func within(folder, file string) bool {
	in := filepath.Dir(filepath.Clean(file))
	if in == filepath.Clean(folder) {
		return true
	}
	one, err := filepath.EvalSymlinks(in)
	other, wrong := filepath.EvalSymlinks(folder)
	return err == nil && wrong == nil && one == other
}

// shorten bounds what a message quotes.
func shorten(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
