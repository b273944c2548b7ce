//go:build linux

package cli

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSystemdIsTold also covers a socket in the abstract namespace of Linux, which begins with @.
func TestSystemdIsTold(t *testing.T) {
	dir, err := os.MkdirTemp("", "atg") //nolint:usetesting // the path of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for name, socket := range map[string]string{"a path": filepath.Join(dir, "notify"), "abstract": "@" + filepath.Base(dir)} {
		t.Run(name, func(t *testing.T) {
			systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
			if err != nil {
				t.Fatal(err)
			}
			defer systemd.Close()
			var log bytes.Buffer
			notify(t.Context(), &Process{Environ: []string{"NOTIFY_SOCKET=" + socket}}, slog.New(slog.NewTextHandler(&log, nil)), "READY=1")
			if err := systemd.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 100)
			n, err := systemd.Read(got)
			if err != nil || string(got[:n]) != "READY=1" || log.Len() > 0 {
				t.Errorf("systemd got %q, %v; the log has %s", got[:n], err, log.String())
			}
		})
	}
}

func TestWithoutSystemd(t *testing.T) {
	for name, c := range map[string]struct {
		environ []string
		logs    string
	}{
		"nobody asks":        {nil, ""},
		"the socket is gone": {[]string{"NOTIFY_SOCKET=" + filepath.Join(t.TempDir(), "gone")}, "systemd was not told"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			notify(t.Context(), &Process{Environ: c.environ}, slog.New(slog.NewTextHandler(&log, nil)), "READY=1")
			if got := log.String(); c.logs == "" && got != "" || !strings.Contains(got, c.logs) {
				t.Errorf("the log has %q", got)
			}
		})
	}
}
