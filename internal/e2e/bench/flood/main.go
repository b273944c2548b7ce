// Command flood submits jobs to the service over connections that stay open, and prints what became of them as one JSON object. It is a
// process of its own, and does as little as it can, because a benchmark's two sides share the machine.
//
// Without -rate each connection submits again as soon as it was answered. With it, so many are submitted each second
// whatever becomes of them, and times count from when a submission was due: one that waits for a free connection
// has begun to wait. Those for which there is none for long are counted as not sent.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// report is what is printed. Times are in milliseconds.
type report struct {
	Seconds     float64        `json:"seconds"`
	Sent        int            `json:"sent"`
	Accepted    int            `json:"accepted"`
	Refused     map[string]int `json:"refused"` // by status
	Unclear     int            `json:"unclear"` // refusals without Retry-After
	Unsent      int            `json:"unsent"`
	AcceptedP50 float64        `json:"accepted_p50"`
	AcceptedP99 float64        `json:"accepted_p99"`
	AcceptedMax float64        `json:"accepted_max"`
	RefusedP50  float64        `json:"refused_p50"`
	RefusedP99  float64        `json:"refused_p99"`
}

// flood is a run.
type flood struct {
	config    *tls.Config
	host      string
	key, name string
	path      string
	body      string
	rate      float64
	conns     int
	span      time.Duration
	due       chan time.Time
	mu        sync.Mutex
	report    report
	ms, noMS  []float64
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var f flood
	var ca string
	flag.StringVar(&f.host, "host", "", "host and port of the service")
	flag.StringVar(&ca, "ca", "", "PEM file of its certificate authority")
	flag.StringVar(&f.name, "name", "flood", "what idempotency keys begin with")
	flag.StringVar(&f.path, "path", "", "where submissions go")
	flag.StringVar(&f.body, "body", "{}", "what is submitted")
	flag.Float64Var(&f.rate, "rate", 0, "submissions a second; 0 is one after the other on each connection")
	flag.IntVar(&f.conns, "conns", 64, "connections")
	flag.DurationVar(&f.span, "for", time.Second, "how long")
	flag.Parse()
	f.key = os.Getenv("FLOOD_KEY")
	pem, err := os.ReadFile(ca)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	f.config = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	if err := f.submit(ctx); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(f.report)
}

// submit submits for as long as it should.
func (f *flood) submit(ctx context.Context) error {
	all := make([]net.Conn, f.conns)
	for i := range all {
		conn, err := (&tls.Dialer{Config: f.config}).DialContext(ctx, "tcp", f.host)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		// The service closes connections that ask for nothing at first.
		if _, err := fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", f.host); err != nil {
			return err
		}
		if _, _, err := answer(bufio.NewReader(conn)); err != nil {
			return err
		}
		all[i] = conn
	}
	f.report.Refused = map[string]int{}
	f.due = make(chan time.Time)
	began := time.Now()
	var working sync.WaitGroup
	failed := make(chan error, len(all))
	for i, conn := range all {
		working.Go(func() { failed <- f.work(conn, i, began) })
	}
	if f.rate > 0 {
		f.schedule(began)
	}
	working.Wait()
	close(failed)
	f.report.Seconds = time.Since(began).Seconds()
	slices.Sort(f.ms)
	slices.Sort(f.noMS)
	f.report.AcceptedP50, f.report.AcceptedP99, f.report.AcceptedMax = of(f.ms, 50), of(f.ms, 99), of(f.ms, 100)
	f.report.RefusedP50, f.report.RefusedP99 = of(f.noMS, 50), of(f.noMS, 99)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// schedule says when submissions are due.
func (f *flood) schedule(began time.Time) {
	defer close(f.due)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	scheduled := 0
	for now := range tick.C {
		passed := min(now.Sub(began), f.span)
		for ; float64(scheduled) < passed.Seconds()*f.rate; scheduled++ {
			select {
			case f.due <- began.Add(time.Duration(float64(scheduled) / f.rate * float64(time.Second))):
			default:
				f.report.Unsent++
			}
		}
		if passed == f.span {
			return
		}
	}
}

// work submits over one connection.
func (f *flood) work(conn net.Conn, n int, began time.Time) error {
	r := bufio.NewReaderSize(conn, 2048)
	before := []byte("POST " + f.path + " HTTP/1.1\r\nHost: " + f.host + "\r\nAuthorization: Bearer " + f.key + "\r\nContent-Type: application/json\r\nContent-Length: " +
		strconv.Itoa(len(f.body)) + "\r\nIdempotency-Key: " + f.name + "-" + strconv.Itoa(n) + "-")
	var ms, noMS []float64
	refused := map[string]int{}
	unclear := 0
	out := make([]byte, 0, 2048)
	err := func() error {
		for i := 0; ; i++ {
			sent := time.Now()
			if f.rate > 0 {
				due, open := <-f.due
				if !open {
					return nil
				}
				sent = due
			} else if sent.Sub(began) > f.span {
				return nil
			}
			out = append(strconv.AppendInt(append(out[:0], before...), int64(i), 10), "\r\n\r\n"...)
			if _, err := conn.Write(append(out, f.body...)); err != nil {
				return err
			}
			status, retry, err := answer(r)
			if err != nil {
				return err
			}
			took := float64(time.Since(sent).Microseconds()) / 1000
			if status == "202" {
				ms = append(ms, took)
				continue
			}
			noMS = append(noMS, took)
			refused[status]++
			if !retry {
				unclear++
			}
		}
	}()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ms, f.noMS = append(f.ms, ms...), append(f.noMS, noMS...)
	f.report.Accepted += len(ms)
	f.report.Sent += len(ms) + len(noMS)
	f.report.Unclear += unclear
	for status, count := range refused {
		f.report.Refused[status] += count
	}
	return err
}

var (
	contentLength = []byte("Content-Length: ")
	retryAfter    = []byte("Retry-After: ")
)

// answer reads an answer, and drops its body.
func answer(r *bufio.Reader) (status string, retry bool, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", false, err
	}
	if len(line) < 12 {
		return "", false, errors.New("no HTTP")
	}
	status = string(line[9:12])
	length := 0
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return "", false, err
		}
		if len(line) <= 2 {
			break
		}
		if value, found := bytes.CutPrefix(line, contentLength); found {
			if length, err = strconv.Atoi(strings.TrimSpace(string(value))); err != nil {
				return "", false, err
			}
		}
		retry = retry || bytes.HasPrefix(line, retryAfter)
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return status, retry, err
}

// of is the time within which so many of a hundred were answered; 0 if there are none.
func of(sorted []float64, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}
