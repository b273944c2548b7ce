//go:build browser

package picture

import (
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// press presses a key as a person does: what the page does with it, nobody else does again.
func (x *tab) press(key string) {
	x.t.Helper()
	for _, r := range key {
		k, ok := kb.Keys[r]
		if !ok {
			x.t.Fatalf("there is no key %q", r)
		}
		for _, typ := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
			if _, err := chromedp.Call(x.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: typ, Key: k.Key, Code: k.Code, WindowsVirtualKeyCode: k.Windows}); err != nil {
				x.t.Fatal(err)
			}
		}
	}
}

// click clicks where an expression of x and y is.
func (x *tab) click(point string) {
	x.t.Helper()
	at, err := chromedp.Run(x.ctx, chromedp.Evaluate[struct{ X, Y float64 }](fmt.Sprintf("(({x, y}) => ({X: x, Y: y}))(%s)", point)))
	if err != nil {
		x.t.Fatal(err)
	}
	x.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at.X, at.Y), chromedp.MouseClickXY(at.X, at.Y))
}

// settled waits until the camera stands still, and what it sees is drawn.
func (x *tab) settled() {
	x.t.Helper()
	x.wait(`!atg.view.sigma.getCamera().isAnimated() && !atg.view.moving`)
}

// first is the index of the first node of a type.
func first(t *testing.T, g *Graph, typ string) int {
	t.Helper()
	for i := range g.Nodes {
		if g.Nodes[i].Type == typ {
			return i
		}
	}
	t.Fatalf("the sample has no %s", typ)
	return -1
}

func TestBrowser(t *testing.T) {
	b := browser(t)
	g := sample(300, 4)
	g.Misses = []string{"role assignments of contoso-01: Azure refused to list them."}
	html := page(t, g, sampleDetails(g))
	vnet := first(t, g, "microsoft.network/virtualnetworks")
	vnetName := g.Nodes[vnet].Name
	x := open(t, b, html, "", 1440, 900)

	t.Run("first look", func(t *testing.T) {
		x.t = t
		x.is(`document.getElementById("tenant").textContent`, "Contoso")
		x.is(`document.getElementById("scanned").textContent`, "Scanned 2 Jan 2026, 03:04 UTC")
		x.is(`document.getElementById("counts").textContent.startsWith("300 resources · ")`, "true")
		x.is(`document.getElementById("misses").hidden`, "false")
		x.is(`document.getElementById("misses-list").textContent`, g.Misses[0])
		x.is(`document.title`, "Contoso · Azure tenant")
		x.settled()
		x.coarsely("light")
		x.quiet()
	})
	t.Run("search", func(t *testing.T) {
		x.t = t
		x.press("/")
		x.is(`document.activeElement.id`, "search")
		x.do(chromedp.KeyEvent("vnet-00"))
		x.wait(`document.querySelectorAll("#results [role=option]").length > 3`)
		x.is(`[...document.querySelectorAll("#results [role=option] .name")].every(e => e.textContent.startsWith("VNet-00"))`, "true")
		x.press(kb.ArrowDown)
		x.is(`document.getElementById("search").getAttribute("aria-activedescendant")`, "result-0")
		x.press("\r")
		x.is(`document.getElementById("panel-name").textContent.startsWith("VNet-00")`, "true")
		x.wait(`location.hash.startsWith("#node=%2Fsubscriptions%2F")`)
		x.wait(`document.getElementById("fields").dataset.ready === "true"`)
		x.is(`document.querySelector("#fields dd").textContent`, "Standard_LRS")
		x.press("/")
		x.press(kb.Escape)
		x.is(`document.getElementById("search").value`, "")
		x.press(kb.Escape)
		x.press(kb.Escape)
		x.is(`document.getElementById("panel").hidden + location.hash`, "true")
		for what, needle := range map[string]string{"a type": "operationalinsights", "a tag": "owner=team-1", "an id": "c0175050-0000-4000-8000-000000000002/resourcegroups"} {
			x.run(`atg.search.input.focus(); atg.search.input.value = ""`)
			x.do(chromedp.KeyEvent(needle))
			x.wait(`atg.state.found.length > 0`)
			if x.text(`atg.state.found.length`) == "0" {
				t.Errorf("nothing is found by %s", what)
			}
		}
		x.run(`atg.search.input.value = ""; atg.search.run(); atg.search.input.blur()`)
	})
	t.Run("click", func(t *testing.T) {
		x.t = t
		x.press("0")
		x.settled()
		x.click(fmt.Sprintf("atg.view.point(%d)", vnet))
		x.wait(fmt.Sprintf("atg.state.selected === %d", vnet))
		x.is(`document.getElementById("panel-name").textContent`, vnetName)
		x.is(`[...document.querySelectorAll("#stage canvas.dim")].length`, "3")
		neighbour := `document.querySelector("#neighbours .row .name")`
		name := x.text(neighbour + ".textContent")
		x.run(neighbour + ".click()")
		x.is(`document.getElementById("panel-name").textContent`, name)
		x.run(`atg.clear()`)
		x.click(`(([x0, y0, x1, y1]) => ({ x: 700, y: 890 }))(atg.model.head.bounds)`)
		x.is(`atg.state.selected`, "-1")
	})
	t.Run("filter", func(t *testing.T) {
		x.t = t
		x.run(`[...document.querySelectorAll(".facet label")].find(l => l.textContent.startsWith("Storage")).click()`)
		storage := 0
		for i := range g.Nodes {
			if lookOf(g.Nodes[i].Type).category == storageCategory {
				storage++
			}
		}
		x.is(`document.getElementById("counts").textContent.split(" · ")[0]`, fmt.Sprintf("%d of %d shown", storage, len(g.Nodes)))
		x.is(`[...atg.model.hidden].filter(h => !h).length`, fmt.Sprint(storage))
		x.run(`document.getElementById("reset").click()`)
		x.is(`[...atg.model.hidden].filter(h => h).length`, "0")
		lines := x.text(`atg.view.links.count`)
		x.run(`[...document.querySelectorAll(".facet label")].find(l => l.textContent.startsWith("HAS_ROLE")).click()`)
		if less := x.text(`atg.view.links.count`); less == lines {
			t.Errorf("without HAS_ROLE there are still %s ends of lines", less)
		}
		x.run(`document.getElementById("reset").click()`)
		x.is(`atg.view.links.count`, lines)
	})
	t.Run("keyboard", func(t *testing.T) {
		x.t = t
		x.run(`document.getElementById("stage").focus()`)
		x.press("\r")
		first := x.text(`atg.state.selected`)
		x.press(kb.ArrowRight)
		next := x.text(`atg.state.next`)
		if next == "-1" || first == "-1" {
			t.Fatalf("selected %s, next %s", first, next)
		}
		x.press("\r")
		x.is(`atg.state.selected`, next)
		x.press(kb.Backspace)
		x.is(`atg.state.selected`, first)
		x.press("?")
		x.is(`document.getElementById("help").open`, "true")
		x.run(`document.getElementById("help").close(); document.getElementById("stage").focus()`)
		x.press(kb.Escape)
		x.is(`atg.state.selected + document.activeElement.id`, "-1stage")
		before := x.text(`atg.view.sigma.getCamera().ratio`)
		x.press("+")
		x.settled()
		if after := x.text(`atg.view.sigma.getCamera().ratio`); after == before {
			t.Error("+ brought nothing nearer")
		}
		x.press("0")
		x.settled()
		x.is(`[...document.querySelectorAll("button, input, summary")].filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).length`, "0")
	})
	t.Run("path", func(t *testing.T) {
		x.t = t
		from, to := first(t, g, "user"), vnet
		want := hops(g, from, to, false)
		if want < 0 {
			want = hops(g, from, to, true)
		}
		x.run(fmt.Sprintf(`atg.select(%d); document.getElementById("path-from").click()`, from))
		x.is(`document.getElementById("choosing").hidden`, "false")
		x.run(fmt.Sprintf(`atg.select(%d)`, to))
		x.is(`document.querySelectorAll("#path li").length - 1`, fmt.Sprint(want))
		x.is(`document.querySelector("#path li .name").textContent`, "user-000")
		x.is(`[...document.querySelectorAll("#path li .name")].at(-1).textContent`, vnetName)
		x.press(kb.Escape)
		x.is(`atg.state.path + "" + document.getElementById("panel").hidden`, "nulltrue")
	})
	t.Run("dark and light", func(t *testing.T) {
		x.t = t
		x.press("t")
		x.is(`document.documentElement.dataset.theme`, "dark")
		x.press("0")
		x.settled()
		x.coarsely("dark")
		x.press("t")
		x.is(`document.documentElement.dataset.theme`, "light")
		y := open(t, b, html, "", 800, 600)
		if _, err := chromedp.Call(y.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}); err != nil {
			t.Fatal(err)
		}
		y.wait(`document.documentElement.dataset.theme === "dark"`)
		y.quiet()
	})
	t.Run("image", func(t *testing.T) {
		x.t = t
		dir := t.TempDir()
		if _, err := chromedp.CallBrowser(x.ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir}); err != nil {
			t.Fatal(err)
		}
		x.run(`document.getElementById("png").click()`)
		x.wait(`Number(document.documentElement.dataset.png) > 10000`)
		path := filepath.Join(dir, "atg-20260102-030405006-abcdef.png")
		timer := time.NewTicker(50 * time.Millisecond)
		defer timer.Stop()
		for range 600 {
			if file, err := os.Open(path); err == nil {
				image, err := png.Decode(file)
				_ = file.Close()
				if err == nil {
					if size := image.Bounds().Size(); size.X != 1440 || size.Y != 900 {
						t.Errorf("the image has %v", size)
					}
					if likeness(image, x.image()) > 12 {
						t.Error("the image is not what is seen")
					}
					return
				}
			}
			<-timer.C
		}
		t.Error("no image was saved")
	})
	t.Run("quiet to the end", func(t *testing.T) {
		x.t = t
		x.quiet()
	})
	t.Run("permalink", func(t *testing.T) {
		y := open(t, b, html, "#node="+strings.ReplaceAll(g.Nodes[vnet].ID, "/", "%2F"), 1000, 700)
		y.wait(fmt.Sprintf("atg.state.selected === %d", vnet))
		y.run(`location.hash = "#node=%2Fnot%2Fhere"`)
		y.wait(`!document.getElementById("toast").hidden`)
		y.run(`location.hash = "#node=%E0%A4%A"`)
		y.quiet()
	})
	t.Run("narrow", func(t *testing.T) {
		y := open(t, b, html, "", 390, 780)
		y.is(`document.getElementById("side").hidden`, "true")
		y.is(`document.getElementById("misses-badge").checkVisibility()`, "true") // what is missing is told in any window
		y.run(`document.getElementById("misses-badge").click()`)
		y.is(`document.getElementById("misses-list").checkVisibility()`, "true")
		y.run(fmt.Sprintf("atg.select(%d)", vnet))
		y.is(`document.documentElement.scrollWidth <= 390`, "true")
		y.quiet()
	})
	t.Run("fifty thousand", func(t *testing.T) {
		large := sample(50_000, 20)
		at := first(t, large, "microsoft.network/virtualnetworks")
		y := open(t, b, page(t, large, sampleDetails(large)), "", 1200, 800)
		y.settled()
		y.click(fmt.Sprintf("atg.view.point(%d)", at)) // from afar nobody means one dot: the click goes into the circle
		y.settled()
		y.is(`atg.state.selected`, "-1")
		y.run(fmt.Sprintf(`const c = atg.model.head.clusters[atg.model.home[%d]]; atg.view.go(c)`, at))
		y.settled()
		y.click(fmt.Sprintf("atg.view.point(%d)", at))
		y.wait(fmt.Sprintf("atg.state.selected === %d", at))
		y.wait(`document.getElementById("fields").dataset.ready === "true"`)
		y.run(`[...document.querySelectorAll(".facet label")].find(l => l.textContent.startsWith("Storage")).click()`)
		y.is(`[...atg.model.hidden].filter(h => !h).length < 10000`, "true")
		y.quiet()
	})
	t.Run("hostile names", func(t *testing.T) {
		h := hostileGraph()
		y := open(t, b, page(t, h, sampleDetails(h)), "", 1440, 900)
		for i := range h.Nodes {
			y.run(fmt.Sprintf(`atg.select(%d)`, i))
		}
		y.run(`document.querySelectorAll("details").forEach(d => d.open = true); atg.search.input.focus()`)
		y.do(chromedp.KeyEvent("<script>"))
		y.wait(`document.querySelectorAll("#results [role=option]").length > 0`)
		y.run(`atg.select(1); atg.paths.begin(1)`)
		y.run(`atg.select(2)`)
		y.is(`typeof window.broken`, "undefined")
		y.is(`document.querySelectorAll("img, #panel script, #side script, #results script").length`, "0")
		y.is(`document.getElementById("tenant").textContent`, h.TenantName)
		y.quiet()
	})
	t.Run("nothing", func(t *testing.T) {
		y := open(t, b, page(t, &Graph{}, nil), "", 800, 600)
		y.is(`document.getElementById("empty").hidden`, "false")
		y.quiet()
	})
}

// storageCategory is storage, by a name that no import takes.
const storageCategory = storage

// hops is how many steps the shortest way has, whichever way edges point; -1 is none.
func hops(g *Graph, from, to int, containment bool) int {
	far := map[int32]int{int32(from): 0}
	for queue := []int32{int32(from)}; len(queue) > 0; queue = queue[1:] {
		for _, e := range g.Edges {
			for _, ends := range [][2]int32{{e.Source, e.Target}, {e.Target, e.Source}} {
				if _, known := far[ends[1]]; ends[0] == queue[0] && (containment || e.Kind != contains) && !known {
					far[ends[1]] = far[ends[0]] + 1
					queue = append(queue, ends[1])
				}
			}
		}
	}
	if n, ok := far[int32(to)]; ok {
		return n
	}
	return -1
}
