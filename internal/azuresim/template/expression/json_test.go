package expression

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var documents = []string{
	`null`, `true`, `0`, `-0`, `12`, `-9223372036854775808`, `9223372036854775808`, `1.0`, `1e3`, `-1.5E-7`, `""`, `"a"`, `[]`, `{}`, `[[],{}]`, ` { "a" : [ 1 , null , "b" ] } `,
	`{"a":1,"a":2}`, `{"a":{"b":1},"a":{"c":2}}`, `"\u0000\u001f\u007f\b\f\n\r\t\"\\\/<>&\u2028\u2029é😀"`, `"\ud83d\ude00 \ud83d x"`, "\"\xff\"", `{"":{"<":[true,false]}}`, `["[[x","[concat('a')]"]`,
	``, ` `, `{`, `[1`, `[1,]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `1 2`, `{} x`, `nul`, `01`, `1.`, `"a`, "\"\n\"", `"\x"`, `[1 2]`,
}

// decodeAsGo is what encoding/json makes of a document.
func decodeAsGo(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more")
	}
	return integers(value), nil
}

func integers(value any) any {
	switch v := value.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = integers(v[name])
		}
	}
	return value
}

// TestDecodeAsGo: documents are read as encoding/json reads them, and measured as it writes them; those that it refuses are refused.
func TestDecodeAsGo(t *testing.T) {
	for _, text := range documents {
		got, err := Decode([]byte(text))
		want, wrong := decodeAsGo([]byte(text))
		if (err != nil) != (wrong != nil) {
			t.Errorf("%q: %v, and encoding/json says %v", text, err, wrong)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
		if raw, _ := json.Marshal(got); err == nil && Size(got) != len(raw) {
			t.Errorf("%q: %d bytes, not %d", text, Size(got), len(raw))
		}
	}
}

// random is any value.
func random(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case n < 2 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, random(r, depth-1))
		}
		return list
	case n < 4 && depth > 0:
		object := map[string]any{}
		for range r.IntN(4) {
			object[randomText(r)] = random(r, depth-1)
		}
		return object
	case n == 4:
		return r.Int64() >> r.IntN(64)
	case n == 5:
		return [...]any{nil, true, false, json.Number("1.5e7")}[r.IntN(4)]
	}
	return randomText(r)
}

func randomText(r *rand.Rand) string {
	letters := []string{"a", "Z", "\x00", "\x1f", "\x7f", "\"", "\\", "/", "<", ">", "&", "\n", "\b", "é", "\u2028", "\u2029", "\ufffd", "😀", "\xff", "\xe2\x80"}
	text := ""
	for range r.IntN(12) {
		text += letters[r.IntN(len(letters))]
	}
	return text
}

// TestSize measures random values, and tells each from a changed one by its hash.
func TestSize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		value := random(r, 5)
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if Size(value) != len(raw) {
			t.Fatalf("%d bytes, not %d: %s", Size(value), len(raw), raw)
		}
		again, err := Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		other := random(r, 5)
		otherRaw, _ := json.Marshal(other)
		if second, _ := Decode(raw); Hash(again) != Hash(second) || (Hash(value) == Hash(other)) != bytes.Equal(raw, otherRaw) {
			t.Fatalf("hashes of %s and %s", raw, otherRaw)
		}
	}
	if Hash([]any{"a", "b"}) == Hash([]any{"b", "a"}) || Hash(map[string]any{"a": "b"}) == Hash(map[string]any{"b": "a"}) || Hash([]any{}) == Hash(map[string]any{}) || Hash("1") == Hash(int64(1)) {
		t.Error("different values have the same hash")
	}
}
