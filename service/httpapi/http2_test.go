package httpapi_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/azure-tenant-grapher/atg/shared/api"
)

// http2Conn is an HTTP/2 connection whose frames the test writes.
type http2Conn struct {
	net.Conn
	*http2.Framer
	headers bytes.Buffer
	encoder *hpack.Encoder
}

// http2 opens an HTTP/2 connection.
func (g *rig) http2() *http2Conn {
	g.t.Helper()
	c := &http2Conn{Conn: g.raw("h2")}
	c.Framer, c.encoder = http2.NewFramer(c.Conn, c.Conn), hpack.NewEncoder(&c.headers)
	if _, err := io.WriteString(c.Conn, http2.ClientPreface); err != nil {
		g.t.Fatal(err)
	}
	if err := c.WriteSettings(); err != nil {
		g.t.Fatal(err)
	}
	return c
}

// get begins a request.
func (c *http2Conn) get(g *rig, stream uint32, path string) error {
	c.headers.Reset()
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "x"}, {":path", path}, {"authorization", "Bearer " + g.key}} {
		if err := c.encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return err
		}
	}
	return c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.headers.Bytes(), EndStream: true, EndHeaders: true})
}

// ends reads frames until the service ends the connection.
func (c *http2Conn) ends() {
	for {
		if _, err := c.ReadFrame(); err != nil {
			return
		}
	}
}

// Connections that abuse HTTP/2 are ended by themselves; others are not hurt.
func TestAbuseOfHTTP2(t *testing.T) {
	cases := map[string]func(*rig, *http2Conn){
		// CVE-2023-44487: requests that are taken back cost the service work and the caller nothing.
		"rapid reset": func(g *rig, c *http2Conn) {
			for n := range uint32(100_000) {
				if c.get(g, 2*n+1, api.PathJobs) != nil || c.WriteRSTStream(2*n+1, http2.ErrCodeCancel) != nil {
					return
				}
			}
		},
		// CVE-2019-9512: each of these wants an answer.
		"a flood of pings": func(_ *rig, c *http2Conn) {
			for range 1_000_000 {
				if c.WritePing(false, [8]byte{}) != nil {
					return
				}
			}
		},
		// CVE-2024-27316, CVE-2023-45288: headers without end.
		"continuation without end": func(_ *rig, c *http2Conn) {
			c.headers.Reset()
			_ = c.encoder.WriteField(hpack.HeaderField{Name: "x-a", Value: string(bytes.Repeat([]byte("x"), 8000))})
			field := bytes.Clone(c.headers.Bytes())
			if c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: field}) != nil {
				return
			}
			for range 100_000 {
				if c.WriteContinuation(1, false, field) != nil {
					return
				}
			}
		},
	}
	for name, abuse := range cases {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, nil)
			c := g.http2()
			abuse(g, c) // it writes, and reads nothing
			c.ends()
			if a := g.get(api.PathAuth); a.StatusCode != http.StatusOK || a.ProtoMajor != 2 {
				t.Errorf("another connection: %d over %s", a.StatusCode, a.Proto)
			}
		})
	}
}

func TestStreamsOfAConnectionAreLimited(t *testing.T) {
	g := newRig(t, nil)
	c := g.http2()
	for {
		f, err := c.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		settings, ok := f.(*http2.SettingsFrame)
		if !ok || settings.IsAck() {
			continue
		}
		if most, ok := settings.Value(http2.SettingMaxConcurrentStreams); !ok || most != 128 {
			t.Errorf("the service lets a connection have %d streams", most)
		}
		return
	}
}
