//go:build browser

package picture

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// coarseWidth and coarseHeight are the size to which screenshots are brought before they are compared: fonts do not matter there.
const coarseWidth, coarseHeight = 72, 45

// coarse brings an image to that size, each pixel the mean of what it stands for.
func coarse(from image.Image) *image.NRGBA {
	to := image.NewNRGBA(image.Rect(0, 0, coarseWidth, coarseHeight))
	size := from.Bounds().Size()
	for y := range coarseHeight {
		for x := range coarseWidth {
			var sum [3]uint64
			n := uint64(0)
			for py := y * size.Y / coarseHeight; py < (y+1)*size.Y/coarseHeight; py++ {
				for px := x * size.X / coarseWidth; px < (x+1)*size.X/coarseWidth; px++ {
					r, g, b, _ := from.At(px, py).RGBA()
					sum[0], sum[1], sum[2], n = sum[0]+uint64(r>>8), sum[1]+uint64(g>>8), sum[2]+uint64(b>>8), n+1
				}
			}
			to.SetNRGBA(x, y, color.NRGBA{uint8(sum[0] / n), uint8(sum[1] / n), uint8(sum[2] / n), 255})
		}
	}
	return to
}

// likeness is by how much two images differ, brought to that size: 0 is not at all, 255 is black and white.
func likeness(a, b image.Image) float64 {
	x, y := coarse(a), coarse(b)
	sum := 0
	for i := range x.Pix {
		sum += max(int(x.Pix[i]), int(y.Pix[i])) - min(int(x.Pix[i]), int(y.Pix[i]))
	}
	return float64(sum) / float64(coarseWidth*coarseHeight*3)
}

// image is what is seen.
func (x *tab) image() image.Image {
	x.t.Helper()
	seen, err := png.Decode(bytes.NewReader(x.screenshot("compared")))
	if err != nil {
		x.t.Fatal(err)
	}
	return seen
}

// coarsely compares what is seen with testdata/NAME.png. ATG_UPDATE=1 writes it.
func (x *tab) coarsely(name string) {
	x.t.Helper()
	path := filepath.Join("testdata", name+".png")
	seen := x.image()
	if os.Getenv("ATG_UPDATE") != "" {
		var b bytes.Buffer
		if err := png.Encode(&b, coarse(seen)); err != nil {
			x.t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			x.t.Fatal(err)
		}
	}
	file, err := os.Open(path)
	if err != nil {
		x.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	want, err := png.Decode(file)
	if err != nil {
		x.t.Fatal(err)
	}
	if d := likeness(want, seen); d > 4 {
		x.t.Errorf("what is seen differs from %s by %.1f: look at it, and if it is right, ATG_UPDATE=1 writes it", path, d)
	}
}

func TestLikeness(t *testing.T) {
	black, white := image.NewNRGBA(image.Rect(0, 0, 720, 450)), image.NewNRGBA(image.Rect(0, 0, 720, 450))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	if d := likeness(black, white); d != 255 {
		t.Errorf("black and white differ by %g", d)
	}
	if d := likeness(white, white); d != 0 {
		t.Errorf("white differs from itself by %g", d)
	}
}
