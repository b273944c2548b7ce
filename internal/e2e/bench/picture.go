package main

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	pictureRuns      = 5
	pictureScaleDown = 2 // of the resources of the other measures
	picturePatience  = time.Minute
	pictureWidth     = 1440
	pictureHeight    = 900
)

// blankPage marks when its first frame was shown, as the page of atg visualize does.
const blankPage = `<!doctype html><title>blank</title><p>blank<script>requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("atg-first")))</script>`

// picture draws a synthetic tenant of half the usual resources, and times how soon Chromium, without a window or a graphics card, shows it. The
// reference is a page with one word.
func (b bench) picture(ctx context.Context) ([]figure, error) {
	n := b.scale / pictureScaleDown
	file, err := b.drawn(ctx, n)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	figures := []figure{{Name: "picture_mb", Value: round(float64(info.Size()) / 1e6), Unit: "MB", Note: fmt.Sprintf("the page of a tenant of %d resources", n)}}
	browser, ok := chromium()
	if !ok {
		return append(figures, figure{Name: "picture_first_s", Value: -1, Unit: "s", Goal: "<= 3", Note: "NOT MEASURED: Chromium is not installed"}), nil
	}
	blank := filepath.Join(filepath.Dir(file), "blank.html")
	if err := os.WriteFile(blank, []byte(blankPage), 0o600); err != nil {
		return nil, err
	}
	var first, bare []float64
	for range pictureRuns {
		for page, into := range map[string]*[]float64{file: &first, blank: &bare} {
			took, err := shown(ctx, browser, page, page == file)
			if err != nil {
				return nil, fmt.Errorf("%s in Chromium: %w", filepath.Base(page), err)
			}
			*into = append(*into, took)
		}
	}
	return append(figures, figure{Name: "picture_first_s", Value: round(median(first)), Unit: "s", Goal: "<= 3", Reference: round(median(bare)),
		Note: fmt.Sprintf("from navigation to the first frame with all %d resources, headless Chromium that draws with the processor (SwiftShader), %d by %d, median of %d; the reference is a page with one word",
			n, pictureWidth, pictureHeight, pictureRuns)}), nil
}

// drawn scans a tenant, draws it, and answers the file.
func (b bench) drawn(ctx context.Context, resources int) (string, error) {
	b, _, err := b.apart() // what is in it goes with the whole benchmark
	if err != nil {
		return "", err
	}
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(resources), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return "", err
	}
	defer sim.stop()
	if _, err := b.scan(ctx, sim, "--depth", "resources"); err != nil {
		return "", err
	}
	file := filepath.Join(b.home, "tenant.html")
	cmd := b.command(ctx, b.program("atg"), "visualize", "-q", "--output", file)
	cmd.Env = b.environment(sim.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return file, nil
}

// chromium finds the browser.
func chromium() (path string, ok bool) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, true
		}
	}
	return "", false
}

// shown opens a page in a browser of its own, and answers the seconds from the navigation until its first frame was shown. With look, that frame has to
// have something on it.
func shown(ctx context.Context, browser, page string, look bool) (float64, error) {
	ctx, end := context.WithTimeout(ctx, picturePatience)
	defer end()
	ctx, end = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.NoSandbox,
		chromedp.Flag("use-gl", "angle"), chromedp.Flag("use-angle", "swiftshader"), chromedp.Flag("enable-unsafe-swiftshader", true))...)
	defer end()
	ctx, end = chromedp.NewContext(ctx)
	defer end()
	const mark = `performance.getEntriesByName("atg-first")[0]`
	err := chromedp.Do(ctx, chromedp.EmulateViewport(pictureWidth, pictureHeight), chromedp.Navigate("file://"+page), chromedp.Poll[chromedp.Void](mark+" !== undefined", chromedp.WithPollingTimeout(0)))
	if err != nil {
		return 0, err
	}
	took, err := chromedp.Run(ctx, chromedp.Evaluate[float64](mark+".startTime"))
	if err != nil || !look {
		return took / 1000, err
	}
	shot, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return 0, err
	}
	return took / 1000, colourful(shot)
}

// colourful fails unless a screenshot has many colours in its middle, as nodes have and a blank page has not.
func colourful(shot []byte) error {
	image, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return err
	}
	colours := map[[3]uint32]bool{}
	for y := pictureHeight / 3; y < pictureHeight*2/3; y++ {
		for x := pictureWidth / 3; x < pictureWidth*2/3; x++ {
			r, g, b, _ := image.At(x, y).RGBA()
			colours[[3]uint32{r >> 12, g >> 12, b >> 12}] = true
		}
	}
	if len(colours) < 20 {
		return fmt.Errorf("the first frame shows %d colours, and so not the graph", len(colours))
	}
	return nil
}
