//go:build browser

package picture

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	cdpnetwork "github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// These tests drive the page in Chromium, without a window: `make web-test` runs them.

// patience is how long a page may take for one step, on a machine that does much else.
const patience = 60 * time.Second

// chromium finds the browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("Chromium is not installed: these tests need it")
	return ""
}

// browser starts one, which ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox,
		chromedp.Flag("use-gl", "angle"), chromedp.Flag("use-angle", "swiftshader"), chromedp.Flag("enable-unsafe-swiftshader", true), // WebGL without a graphics card
		chromedp.Flag("disable-gpu", false), chromedp.Flag("force-color-profile", "srgb"))
	allocator, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page that is open.
type tab struct {
	t    *testing.T
	ctx  context.Context
	path string

	mu       sync.Mutex
	trouble  []string // what it wrote on the console, and what it asked of the network
	requests int
}

// open opens a page in a tab of its own, and waits until it is ready. hash may be empty.
func open(t *testing.T, browser context.Context, html, hash string, width, height int64) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	return visit(t, browser, path, hash, width, height)
}

func visit(t *testing.T, browser context.Context, path, hash string, width, height int64) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	x := &tab{t: t, ctx: ctx, path: path}
	if err := chromedp.Listen(ctx, x.heard); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, cdpnetwork.Enable, cdpnetwork.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	x.do(chromedp.EmulateViewport(width, height), chromedp.Navigate("file://"+path+hash))
	x.wait(`document.documentElement.dataset.state === "ready"`)
	return x
}

func (x *tab) heard(event any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		for _, a := range e.Args {
			x.trouble = append(x.trouble, fmt.Sprintf("console: %s: %s %s", e.Type, a.Value, a.Description))
		}
	case *runtime.EventExceptionThrown:
		x.trouble = append(x.trouble, "exception: "+fmt.Sprint(e.ExceptionDetails.Text, e.ExceptionDetails.Exception))
	case *log.EventEntryAdded:
		x.trouble = append(x.trouble, "log: "+e.Entry.Text)
	case *cdpnetwork.EventRequestWillBeSent:
		x.requests++
		if url := e.Request.URL; !strings.HasPrefix(url, "file://"+x.path) && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "blob:") {
			x.trouble = append(x.trouble, "request: "+url)
		}
	}
}

// quiet fails if the page wrote onto the console, or asked anything of the network.
func (x *tab) quiet() {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.trouble) > 0 {
		x.t.Errorf("the page is not quiet: %s", strings.Join(x.trouble, "\n"))
	}
	if x.requests == 0 {
		x.t.Error("not even the request for the page was seen")
	}
}

func (x *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	ctx, end := context.WithTimeout(x.ctx, patience)
	defer end()
	if err := chromedp.Do(ctx, steps...); err != nil {
		x.t.Fatal(err)
	}
}

// run runs what is of no interest for its answer.
func (x *tab) run(script string) { x.do(chromedp.Evaluate[chromedp.Void](script)) }

// wait waits until an expression is true.
func (x *tab) wait(expression string) {
	x.t.Helper()
	ctx, end := context.WithTimeout(x.ctx, patience)
	defer end()
	poll := chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(30*time.Millisecond), chromedp.WithPollingTimeout(0))
	if err := chromedp.Do(ctx, poll); err != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.t.Fatalf("%s never became true: %v; %s", expression, err, strings.Join(x.trouble, "; "))
	}
}

// text is what an expression gives, as a text.
func (x *tab) text(expression string) string {
	x.t.Helper()
	text, err := chromedp.Run(x.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		x.t.Fatal(err)
	}
	return text
}

// is fails unless an expression gives a text.
func (x *tab) is(expression, want string) {
	x.t.Helper()
	if got := x.text(expression); got != want {
		x.t.Errorf("%s is %q, not %q", expression, got, want)
	}
}

// screenshot is what is seen, as a PNG. With ATG_SCREENSHOTS it is also kept in that folder.
func (x *tab) screenshot(name string) []byte {
	x.t.Helper()
	png, err := chromedp.Run(x.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		x.t.Fatal(err)
	}
	if dir := os.Getenv("ATG_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
			x.t.Fatal(err)
		}
	}
	return png
}
