package picture

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// top places the clusters that are in no other, and the management groups above them.
func (l *layout) top() {
	var subscriptions []int
	var room []*circle
	for i := range l.clusters {
		if l.clusters[i].kind == clusterSubscription {
			subscriptions = append(subscriptions, i)
		}
	}
	slices.SortFunc(subscriptions, func(a, b int) int {
		return cmp.Or(cmp.Compare(l.clusters[b].r, l.clusters[a].r), strings.Compare(l.clusters[a].key, l.clusters[b].key))
	})
	for _, i := range subscriptions {
		room = append(room, &circle{r: l.clusters[i].r*1.04 + subscriptionGap})
	}
	right, top := rows(room, l.besides())
	for n, i := range subscriptions {
		l.move(i, room[n].x, room[n].y)
	}
	l.beside(right)
	l.rims()
	l.above(top, max(right, top))
}

// rows puts circles, the largest first, into rows round the origin, and answers how far they reach to the right and to the top. It takes the number of rows
// with which they are drawn largest in a window, beside something of a width.
func rows(circles []*circle, beside float64) (right, top float64) {
	total := 0.0
	for _, c := range circles {
		total += 2 * c.r
	}
	best, count := -1.0, 1
	for n := 1; n <= len(circles) && n <= 100; n++ {
		width, height := shelve(circles, total/float64(n), false)
		if scale := min(wide/(width+beside), 1/height); scale > best {
			best, count = scale, n
		}
	}
	width, height := shelve(circles, total/float64(count), true)
	return width / 2, height / 2
}

// shelve fills rows up to a width, and says how wide and high that is; with place, it also moves the circles there.
func shelve(circles []*circle, room float64, place bool) (width, height float64) {
	var shelves [][]*circle
	for rest := circles; len(rest) > 0; {
		n, filled := 0, 0.0
		for n < len(rest) && (n == 0 || filled+rest[n].r <= room) { // the last one may stand out by half
			filled += 2 * rest[n].r
			n++
		}
		width, height = max(width, filled), height+2*rest[0].r
		shelves, rest = append(shelves, rest[:n]), rest[n:]
	}
	if !place {
		return width, height
	}
	y := height / 2
	for _, shelf := range shelves {
		x := 0.0
		for _, c := range shelf {
			x -= c.r
		}
		y -= shelf[0].r
		for _, c := range shelf {
			c.x, c.y = x+c.r, y
			x += 2 * c.r
		}
		y -= shelf[0].r
	}
	return width, height
}

// besides is how wide what beside stacks is.
func (l *layout) besides() float64 {
	widest := 0.0
	for i := range l.clusters {
		if c := &l.clusters[i]; c.parent < 0 && c.kind != clusterSubscription {
			widest = max(widest, 2*c.r+2*subscriptionGap)
		}
	}
	return widest
}

// beside stacks the identities, and what is in no subscription, to the right of the subscriptions.
func (l *layout) beside(right float64) {
	var stack []int
	y := 0.0
	for _, kind := range []string{clusterIdentities, clusterTenant, clusterElsewhere} {
		if i, ok := l.index[kind+"\x00"]; ok {
			stack = append(stack, i)
			y += l.clusters[i].r + subscriptionGap
		}
	}
	for _, i := range stack {
		r := l.clusters[i].r + subscriptionGap
		l.move(i, right+l.besides()/2, y-r)
		y -= 2 * r
	}
}

// rims puts subscriptions and groups that are nodes onto the top of their own circles.
func (l *layout) rims() {
	for i := range l.clusters {
		if c := &l.clusters[i]; c.node >= 0 {
			size := 5.0
			if c.kind == clusterSubscription {
				size = min(max(8, c.r*0.05), 40)
			}
			l.place[c.node] = circle{x: c.x, y: c.y + c.r, r: size}
		}
	}
}

// above draws the management groups as a tree over the subscriptions, which reach up to top and are twice r wide: each over the middle of those below it.
func (l *layout) above(top, r float64) {
	levels := map[int][]int32{}
	deepest := 0
	size := max(9, r*0.025)
	for i := range l.graph.Nodes {
		if l.graph.Nodes[i].Kind == KindManagementGroup {
			d := l.depth(int32(i))
			deepest = max(deepest, d)
			levels[d] = append(levels[d], int32(i))
			l.place[i].r = size
		}
	}
	sum, count := make([]float64, len(l.graph.Nodes)), make([]int, len(l.graph.Nodes))
	tell := func(i int32) {
		if p := l.graph.Nodes[i].Parent; p >= 0 && l.graph.Nodes[p].Kind == KindManagementGroup {
			sum[p] += l.place[i].x
			count[p]++
		}
	}
	for i := range l.graph.Nodes {
		if l.graph.Nodes[i].Kind == KindSubscription {
			tell(int32(i))
		}
	}
	highest := top
	for d := deepest; d >= 0; d-- {
		level := levels[d]
		for _, i := range level {
			if count[i] > 0 {
				l.place[i].x = sum[i] / float64(count[i])
			}
		}
		slices.SortFunc(level, func(a, b int32) int {
			return cmp.Or(cmp.Compare(l.place[a].x, l.place[b].x), strings.Compare(l.graph.Nodes[a].Name, l.graph.Nodes[b].Name), strings.Compare(l.graph.Nodes[a].ID, l.graph.Nodes[b].ID))
		})
		l.spread(level, size*10)
		highest += size * 4.2
		for _, i := range level {
			l.place[i].y = highest
			tell(i)
		}
	}
}

// spread moves nodes on one height apart, the least that gives each its room, and keeps their middle.
func (l *layout) spread(level []int32, room float64) {
	if len(level) == 0 {
		return
	}
	before, after := 0.0, 0.0
	for n, i := range level {
		before += l.place[i].x
		if n > 0 {
			l.place[i].x = max(l.place[i].x, l.place[level[n-1]].x+room)
		}
		after += l.place[i].x
	}
	back := (after - before) / float64(len(level))
	for _, i := range level {
		l.place[i].x -= back
	}
}

// depth is how many management groups are above one. A circle of parents, which Azure does not have, ends it.
func (l *layout) depth(i int32) int {
	d := 0
	for p := l.graph.Nodes[i].Parent; p >= 0 && d < 16; p = l.graph.Nodes[p].Parent {
		d++
	}
	return d
}

// bounds is the rectangle that holds everything.
func (l *layout) bounds() (low, high circle) {
	low, high = circle{x: math.Inf(1), y: math.Inf(1)}, circle{x: math.Inf(-1), y: math.Inf(-1)}
	add := func(c circle) {
		low.x, low.y = min(low.x, c.x-c.r), min(low.y, c.y-c.r)
		high.x, high.y = max(high.x, c.x+c.r), max(high.y, c.y+c.r)
	}
	for _, c := range l.clusters {
		add(c.circle)
	}
	for _, c := range l.place {
		add(c)
	}
	if len(l.place) == 0 {
		return circle{x: -1, y: -1}, circle{x: 1, y: 1}
	}
	return low, high
}
