package httpapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

func sha(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// snapshot stores a snapshot of tenant t1 and answers its id.
func (g *rig) snapshot(id, content string) string {
	g.t.Helper()
	g.snapshotOf("t1", id, content)
	return id
}

func (g *rig) snapshotOf(tenant, id, content string) {
	g.t.Helper()
	d := backend.SnapshotDetail{Snapshot: backend.Snapshot{ID: id, TenantID: tenant, Complete: true, CreatedAt: g.now(), Size: int64(len(content)), SHA256: sha(content)}}
	if _, err := g.store.Put(g.t.Context(), jobs.SnapshotFile(d.Snapshot), strings.NewReader(content), nil); err != nil {
		g.t.Fatal(err)
	}
	if err := g.store.PutSnapshot(g.t.Context(), d); err != nil {
		g.t.Fatal(err)
	}
}

// input sends an input file and answers its SHA-256.
func (g *rig) input(content string) string {
	g.t.Helper()
	sum := sha(content)
	into[backend.Input](g.t, g.do(request{method: "PUT", path: api.Fill(api.PathInput, sum), body: content}), http.StatusCreated)
	return sum
}

// dialing is how a WebSocket is opened with a key.
func (g *rig) dialing(key string) *websocket.DialOptions {
	return &websocket.DialOptions{HTTPClient: g.server.Client(), HTTPHeader: http.Header{"Authorization": {"Bearer " + key}}}
}

// watch opens a WebSocket.
func (g *rig) watch(id, query string) *websocket.Conn {
	g.t.Helper()
	conn, resp, err := websocket.Dial(g.t.Context(), g.server.URL+api.Fill(api.PathEvents, id)+query, g.dialing(g.key))
	if err != nil {
		g.t.Fatalf("%v: %+v", err, resp)
	}
	g.t.Cleanup(func() { conn.CloseNow() })
	return conn
}

// fill gives every field below v a value: slices and maps one element.
func fill(v any) { fillValue(reflect.ValueOf(v).Elem()) }

func fillValue(v reflect.Value) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1, 0).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillValue(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fillValue(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillValue(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		element := reflect.New(v.Type().Elem()).Elem()
		fillValue(element)
		v.SetMapIndex(reflect.ValueOf("key").Convert(v.Type().Key()), element)
	case reflect.String:
		v.SetString(text(v.Type()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	}
}

// text is a value that a type of text may have.
func text(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[backend.CoverageState]():
		return string(backend.CoverageDenied)
	case reflect.TypeFor[backend.Operation]():
		return string(backend.OpScan)
	case reflect.TypeFor[backend.CheckState]():
		return string(backend.CheckFailed)
	case reflect.TypeFor[backend.Severity]():
		return string(backend.SeverityError)
	}
	if t.Name() == "Origin" {
		return "azure"
	}
	return "text"
}

// asClose says whether a WebSocket was closed by the other side, and how.
func asClose(err error, closed *websocket.CloseError) bool { return errors.As(err, closed) }

func number(n uint64) string { return strconv.FormatUint(n, 10) }

// waiting waits until so many wait for changes in the store.
func (g *rig) waiting(t testing.TB, n int) {
	t.Helper()
	for g.store.Waiters() < n {
		if t.Context().Err() != nil {
			t.Fatalf("%d wait, want %d", g.store.Waiters(), n)
		}
		runtime.Gosched()
	}
}

// logged waits until the log has a text so often.
func (g *rig) logged(t testing.TB, text string, n int) {
	t.Helper()
	for strings.Count(g.log.String(), text) < n {
		if t.Context().Err() != nil {
			t.Fatalf("the log has %s %d times, want %d", text, strings.Count(g.log.String(), text), n)
		}
		runtime.Gosched()
	}
}

// withRequest gives an answer that was read by hand a request, which its problems are told with.
func withRequest(r *http.Response) *http.Response {
	r.Request = &http.Request{Method: "RAW", URL: &url.URL{Path: "/"}}
	return r
}

func readAll(t testing.TB, r *http.Response) []byte {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
