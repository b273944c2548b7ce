package picture

import (
	"math"
	"slices"
)

// circle is a disc; y grows upwards.
type circle struct{ x, y, r float64 }

// mul is a product that is rounded by itself. Go allows a processor to round a product together with the sum that it is part of, and only
// some can; a layout follows such differences. A conversion is what the language promises to round at.
func mul(a, b float64) float64 { return float64(a * b) }

func square(a float64) float64 { return mul(a, a) }

// distance is how far two centres are from each other.
func distance(a, b circle) float64 { return math.Sqrt(square(a.x-b.x) + square(a.y-b.y)) }

// link is a circle of the front, the ring of circles that surrounds those already placed.
type link struct {
	c          *circle
	next, prev *link
}

// pack moves circles next to each other round the origin, without overlap, and answers a circle round the origin that encloses them. It
// places each where it touches two of the front, as near to the middle as possible: the front-chain packing of Wang, Wang, Dai
// and Wang, "Visualization of large hierarchical data by circle packing" (CHI 2006). Large circles first pack best.
func pack(circles []*circle) float64 {
	switch len(circles) {
	case 0:
		return 0
	case 1:
		circles[0].x, circles[0].y = 0, 0
		return circles[0].r
	}
	a, b := circles[0], circles[1]
	a.x, a.y, b.x, b.y = -b.r, 0, a.r, 0
	if len(circles) == 2 {
		return centre(circles)
	}
	c := circles[2]
	touch(b, a, c)
	la, lb, lc := &link{c: a}, &link{c: b}, &link{c: c}
	la.next, lc.prev = lb, lb
	lb.next, la.prev = lc, lc
	lc.next, lb.prev = la, la
	for i := 3; i < len(circles); {
		c := circles[i]
		touch(la.c, lb.c, c)
		if across, after := blocked(la, lb, c); across != nil { // the new one would lie on another of the front: shorten the front
			if after {
				lb = across
			} else {
				la = across
			}
			la.next, lb.prev = lb, la
			continue
		}
		n := &link{c: c, prev: la, next: lb}
		la.next, lb.prev = n, n
		la, lb = nearest(n)
		i++
	}
	return centre(circles)
}

// blocked is the nearest link of the front that c overlaps, and whether it lies behind b; nil is none.
func blocked(a, b *link, c *circle) (across *link, after bool) {
	forth, back := b.next, a.prev
	wayForth, wayBack := b.c.r, a.c.r
	for {
		if wayForth <= wayBack {
			if overlap(forth.c, c) {
				return forth, true
			}
			wayForth += forth.c.r
			forth = forth.next
		} else {
			if overlap(back.c, c) {
				return back, false
			}
			wayBack += back.c.r
			back = back.prev
		}
		if forth == back.next {
			return nil, false
		}
	}
}

// nearest is the pair of neighbours in the front whose place is nearest to the middle.
func nearest(from *link) (a, b *link) {
	a, best := from, score(from)
	for l := from.next; l != from; l = l.next {
		if s := score(l); s < best {
			a, best = l, s
		}
	}
	return a, a.next
}

// score is how far the place between a link and the next one is from the middle, squared.
func score(l *link) float64 {
	a, b := l.c, l.next.c
	sum := a.r + b.r
	return square((mul(a.x, b.r)+mul(b.x, a.r))/sum) + square((mul(a.y, b.r)+mul(b.y, a.r))/sum)
}

// touch puts c where it touches a and b, to the right of the way from a to b.
func touch(b, a, c *circle) {
	dx, dy := b.x-a.x, b.y-a.y
	d2 := square(dx) + square(dy)
	if d2 == 0 {
		c.x, c.y = a.x+c.r, a.y
		return
	}
	a2, b2 := square(a.r+c.r), square(b.r+c.r)
	if a2 > b2 {
		x := (d2 + b2 - a2) / (2 * d2)
		y := math.Sqrt(max(0, b2/d2-square(x)))
		c.x, c.y = b.x-mul(x, dx)-mul(y, dy), b.y-mul(x, dy)+mul(y, dx)
		return
	}
	x := (d2 + a2 - b2) / (2 * d2)
	y := math.Sqrt(max(0, a2/d2-square(x)))
	c.x, c.y = a.x+mul(x, dx)-mul(y, dy), a.y+mul(x, dy)+mul(y, dx)
}

func overlap(a, b *circle) bool {
	reach := a.r + b.r - 1e-6
	return reach > 0 && square(reach) > square(b.x-a.x)+square(b.y-a.y)
}

// centre moves circles so that a small circle round the origin encloses them, and answers its radius. It goes towards the circle that reaches
// farthest in ever smaller steps (Bădoiu and Clarkson, "Smaller core-sets for balls", 2003), which comes within a few parts in a thousand
// of the smallest such circle.
func centre(circles []*circle) float64 {
	low, high := circle{x: math.Inf(1), y: math.Inf(1)}, circle{x: math.Inf(-1), y: math.Inf(-1)}
	for _, c := range circles {
		low.x, low.y = min(low.x, c.x-c.r), min(low.y, c.y-c.r)
		high.x, high.y = max(high.x, c.x+c.r), max(high.y, c.y+c.r)
	}
	m := circle{x: (low.x + high.x) / 2, y: (low.y + high.y) / 2}
	// Only those that reach far matter: the others are never the farthest.
	outer := slices.Clone(circles)
	if len(outer) > 100 {
		_, reach := farthest(m, outer)
		outer = slices.DeleteFunc(outer, func(c *circle) bool { return distance(m, *c)+c.r < 0.7*reach })
	}
	for step := 1; step <= 256; step++ {
		far, _ := farthest(m, outer)
		d := distance(m, *far)
		if d == 0 {
			break
		}
		share := 1 / float64(step+1)
		// The farthest point of the circle, not its centre, is what has to come nearer.
		m.x += mul(far.x+mul(far.x-m.x, far.r/d)-m.x, share)
		m.y += mul(far.y+mul(far.y-m.y, far.r/d)-m.y, share)
	}
	_, reach := farthest(m, circles)
	for _, c := range circles {
		c.x, c.y = c.x-m.x, c.y-m.y
	}
	return reach
}

func farthest(m circle, circles []*circle) (far *circle, reach float64) {
	reach = -1
	for _, c := range circles {
		if d := distance(m, *c) + c.r; d > reach {
			far, reach = c, d
		}
	}
	return far, reach
}
