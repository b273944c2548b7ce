package launch

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// bridged is what becomes of a backend's standard error in the host's log.
func bridged(t *testing.T, least slog.Level, chunks ...string) (log string, b *bridge) {
	t.Helper()
	var out bytes.Buffer
	b = newBridge(t.Context(), slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: least, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && time.Since(a.Value.Time()) < time.Hour {
			return slog.Attr{} // the time of the test
		}
		return a
	}})))
	stderr := b.stderr()
	for _, chunk := range chunks {
		if n, err := stderr.Write([]byte(chunk)); n != len(chunk) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	b.flush()
	return out.String(), b
}

func TestLinesBecomeRecords(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	cases := map[string]struct {
		in   []string
		want string
	}{
		"a record":                 {[]string{`{"@level":"warn","@message":"careful","@timestamp":"2001-02-03T04:05:06.000007+00:00","b":2,"a":"x y"}` + "\n"}, "time=2001-02-03T04:05:06.000Z level=WARN msg=careful a=\"x y\" b=2\n"},
		"another library's module": {[]string{`{"@level":"ERROR","@message":"m","@module":"grpc"}` + "\n"}, "level=ERROR msg=m module=grpc\n"},
		"below the host's level":   {[]string{`{"@level":"trace","@message":"m"}` + "\n"}, ""},
		"in pieces":                {[]string{`{"@level":"in`, `fo","@messa`, `ge":"m"}`, "\nnext"}, "level=INFO msg=m\nlevel=INFO msg=next\n"},
		"deep values":              {[]string{`{"@level":"info","@message":"m","v":{"k":["\u001b[1m",1]}}` + "\n"}, `level=INFO msg=m v="{\"k\":[\"\\u001b[1m\",1]}"` + "\n"},
		"text":                     {[]string{"just text\r\n\n\n"}, "level=INFO msg=\"just text\"\n"},
		"a panic":                  {[]string{"before\npanic: oh\n\ngoroutine 1\n"}, "level=INFO msg=before\nlevel=ERROR msg=\"panic: oh\"\nlevel=ERROR msg=\"goroutine 1\"\n"},
		"control characters":       {[]string{"\x1b[31mred\x07\u202e\tx\n" + `{"@level":"info","@message":"\u001b[2Jgone","k\u0007":"\u001b"}` + "\n"}, "level=INFO msg=\"[31mred x\"\nlevel=INFO msg=[2Jgone k=\"\"\n"},
		"binary":                   {[]string{"\x00\xff\xfe\n"}, "level=INFO msg=\"\ufffd\"\n"},
		"JSON of another kind":     {[]string{`{"@message":7,"@level":[],"@timestamp":{}}` + "\n" + `{"level":"info"}` + "\n"}, `level=INFO msg="{\"@message\":7,\"@level\":[],\"@timestamp\":{}}"` + "\n" + `level=INFO msg="{\"level\":\"info\"}"` + "\n"},
		"two values in a line":     {[]string{`{"@level":"info","@message":"a"} {}` + "\n"}, `level=INFO msg="{\"@level\":\"info\",\"@message\":\"a\"} {}"` + "\n"},
		"a line without end":       {[]string{long, "yyy", "zz\n", "next\n"}, "level=INFO msg=\"" + long + "… (5 bytes more)\"\nlevel=INFO msg=next\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, _ := bridged(t, slog.LevelDebug, c.in...)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLastWords(t *testing.T) {
	numbered := func(prefix string, n int) string {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "%s %d\n", prefix, i)
		}
		return text.String()
	}
	words := func(lines ...string) string { return "its last words were:\n  " + strings.Join(lines, "\n  ") }
	var last []string
	for i := 100 - maxTail; i < 100; i++ {
		last = append(last, fmt.Sprint("line ", i))
	}
	panics := []string{"line 96", "line 97", "line 98", "line 99", "panic: oh"}
	for i := range maxTail - len(panics) {
		panics = append(panics, fmt.Sprint("frame ", i))
	}

	cases := map[string]struct{ in, want string }{
		"none":            {"", ""},
		"records":         {`{"@level":"error","@message":"m","k":"v"}` + "\n" + `{"@level":"debug","@message":"noise"}` + "\n", words("error: m k=v")},
		"the end of many": {numbered("line", 100), words(last...)},
		"a panic":         {numbered("line", 100) + "panic: oh\n" + numbered("frame", 500), words(panics...)},
		"a long line":     {strings.Repeat("ä", 1000), words(strings.Repeat("ä", maxTailLine/2) + "…")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, b := bridged(t, slog.LevelError, c.in)
			got := ""
			if err := b.lastWords(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// above is a handler that takes records from a level on.
type above struct {
	slog.Handler
	least slog.Level
}

func (a above) Enabled(_ context.Context, l slog.Level) bool { return l >= a.least }

func TestTheBackendIsAskedForWhatTheHostLogs(t *testing.T) {
	for least, want := range map[slog.Level]string{
		-100: "trace", -8: "trace", slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warn", slog.LevelError: "warn", 100: "warn",
	} {
		if got := newBridge(t.Context(), slog.New(above{slog.DiscardHandler, least})).level(); got != want {
			t.Errorf("for a log at %d: %s, want %s", least, got, want)
		}
	}
}
