package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// target is an HTTPS server and what it takes to call it.
type target struct {
	url    string
	ca     string // file
	key    string // empty if it wants none
	config *tls.Config
}

func newTarget(url, ca, key string) (target, error) {
	config, err := trusting(ca)
	return target{url: url, ca: ca, key: key, config: config}, err
}

// trusting is the configuration of a client that trusts the authorities in a file.
func trusting(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// caller is one HTTP/1.1 connection to a target, as lean as it can be: a benchmark's two sides share the machine.
type caller struct {
	t    target
	conn net.Conn
	r    *bufio.Reader
	host string
	out  bytes.Buffer
}

func (t target) dial(ctx context.Context) (*caller, error) {
	host := strings.TrimPrefix(t.url, "https://")
	conn, err := (&tls.Dialer{Config: t.config}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, err
	}
	return &caller{t: t, conn: conn, r: bufio.NewReader(conn), host: host}, nil
}

// call sends a request and answers the body of a response of a 2xx status. Headers are whole lines.
func (c *caller) call(method, path string, body []byte, headers ...string) ([]byte, error) {
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, c.host)
	if c.t.key != "" {
		fmt.Fprintf(&c.out, "Authorization: Bearer %s\r\n", c.t.key)
	}
	if body != nil {
		fmt.Fprintf(&c.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	for _, h := range headers {
		fmt.Fprintf(&c.out, "%s\r\n", h)
	}
	c.out.WriteString("\r\n")
	c.out.Write(body)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, content)
	}
	return content, err
}

// once makes one call over a connection of its own.
func (t target) once(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	c, err := t.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	return c.call(method, path, body)
}

// watch opens a WebSocket.
func (t target) watch(ctx context.Context, path string) (*websocket.Conn, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: t.config, DisableKeepAlives: true}}
	header := http.Header{}
	if t.key != "" {
		header.Set("Authorization", "Bearer "+t.key)
	}
	//nolint:bodyclose // of a WebSocket there is none
	conn, _, err := websocket.Dial(ctx, t.url+path, &websocket.DialOptions{HTTPClient: client, HTTPHeader: header, CompressionMode: websocket.CompressionDisabled})
	return conn, err
}

// sample is what was measured of many calls.
type sample struct {
	ms   []float64 // of each call
	rate float64   // calls per second
}

// percentile is the time within which so many of a hundred calls were answered.
func (s sample) percentile(p float64) float64 { return percentile(s.ms, p) }

func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		panic("no values")
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*p/100))]
}

// errEnough ends a caller before the time is over.
var errEnough = errors.New("enough")

// load lets so many callers call, each again as soon as it was answered, for a while.
func (t target) load(ctx context.Context, callers int, d time.Duration, do func(*caller) error) (sample, error) {
	all := make([]*caller, callers)
	for i := range all {
		c, err := t.dial(ctx)
		if err != nil {
			return sample{}, err
		}
		defer func() { _ = c.conn.Close() }()
		defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
		all[i] = c
	}
	var mu sync.Mutex
	var working sync.WaitGroup
	var s sample
	var failed error
	began := time.Now()
	for _, c := range all {
		working.Go(func() {
			var ms []float64
			var err error
			for err == nil && time.Since(began) < d {
				sent := time.Now()
				if err = do(c); err == nil {
					ms = append(ms, milliseconds(time.Since(sent)))
				}
			}
			if errors.Is(err, errEnough) {
				err = nil
			}
			mu.Lock()
			defer mu.Unlock()
			s.ms = append(s.ms, ms...)
			if failed == nil {
				failed = err
			}
		})
	}
	working.Wait()
	s.rate = float64(len(s.ms)) / time.Since(began).Seconds()
	return s, failed
}
