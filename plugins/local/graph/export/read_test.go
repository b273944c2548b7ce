package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
)

// names are the names of machines that each format holds, read back by a reader of the format that is not ours.
var names = map[string]func(t testing.TB, files map[string]string) []string{
	"jsonl": func(t testing.TB, files map[string]string) (all []string) {
		for line := range strings.Lines(files["graph.jsonl"]) {
			var row map[string]any
			if err := json.Unmarshal([]byte(line), &row); err != nil {
				t.Fatal(err, line)
			}
			if row["type"] == "microsoft.compute/virtualmachines" {
				all = append(all, row["name"].(string), row["properties"].(map[string]any)["name"].(string))
			}
		}
		return all
	},
	"graphml": func(t testing.TB, files map[string]string) (all []string) {
		var doc struct {
			Nodes []struct {
				ID   string `xml:"id,attr"`
				Data []struct {
					Key  string `xml:"key,attr"`
					Text string `xml:",chardata"`
				} `xml:"data"`
			} `xml:"graph>node"`
			Edges []struct {
				Source string `xml:"source,attr"`
			} `xml:"graph>edge"`
		}
		if err := xml.Unmarshal([]byte(files["graph.graphml"]), &doc); err != nil {
			t.Fatal(err)
		}
		for _, n := range doc.Nodes {
			values := map[string]string{}
			for _, d := range n.Data {
				values[d.Key] = d.Text
			}
			if values["n_type"] == "microsoft.compute/virtualmachines" {
				all = append(all, values["n_name"], inProperties(t, values["n_properties"]))
			}
		}
		return all
	},
	"neo4j-csv": func(t testing.TB, files map[string]string) (all []string) {
		rows := records(t, files["nodes.csv"])
		records(t, files["relationships.csv"])
		at := map[string]int{}
		for i, name := range rows[0] {
			at[name] = i
		}
		for _, row := range rows[1:] {
			if row[at["type"]] == "microsoft.compute/virtualmachines" {
				all = append(all, row[at["name"]], inProperties(t, row[at["properties"]]))
			}
		}
		return all
	},
	"cypher": func(t testing.TB, files map[string]string) (all []string) {
		for line := range strings.Lines(files["graph.cypher"]) {
			if !strings.Contains(line, "type: 'microsoft.compute/virtualmachines'") {
				continue
			}
			row := parseMap(t, line)
			all = append(all, row["name"], inProperties(t, row["properties"]))
		}
		return all
	},
}

func records(t testing.TB, text string) [][]string {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll() // also says if a row has more or fewer fields
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func inProperties(t testing.TB, text string) string {
	var p struct{ Name string }
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err, text)
	}
	return p.Name
}

// parseMap reads a map of Cypher, as Neo4j does: first \uXXXX wherever it stands, then the texts with what escapes they may have.
func parseMap(t testing.TB, line string) map[string]string {
	t.Helper()
	line = unicodeEscapes(line)
	row := map[string]string{}
	rest := strings.TrimPrefix(line, "{")
	for {
		name, value, ok := strings.Cut(rest, ": ")
		if !ok || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Fatalf("%q is no member: %q", name, line)
		}
		var text strings.Builder
		if rest, ok = strings.CutPrefix(value, "true"); !ok {
			if rest, ok = strings.CutPrefix(value, "false"); !ok {
				for rest = value; ; {
					var piece string
					piece, rest = literal(t, rest)
					text.WriteString(piece)
					if rest, ok = strings.CutPrefix(rest, " + "); !ok {
						break
					}
				}
			}
		}
		row[name] = text.String()
		if rest, ok = strings.CutPrefix(rest, ", "); !ok {
			if end := strings.TrimRight(rest, ",\n"); end != "}" {
				t.Fatalf("%q follows: %q", rest, line)
			}
			return row
		}
	}
}

func unicodeEscapes(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if i+6 <= len(text) && text[i] == '\\' && text[i+1] == 'u' {
			var r rune
			if json.Unmarshal([]byte(`"`+text[i:i+6]+`"`), new(string)) == nil {
				var s string
				_ = json.Unmarshal([]byte(`"`+text[i:i+6]+`"`), &s)
				r = []rune(s)[0]
				b.WriteRune(r)
				i += 5
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// literal reads a text in quotes, and answers what follows it.
func literal(t testing.TB, text string) (value, rest string) {
	t.Helper()
	if !strings.HasPrefix(text, "'") {
		t.Fatalf("no text: %q", text)
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\'':
			return b.String(), text[i+1:]
		case '\\':
			i++
			made, ok := map[byte]byte{'\\': '\\', '\'': '\'', 'n': '\n', 'r': '\r', 't': '\t'}[text[i]]
			if !ok {
				t.Fatalf("\\%c means nothing: %q", text[i], text)
			}
			b.WriteByte(made)
		default:
			b.WriteByte(text[i])
		}
	}
	t.Fatalf("a text has no end: %q", text)
	return "", ""
}

// held is what a format makes of a name: all of it, but for what the format cannot hold.
func held(format, name string) string {
	if format == "jsonl" {
		return string([]rune(name)) // U+FFFD for each byte that is no UTF-8
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	switch format {
	case "graphml":
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(name))
		var text string
		_ = xml.Unmarshal([]byte("<a>"+b.String()+"</a>"), &text)
		return text
	case "neo4j-csv":
		return strings.NewReplacer("\x00", "\uFFFD", "\r\n", "\n", "\r", "\n").Replace(name)
	case "cypher":
		return strings.ReplaceAll(name, "\x00", "\uFFFD")
	}
	return name
}
