package azuresim

import (
	"container/list"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/azure-tenant-grapher/atg/internal/azuresim/kql"
	"github.com/azure-tenant-grapher/atg/internal/azuresim/tenant"
)

// page is which rows of a result an answer holds.
type page struct {
	skip, top int
	objects   bool   // objectArray; table if false
	key       string // of the query that the skip token came from, or shall go to
}

// skipToken is the content of Resource Graph's $skipToken. To a client it is opaque.
type skipToken struct {
	key         string
	offset, top int
}

func (t skipToken) String() string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s|%d|%d", t.key, t.offset, t.top))
}

func parseSkipToken(text string) (skipToken, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return skipToken{}, false
	}
	parts := strings.Split(string(raw), "|")
	if len(parts) != 3 {
		return skipToken{}, false
	}
	offset, offsetErr := strconv.Atoi(parts[1])
	top, topErr := strconv.Atoi(parts[2])
	return skipToken{key: parts[0], offset: offset, top: top},
		offsetErr == nil && topErr == nil && offset >= 0 && top >= 1 && top <= maxRows
}

// writePage renders one page. Whether a further one can be had follows the documentation: not for
// queries that bound their own result, nor without the id column, nor of dynamic columns alone.
func (s *Server) writePage(w http.ResponseWriter, r *http.Request, request *graphRequest, entry *queryEntry, p page) *armError {
	result := entry.result
	total := result.Len()
	if entry.limited {
		p.skip = skipOfLimited(request, p)
	}
	from := min(p.skip, total)
	to := min(from+p.top, total)
	truncated, token := "false", ""
	if to < total {
		if entry.limited || !result.HasID() || allDynamic(result.Columns()) {
			truncated = "true"
		} else {
			next := to
			if s.faults.on(duplicateRows) && to-from > 1 {
				next-- // the last row stands on the next page too
			}
			token = skipToken{key: p.key, offset: next, top: p.top}.String()
		}
	}
	if from/p.top%2 == 1 && s.faults.on(mixedCase) {
		result = result.MapID(otherCase)
	}
	buffer := pageBuffers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= 32<<20 {
			pageBuffers.Put(buffer)
		}
	}()
	body := (*buffer)[:0]
	body = append(body, `{"totalRecords":`...)
	body = strconv.AppendInt(body, int64(total), 10)
	body = append(body, `,"count":`...)
	body = strconv.AppendInt(body, int64(to-from), 10)
	body = append(body, `,"data":`...)
	body = appendData(body, result, from, to, p.objects)
	body = append(body, `,"facets":[],"resultTruncated":"`+truncated+`"`...)
	if token != "" {
		body = append(body, `,"$skipToken":"`+token+`"`...)
	}
	body = append(body, '}')
	*buffer = body
	if len(body) > s.config.MaxPayload {
		return s.graphFailure(w, http.StatusBadRequest, "BadRequest", detail("ResponsePayloadTooLarge", fmt.Sprintf(
			"Response payload size is %d, and has exceeded the limit of %d. Please consider querying less data at a time and make paginated call if needed.", len(body), s.config.MaxPayload)))
	}
	writeCompressed(w, r, body)
	return nil
}

// otherCase spells an id as another part of Azure would.
func otherCase(id string) string {
	segments := strings.Split(id, "/")
	for i := 1; i < len(segments); i++ {
		switch strings.ToLower(segments[i-1]) {
		case "resourcegroups":
			segments[i-1], segments[i] = "resourcegroups", strings.ToUpper(segments[i])
		case "providers":
			segments[i] = strings.ToLower(segments[i])
		}
	}
	return strings.Join(segments, "/")
}

// skipOfLimited ignores $skip, as Resource Graph does for queries with limit.
func skipOfLimited(request *graphRequest, p page) int {
	if request.Options.SkipToken == "" {
		return 0
	}
	return p.skip
}

func allDynamic(columns []kql.Column) bool {
	for _, c := range columns {
		if c.Type != kql.Dynamic {
			return false
		}
	}
	return true
}

func appendData(body []byte, result *kql.Result, from, to int, objects bool) []byte {
	if objects {
		body = append(body, '[')
		for i := from; i < to; i++ {
			if i > from {
				body = append(body, ',')
			}
			body = result.AppendObject(body, i)
		}
		return append(body, ']')
	}
	body = append(body, `{"columns":[`...)
	for i, c := range result.Columns() {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, `{"name":`...)
		body = kql.AppendString(body, c.Name)
		body = append(body, `,"type":"`+columnTypes[c.Type]+`"}`...)
	}
	body = append(body, `],"rows":[`...)
	for i := from; i < to; i++ {
		if i > from {
			body = append(body, ',')
		}
		body = result.AppendArray(body, i)
	}
	return append(body, "]}"...)
}

// columnTypes are Resource Graph's names of types in the table format.
var columnTypes = map[kql.Type]string{
	kql.String: "string", kql.Long: "integer", kql.Real: "number", kql.Bool: "boolean", kql.Dynamic: "object",
}

var (
	pageBuffers = sync.Pool{New: func() any { return new([]byte) }}
	gzipWriters = sync.Pool{New: func() any {
		writer, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return writer
	}}
)

// writeCompressed answers with JSON, compressed where the caller accepts that.
func writeCompressed(w http.ResponseWriter, r *http.Request, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	writeTyped(w, r, http.StatusOK, body)
}

// writeTyped is writeCompressed for a body whose Content-Type is set.
func writeTyped(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	header := w.Header()
	header.Set("Vary", "Accept-Encoding")
	if len(body) < 1024 || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		header.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		w.Write(body) //nolint:errcheck // the caller has gone
		return
	}
	header.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	writer := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(writer)
	writer.Reset(w)
	writer.Write(body) //nolint:errcheck // the caller has gone
	writer.Close()     //nolint:errcheck // likewise
}

// digest names a query with its scopes, which may be ten thousand.
func digest(lists ...[]string) string {
	sum := sha256.New()
	var size [8]byte
	for _, list := range lists {
		binary.BigEndian.PutUint64(size[:], uint64(len(list)))
		sum.Write(size[:])
		for _, text := range list {
			binary.BigEndian.PutUint64(size[:], uint64(len(text)))
			sum.Write(size[:])
			io.WriteString(sum, text) //nolint:errcheck // a hash takes everything
		}
	}
	return encode(sum.Sum(nil)[:18])
}

// queryEntry is an evaluated query.
type queryEntry struct {
	result  *kql.Result
	limited bool
}

// maxCachedQueries bounds the evaluated queries that are kept for their next pages, and
// maxCachedRows their rows, of four bytes each.
const (
	maxCachedQueries = 256
	maxCachedRows    = 16 << 20
)

// queryCache keeps evaluated queries, so that each page of one does not evaluate it again.
type queryCache struct {
	mu      sync.Mutex
	entries map[string]*list.Element
	order   *list.List // most recent first
	rows    int        // of all that have been evaluated
}

type cachedQuery struct {
	key    string
	tenant *tenant.Tenant
	once   sync.Once
	entry  *queryEntry
	err    error
	rows   int // that count in queryCache.rows
}

func newQueryCache() *queryCache {
	return &queryCache{entries: map[string]*list.Element{}, order: list.New()}
}

func (c *queryCache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.entries)
	c.order.Init()
	c.rows = 0
}

// get returns the query's result, evaluating it once however many ask.
func (c *queryCache) get(t *tenant.Tenant, key string, evaluate func() (*queryEntry, error)) (*queryEntry, error) {
	c.mu.Lock()
	element, ok := c.entries[key]
	if ok && element.Value.(*cachedQuery).tenant != t {
		c.drop(element)
		ok = false
	}
	if ok {
		c.order.MoveToFront(element)
	} else {
		element = c.order.PushFront(&cachedQuery{key: key, tenant: t})
		c.entries[key] = element
	}
	c.mu.Unlock()
	cached := element.Value.(*cachedQuery)
	cached.once.Do(func() {
		cached.entry, cached.err = evaluate()
		c.mu.Lock()
		defer c.mu.Unlock()
		if cached.entry != nil && c.entries[key] == element {
			cached.rows = cached.entry.result.Len()
			c.rows += cached.rows
		}
		for c.order.Len() > 1 && (c.order.Len() > maxCachedQueries || c.rows > maxCachedRows) {
			c.drop(c.order.Back())
		}
	})
	return cached.entry, cached.err
}

func (c *queryCache) drop(element *list.Element) {
	cached := c.order.Remove(element).(*cachedQuery)
	c.rows -= cached.rows
	delete(c.entries, cached.key)
}
