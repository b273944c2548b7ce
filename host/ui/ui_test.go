package ui

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct{ name, in, line, lines string }{
		{"plain", "Größe 東京 👩‍💻", "Größe 東京 👩‍💻", "Größe 東京 👩‍💻"},
		{"escape sequence", "a\x1b[2Jb", `a\x1b[2Jb`, `a\x1b[2Jb`},
		{"one-byte CSI", "a\u009b2Jb", `a\x9b2Jb`, `a\x9b2Jb`},
		{"line break", "a\r\nb\tc", "a b c", "a\nb\tc"},
		{"carriage return", "good\rbad", `good\x0dbad`, `good\x0dbad`},
		{"reordering", "exe\u202etxt", `exe\u202etxt`, `exe\u202etxt`},
		{"not UTF-8", "a\xffb", "a\uFFFDb", "a\uFFFDb"},
		{"delete", "a\x7f", `a\x7f`, `a\x7f`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Clean(tc.in); got != tc.line {
				t.Errorf("Clean: %q, want %q", got, tc.line)
			}
			if got := CleanLines(tc.in); got != tc.lines {
				t.Errorf("CleanLines: %q, want %q", got, tc.lines)
			}
		})
	}
}

func TestColored(t *testing.T) {
	for _, tc := range []struct {
		name     string
		mode     ColorMode
		terminal bool
		env      map[string]string
		want     bool
	}{
		{"terminal", "", true, nil, true},
		{"pipe", "", false, nil, false},
		{"always", ColorAlways, false, map[string]string{"NO_COLOR": "1"}, true},
		{"never", ColorNever, true, map[string]string{"CLICOLOR_FORCE": "1"}, false},
		{"NO_COLOR", ColorAuto, true, map[string]string{"NO_COLOR": "1"}, false},
		{"NO_COLOR wins over CLICOLOR_FORCE", ColorAuto, true, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, false},
		{"CLICOLOR_FORCE", ColorAuto, false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"CLICOLOR_FORCE=0", ColorAuto, false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"FORCE_COLOR", ColorAuto, false, map[string]string{"FORCE_COLOR": "1"}, true},
		{"FORCE_COLOR=0", ColorAuto, true, map[string]string{"FORCE_COLOR": "0"}, false},
		{"NO_COLOR wins over FORCE_COLOR", ColorAuto, true, map[string]string{"NO_COLOR": "1", "FORCE_COLOR": "1"}, false},
		{"CLICOLOR=0", ColorAuto, true, map[string]string{"CLICOLOR": "0"}, false},
		{"dumb", ColorAuto, true, map[string]string{"TERM": "dumb"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := colored(tc.mode, tc.terminal, func(k string) string { return tc.env[k] }); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(-1234567), "-1,234,567"},
		{Size(0), "0 B"}, {Size(999), "999 B"}, {Size(1400), "1.4 kB"}, {Size(999_999), "1.0 MB"}, {Size(23_400_000), "23 MB"},
		{Span(42 * time.Millisecond), "42 ms"}, {Span(1840 * time.Millisecond), "1.8 s"}, {Span(59_700 * time.Millisecond), "1 min"},
		{Span(200 * time.Second), "3 min 20 s"}, {Span(125 * time.Minute), "2 h 5 min"}, {Span(2 * time.Hour), "2 h"},
		{Rate(4.24), "4.2/s"}, {Rate(8230.4), "8,230/s"}, {Counted(1, "type", "types"), "1 type"}, {Counted(0, "type", "types"), "0 types"},
		{Moment(time.Time{}), "-"}, {Moment(began), "2026-09-01 12:00:00Z"},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}

func TestJSONHasNoControls(t *testing.T) {
	c, out, _ := fakeConsole(80, Options{Format: FormatNDJSON})
	in := map[string]string{"name": "a\u009b2J\u202eb\x1b", "plain": "<&>"}
	if err := c.Print(Document{Data: in}); err != nil {
		t.Fatal(err)
	}
	if want := `{"schema_version":1,"name":"a\u009b2J\u202eb\u001b","plain":"<&>"}` + "\n"; out.String() != want {
		t.Errorf("got %q, want %q", out, want)
	}
	var back map[string]any
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["name"] != in["name"] {
		t.Errorf("does not come back: %v, %v", back, err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestPrintFaults(t *testing.T) {
	c := New(Streams{Out: brokenWriter{}}, Options{Format: FormatJSON})
	for name, data := range map[string]any{"a full disk": struct{}{}, "a list": []int{1}, "a channel": make(chan int)} {
		if err := c.Print(Document{Data: data}); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLogs(t *testing.T) {
	log := func(c *Console) {
		l := c.Logger().With("backend", "acme").WithGroup("g")
		l.Debug("d")
		l.Info("i")
		l.Warn("w\x1b", "key", "two words", "group", slog.GroupValue(slog.Int("n", 1)))
		l.Error("e")
		for _, level := range []backend.LogLevel{backend.LevelDebug, backend.LevelInfo, backend.LevelWarn, backend.LevelError} {
			c.jobLog(&backend.Log{Level: level, Message: "job " + string(level) + "\n"})
		}
		c.Note("note %d", 1)
	}
	for _, tc := range []struct {
		name    string
		options Options
		want    string
	}{
		{"default", Options{}, "warning: w\\x1b backend=acme g.key=\"two words\" g.group.n=1\nerror: e backend=acme\njob info \nwarning: job warn \nerror: job error \nnote 1\n"},
		{"quiet", Options{Quiet: true}, "error: e backend=acme\nerror: job error \n"},
		{"verbose", Options{Verbose: true}, "debug: d backend=acme\ninfo: i backend=acme\nwarning: w\\x1b backend=acme g.key=\"two words\" g.group.n=1\nerror: e backend=acme\n" +
			"debug: job debug \njob info \nwarning: job warn \nerror: job error \nnote 1\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _, err := fakeConsole(0, tc.options)
			log(c)
			if diff := cmp.Diff(tc.want, err.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	t.Run("json", func(t *testing.T) {
		c, _, err := fakeConsole(0, Options{LogFormat: LogJSON})
		log(c)
		c.Fault(fault.New(fault.AzureForbidden, "no right", fault.Hint("ask"), fault.Problems(fault.Problem{Key: "k", Message: "m"})))
		var got []string
		for line := range strings.Lines(err.String()) {
			var record struct {
				Level, Msg, Code, Hint string
				ExitCode               int `json:"exit_code"`
				Problems               []fault.Problem
			}
			if err := json.Unmarshal([]byte(line), &record); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			got = append(got, record.Level+" "+record.Msg)
			if record.Code != "" && (record.Code != "azure_forbidden" || record.Hint != "ask" || record.ExitCode != 4 || len(record.Problems) != 1) {
				t.Errorf("the fault's fields: %+v", record)
			}
		}
		want := []string{"WARN w\x1b", "ERROR e", "INFO job info\n", "WARN job warn\n", "ERROR job error\n", "INFO note 1", "ERROR no right"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func progressEvent(phase string, done, total int64, message string) backend.Event {
	return backend.Event{Kind: backend.EventProgress, Progress: &backend.Progress{Phase: phase, Done: done, Total: total, Unit: "rows", Message: message}}
}

func ended(status backend.JobStatus) backend.Event {
	return backend.Event{Kind: backend.EventStatus, Status: &backend.JobStatusResponse{Status: status}}
}

// TestPlainProgress runs on a fake clock: a line every two seconds, and what is new at the end.
func TestPlainProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, err := fakeConsole(0, Options{})
		p := c.Progress()
		defer p.Close()
		p.Event(progressEvent("resources", 0, 1000, ""))
		<-time.After(time.Second)
		p.Event(progressEvent("resources", 100, 1000, ""))
		<-time.After(1500 * time.Millisecond)
		p.Event(progressEvent("resources", 100, 1000, "throttled, waiting 12 s"))
		p.Event(progressEvent("roles", 7, 0, ""))
		<-time.After(4 * time.Second)
		p.Event(progressEvent("resources", 1000, 1000, ""))
		p.Event(ended(backend.JobCompleted))
		p.Close()
		p.Close()
		want := "resources: 100 of 1,000 rows, 100/s, 9.0 s left\n" +
			"resources: 100 of 1,000 rows, throttled, waiting 12 s; roles: 7 rows\n" +
			"resources: 100 of 1,000 rows, throttled, waiting 12 s; roles: 7 rows\n" +
			"resources: 1,000 of 1,000 rows, 6.5 s; roles: 7 rows, 4.0 s\n"
		if diff := cmp.Diff(want, err.String()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestNoProgress(t *testing.T) {
	for name, o := range map[string]Options{"quiet": {Quiet: true}, "no progress": {NoProgress: true}} {
		c, _, err := fakeConsole(80, o)
		p := c.Progress()
		p.Event(progressEvent("resources", 1, 2, ""))
		p.Event(backend.Event{Kind: backend.EventSignIn, SignIn: &backend.SignIn{URL: "https://example.com/device", Code: "ABC", ExpiresAt: began}})
		p.Close()
		if got := err.String(); strings.Contains(got, "resources") || !strings.Contains(got, "ABC") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestMeterLine(t *testing.T) {
	at := func(s float64) time.Time { return began.Add(time.Duration(s * float64(time.Second))) }
	p := func(done, total int64, message string) *backend.Progress {
		return &backend.Progress{Phase: "resources", Done: done, Total: total, Unit: "rows", Message: message}
	}
	known := newMeter(p(0, 1000, ""), at(0))
	known.update(p(500, 1000, ""), at(2))
	waits := newMeter(p(0, 1000, ""), at(0))
	waits.update(p(500, 1000, "throttled, waiting 12 s"), at(2))
	whole := newMeter(p(0, 1000, ""), at(0))
	whole.update(p(1000, 1000, ""), at(4))
	endless := newMeter(p(0, 0, ""), at(0))
	endless.update(p(500, 0, ""), at(2))
	back := newMeter(p(500, 1000, ""), at(0))
	back.update(p(100, 1000, ""), at(2))
	beyond := newMeter(p(0, 10, ""), at(0))
	beyond.update(p(20, 10, ""), at(1))
	failed := newMeter(p(5, 0, ""), at(0))
	failed.state = stopped
	steady := newMeter(p(0, 0, ""), at(0))
	for i := int64(1); i <= 60; i++ { // 10/s for 30 s, then 100/s: the rate follows
		done := 10 * i
		if i > 30 {
			done = 300 + 100*(i-30)
		}
		steady.update(p(done, 0, ""), at(float64(i)))
	}
	for _, tc := range []struct {
		name  string
		m     *meter
		width int
		want  string
	}{
		{"known", known, 100, "⠋ resources  ━━━━━━━━━━━━────────────  500 of 1,000 rows  250/s, 2.0 s left"},
		{"waits", waits, 100, "⠋ resources  ━━━━━━━━━━━━────────────  500 of 1,000 rows  throttled, waiting 12 s"},
		{"whole", whole, 100, "✓ resources  ━━━━━━━━━━━━━━━━━━━━━━━━  1,000 of 1,000 rows  4.0 s"},
		{"endless", endless, 100, "⠋ resources  500 rows  250/s"},
		{"goes back", back, 100, "⠋ resources  ━━──────────────────────  100 of 1,000 rows"},
		{"goes beyond", beyond, 100, "✓ resources  ━━━━━━━━━━━━━━━━━━━━━━━━  20 of 10 rows  1.0 s"},
		{"stopped", failed, 100, "✗ resources  5 rows  0 ms"},
		{"narrow", known, 60, "⠋ resources  500 of 1,000 rows  250/s, 2.0 s left"},
		{"very narrow", known, 30, "⠋ resources  500 of 1,000 rows"},
		{"cut", known, 12, "⠋ resources…"},
		{"no room", known, 0, ""},
		{"rate follows", steady, 100, "⠋ resources  3,300 rows  100/s"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.m.line(tc.width, len("resources"), palette{}); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

// TestBars drives the real bars into a pipe that passes for a terminal: logs come out whole, and the
// screen ends with every phase.
func TestBars(t *testing.T) {
	c, _, err := fakeConsole(80, Options{Color: ColorNever})
	p := c.Progress()
	for i := range int64(maxMeters + 3) {
		p.Event(progressEvent("phase "+Count(i), i, 0, ""))
		c.Logger().Warn("line " + Count(i))
	}
	p.Event(ended(backend.JobFailed))
	p.Close()
	p.Event(progressEvent("late", 1, 0, ""))
	c.Logger().Warn("after")
	got := err.String()
	for i := range int64(maxMeters + 3) {
		if want := "warning: line " + Count(i) + "\n"; !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if !strings.HasSuffix(got, "warning: after\n") || !strings.Contains(got, "✗ phase 10  10 rows") {
		t.Errorf("the end is %q", got)
	}
}

func TestConfirm(t *testing.T) {
	for in, want := range map[string]bool{"y\n": true, "YES\n": true, "n\n": false, "\n": false, "": false, "yup\n": false} {
		c, _, _ := fakeConsole(80, Options{})
		c.in = strings.NewReader(in)
		if got, err := c.Confirm(t.Context(), "sure?"); err != nil || got != want {
			t.Errorf("%q: got %v, %v", in, got, err)
		}
	}
	if c, _, _ := fakeConsole(80, Options{}); c.CanAsk() {
		t.Error("a buffer is no terminal to ask")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	c, _, _ := fakeConsole(80, Options{})
	c.in = r
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fault.New(fault.Interrupted, "interrupted"))
	if _, err := c.Confirm(ctx, "sure?"); fault.CodeOf(err) != fault.Interrupted {
		t.Errorf("got %v", err)
	}
}

// A backend says a problem of one argument also as the whole fault's; it is shown once.
func TestAProblemIsShownOnce(t *testing.T) {
	c, _, err := fakeConsole(0, Options{})
	c.Fault(fault.New(fault.InvalidArgument, `no subscription "x"`, fault.Hint("visible are a, b"), fault.Problems(
		fault.Problem{Key: "subscriptions", Message: `no subscription "x"`, Hint: "visible are a, b"},
		fault.Problem{Key: "locations", Message: "no such region", Hint: "visible are a, b"},
	)))
	want := "error: no subscription \"x\"\n  locations: no such region\nhint: visible are a, b\n"
	if diff := cmp.Diff(want, err.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
