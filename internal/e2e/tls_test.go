//go:build unix

package e2e

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"maps"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certificate is certificate: makes tls.crt, a chain of a certificate and an authority between, tls.key, of RSA, and ca.crt, the authority's.
func certificate(ts *testscript.TestScript, _ bool, _ []string) {
	root, middle, leaf := newKey(ts), newKey(ts), newKey(ts)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	between := *authority
	between.SerialNumber, between.Subject = big.NewInt(2), pkix.Name{CommonName: "between"}
	service := &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "service"}, NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	write := func(name, kind string, blocks ...[]byte) {
		var text []byte
		for _, der := range blocks {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
		}
		ts.Check(os.WriteFile(ts.MkAbs(name), text, 0o600))
	}
	sign := func(c, by *x509.Certificate, key, with *rsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, with)
		ts.Check(err)
		return der
	}
	write("ca.crt", "CERTIFICATE", sign(authority, authority, root, root))
	write("tls.crt", "CERTIFICATE", sign(service, &between, leaf, middle), sign(&between, authority, middle, root))
	write("tls.key", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(leaf))
}

func newKey(ts *testscript.TestScript) *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ts.Check(err)
	return key
}

// tlsScan is tls-scan ECDSA|RSA: offers the service at $URL, whose certificate has a key of that kind, each version, cipher suite, curve and protocol by itself, and says what it takes that
// it should not, or does not take that it should.
func tlsScan(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tls-scan ECDSA|RSA")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ts.ReadFile(ts.Getenv("CA"))))
	ctx, cancel := patience(ts)
	defer cancel()
	s := &scanner{ts: ts, ctx: ctx, address: ts.Getenv("LISTEN"), roots: roots, key: args[0]}
	s.versions()
	s.suites()
	s.curves()
	s.compression()
	s.protocols()
	s.certificate()
	s.plain()
	s.headers()
}

type scanner struct {
	ts      *testscript.TestScript
	ctx     context.Context
	address string
	roots   *x509.CertPool
	key     string // of the certificate: ECDSA or RSA
}

// offer makes one handshake.
func (s *scanner) offer(c *tls.Config) (tls.ConnectionState, error) {
	if c.RootCAs == nil {
		c.RootCAs = s.roots
	}
	conn, err := (&tls.Dialer{Config: c}).DialContext(s.ctx, "tcp", s.address)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState(), nil
}

// compare says which of the things that were offered, by name, are taken although they should not be, or the other way.
func (s *scanner) compare(what string, offers map[string]*tls.Config, want ...string) {
	var taken []string
	for _, name := range slices.Sorted(maps.Keys(offers)) {
		if _, err := s.offer(offers[name]); err == nil {
			taken = append(taken, name)
		}
	}
	slices.Sort(want)
	if !slices.Equal(taken, want) {
		s.ts.Fatalf("%s: the service takes\n  %s\nnot\n  %s", what, strings.Join(taken, "\n  "), strings.Join(want, "\n  "))
	}
}

func (s *scanner) versions() {
	offers := map[string]*tls.Config{}
	for _, v := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		offers[tls.VersionName(v)] = &tls.Config{MinVersion: v, MaxVersion: v}
	}
	s.compare("versions", offers, "TLS 1.2", "TLS 1.3")
}

// suites of TLS 1.2; those of TLS 1.3 are all good, and Go does not let one choose.
func (s *scanner) suites() {
	offers := map[string]*tls.Config{}
	var good []string
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		offers[suite.Name] = &tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}
		if strings.HasPrefix(suite.Name, "TLS_ECDHE_"+s.key+"_") && (strings.Contains(suite.Name, "_GCM_") || strings.Contains(suite.Name, "_POLY1305_")) {
			good = append(good, suite.Name)
		}
	}
	if len(offers) < 20 || len(good) != 3 {
		s.ts.Fatalf("%d suites are offered, of which %d are good: these cannot be all", len(offers), len(good))
	}
	s.compare("cipher suites", offers, good...)
}

func (s *scanner) curves() {
	offers := map[string]*tls.Config{}
	for _, c := range []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521} {
		offers[c.String()] = &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{c}}
	}
	s.compare("curves", offers, slices.Sorted(maps.Keys(offers))...)
	if state, err := s.offer(&tls.Config{MinVersion: tls.VersionTLS13}); err != nil || state.CurveID != tls.X25519MLKEM768 {
		s.ts.Fatalf("of all curves the service takes %v, %v, not the one that a quantum computer does not break", state.CurveID, err)
	}
}

// compression offers to compress, which Go does not let one: the hello is written by hand (RFC 5246, 7.4.1.2).
func (s *scanner) compression() {
	const deflate, null = 1, 0
	if method, alert := s.hello(deflate, null); alert || method != null {
		s.ts.Fatalf("offered to compress, the service chooses the method %d (refused: %v)", method, alert)
	}
	if _, alert := s.hello(deflate); !alert {
		s.ts.Fatalf("a client that insists on compression is taken")
	}
}

// hello says hello with compression methods, and answers the one that the service chooses, or that it refuses.
func (s *scanner) hello(methods ...byte) (chosen byte, alert bool) {
	u16 := func(n int) []byte { return []byte{byte(n >> 8), byte(n)} }
	sized := func(b []byte) []byte { return append(u16(len(b)), b...) }
	extension := func(id int, b []byte) []byte { return append(u16(id), sized(b)...) }
	extensions := slices.Concat(
		extension(10, sized(u16(int(tls.CurveP256)))), extension(11, []byte{1, 0}), extension(13, sized(append(u16(int(tls.ECDSAWithP256AndSHA256)), u16(int(tls.PSSWithSHA256))...))),
	)
	body := slices.Concat(u16(tls.VersionTLS12), make([]byte, 32), []byte{0}, sized(append(u16(int(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)), u16(int(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256))...)),
		[]byte{byte(len(methods))}, methods, sized(extensions))
	const handshake, clientHello, serverHello = 22, 1, 2
	message := append([]byte{clientHello, 0}, sized(body)...)
	conn, err := (&net.Dialer{}).DialContext(s.ctx, "tcp", s.address)
	s.ts.Check(err)
	defer func() { _ = conn.Close() }()
	_, err = conn.Write(append([]byte{handshake, 3, 1}, sized(message)...))
	s.ts.Check(err)
	// A record's header, a message's header, version, random, an empty session or one of 32 bytes, suite.
	answer := make([]byte, 5+4+2+32+1)
	if n, _ := io.ReadFull(conn, answer); n < 7 || answer[0] != handshake || answer[5] != serverHello {
		return 0, true
	}
	rest := make([]byte, int(answer[43])+2+1)
	_, err = io.ReadFull(conn, rest)
	s.ts.Check(err)
	return rest[len(rest)-1], false
}

func (s *scanner) protocols() {
	offers := map[string]*tls.Config{}
	for _, p := range []string{"h2", "http/1.1", "http/1.0", "h2c", "spdy/3", "ftp"} {
		offers[p] = &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{p}}
	}
	s.compare("protocols", offers, "h2", "http/1.1")
}

func (s *scanner) certificate() {
	state, err := s.offer(&tls.Config{MinVersion: tls.VersionTLS12})
	s.ts.Check(err)
	leaf := state.PeerCertificates[0]
	signed := map[string]x509.SignatureAlgorithm{"ECDSA": x509.ECDSAWithSHA256, "RSA": x509.SHA256WithRSA}
	switch {
	case leaf.PublicKeyAlgorithm.String() != s.key, len(state.PeerCertificates) != 2, len(state.VerifiedChains) == 0:
		s.ts.Fatalf("the service has a certificate of %v in a chain of %d", leaf.PublicKeyAlgorithm, len(state.PeerCertificates))
	case leaf.IsCA, len(leaf.DNSNames)+len(leaf.IPAddresses) == 0, leaf.SignatureAlgorithm != signed[s.key]:
		s.ts.Fatalf("the certificate has the names %v, signed by %v, and may sign others: %v", leaf.DNSNames, leaf.SignatureAlgorithm, leaf.IsCA)
	case leaf.NotAfter.Sub(leaf.NotBefore) > 32*24*time.Hour:
		s.ts.Fatalf("the certificate holds until %s", leaf.NotAfter)
	case state.CipherSuite != tls.TLS_AES_128_GCM_SHA256 && state.CipherSuite != tls.TLS_CHACHA20_POLY1305_SHA256 && state.CipherSuite != tls.TLS_AES_256_GCM_SHA384:
		s.ts.Fatalf("of all suites the service takes %s", tls.CipherSuiteName(state.CipherSuite))
	}
	if _, err := s.offer(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: "example.com"}); err == nil {
		s.ts.Fatalf("the certificate is for every name")
	}
	if _, err := s.offer(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}); err == nil {
		s.ts.Fatalf("the certificate needs no authority")
	}
}

// plain sees to it that HTTP without TLS gets nothing of the service.
func (s *scanner) plain() {
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "http://"+s.address+"/healthz", nil)
	s.ts.Check(err)
	request.Header.Set("Authorization", "Bearer "+s.ts.Getenv("KEY"))
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	s.ts.Check(err)
	if answer.StatusCode != http.StatusBadRequest || strings.Contains(string(content), "healthy") {
		s.ts.Fatalf("without TLS the service answers %s: %s", answer.Status, content)
	}
}

func (s *scanner) headers() {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	for path, status := range map[string]int{"/healthz": 200, "/api/v1/jobs": 401, "/nowhere": 404, "/openapi.json": 200} {
		request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "https://"+s.address+path, nil)
		s.ts.Check(err)
		answer, err := client.Do(request)
		s.ts.Check(err)
		_ = answer.Body.Close()
		for header, want := range map[string]string{
			"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Access-Control-Allow-Origin": "", "Server": "", "Content-Encoding": "",
		} {
			if got := answer.Header.Get(header); answer.StatusCode != status || got != want {
				s.ts.Fatalf("%s answers %s with %s %q, not %q", path, answer.Status, header, got, cmp.Or(want, "none"))
			}
		}
	}
}
