package terraform

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// survives is what Terraform makes of a string: it is UTF-8, and in Unicode's composed form.
func survives(s string) string { return cty.StringVal(string([]rune(s))).AsString() }

// evaluate is the value of the attribute x of some HCL.
func evaluate(t testing.TB, source []byte, variables map[string]cty.Value) cty.Value {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(source, "x.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%q", diags, source)
	}
	attributes, diags := file.Body.JustAttributes()
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	value, diags := attributes["x"].Expr.Value(&hcl.EvalContext{Variables: variables})
	if diags.HasErrors() {
		t.Fatalf("%v\n%q", diags, source)
	}
	return value
}

func canonical(t testing.TB, source []byte) {
	t.Helper()
	if want := hclwrite.Format(source); !bytes.Equal(want, source) {
		t.Errorf("not as terraform fmt writes it:\n%s\nis:\n%s", source, want)
	}
}

func seeds(f *testing.F) {
	for _, s := range templatetest.Hostile() {
		f.Add(s)
	}
	for _, s := range []string{"\xff", "a\xc3", "$$${x}", "$%{x}", "%${x}", "${${", "e\u0301", "\ufeff", "\u202e", "🇩🇪👨‍👩‍👧", "각", "$\u0024{", "for", "a-b", "-a", "9"} {
		f.Add(s)
	}
}

// FuzzString: whatever a string is, HCL reads it as it was, alone and beside references, and nothing formats it otherwise.
func FuzzString(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		source := append(appendQuoted([]byte("x = "), s), '\n')
		canonical(t, source)
		if got, want := evaluate(t, source, nil).AsString(), survives(s); got != want {
			t.Errorf("%q became %q, written as %s", want, got, source)
		}

		p := &template.Parameter{Name: "p"}
		w := &writer{unit: newUnit(&template.Template{Parameters: []*template.Parameter{p}}, &template.Unit{}), node: template.NoNode, b: []byte("x = ")}
		half := len(s) / 2
		w.expression([]template.Part{{Literal: s}, {Parameter: p}, {Literal: s[:half]}, {Literal: s[half:]}, {Parameter: p}, {Parameter: p}})
		w.b = append(w.b, '\n')
		canonical(t, w.b)
		const value = "<{v}>"
		variables := map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{"p": cty.StringVal(value)})}
		if got, want := evaluate(t, w.b, variables).AsString(), survives(s+value+s+value+value); got != want {
			t.Errorf("%q became %q, written as %s", want, got, w.b)
		}
	})
}

// FuzzKey: whatever the key of an object is, it is read as it was, and equals signs below it stand where terraform fmt has them.
func FuzzKey(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, s string) {
		w := &writer{b: []byte("x = {\n")}
		w.fields([]template.Field{{Name: s, Value: templatetest.Bool(true)}, {Name: "other", Value: templatetest.Str(s)}, {Name: s + "e", Value: templatetest.List()}}, 1)
		w.b = append(w.b, "}\n"...)
		canonical(t, w.b)
		got := evaluate(t, w.b, nil)
		for _, key := range []string{survives(s), "other", survives(s + "e")} {
			if !got.Type().HasAttribute(key) {
				t.Errorf("there is no key %q in\n%s", key, w.b)
			}
		}
	})
}

// TestManySigns: a script full of dollar signs does not keep HCL's parser busy for minutes.
func TestManySigns(t *testing.T) {
	for _, sign := range []string{"$a", "${", "%", "%{", "$$"} {
		s := strings.Repeat(sign, 5_000)
		source := append(appendQuoted([]byte("x = "), s), '\n')
		canonical(t, source)
		if got := evaluate(t, source, nil).AsString(); got != s {
			t.Errorf("many %q became something else", sign)
		}
		if left := bytes.Count(source, []byte(sign[:1])); left > 2*manySigns {
			t.Errorf("%d of %q are no escapes", left, sign)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0": true, "12": true, "1.50": true, "-1.5e+10": true, "1E400": true, "123456789012345678901234567890": true, "0.1e-5": true,
		"": false, "-": false, "01": false, "1.": false, ".5": false, "1e": false, "1e+": false, "+1": false, "0x1": false, "1_0": false, "NaN": false, "1x": false, "--1": false,
	} {
		if got := number(text); got != want {
			t.Errorf("number(%q) is %v", text, got)
		}
		if !want {
			continue
		}
		w := &writer{b: []byte("x = ")}
		v := templatetest.Num(text)
		w.flat(&v)
		w.b = append(w.b, '\n')
		if string(w.b) != "x = "+text+"\n" {
			t.Errorf("%s is written %q", text, w.b)
		}
		canonical(t, w.b)
		if got := evaluate(t, w.b, nil); !got.RawEquals(cty.MustParseNumberVal(text)) {
			t.Errorf("%s became %#v", text, got)
		}
	}
	w := &writer{}
	v := templatetest.Num("no number")
	if w.flat(&v); string(w.b) != `"no number"` {
		t.Errorf("what is no number is written %s", w.b)
	}
}

// TestDepth: an object in an object in an object … is written in a size and a time that grow with the depth, not its square.
func TestDepth(t *testing.T) {
	const depth = 100_000
	for name, wrap := range map[string]func(int, template.Value) template.Value{
		"objects": func(_ int, v template.Value) template.Value { return templatetest.Map("a", v) },
		"lists":   func(_ int, v template.Value) template.Value { return templatetest.List(v) },
		"both": func(i int, v template.Value) template.Value {
			if i%2 == 0 {
				return templatetest.Map("a", v)
			}
			return templatetest.List(v)
		},
	} {
		v := templatetest.Str("bottom")
		for i := range depth {
			v = wrap(i, v)
		}
		w := &writer{}
		w.fields([]template.Field{{Name: "x", Value: v}}, 0)
		if len(w.b) > 20*depth {
			t.Errorf("%s: %d levels take %d bytes", name, depth, len(w.b))
		}
	}

	const levels = 200
	v := templatetest.Str("bottom")
	for range levels {
		v = templatetest.Map("a", templatetest.List(v), "long name", templatetest.Num("-1"))
	}
	w := &writer{}
	w.fields([]template.Field{{Name: "x", Value: v}}, 0)
	canonical(t, w.b)
	got := evaluate(t, w.b, nil)
	for range levels {
		got = got.GetAttr("a").Index(cty.NumberIntVal(0))
	}
	if got.AsString() != "bottom" {
		t.Errorf("at the bottom is %#v", got)
	}
}

// TestDivide: what a secret stands in goes with it, as far as nothing else is in it.
func TestDivide(t *testing.T) {
	hidden := template.Value{Kind: template.String, Text: []template.Part{{Literal: "key="}, {Parameter: &template.Parameter{Name: "key", Secret: true}}}}
	fields := func(pairs ...any) []template.Field { return templatetest.Map(pairs...).Fields }
	for name, test := range map[string]struct{ all, rest, secrets []template.Field }{
		"no secret":                {fields("a", templatetest.Map("b", templatetest.Map())), fields("a", templatetest.Map("b", templatetest.Map())), nil},
		"a secret beside others":   {fields("a", templatetest.Map("b", hidden, "c", templatetest.Map())), fields("a", templatetest.Map("c", templatetest.Map())), fields("a", templatetest.Map("b", hidden))},
		"nothing beside a secret":  {fields("a", templatetest.Map("b", templatetest.Map("c", hidden)), "d", templatetest.Num("1")), fields("d", templatetest.Num("1")), fields("a", templatetest.Map("b", templatetest.Map("c", hidden)))},
		"a secret in a list stays": {fields("a", templatetest.List(templatetest.Map("b", hidden))), fields("a", templatetest.List(templatetest.Map("b", hidden))), nil},
	} {
		rest, secrets := divide(test.all)
		if diff := cmp.Diff(test.rest, rest) + cmp.Diff(test.secrets, secrets); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestSpool: what was added by turns comes back unit by unit, and nothing of it stays on the disk.
func TestSpool(t *testing.T) {
	s, err := newSpool(3)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]strings.Builder, 3)
	for i := range 30_000 {
		unit := 2 * (i % 2)
		line := fmt.Sprintf("line %d of unit %d\n", i, unit)
		want[unit].WriteString(line)
		if err := s.add(unit, []byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	for unit := range want {
		if err := s.done(unit); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.units[0]) < 2 {
		t.Errorf("a unit has %d pieces, so that nothing was kept on the disk in between", len(s.units[0]))
	}
	var got strings.Builder
	if err := s.copy(&got); err != nil {
		t.Fatal(err)
	}
	if got.String() != want[0].String()+want[2].String() {
		t.Error("something else came back")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.file.Name()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	if err := s.done(0); err != nil {
		t.Errorf("nothing to add: %v", err)
	}
	if err := errors.Join(s.add(1, []byte("x")), s.done(1)); !errors.Is(err, fault.New(fault.ExecutionFailed, "")) {
		t.Errorf("what cannot be kept: %v", err)
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine("a\nb\u2028c\u202ed é"); got != "a b c d é" || !utf8.ValidString(got) {
		t.Errorf("got %q", got)
	}
}
