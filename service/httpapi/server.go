package httpapi

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// suites are the cipher suites of TLS 1.2 with forward secrecy and authenticated encryption; those of TLS 1.3 all have both. Go
// alone would also take some with CBC.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Server makes the server for a handler. Requests have to arrive, and answers to be taken, within its times; streams, which the
// handler knows, only have to move on. TLS is 1.2 or newer, with forward secrecy and authenticated encryption; config may be nil,
// and is not changed.
func Server(handler http.Handler, config *tls.Config, logger *slog.Logger) *http.Server {
	if logger == nil {
		logger = slog.Default()
	}
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS12)
	if config.CipherSuites == nil {
		config.CipherSuites = suites
	}
	if len(config.NextProtos) == 0 {
		config.NextProtos = []string{"h2", "http/1.1"} // also for a listener that does TLS itself
	}
	return &http.Server{
		Handler:           handler,
		TLSConfig:         config,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       bodyPatience,
		WriteTimeout:      longestWait + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 128, // of a connection: further ones wait, and who resets many is shut out
			SendPingTimeout:      30 * time.Second,
			PingTimeout:          15 * time.Second,
			WriteByteTimeout:     streamPatience,
		},
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // handshakes of those who try, mostly
	}
}
