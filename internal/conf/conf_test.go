package conf_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/internal/conf"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

type inner struct {
	Wait conf.Duration `koanf:"wait"`
	List []string      `koanf:"list"`
}

type outer struct {
	Name  string           `koanf:"name"`
	On    bool             `koanf:"on"`
	Count int              `koanf:"count"`
	Rate  float64          `koanf:"rate"`
	Inner inner            `koanf:"inner"`
	Many  map[string]inner `koanf:"many"`
	Free  map[string]any   `koanf:"free"`
}

const good = `
name: x
on: true
count: 3
rate: 2
inner: {wait: 5, list: [a, b]}
many: {one: {wait: 1m}}
free: {anything: [1, {deep: true}]}
`

func parse(t *testing.T, text string) *conf.Document {
	t.Helper()
	d, err := conf.Parse("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLayersMergeAndKnowTheirSource(t *testing.T) {
	d := parse(t, good)
	if problems := conf.Check(d.Values, &outer{}, d.At); len(problems) > 0 {
		t.Fatalf("problems = %+v", problems)
	}
	flags := conf.Layer{Source: func(key string) string { return "flag for " + key }}
	flags.Set("inner.wait", "7s")
	flags.Set("free.more", "m")
	m, err := conf.Merge(conf.Layer{Values: d.Values, Source: d.Source}, flags)
	if err != nil {
		t.Fatal(err)
	}
	var got outer
	if err := m.Decode(&got); err != nil {
		t.Fatal(err)
	}
	want := outer{
		Name: "x", On: true, Count: 3, Rate: 2, Inner: inner{Wait: conf.Duration(7 * time.Second), List: []string{"a", "b"}},
		Many: map[string]inner{"one": {Wait: conf.Duration(time.Minute)}},
		Free: map[string]any{"anything": []any{1, map[string]any{"deep": true}}, "more": "m"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for key, want := range map[string]string{"inner.wait": "flag for inner.wait", "inner.list": "f.yaml:6", "count": "f.yaml:4", "nothing": ""} {
		if got := m.Source(key); got != want {
			t.Errorf("%s comes from %q, want %q", key, got, want)
		}
	}
}

func TestCheckNamesNoValue(t *testing.T) {
	d := parse(t, "name: 5\non: hunter2\ncount: hunter2\nrate: hunter2\ninner: hunter2\nmany: {a: {list: hunter2}}\n")
	problems := conf.Check(d.Values, &outer{}, d.At)
	if len(problems) != 6 {
		t.Errorf("%d problems: %+v", len(problems), problems)
	}
	for _, p := range problems {
		if strings.Contains(p.Message+p.Hint, "hunter2") || p.Line == 0 {
			t.Errorf("problem = %+v", p)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"300": 5 * time.Minute, "0.25": 250 * time.Millisecond, "1h30m": 90 * time.Minute, "0": 0} {
		if got, err := conf.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-1", "-5s", "soon", "5 m"} {
		if got, err := conf.ParseDuration(text); err == nil {
			t.Errorf("%q = %v", text, got)
		}
	}
}

func TestWhatNobodyWouldRead(t *testing.T) {
	for text, says := range map[string]string{
		"a: 1\n---\nb: 2\n": "second document", "a: 1\na:\n": "stands twice", "<<: {a: 1}\n": "plain names", "a: *x\n": "unknown anchor",
		"a: &x {b: 1}\nc: *x\n": "aliases",
	} {
		_, err := conf.Parse("f.yaml", []byte(text))
		f := fault.As(err)
		if f == nil || f.Code != fault.ConfigInvalid || !strings.Contains(f.Problems[0].Message, says) {
			t.Errorf("%q: %+v, want %q", text, f, says)
		}
	}
}

func TestAKeyWithoutAValueIsAbsent(t *testing.T) {
	low, err := conf.Parse("f.yaml", []byte("a: {b: 1}\nc: 2\n"))
	if err != nil {
		t.Fatal(err)
	}
	high, err := conf.Parse("g.yaml", []byte("a: {b: }\nc: ~\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := conf.Merge(conf.Layer{Values: low.Values, Source: low.Source, At: low.At}, conf.Layer{Values: high.Values, Source: high.Source})
	if err != nil {
		t.Fatal(err)
	}
	if m.Get("a.b") != 1 || m.Get("c") != 2 || m.At("c") != (conf.Position{Line: 2, Column: 1}) || m.At("d") != (conf.Position{}) {
		t.Errorf("a.b = %v, c = %v at %v", m.Get("a.b"), m.Get("c"), m.At("c"))
	}
}

// depth is how deep values are nested.
func depth(value any) int {
	deepest := 0
	switch value := value.(type) {
	case map[string]any:
		for _, v := range value {
			deepest = max(deepest, depth(v))
		}
		return deepest + 1
	case []any:
		for _, v := range value {
			deepest = max(deepest, depth(v))
		}
		return deepest + 1
	}
	return 0
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("a: &x 1\nb: *x\n")
	f.Add("<<: {a: 1}\n? [1]: 2\n")
	f.Add(strings.Repeat("{a: ", 9000) + strings.Repeat("}", 9000))
	f.Add("a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000))
	f.Add("a: !!binary x\nb: !!float 1\nc: .nan\nd: 2026-01-01\n\"a.b\": 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := conf.Parse("f.yaml", []byte(text))
		if err != nil {
			if fault.CodeOf(err) != fault.ConfigInvalid {
				t.Errorf("Parse = %v", err)
			}
			return
		}
		if n := depth(d.Values); n > 32 {
			t.Errorf("values are nested %d deep", n)
		}
		if len(conf.Check(d.Values, &outer{}, d.At)) > 0 {
			return
		}
		m, err := conf.Merge(conf.Layer{Values: d.Values, Source: d.Source})
		if err != nil {
			t.Fatal(err)
		}
		var o outer
		if err := m.Decode(&o); err != nil {
			t.Errorf("Check passed what Decode refuses: %v", err)
		}
	})
}
