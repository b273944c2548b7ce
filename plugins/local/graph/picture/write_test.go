package picture

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// page writes the page of a graph.
func page(t *testing.T, g *Graph, details Details) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, g, details); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var element = regexp.MustCompile(`<script type="text/plain" id="([a-z0-9]+)">([^<]*)</script>`)

// piecesOf reads the pieces of a page back, by id.
func piecesOf(t *testing.T, page string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, m := range element.FindAllStringSubmatch(page, -1) {
		packed, err := base64.StdEncoding.DecodeString(m[2])
		if err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		if all[m[1]], err = io.ReadAll(flate.NewReader(bytes.NewReader(packed))); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
	}
	return all
}

func decode[T any](t *testing.T, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSameGraphSameBytes(t *testing.T) {
	a := page(t, sample(700, 3), sampleDetails(sample(700, 3)))
	if b := page(t, sample(700, 3), sampleDetails(sample(700, 3))); a != b {
		t.Error("one graph gave two pages")
	}
	if b := page(t, sample(701, 3), sampleDetails(sample(701, 3))); a == b {
		t.Error("two graphs gave one page")
	}
}

// hostile are names that would leave their place in markup, in script, or in an address.
var hostile = []string{
	`</script><script>window.broken=1</script>`, `"><img src=x onerror="window.broken=1">`, "\u2028window.broken=1\u2029", `<!--<script>`, `]]>`, "a\x00b", "\xff\xfe", `'};window.broken=1;//`,
	`javascript:window.broken=1`, "\u202egnp.exe", strings.Repeat("W", 5000), `&lt;b&gt;`, "", " ", `__proto__`, `a",`, `\`, `"`,
}

// hostileGraph has them everywhere.
func hostileGraph() *Graph {
	g := &Graph{Head: Head{TenantID: hostile[0], TenantName: hostile[1], Snapshot: hostile[2], Misses: slices.Clone(hostile[:3]), Partial: true}}
	g.Nodes = append(g.Nodes, Node{Kind: KindSubscription, ID: "/subscriptions/s", Subscription: "s", Name: hostile[0], Type: "microsoft.resources/subscriptions", Parent: -1})
	for i, name := range hostile {
		g.Nodes = append(g.Nodes, Node{Kind: KindResource, ID: "/subscriptions/s/" + name, Name: name, Type: "microsoft.web/" + strings.ToLower(name), Location: name, ResourceGroup: name, Subscription: "s",
			Tags: []Tag{{name, name}}, Parent: -1})
		g.Edges = append(g.Edges, Edge{Source: int32(i + 1), Target: int32((i+1)%len(hostile) + 1), Kind: name, Detail: name})
	}
	return g
}

func TestHostileNamesStayData(t *testing.T) {
	g := hostileGraph()
	details := func(yield func(Detail) error) error {
		for i, name := range hostile {
			if err := yield(Detail{Node: int32(i + 1), Fields: [][2]string{{name, name}}}); err != nil {
				return err
			}
		}
		return nil
	}
	whole := page(t, g, details)
	if clean := page(t, &Graph{}, nil); strings.Count(strings.ToLower(whole), "<script>") != strings.Count(strings.ToLower(clean), "<script>") {
		t.Error("a name became a script")
	}
	for _, text := range []string{"window.broken", "\u2028", "onerror=\"", "\x00"} {
		outside := strings.Replace(whole, script, "", 1)
		if title := regexp.MustCompile(`<title>[^<]*</title>`).FindString(outside); !strings.Contains(title, "&lt;img src=x onerror=&#34;") {
			t.Errorf("the title is %s", title)
		} else {
			outside = strings.Replace(outside, title, "", 1)
		}
		if strings.Contains(outside, text) {
			t.Errorf("%q stands in the page as it is", text)
		}
	}
	pieces := piecesOf(t, whole)
	names := decode[[]string](t, pieces["names"])
	for i, name := range hostile {
		if want := strings.ToValidUTF8(name, "\uFFFD"); names[i+1] != want && !strings.Contains(name, "\xff") {
			t.Errorf("%q became %q", want, names[i+1])
		}
	}
	if got := decode[[][][2]string](t, pieces["d0"])[0][0]; got != [2]string{hostile[0], hostile[0]} {
		t.Errorf("a detail became %q", got)
	}
}

func TestPolicyAllowsNothingElse(t *testing.T) {
	whole := page(t, sample(50, 1), nil)
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(whole)
	if policy == nil {
		t.Fatal("there is no policy")
	}
	for _, want := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "img-src data: blob:;"} {
		if !strings.Contains(policy[1], want) {
			t.Errorf("the policy lacks %s: %s", want, policy[1])
		}
	}
	if strings.Contains(policy[1], "unsafe") || strings.Contains(policy[1], "http") {
		t.Error(policy[1])
	}
	for what, text := range map[string]string{"script": script, "style": style} {
		if strings.Contains(strings.ToLower(text), "</"+what) || strings.Contains(text, "<!--") {
			t.Errorf("the %s would end before its end", what)
		}
	}
	markup := strings.Replace(strings.Replace(whole, script, "", 1), style, "", 1)
	if found := regexp.MustCompile(`(?i)(src|href|action)="?(https?:)?//|\son[a-z]+=|\sstyle=`).FindString(markup); found != "" {
		t.Errorf("the page has %q", found)
	}
	if found := regexp.MustCompile(`\.(innerHTML|outerHTML|insertAdjacentHTML)|document\.write|\beval\(|new Function\(|\bfetch\(|XMLHttpRequest|WebSocket|importScripts`).FindAllString(script, -1); len(found) > 0 {
		t.Errorf("the script has %v", found)
	}
}

func TestPieces(t *testing.T) {
	g := sample(300, 2)
	pieces := piecesOf(t, page(t, g, sampleDetails(g)))
	h := decode[head](t, pieces["head"])
	if h.Nodes != len(g.Nodes) || h.Edges != len(g.Edges) || h.TenantName != "Contoso" || h.Scanned != "2026-01-02T03:04:05Z" {
		t.Errorf("%+v", h)
	}
	if len(pieces["nodes"]) != 23*len(g.Nodes) || len(pieces["edges"]) != 13*len(g.Edges) || len(pieces["at"]) != 4*len(g.Nodes) {
		t.Errorf("%d, %d and %d bytes of %d nodes and %d edges", len(pieces["nodes"]), len(pieces["edges"]), len(pieces["at"]), len(g.Nodes), len(g.Edges))
	}
	kinds := []string{}
	for _, c := range h.Clusters {
		if !slices.Contains(kinds, c.Kind) {
			kinds = append(kinds, c.Kind)
		}
	}
	slices.Sort(kinds)
	if diff := cmp.Diff([]string{"elsewhere", "group", "identities", "identity", "subscription"}, kinds); diff != "" {
		t.Error(diff)
	}
	tags := decode[tagList](t, pieces["tags"])
	if len(tags.Of) != len(g.Nodes) || !slices.Contains(tags.List, [2]string{"env", "prod"}) {
		t.Errorf("%d nodes have tags of %v", len(tags.Of), tags.List)
	}
}

func TestEmptyGraph(t *testing.T) {
	pieces := piecesOf(t, page(t, &Graph{}, nil))
	if h := decode[head](t, pieces["head"]); h.Nodes != 0 || h.Types == nil || h.Clusters == nil || h.Misses == nil || h.Bounds != [4]float64{-1, -1, 1, 1} {
		t.Errorf("%+v", h)
	}
}
