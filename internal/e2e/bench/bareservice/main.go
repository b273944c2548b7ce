// Command bareservice is the reference of the job service's figures: the least that an HTTPS server of the same answers can be.
// It prints {"url","ca_file"} when it is ready and ends when its standard input does.
//
//	PUT /answer           takes a text
//	GET /answer           answers it
//	GET /watch            a WebSocket that gets one message and then nothing
//	GET /watch?every=1s   a WebSocket that gets the time, in nanoseconds since 1970, so often
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bareservice:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: bareservice FILE, which gets the certificate")
	}
	certificate, err := selfSigned(os.Args[1])
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	var answer atomic.Pointer[[]byte]
	http.HandleFunc("PUT /answer", func(_ http.ResponseWriter, r *http.Request) {
		if content, err := io.ReadAll(r.Body); err == nil {
			answer.Store(&content)
		}
	})
	http.HandleFunc("GET /answer", func(w http.ResponseWriter, _ *http.Request) {
		content := *answer.Load()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content)
	})
	http.HandleFunc("GET /watch", watch)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(listener, "", "") }()
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); ended <- nil }()
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"url": "https://" + listener.Addr().String(), "ca_file": os.Args[1]}); err != nil {
		return err
	}
	return <-ended
}

func watch(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	gone := conn.CloseRead(r.Context())
	tell := func() error {
		return conn.Write(gone, websocket.MessageText, strconv.AppendInt(nil, time.Now().UnixNano(), 10))
	}
	every, err := time.ParseDuration(r.URL.Query().Get("every"))
	if err != nil {
		if tell() == nil {
			<-gone.Done()
		}
		return
	}
	wait(gone, every, tell)
}

func wait(ctx context.Context, every time.Duration, tell func() error) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if tell() != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// selfSigned makes a certificate for this machine and writes it to a file.
func selfSigned(file string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
