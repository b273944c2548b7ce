package launch

import (
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// heard is a log in memory.
type heard struct {
	t     *testing.T
	lines []string
}

// Write takes a record of a slog.TextHandler.
func (h *heard) Write(p []byte) (int, error) {
	h.lines = append(h.lines, string(p))
	return len(p), nil
}

// in cuts content into writes at the bytes of cuts, as a pipe does anywhere.
func in(content []byte, cuts []byte, write func([]byte)) {
	for _, c := range cuts {
		n := min(int(c), len(content))
		write(content[:n])
		content = content[n:]
	}
	write(content)
}

// printable says that a text moves no cursor and reorders nothing.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
}

// FuzzHandshake: whatever a program prints first, the handshake is refused in one printable sentence or is one, the rest goes to the
// log, and it does not matter how it arrives.
func FuzzHandshake(f *testing.F) {
	f.Add([]byte("1|1|unix|/tmp/x/plugin1|grpc|\n"), []byte{3, 0, 9})
	f.Add([]byte("1|1|tcp|127.0.0.1:80|grpc\nmore\n"), []byte{})
	f.Add([]byte("1|1|unix|/x|netrpc"), []byte{1})
	f.Add([]byte("1|1|unix|/tmp/x/../y/s|grpc"), []byte{1})
	f.Add([]byte("2|1|unix|/x|grpc\r\n"), []byte{255})
	f.Add([]byte("1|7|unix|/x|grpc\n"), []byte{})
	f.Add([]byte("usage: \x1b[2Jfoo \u202e\n"), []byte{7})
	f.Add([]byte(strings.Repeat("|", 9000)), []byte{200, 200})
	f.Fuzz(func(t *testing.T, output, cuts []byte) {
		shaken := func(cuts []byte) (string, bool) {
			b := newBanner(newBridge(t.Context(), slog.New(slog.DiscardHandler)))
			in(output, cuts, func(p []byte) {
				if n, err := b.Write(p); n != len(p) || err != nil {
					t.Fatalf("Write = %d, %v", n, err)
				}
			})
			b.end()
			if len(b.text) > maxBanner || len(b.rest.buffer) > maxLine {
				t.Fatalf("%d and %d bytes are kept", len(b.text), len(b.rest.buffer))
			}
			return b.line()
		}
		line, ok := shaken(cuts)
		if whole, okWhole := shaken(nil); whole != line || ok != okWhole {
			t.Fatalf("%q or %q", line, whole)
		}
		if why := refuse(line, "/tmp/x"); why != "" && (!printable(why) || len([]rune(why)) > 400) {
			t.Errorf("%q", why)
		} else if fields := strings.Split(strings.TrimSpace(line), "|"); why == "" && (len(fields) < 5 || runtime.GOOS != "windows" && (fields[2] != "unix" || filepath.Dir(filepath.Clean(fields[3])) != "/tmp/x") || fields[4] != "grpc") {
			t.Errorf("%q is taken for a handshake", line)
		}
	})
}

// FuzzBridge: whatever a backend writes to its standard error becomes printable records, bounded last words, and the same ones however it
// arrives.
func FuzzBridge(f *testing.F) {
	f.Add([]byte(`{"@level":"warn","@message":"m","@timestamp":"2026-01-02T03:04:05Z","k":{"a":[1]},"@module":"x"}`+"\n"), []byte{3, 9})
	f.Add([]byte("panic: oh\n\ngoroutine 1 [running]:\nmain.main()\n"), []byte{1, 2})
	f.Add([]byte("\x1b]0;title\x07 \u202egnp.exe\n{\"@level\":\"info\"}\n{\"@level\":\"x\",\"@message\":\"y\"}"), []byte{})
	f.Add([]byte(`{"@level":"error","@message":"`+strings.Repeat("x", 400)+`","a\u001b":"\u001b[1m","b":"\ud800"}`), []byte{255, 255})
	f.Add([]byte(strings.Repeat("x", maxLine+10)+"\nfatal error: y"), []byte{})
	f.Fuzz(func(t *testing.T, output, cuts []byte) {
		log := func(cuts []byte) ([]string, string) {
			h := &heard{t: t}
			b := newBridge(t.Context(), slog.New(slog.NewTextHandler(h, &slog.HandlerOptions{Level: slog.Level(-100), ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if !printable(a.Key) || !printable(a.Value.String()) {
					t.Fatalf("%q=%q", a.Key, a.Value)
				}
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}})))
			stream := b.stderr()
			in(output, cuts, func(p []byte) {
				if n, err := stream.Write(p); n != len(p) || err != nil || len(stream.buffer) > maxLine {
					t.Fatalf("Write = %d, %v, %d bytes kept", n, err, len(stream.buffer))
				}
			})
			b.flush()
			words := ""
			if err := b.lastWords(); err != nil {
				words = err.Error()
			}
			return h.lines, words
		}
		lines, words := log(cuts)
		whole, wordsOfAll := log(nil)
		if strings.Join(lines, "") != strings.Join(whole, "") || words != wordsOfAll {
			t.Errorf("%q and %q, or %q and %q", lines, words, whole, wordsOfAll)
		}
		if len(words) > (maxTail+1)*(maxTailLine+10) || !printable(strings.ReplaceAll(words, "\n", "")) {
			t.Errorf("last words %q", words)
		}
	})
}

// FuzzEnvironment: no variable reaches a stranger's backend that is not on the list, whatever it is called, and the service's key none.
func FuzzEnvironment(f *testing.F) {
	f.Add("ATG_API_KEY", "x", true)
	f.Add("atg_api_key", "x", true)
	f.Add("AZURE_CLIENT_SECRET", "x", false)
	f.Add("PATH", "/bin", false)
	f.Add("LC_ALL=C", "", false)
	f.Add("", "=", true)
	f.Fuzz(func(t *testing.T, name, value string, bundled bool) {
		for _, windows := range []bool{false, true} {
			got := environment(windows, "acme", bundled, []string{"ATG_*", "acme_token"}, []string{name + "=" + value})
			if len(got) == 0 {
				continue
			}
			key, _, _ := strings.Cut(name+"="+value, "=")
			upper := strings.ToUpper(key)
			if upper == apiKey || strings.HasPrefix(upper, "AZURE_") || strings.HasPrefix(upper, "MSI_") || len(got) != 1 || got[0] != name+"="+value {
				t.Errorf("%q", got)
			}
		}
	})
}
