package bicep

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/bicep/biceptest"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template/templatetest"
)

func TestQuoted(t *testing.T) {
	for text, want := range map[string]string{
		"": `''`, "plain": `'plain'`, "it's": `'it\'s'`, `back\slash`: `'back\\slash'`, "a\n\r\tb": `'a\n\r\tb'`,
		"$": `'$'`, "${": `'\${'`, "$${x}$": `'$\${x}$'`, "$ {": `'$ {'`, "{x}": `'{x}'`,
		"\x00\x7f\u0085": `'\u{0}\u{7f}\u{85}'`, "\u2028\u202e\ufeff\u00a0": `'\u{2028}\u{202e}\u{feff}\u{a0}'`, "\U000E0001": `'\u{e0001}'`,
		"ünïcödé 漢字 🙂": `'ünïcödé 漢字 🙂'`, "\ufffd": "'\ufffd'", "a\xffb": `'a\u{fffd}b'`, "[concat('x')]": `'[concat(\'x\')]'`,
	} {
		if got := string(appendQuoted(nil, text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestKey(t *testing.T) {
	for name, want := range map[string]string{
		"a": "a", "_a1": "_a1", "for": "for", "resource": "resource", "if": "if", // keywords only where a declaration begins
		"true": "'true'", "false": "'false'", "null": "'null'", "True": "True", "": "''", "1a": "'1a'", "a-b": "'a-b'", "a.b": "'a.b'", "é": "'é'",
		strings.Repeat("a", 255): strings.Repeat("a", 255), strings.Repeat("a", 256): "'" + strings.Repeat("a", 256) + "'",
	} {
		if got := string(appendKey(nil, name)); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestNumber(t *testing.T) {
	for digits, want := range map[string]string{
		"0": "0", "17": "17", "-17": "-17", "9223372036854775807": "9223372036854775807", "-9223372036854775807": "-9223372036854775807",
		"-9223372036854775808": "json('-9223372036854775808')", "9223372036854775808": "json('9223372036854775808')",
		"1.5": "json('1.5')", "1.50": "json('1.50')", "1e3": "json('1e3')", "-0": "json('-0')", "1E+3": "json('1E+3')",
	} {
		if got := string(appendNumber(nil, digits)); got != want {
			t.Errorf("%s: got %s, want %s", digits, got, want)
		}
	}
}

func TestCamel(t *testing.T) {
	for name, want := range map[string]string{
		"virtual_machine_vm_web": "virtualMachineVmWeb", "rg-web-2": "rgWeb2", "a__b_": "aB", "x": "x", "2_test": "n2Test", "A_B": "aB",
		"az": "az", "resource_group_rg": "resourceGroupRg", "location": "location", "": "unnamed", "--": "unnamed", "é": "unnamed",
	} {
		if got := camel(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"az": "azModule", "json": "jsonModule", "resource_group": "resourceGroupModule", "for": "forModule", "resource_group_rg": "resourceGroupRg", "location": "location"} {
		if got := symbol(name, "Module"); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
	one, two := camel(strings.Repeat("long_", 80)+"one"), camel(strings.Repeat("long_", 80)+"two")
	if one == two || len(one) > longest-8 || !identifier(one) {
		t.Errorf("long names: %s, %s", one, two)
	}
}

func TestShout(t *testing.T) {
	for name, want := range map[string]string{"vmWebPassword": "VM_WEB_PASSWORD", "rg-web": "RG_WEB", "x--y-": "X_Y", "-x": "X", "vm2Password": "VM2_PASSWORD", "a_": "A"} {
		if got := shout(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func TestDeploymentName(t *testing.T) {
	short, long := strings.Repeat("a", 64), strings.Repeat("a", 65)
	if deploymentName(short) != short {
		t.Errorf("got %s", deploymentName(short))
	}
	if got := deploymentName(long); len(got) != 64 || got == deploymentName(long+"b") {
		t.Errorf("got %s and %s", got, deploymentName(long+"b"))
	}
}

// alone is what a value that stands alone becomes when it is read again.
func alone(t *testing.T, value string) biceptest.Expr {
	t.Helper()
	file, err := biceptest.Parse("var x = " + value)
	if err != nil {
		t.Fatalf("%s: %v", value, err)
	}
	return file.Declarations[0].Value
}

func addHostile(f *testing.F) {
	for _, text := range templatetest.Hostile() {
		f.Add(text, text)
	}
	f.Add("$", "{x}")
	f.Add("a\xff$", "{")
}

// FuzzText: a string in two pieces, alone and around a parameter, is what it was.
func FuzzText(f *testing.F) {
	addHostile(f)
	f.Fuzz(func(t *testing.T, one, two string) {
		p := &template.Parameter{Name: "p"}
		for _, parts := range [][]template.Part{
			{{Literal: one}}, {{Literal: one}, {Literal: two}}, {{Literal: one}, {Parameter: p}, {Literal: two}}, {{Parameter: p}, {Literal: one}, {Literal: ""}, {Literal: two}, {Parameter: p}},
		} {
			in := newFile(&template.Template{}, nil, template.Scope{})
			text := string(in.text(nil, parts))
			variables := map[string]string{}
			if file, err := biceptest.Parse(string(in.variables)); err != nil {
				t.Fatal(err)
			} else {
				for _, d := range file.Declarations {
					variables[d.Name], _ = d.Value.(*biceptest.Text).Literal()
				}
			}
			got, want := "", ""
			for _, part := range parts {
				if part.Parameter != nil {
					want += "<p>"
				}
				want += strings.ToValidUTF8(part.Literal, "\ufffd")
			}
			for _, piece := range alone(t, text).(*biceptest.Text).Pieces {
				switch piece := piece.(type) {
				case string:
					got += piece
				case *biceptest.Access:
					if long, ok := variables[piece.Name]; ok {
						got += long
					} else {
						got += "<" + piece.Name + ">"
					}
				}
			}
			if fold(got) != fold(want) {
				t.Errorf("%s is %q, want %q", text, got, want)
			}
		}
	})
}

// fold makes one replacement of several: how many bytes of broken UTF-8 become one is not the point.
func fold(s string) string {
	for strings.Contains(s, "\ufffd\ufffd") {
		s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
	}
	return s
}

// FuzzKeys: keys are what they were, quoted or not, and so are their values.
func FuzzKeys(f *testing.F) {
	addHostile(f)
	f.Fuzz(func(t *testing.T, one, two string) {
		fields := []template.Field{{Name: one, Value: templatetest.Str(two)}, {Name: "x" + two + one, Value: templatetest.Map(two, templatetest.List(templatetest.Str(one)))}}
		in := newFile(&template.Template{}, nil, template.Scope{})
		object := alone(t, string(in.fields(nil, fields, 0))).(*biceptest.Object)
		for i, field := range fields {
			if key, ok := object.Properties[i].Key.Literal(); !ok || fold(key) != fold(strings.ToValidUTF8(field.Name, "\ufffd")) {
				t.Errorf("the key %q is %q", field.Name, key)
			}
		}
		if value, ok := object.Properties[0].Value.(*biceptest.Text).Literal(); !ok || fold(value) != fold(strings.ToValidUTF8(two, "\ufffd")) {
			t.Errorf("the value %q is %q", two, value)
		}
	})
}

// FuzzNumber: every number of JSON keeps its digits.
func FuzzNumber(f *testing.F) {
	for _, digits := range []string{"0", "-0", "1.50", "1e3", "9223372036854775808", "-9223372036854775808", "-1"} {
		f.Add(digits)
	}
	f.Fuzz(func(t *testing.T, digits string) {
		if !json.Valid([]byte(digits)) || strings.TrimLeft(digits[:1], "-0123456789") != "" {
			return // no number
		}
		digits = strings.TrimSpace(digits)
		got := ""
		switch value := alone(t, string(appendNumber(nil, digits))).(type) {
		case biceptest.Int:
			got = strconv.FormatInt(int64(value), 10)
		case *biceptest.Access:
			got, _ = value.Args[0].(*biceptest.Text).Literal()
		}
		if got != digits {
			t.Errorf("got %s, want %s", got, digits)
		}
	})
}
