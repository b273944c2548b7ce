package httpapi

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	bodyPatience   = 30 * time.Second // for a JSON body to arrive
	streamPatience = 60 * time.Second // for a stream to go on, either way
	streamBuffer   = 256 << 10        // bytes that are copied at once
	streamStep     = 64 << 10         // bytes that have to be written, or read, in that time
	socketReads    = 256              // bytes that are read at once from a watcher, who says nothing but pong
	socketWrites   = 1 << 10          // bytes that are written at once to one
	socketSends    = 64 << 10         // bytes that the system keeps for one
)

var streamBuffers = sync.Pool{New: func() any { b := make([]byte, streamBuffer); return &b }}

// streamWriter writes an answer that may take as long as it moves on. Errors that the standard library and the WebSocket
// library would answer as plain text it keeps instead, so that they become problems.
type streamWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	until    time.Time // the write deadline
	refused  int       // the status of the error that was kept
}

func newStreamWriter(w http.ResponseWriter, patience time.Duration) *streamWriter {
	return &streamWriter{ResponseWriter: w, control: http.NewResponseController(w), patience: patience}
}

func (s *streamWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s *streamWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		s.refused = status
		return
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *streamWriter) Write(p []byte) (written int, err error) {
	if s.refused != 0 {
		return len(p), nil
	}
	for piece := range slices.Chunk(p, streamStep) {
		if now := time.Now(); s.until.Sub(now) < s.patience/2 {
			s.until = now.Add(s.patience)
			_ = s.control.SetWriteDeadline(s.until) // where there are none, as in some tests, it goes without
		}
		n, err := s.ResponseWriter.Write(piece)
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}

// Hijack gives the connection to the WebSocket library, with buffers that suit small messages: http.Hijacker.
func (s *streamWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := s.control.Hijack()
	if err != nil {
		return nil, nil, err
	}
	bound(conn)
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn), max(socketReads, len(early)))
	if _, err := in.Peek(len(early)); err != nil { // the library takes over only what is buffered
		return nil, nil, err
	}
	return conn, bufio.NewReadWriter(in, bufio.NewWriterSize(conn, socketWrites)), nil
}

// bound bounds what the system buffers for a watcher that does not read, which would be megabytes.
func bound(conn net.Conn) {
	if over, ok := conn.(*tls.Conn); ok {
		conn = over.NetConn()
	}
	if one, ok := conn.(*connection); ok {
		conn = one.Conn
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(socketSends) // a hint
	}
}

// ReadFrom copies in pieces larger than those of io.Copy.
func (s *streamWriter) ReadFrom(src io.Reader) (int64, error) {
	b := streamBuffers.Get().(*[]byte)
	defer streamBuffers.Put(b)
	return io.CopyBuffer(struct{ io.Writer }{s}, src, *b)
}

// refusal is the error that was kept, as a fault; nil if there was none.
func (s *streamWriter) refusal() error {
	switch s.refused {
	case 0:
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		return withStatus{fault.New(fault.InvalidArgument, "the file has no such range", fault.From(fault.OriginService),
			fault.Hint("Content-Range says its size")), s.refused}
	case http.StatusPreconditionFailed:
		return withStatus{fault.New(fault.Conflict, "the file is not the one that the condition names", fault.From(fault.OriginService)), s.refused}
	case http.StatusForbidden:
		return withStatus{fault.New(fault.Forbidden, "pages of this origin may not open WebSockets here", fault.From(fault.OriginService),
			fault.Hint("ask the service's operator to allow the origin")), s.refused}
	}
	return withStatus{fault.New(fault.InvalidArgument, "the request is not as it should be", fault.From(fault.OriginService)), s.refused}
}

// streamReader reads a body that may take as long as it moves on, streamStep bytes in the time of its patience, and leaves time for
// the answer.
type streamReader struct {
	io.Reader
	control  *http.ResponseController
	patience time.Duration
	until    time.Time // the read deadline
	got      int       // bytes since it was set
}

func (s *streamReader) Read(p []byte) (int, error) {
	if now := time.Now(); s.until.IsZero() || s.got >= streamStep && s.until.Sub(now) < s.patience/2 {
		s.until, s.got = now.Add(s.patience), 0
		_ = s.control.SetReadDeadline(s.until) // as above
		_ = s.control.SetWriteDeadline(s.until.Add(bodyPatience))
	}
	n, err := s.Reader.Read(p)
	s.got += n
	return n, err
}

// erring remembers the first error of what it reads, which http.ServeContent forgets.
type erring struct {
	io.ReadSeeker
	err error
}

func (e *erring) Read(p []byte) (int, error) {
	n, err := e.ReadSeeker.Read(p)
	if err != nil && err != io.EOF && e.err == nil { //nolint:errorlint // readers return EOF as it is
		e.err = err
	}
	return n, err
}
