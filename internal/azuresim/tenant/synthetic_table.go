package tenant

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
)

// template is a row with places. It holds, per column, the JSON of the cell in pieces.
type template struct {
	typ   string // lower case
	count int
	cells [][]piece // by column; nil is an empty cell
	// follows says that its rows refer to the one before, which the template before has made: by
	// the place p.
	follows bool
}

// piece is a fixed text followed by a place.
type piece struct {
	text   string
	place  string // name of what differs, empty at the end
	number uint64 // of guid and idguid places
}

func parseTemplate(row map[string]json.RawMessage, count int) *template {
	t := &template{count: count, cells: make([][]piece, len(columns))}
	t.typ = strings.Trim(string(row["type"]), `"`)
	for i, c := range columns {
		raw := string(row[c.Name])
		if raw == "" || raw == "null" || raw == `""` {
			continue
		}
		for raw != "" {
			text, rest, found := strings.Cut(raw, "${")
			p := piece{text: text}
			if found {
				p.place, raw, _ = strings.Cut(rest, "}")
				t.follows = t.follows || p.place == "p"
				for _, kind := range []string{"guid", "idguid"} {
					if number, ok := strings.CutPrefix(p.place, kind); ok {
						p.place = kind
						p.number, _ = strconv.ParseUint(number, 10, 64) // zero would still be a number
					}
				}
			} else {
				raw = ""
			}
			t.cells[i] = append(t.cells[i], p)
		}
	}
	return t
}

// Index implements kql.Indexed.
func (t *syntheticTable) Index() *kql.Index { return &t.indices }

func (t *syntheticTable) Columns() []kql.Column { return columns }

func (t *syntheticTable) Len() int { return len(t.rows) }

func (t *syntheticTable) AppendJSON(dst []byte, row uint32, column int) []byte {
	group, s := t.at(row)
	pieces := s.template.cells[column]
	if pieces == nil {
		return append(dst, emptyCell(columns[column])...)
	}
	return t.fill(dst, pieces, row, group, s)
}

func (t *syntheticTable) Text(row uint32, column int) string {
	group, s := t.at(row)
	return t.text(s.template, column, row, group, s)
}

// text is a cell of a template that is filled in for a row.
func (t *syntheticTable) text(of *template, column int, row uint32, group *syntheticGroup, s slot) string {
	pieces := of.cells[column]
	switch {
	case pieces == nil:
		return ""
	case len(pieces) == 1 && pieces[0].place == "":
		return pieces[0].text[1 : len(pieces[0].text)-1]
	}
	var buffer [256]byte
	quoted := t.fill(buffer[:0], pieces, row, group, s)
	return string(quoted[1 : len(quoted)-1]) // templates have no escapes in strings
}

// fill writes the pieces with their places filled in for a row in a slot of its group.
func (t *syntheticTable) fill(dst []byte, pieces []piece, row uint32, group *syntheticGroup, s slot) []byte {
	for i := range pieces {
		p := &pieces[i]
		dst = append(dst, p.text...)
		switch p.place {
		case "":
		case "sub":
			dst = append(dst, t.subscriptions[group.subscription]...)
		case "tenant":
			dst = append(dst, t.tenantID...)
		case "rg":
			dst = append(dst, group.name...)
		case "rgl":
			dst = append(dst, group.lower...)
		case "g":
			dst = append(dst, group.number...)
		case "loc":
			dst = append(dst, group.location...)
		case "env":
			dst = append(dst, group.env...)
		case "app":
			dst = append(dst, group.app...)
		case "o":
			dst = append(dst, group.octet...)
		case "k", "k2":
			dst = append(dst, '0'+byte(s.ordinal/10), '0'+byte(s.ordinal%10))
		case "p":
			dst = append(dst, '0'+byte((s.ordinal-1)/10), '0'+byte((s.ordinal-1)%10))
		case "parent":
			dst = t.fillInner(dst, s.template.cells[idColumn], row, group, s)
		case "pname":
			dst = t.fillInner(dst, s.template.cells[nameColumn], row, group, s)
		case "h2", "h2b":
			random := mix(t.options.Seed, uint64(row), uint64(len(p.place)))
			dst = hex.AppendEncode(dst, []byte{byte(random)})
		case "guid":
			dst = appendGUID(dst, t.options.Seed, uint64(row), 16+p.number)
		case "group": // one of the directory
			dst = appendGUID(dst, t.options.Seed, uint64(row)/groupSize%assignedGroups, guidGroup)
		case "idguid": // of the group's user-assigned identity
			dst = appendGUID(dst, t.options.Seed, uint64(int(row)-int(row)%groupSize+t.identity), 16+p.number)
		}
	}
	return dst
}

// fillInner is fill for a string, without its quotes.
func (t *syntheticTable) fillInner(dst []byte, pieces []piece, row uint32, group *syntheticGroup, s slot) []byte {
	start := len(dst)
	dst = t.fill(dst, pieces, row, group, s)
	dst = append(dst[:start], dst[start+1:]...)
	return dst[:len(dst)-1]
}

func (t *syntheticTable) InSubscription(subscription string) []uint32 {
	i, ok := t.numbers[strings.ToLower(subscription)]
	if !ok {
		return nil
	}
	return t.rows[t.firstRow[i]:t.firstRow[i+1]]
}

func (t *syntheticTable) InGroup(subscription, group string) []uint32 {
	i, ok := t.groupNumber(subscription, group)
	if !ok {
		return nil
	}
	return t.rows[i*groupSize : min((i+1)*groupSize, len(t.rows))]
}

// groupNumber reads the number of a group from its name.
func (t *syntheticTable) groupNumber(subscription, group string) (int, bool) {
	i, err := strconv.Atoi(group[strings.LastIndexByte(group, '-')+1:])
	if err != nil || i < 0 || i >= len(t.groups) {
		return 0, false
	}
	g := &t.groups[i]
	return i, strings.EqualFold(g.name, group) && strings.EqualFold(t.subscriptions[g.subscription], subscription)
}

func (t *syntheticTable) Find(id string) (uint32, bool) {
	subscription, group := scopeOf(id)
	typ := strings.ToLower(typeInID(id))
	for _, row := range t.InGroup(subscription, group) {
		if _, s := t.at(row); s.template.typ == typ && strings.EqualFold(t.Text(row, idColumn), id) {
			return row, true
		}
	}
	return 0, false
}

// scopeOf is the subscription and the resource group in an id; empty if it has no group.
func scopeOf(id string) (subscription, group string) {
	segments := strings.SplitN(id, "/", 6)
	if len(segments) < 6 || !strings.EqualFold(segments[1], "subscriptions") {
		return "", ""
	}
	return segments[2], segments[4]
}

// lazyOrder is the rows by id, worked out when first asked for.
type lazyOrder struct {
	once sync.Once
	rows []uint32
}

// ByID sorts subscriptions, groups within them and rows within those, so that no more ids are held
// at once than one group has.
func (t *syntheticTable) ByID() []uint32 {
	t.order.once.Do(func() {
		groups := make([]int, len(t.groups))
		for i := range groups {
			groups[i] = i
		}
		slices.SortFunc(groups, func(a, b int) int {
			x, y := &t.groups[a], &t.groups[b]
			if order := strings.Compare(t.subscriptions[x.subscription], t.subscriptions[y.subscription]); order != 0 {
				return order
			}
			return strings.Compare(x.name+"/", y.name+"/")
		})
		t.order.rows = make([]uint32, 0, len(t.rows))
		var ids [groupSize]string
		for _, g := range groups {
			first := g * groupSize
			rows := slices.Clone(t.rows[first:min(first+groupSize, len(t.rows))])
			for _, row := range rows {
				ids[int(row)-first] = t.Text(row, idColumn)
			}
			slices.SortFunc(rows, func(a, b uint32) int { return strings.Compare(ids[int(a)-first], ids[int(b)-first]) })
			t.order.rows = append(t.order.rows, rows...)
		}
	})
	return t.order.rows
}

// mix is a random number that follows from its arguments: SplitMix64's finaliser over their sum.
func mix(seed, a, b uint64) uint64 {
	x := seed*0x9e3779b97f4a7c15 + a*0xd1b54a32d192ed03 + b*0x8cb92ba72f3d8dd7
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func guidOf(seed, a, b uint64) string { return string(appendGUID(nil, seed, a, b)) }

// appendGUID writes a version 4 GUID that follows from its arguments.
func appendGUID(dst []byte, seed, a, b uint64) []byte {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], mix(seed, a, b))
	binary.BigEndian.PutUint64(raw[8:], mix(seed+1, a, b))
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	for i, part := range [][]byte{raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}
