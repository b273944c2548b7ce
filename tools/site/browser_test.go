//go:build browser

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// These tests open the site in Chromium, from its folder, without a window: `make web-test` runs them.

// patience is how long one step may take, on a machine that does much else.
const patience = 60 * time.Second

// browser starts one, which ends with the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	found := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil && found == "" {
			found = path
		}
	}
	if found == "" {
		t.Fatal("Chromium is not installed: these tests need it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(found), chromedp.NoSandbox, chromedp.Flag("force-color-profile", "srgb"))
	allocator, end := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(end)
	ctx, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page of the site that is open.
type tab struct {
	t   *testing.T
	ctx context.Context
	dir string

	mu      sync.Mutex
	trouble []string // what it wrote on the console, and what it asked for beyond the site
}

// visit opens a page in a tab of its own, and waits until its script has run. Where dark is, that is what the system wants.
func visit(t *testing.T, browser context.Context, dir, page string, width, height int64, dark bool) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	x := &tab{t: t, ctx: ctx, dir: dir}
	if err := chromedp.Listen(ctx, x.heard); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	scheme := map[bool]string{true: "dark", false: "light"}[dark]
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features}); err != nil {
		t.Fatal(err)
	}
	x.do(chromedp.EmulateViewport(width, height), chromedp.Navigate("file://"+filepath.Join(dir, page)))
	x.wait(`document.documentElement.dataset.ready === ""`)
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
	case *network.EventRequestWillBeSent:
		if url := e.Request.URL; !strings.HasPrefix(url, "file://"+x.dir) {
			x.trouble = append(x.trouble, "request: "+url)
		}
	}
}

// quiet fails if the page wrote onto the console, or asked for anything that is not of the site.
func (x *tab) quiet() {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.trouble) > 0 {
		x.t.Errorf("the page is not quiet: %s", strings.Join(x.trouble, "\n"))
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

func (x *tab) run(script string) { x.do(chromedp.Evaluate[chromedp.Void](script)) }

func (x *tab) wait(expression string) {
	x.t.Helper()
	ctx, end := context.WithTimeout(x.ctx, patience)
	defer end()
	poll := chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(0))
	err := chromedp.Do(ctx, poll)
	for err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "context") { // that of the page that is left just now
		err = chromedp.Do(ctx, poll)
	}
	if err != nil {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.t.Fatalf("%s never became true: %v; %s", expression, err, strings.Join(x.trouble, "; "))
	}
}

func (x *tab) text(expression string) string {
	x.t.Helper()
	text, err := chromedp.Run(x.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		x.t.Fatal(err)
	}
	return text
}

func (x *tab) is(expression, want string) {
	x.t.Helper()
	if got := x.text(expression); got != want {
		x.t.Errorf("%s is %q, not %q", expression, got, want)
	}
}

// key presses a key that writes nothing: Tab, Enter, ArrowDown, Escape.
func (x *tab) key(name string, code int64) {
	x.t.Helper()
	text := ""
	if name == "Enter" {
		text = "\r"
	}
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		if _, err := chromedp.Call(x.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: name, Code: name, WindowsVirtualKeyCode: code, Text: text}); err != nil {
			x.t.Fatal(err)
		}
		text = ""
	}
}

// screenshot keeps what is seen, with ATG_SCREENSHOTS in that folder.
func (x *tab) screenshot(name string) {
	x.t.Helper()
	dir := os.Getenv("ATG_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(x.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		x.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		x.t.Fatal(err)
	}
}

// TestBrowserEveryPage opens each page on the smallest of screens: nothing is wider than it, and nothing goes wrong.
func TestBrowserEveryPage(t *testing.T) {
	s, out := built(t)
	x := visit(t, browser(t), out, "index.html", 360, 740, false)
	for _, p := range s.pages {
		x.do(chromedp.Navigate("file://" + filepath.Join(out, p.Href())))
		x.wait(`document.documentElement.dataset.ready === ""`)
		if wide := x.text("document.documentElement.scrollWidth"); wide != "360" {
			t.Errorf("%s is %s wide on a screen of 360: %s", p.Path, wide, x.text(`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 361 && !e.closest(".scroll, pre, .figure")).map(e => e.tagName + " " + e.textContent.slice(0, 40)).slice(0, 3).join("; ")`))
		}
	}
	x.quiet()
}

// TestBrowserLooks keeps pictures of some pages, for people, where ATG_SCREENSHOTS says where to; else it only opens the first.
func TestBrowserLooks(t *testing.T) {
	_, out := built(t)
	b := browser(t)
	pages := []string{"index"}
	if os.Getenv("ATG_SCREENSHOTS") != "" {
		pages = append(pages, "quick-start", "concepts", "scan", "security", "reference/cli/scan", "reference/configuration", "reference/rest")
	}
	for _, page := range pages {
		for _, dark := range []bool{false, true} {
			for _, screen := range []struct {
				name          string
				width, height int64
			}{{"desktop", 1440, 1000}, {"phone", 360, 740}} {
				x := visit(t, b, out, page+".html", screen.width, screen.height, dark)
				x.screenshot(fmt.Sprintf("%s-%s-%s", strings.ReplaceAll(page, "/", "-"), screen.name, map[bool]string{true: "dark", false: "light"}[dark]))
				x.quiet()
			}
		}
	}
}

// TestBrowserSearch finds a section by keyboard alone, and goes there.
func TestBrowserSearch(t *testing.T) {
	_, out := built(t)
	x := visit(t, browser(t), out, "reference/cli/scan.html", 1280, 900, false)
	x.key("/", 191)
	x.is("document.activeElement.id", "site-search")
	x.do(chromedp.KeyEvent("throttling"))
	x.wait(`document.querySelectorAll("#site-found li[data-to]").length > 2`)
	x.is(`document.querySelector("#site-search").getAttribute("aria-expanded")`, "true")
	x.screenshot("search")
	if first := x.text(`document.querySelector("#site-found li strong").textContent`); !strings.Contains(strings.ToLower(first), "throttling") {
		t.Errorf("the first that is found is %q", first)
	}
	x.key("ArrowDown", 40)
	x.is(`document.querySelector("#site-found [aria-selected=true]").id === document.querySelector("#site-search").getAttribute("aria-activedescendant")`, "true")
	x.is(`document.querySelector("#site-found [aria-selected=true]").id`, "site-found-1")
	x.key("ArrowUp", 38)
	x.key("Enter", 13)
	x.wait(`location.pathname.endsWith("/concepts.html") && document.documentElement.dataset.ready === ""`)
	x.is("location.hash", "#throttling-and-budget")

	x.key("/", 191)
	x.do(chromedp.KeyEvent("xyzzy nothing"))
	x.wait(`document.querySelector("#site-count").textContent === "Nothing was found"`)
	x.key("Escape", 27)
	x.is(`document.querySelector("#site-found").hidden`, "true")
	x.run(`document.querySelector("#site-search").value = "<img src=x onerror=alert(1)> scan"; document.querySelector("#site-search").dispatchEvent(new Event("input"))`)
	x.is(`document.querySelectorAll("#site-found img").length`, "0")
	x.quiet()
}

// TestBrowserKeyboard goes from the top of a page to its text, the pages, and the next page.
func TestBrowserKeyboard(t *testing.T) {
	_, out := built(t)
	b := browser(t)
	x := visit(t, b, out, "quick-start.html", 1280, 900, false)
	x.key("Tab", 9)
	x.is("document.activeElement.className", "skip")
	x.key("Enter", 13)
	x.wait(`document.activeElement.id === "site-content"`)
	next := x.text(`document.querySelector(".turn .next").getAttribute("href")`)
	x.run(`document.querySelector(".turn .next").focus()`)
	x.key("Enter", 13)
	x.wait(fmt.Sprintf(`location.pathname.endsWith("/%s") && document.documentElement.dataset.ready === ""`, next))
	x.is(`document.querySelector("#site-pages [aria-current=page]").getAttribute("href")`, next)

	x.run(`document.querySelector(".theme").focus()`)
	before := x.text("getComputedStyle(document.body).backgroundColor")
	x.key("Enter", 13)
	x.is("document.documentElement.dataset.theme", "dark")
	if after := x.text("getComputedStyle(document.body).backgroundColor"); after == before {
		t.Errorf("the ground is %s in both themes", after)
	}
	x.quiet()

	phone := visit(t, b, out, "quick-start.html", 360, 740, false)
	phone.is(`getComputedStyle(document.querySelector("#site-pages")).display`, "none")
	phone.run(`document.querySelector(".menu").focus()`)
	phone.key("Enter", 13)
	phone.is(`getComputedStyle(document.querySelector("#site-pages")).display`, "block")
	phone.is(`document.querySelector(".menu").getAttribute("aria-expanded")`, "true")
	phone.screenshot("menu")
	phone.run(`document.querySelector("#site-pages a").focus()`)
	phone.key("Escape", 27)
	phone.is(`document.activeElement.className`, "menu")
	phone.quiet()
}

// TestBrowserAccessible asks axe-core, where npm has brought it: on a large screen with a light theme, on a small one with a dark one.
func TestBrowserAccessible(t *testing.T) {
	_, out := built(t)
	axe, err := os.ReadFile("axe/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is not there; make web-test brings it, or leaves this out: %v", err)
	}
	b := browser(t)
	for _, page := range []string{"index.html", "quick-start.html", "concepts.html", "scan.html", "reference/cli/scan.html"} {
		for width, dark := range map[int64]bool{1440: false, 360: true} {
			x := visit(t, b, out, page, width, 900, dark)
			x.run(string(axe))
			x.run(`axe.run(document, {resultTypes: ["violations"]}).then(r => { window.axeSays = JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))}))) })`)
			x.wait("window.axeSays")
			var violations []struct {
				ID, Help string
				Nodes    []string
			}
			if err := json.Unmarshal([]byte(x.text("window.axeSays")), &violations); err != nil {
				t.Fatal(err)
			}
			for _, v := range violations {
				t.Errorf("%s, dark %v, %d wide: %s: %s: %s", page, dark, width, v.ID, v.Help, strings.Join(v.Nodes, "\n  "))
			}
		}
	}
}
