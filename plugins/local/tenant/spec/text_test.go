package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/tenant/spec"
)

// show shows pieces: a reference is <kind:argument>.
func show(pieces []spec.Piece) string {
	var b strings.Builder
	for _, p := range pieces {
		if p.Kind != "" {
			fmt.Fprintf(&b, "<%s:%s>", p.Kind, p.Arg)
		} else {
			b.WriteString(p.Literal)
		}
	}
	return b.String()
}

func TestSplit(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"plain":                              "plain",
		"$5 and $$":                          "$5 and $$",
		"${tenant}":                          "<tenant:>",
		"${resource:a/b}/subnets/c":          "<resource:a/b>/subnets/c",
		"$${tenant}":                         "${tenant}",
		"$$${tenant}":                        "$<tenant:>",
		"$$$${tenant}":                       "$${tenant}",
		"a${tenant}${tenant}b":               "a<tenant:><tenant:>b",
		"${secret:a.b-c_d}":                  "<secret:a.b-c_d>",
		"{\"a\":\"$${b}\"}":                  `{"a":"${b}"}`,
		"${subscription:A: b%7D}":            "<subscription:A: b%7D>",
		"${user:Alice}, ${group:Admins}":     "<user:Alice>, <group:Admins>",
		"${principal_id:x}${client_id:x}":    "<principal_id:x><client_id:x>",
		"${resource_group:A/b}${tenant}$${}": "<resource_group:A/b><tenant:>${}",
	} {
		pieces, err := spec.Split(text)
		if err != nil || show(pieces) != want {
			t.Errorf("%q is %q, not %q: %v", text, show(pieces), want, err)
		}
		if back := spec.Join(pieces); back != text {
			t.Errorf("%q comes back as %q", text, back)
		}
	}
	for _, text := range []string{"${", "${}", "${x}", "${resource}", "${resource:}", "${tenant:x}", "${secret:a b}", "${secret:}", "$$${", "${RESOURCE:x}", "${resource:x"} {
		if pieces, err := spec.Split(text); err == nil {
			t.Errorf("%q is taken as %q", text, show(pieces))
		}
	}
}

// FuzzLiteral: any text can be written, alone and beside references, and comes back as it was.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{"", "$", "$$", "${", "$${", "${tenant}", "$${tenant}$", "{}", "a$", "${resource:x}"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		pieces := []spec.Piece{{Literal: before}, {Kind: spec.RefTenant}, {Literal: after}}
		got, err := spec.Split(spec.Join(pieces))
		if err != nil || show(got) != before+"<tenant:>"+after {
			t.Errorf("%q: %q, %v", spec.Join(pieces), show(got), err)
		}
		alone, err := spec.Split(spec.Escape(before))
		if err != nil || show(alone) != before {
			t.Errorf("%q: %q, %v", spec.Escape(before), show(alone), err)
		}
		for _, segment := range []bool{false, true} {
			name := spec.EscapeName(before, segment)
			if back := spec.UnescapeName(name); back != before || strings.ContainsAny(name, "}\n") || segment && strings.Contains(name, "/") {
				t.Errorf("the name %q is written %q, and comes back as %q", before, name, back)
			}
		}
	})
}

func TestFill(t *testing.T) {
	value := func(name string) (string, error) {
		if name == "gone" {
			return "", fmt.Errorf("no %s", name)
		}
		return "<" + name + ">", nil
	}
	got, err := spec.Fill("Server=$${x};Password=${secret:db};Key=${secret:a.b}", value)
	if diff := cmp.Diff("Server=${x};Password=<db>;Key=<a.b>", got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, text := range []string{"${secret:gone}", "${tenant}", "${"} {
		if got, err := spec.Fill(text, value); err == nil {
			t.Errorf("%q is %q", text, got)
		}
	}
}
