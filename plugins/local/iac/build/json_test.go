package build

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// plainly is a value as encoding/json has it, with numbers as they are written.
func plainly(v template.Value) any {
	switch v.Kind {
	case template.Bool:
		return v.Bool
	case template.Number:
		return json.Number(v.Text[0].Literal)
	case template.String:
		return v.Text[0].Literal
	case template.List:
		all := []any{}
		for _, i := range v.Items {
			all = append(all, plainly(i))
		}
		return all
	case template.Map:
		all := map[string]any{}
		for _, f := range v.Fields {
			all[f.Name] = plainly(f.Value)
		}
		return all
	}
	return nil
}

// FuzzJSON: a value is what encoding/json says that it is, also when the same parser has read something else before, broken or not.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,2.50,-0,1e5,true,false,null,"x"],"b":{"c":{}},"d":[]}`, `"\u00e9\n\"\\\/\ud83d\ude00"`, `{"a":1,"b":2,"a":{"c":3}}`, "\"\xff\"", `"\ud800"`, ` [ "a" , "b" ] `, `""`, `0`, `[[[[]]]]`, `{"":""}`, "{\"\xff\":1,\"\ufffd\":2}",
	} {
		f.Add(text, `{"a":[{"b":`)
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, text, before string) {
		p := new(parser)
		_, _ = p.parse([]byte(before)) // broken or not
		bytesOf := []byte(text)
		v, err := p.parse(bytesOf)
		for i := range bytesOf {
			bytesOf[i] = 'x' // a value keeps nothing of the text
		}
		decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
		decoder.UseNumber()
		var want any
		if wrong := decoder.Decode(&want); wrong != nil || text == "" || !json.Valid([]byte(text)) {
			if err == nil && text != "" {
				t.Errorf("%q is read, and is no JSON", text)
			}
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if diff := cmp.Diff(want, plainly(v)); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}
