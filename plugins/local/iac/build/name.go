package build

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"strings"

	"github.com/azure-tenant-grapher/atg/plugins/local/form"
	"github.com/azure-tenant-grapher/atg/plugins/local/iac/template"
)

// symbolLength is how long a symbol may become; longer ones are cut. Bicep takes 255 characters, and people fewer.
const symbolLength = 72

// symbols keeps symbols in a few large pieces of memory.
type symbols struct{ pieces [][]byte }

const symbolPiece = 1 << 16

// add keeps one, and says where.
func (s *symbols) add(text string) (at uint32, length uint8) {
	last := len(s.pieces) - 1
	if last < 0 || len(s.pieces[last])+len(text) > symbolPiece {
		s.pieces = append(s.pieces, make([]byte, 0, symbolPiece))
		last++
	}
	at = uint32(last*symbolPiece + len(s.pieces[last])) //nolint:gosec // symbols of less than 4 GB
	s.pieces[last] = append(s.pieces[last], text...)
	return at, uint8(len(text)) //nolint:gosec // see symbolLength
}

// symbol is that of a row.
func (b *builder) symbol(n *node) string {
	piece := b.text.pieces[n.symbolAt/symbolPiece]
	return string(piece[n.symbolAt%symbolPiece:][:n.symbolLen])
}

// name chooses the symbol of a resource: its type and its name, virtual_network_vnet_hub, with the names above a child and the
// target of an extension. Where that is taken in the scope, a piece of a hash of the id follows. It depends on the id, and on
// which ids before it make the same symbol.
func (b *builder) name(n *node, id armID) string {
	t := &b.types[n.typ]
	words := []string{snake(singular(t.name[strings.LastIndexByte(t.name, '/')+1:]))}
	if t.lower == groupRowType {
		words = append(words, snake(id.name()))
	} else {
		if target, ok := parseID(id.scope); ok && target.namespace != "" && len(target.names) > 0 { // an extension
			words = append(words, snake(short(target.names[len(target.names)-1])))
		}
		for _, name := range id.names {
			words = append(words, snake(short(name)))
		}
	}
	symbol := strings.Trim(strings.Join(words, "_"), "_")
	if symbol == "" || symbol[0] <= '9' { // a type of another script, or one that begins with a digit
		symbol = strings.TrimRight("resource_"+symbol, "_")
	}
	lower := strings.ToLower(id.scope + "|" + t.lower + "|" + strings.Join(id.names, "/"))
	if len(symbol) > symbolLength {
		symbol = strings.TrimRight(symbol[:symbolLength-9], "_") + "_" + digest(lower)[:8]
	}
	space := b.symbolSpace(n, id)
	for length := 6; !b.take(space, symbol); length += 6 {
		symbol = strings.TrimRight(symbol[:min(len(symbol), symbolLength-length-1)], "_") + "_" + digest(lower)[:length]
	}
	return symbol
}

// symbolSpace is where a symbol has to be the only one: at least its unit.
func (b *builder) symbolSpace(n *node, id armID) uint64 {
	h := fnv.New64a()
	switch b.o.Split {
	case template.SplitNone:
	case template.SplitType:
		_, _ = h.Write([]byte(b.types[n.typ].lower))
	default:
		scope := b.scopes[n.scope].id
		if b.o.Split == template.SplitGroup && b.types[n.typ].lower == groupRowType {
			scope = id.scope // a group is in one module with its resources
		}
		_, _ = h.Write([]byte(strings.ToLower(scope)))
	}
	return h.Sum64()
}

// take takes a symbol, if nobody has one that is equal but for case and underscores.
func (b *builder) take(space uint64, symbol string) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.ReplaceAll(symbol, "_", "")))
	key := h.Sum64() ^ space*0x9E3779B97F4A7C15
	if _, taken := b.symbols[key]; taken {
		return false
	}
	b.symbols[key] = struct{}{}
	return true
}

// short cuts what no person reads: of a GUID the first eight digits stay.
func short(name string) string {
	if form.IsGUID(name) {
		return name[:8]
	}
	return name
}

// snake is text in lower case, its words joined by underscores, of a to z and digits alone.
func snake(text string) string {
	var b strings.Builder
	previous := byte('_')
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z':
			if previous >= 'a' && previous <= 'z' || previous >= '0' && previous <= '9' || // a new word: vmSize
				previous >= 'A' && previous <= 'Z' && i+1 < len(text) && text[i+1] >= 'a' && text[i+1] <= 'z' { // the last of capitals: IPAddress
				b.WriteByte('_')
			}
			b.WriteByte(c + 'a' - 'A')
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteByte(c)
		default:
			c = '_'
			if previous != '_' && b.Len() > 0 {
				b.WriteByte('_')
			}
		}
		previous = c
	}
	return strings.TrimRight(b.String(), "_")
}

// singular is the singular of a type's last word, as far as English is regular: virtualMachines, policies, accounts, redis.
func singular(word string) string {
	lower := strings.ToLower(word)
	switch {
	case strings.HasSuffix(lower, "ies") && len(word) > 4:
		return word[:len(word)-3] + "y"
	case strings.HasSuffix(lower, "sses"), strings.HasSuffix(lower, "xes"), strings.HasSuffix(lower, "ches"):
		return word[:len(word)-2]
	case strings.HasSuffix(lower, "ss"), strings.HasSuffix(lower, "dis"), strings.HasSuffix(lower, "us"), strings.HasSuffix(lower, "dns"), strings.HasSuffix(lower, "sites") && lower == "sites":
		if lower == "sites" {
			return word[:4]
		}
		return word
	case strings.HasSuffix(lower, "s") && len(word) > 2:
		return word[:len(word)-1]
	}
	return word
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
