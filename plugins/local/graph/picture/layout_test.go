package picture

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestPackDoesNotOverlap(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 4, 10, 200, 1500} {
		circles := make([]*circle, n)
		area := 0.0
		for i := range circles {
			circles[i] = &circle{r: 1 + 9*random.Float64()*random.Float64()}
			area += square(circles[i].r)
		}
		r := pack(circles)
		for i, a := range circles {
			if d := distance(*a, circle{}) + a.r; d > r+1e-6 {
				t.Errorf("%d: a circle reaches out to %g, beyond %g", n, d, r)
			}
			for _, b := range circles[:i] {
				if d := distance(*a, *b); d < a.r+b.r-1e-4 {
					t.Fatalf("%d: two circles of %g and %g are %g apart", n, a.r, b.r, d)
				}
			}
		}
		if n >= 200 && area/square(r) < 0.6 {
			t.Errorf("%d circles fill %.0f %% of what encloses them", n, 100*area/square(r))
		}
	}
}

func TestLayoutKeepsThingsInTheirPlace(t *testing.T) {
	g := sample(2000, 5)
	l := arrange(g)
	for i := range l.clusters {
		c := &l.clusters[i]
		if c.parent >= 0 {
			if p := &l.clusters[c.parent]; distance(c.circle, p.circle)+c.r > p.r+1e-3 {
				t.Errorf("%s %q stands out of %s %q", c.kind, c.name, p.kind, p.name)
			}
		}
		for j := range l.clusters[:i] {
			o := &l.clusters[j]
			if o.parent == c.parent && distance(c.circle, o.circle) < c.r+o.r-1e-3 {
				t.Errorf("%s %q lies on %s %q", c.kind, c.name, o.kind, o.name)
			}
		}
		for n, a := range c.nodes {
			if d := distance(l.place[a], c.circle) + l.place[a].r; d > c.r+1e-3 {
				t.Errorf("%s stands out of %s %q", g.Nodes[a].Name, c.kind, c.name)
			}
			for _, b := range c.nodes[:n] {
				if distance(l.place[a], l.place[b]) < l.place[a].r+l.place[b].r-1e-3 {
					t.Fatalf("%s lies on %s", g.Nodes[a].Name, g.Nodes[b].Name)
				}
			}
		}
	}
	low, high := l.bounds()
	if w, h := high.x-low.x, high.y-low.y; w < 0.8*h || w > 3*h {
		t.Errorf("the layout is %g wide and %g high", w, h)
	}
	highest := 0.0
	for i := range l.clusters {
		if c := &l.clusters[i]; c.kind == clusterSubscription {
			highest = max(highest, c.y+c.r)
		}
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Kind == KindManagementGroup && l.place[i].y <= highest {
			t.Errorf("the management group %s is not above the subscriptions", n.Name)
		}
		if n.Kind == KindManagementGroup && n.Parent >= 0 && l.place[n.Parent].y <= l.place[i].y {
			t.Errorf("%s is not above %s", g.Nodes[n.Parent].Name, n.Name)
		}
	}
}

// TestLayoutOfStrangeGraphs: what Azure does not have ends all the same.
func TestLayoutOfStrangeGraphs(t *testing.T) {
	for name, nodes := range map[string][]Node{
		"management groups in a circle": {{Kind: KindManagementGroup, Parent: 1}, {Kind: KindManagementGroup, Parent: 0}},
		"its own parent":                {{Kind: KindManagementGroup, Parent: 0}},
		"two subscriptions of one id":   {{Kind: KindSubscription, Subscription: "s", Parent: -1}, {Kind: KindSubscription, Subscription: "s", Parent: -1}},
		"only what is missing":          {{Kind: KindResource, Missing: true, Subscription: "s", ResourceGroup: "g", Parent: -1}},
		"no subscription":               {{Kind: KindResource, Parent: -1}, {Kind: KindIdentity, Type: "user", Parent: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			g := &Graph{Nodes: nodes}
			l := arrange(g)
			for i, p := range l.place {
				if math.IsNaN(p.x + p.y + p.r) {
					t.Errorf("node %d is nowhere: %v", i, p)
				}
			}
			page(t, g, nil)
		})
	}
}

func BenchmarkArrange(b *testing.B) {
	g := sample(50_000, 20)
	for b.Loop() {
		arrange(g)
	}
}
