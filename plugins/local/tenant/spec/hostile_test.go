package spec_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// TestHostile: what nobody would write is refused, with words, in bounded time and memory.
func TestHostile(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 'b'; i < 'k'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	deepJSON := strings.Repeat("[", 100_000)
	for _, tc := range []struct{ name, text, want string }{
		{"a bomb of aliases", yaml(bomb), "too many values"},
		{"an anchor in itself", yaml("tenant: &a\n  name: x\n  subscriptions: [*a]"), "a part of itself"},
		{"an anchor in itself, far below", yaml("tenant: &a\n  subscriptions:\n    - name: x\n      resources: &b\n        - properties: {to: *b}"), "a part of itself"},
		{"an anchor that is used", yaml("tenant: &a {nam: x}\nsubscriptions: [*a]"), `there is no member "nam"`},
		{"merging", yaml("tenant: {<<: {name: x}}"), "merging (<<) is not supported"},
		{"depth in JSON", "```json\n" + deepJSON + "\n```\n", "nested more than 150 levels deep"},
		{"depth in YAML", yaml(strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000)), "nested more than 150 levels deep"},
		{"far more depth in YAML", yaml(strings.Repeat("[", 200_000)), "this is no YAML"},
		{"a huge number", yaml("tenant: {name: " + strings.Repeat("9", 1_000) + "}"), "more than 400 digits"},
		{"a huge number in JSON", "```json\n{\"tenant\": {\"name\": 1" + strings.Repeat("0", 1_000) + "}}\n```\n", "more than 400 digits"},
		{"no number", yaml("tenant: {name: .nan}"), ".nan is no number that JSON has"},
		{"a tag", yaml("tenant: {name: !!python/object x}"), "the tag"},
		{"NUL", "```yaml\ntenant: {name: \"a\x00\"}\n```\n", "2:18: error: the file is no text: it has a NUL character"},
		{"an escaped NUL", yaml(`tenant: {name: "a\0"}`), ""},
		{"no UTF-8", "# \u00fc\xff\n```yaml\ntenant: {name: a}\n```\n", "1:4: error: the file is no text: it has a byte that is no UTF-8"},
		{"many quotes", strings.Repeat(">", 200_000) + "```yaml\n" + strings.Repeat(">", 200_000) + "x\n", "no end"},
		{"many lists", strings.Repeat("- ", 100_000) + "```yaml\n", "no end"},
		{"many fences", strings.Repeat("```yaml\n", 50_001), "no end"},
		{"a long unknown name", yaml("? " + strings.Repeat("x", 100_000) + "\n: 1"), "there is no member"},
		{"a control character in a name", group("      - {type: Contoso.Own/things, api_version: '2024-01-01', name: \"a\\nb\"}"), "a character that no resource's name can have"},
		{"a name that leads up", group("      - {type: Contoso.Own/things, api_version: '2024-01-01', name: '..'}"), "one of its parts is .."},
		{"extensions of each other", group("      - {type: Contoso.Own/things, api_version: '2024-01-01', name: a, scope: '${resource:b}'}\n      - {type: Contoso.Own/things, api_version: '2024-01-01', name: b, scope: '${resource:a}'}"), "in a circle: a → b → a"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			began := time.Now()
			_, problems := parse(t, tc.text)
			if took := time.Since(began); took > 2*time.Minute { // of what grows with a power it would be years
				t.Errorf("it has taken %s", took)
			}
			if all := strings.Join(problems, "\n"); !strings.Contains(all, tc.want) {
				t.Errorf("%.2000s does not say %q", all, tc.want)
			}
			for _, p := range problems {
				if len(p) > 2_000 {
					t.Errorf("a problem is %d bytes long", len(p))
				}
			}
			if len(problems) > 1_001 {
				t.Errorf("there are %d problems", len(problems))
			}
		})
	}
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestTooLarge(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := spec.Parse(t.Context(), io.LimitReader(endless{}, 100<<20), spec.Limits{})
	runtime.ReadMemStats(&after)
	if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("100 MB: %v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 500<<20 {
		t.Errorf("a file that is refused has taken %d MB", used>>20)
	}
	if _, _, err = spec.Parse(t.Context(), strings.NewReader(yaml("tenant: {name: a}")), spec.Limits{Bytes: 10}); err == nil || !strings.Contains(err.Error(), "larger than 10 bytes") {
		t.Errorf("a limit of one's own: %v", err)
	}
	_, problems, err := spec.Parse(t.Context(), strings.NewReader(yaml("tenant: {name: a}")), spec.Limits{Values: 2})
	if err != nil || len(problems) != 1 || !strings.Contains(problems[0].Message, "too many values") {
		t.Errorf("a limit of values: %v, %v", problems, err)
	}
}

// TestBudget: which value is one too many does not depend on which block is decoded first.
func TestBudget(t *testing.T) {
	text := yaml("tenant: {name: a}") + strings.Repeat(yaml("resource_groups: [{name: rg, location: westeurope, tags: {a: b, c: d}}]"), 50)
	block := 1 + 1 + 1 + 2 + 1 + 2
	for range 50 {
		_, problems, err := spec.Parse(t.Context(), strings.NewReader(text), spec.Limits{Values: 3 + 10*block + 2})
		if err != nil || len(problems) != 40 || problems[0].Line != int32(1+5*11+3) || problems[0].Column != 19 || !strings.Contains(problems[0].Message, "too many values") {
			t.Fatalf("%v, %d problems: %v", err, len(problems), problems[0])
		}
	}
	if _, problems, err := spec.Parse(t.Context(), strings.NewReader(text), spec.Limits{Values: 3 + 50*block}); err != nil || problems != nil {
		t.Errorf("as many as may be: %v, %v", problems, err)
	}
}

// broken is a file that cannot be read to its end.
type broken struct{}

func (broken) Read(p []byte) (int, error) { return copy(p, "# T"), io.ErrClosedPipe }

func TestUnreadable(t *testing.T) {
	if _, _, err := spec.Parse(t.Context(), broken{}, spec.Limits{}); fault.CodeOf(err) != fault.InvalidArgument || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a file that breaks off: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := spec.Parse(ctx, strings.NewReader(many(10, false)), spec.Limits{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// many is a specification of so many resources in one group, each of which refers to another.
func many(n int, json bool) string {
	var b strings.Builder
	if json {
		b.WriteString("```json\n{\"resource_groups\": [{\"name\": \"rg\", \"location\": \"westeurope\", \"resources\": [")
	} else {
		b.WriteString("```yaml\nresource_groups:\n  - name: rg\n    location: westeurope\n    resources:\n")
	}
	for i := range n {
		if json {
			fmt.Fprintf(&b, "%s\n{\"type\": \"Microsoft.Network/networkInterfaces\", \"name\": \"nic-%d\", \"location\": \"westeurope\", \"tags\": {\"env\": \"prod\"}, \"properties\": {\"ipConfigurations\": [{\"name\": \"ip\", \"properties\": {\"privateIPAllocationMethod\": \"Dynamic\", \"publicIPAddress\": {\"id\": \"${resource:nic-%d}\"}}}]}}",
				strings.Repeat(",", min(i, 1)), i, max(i-1, 0))
			continue
		}
		fmt.Fprintf(&b, "      - type: Microsoft.Network/networkInterfaces\n        name: nic-%d\n        location: westeurope\n        tags:\n          env: prod\n        properties:\n          ipConfigurations:\n            - name: ip\n              properties:\n                privateIPAllocationMethod: Dynamic\n                publicIPAddress:\n                  id: ${resource:nic-%d}\n", i, max(i-1, 0))
	}
	if json {
		b.WriteString("]}]}")
	}
	return b.String() + "\n```\n"
}

func TestMany(t *testing.T) {
	for _, json := range []bool{false, true} {
		s, problems := parse(t, many(10_000, json))
		if len(s.Resources) != 10_000 || problems != nil {
			t.Errorf("%d resources, %v", len(s.Resources), problems[:min(len(problems), 5)])
		}
	}
	_, problems := parse(t, strings.ReplaceAll(many(2_000, false), "publicIPAddress:", "publicIPAddres:"))
	if len(problems) != 1_001 || !strings.Contains(problems[1_000], "and 1000 more problems") {
		t.Errorf("%d problems", len(problems))
	}
}

func BenchmarkParse(b *testing.B) {
	for name, json := range map[string]bool{"yaml": false, "json": true} {
		b.Run(name, func(b *testing.B) {
			text := many(10_000, json)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, problems, err := spec.Parse(b.Context(), strings.NewReader(text), spec.Limits{}); err != nil || len(problems) > 0 {
					b.Fatal(problems, err)
				}
			}
		})
	}
}
