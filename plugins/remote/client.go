package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azure-tenant-grapher/atg/internal/buildinfo"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// RemoteClient speaks with a job service. Its calls may come concurrently. Every error is a
// *fault.Fault: what the service refused as the service said it, an authentication fault where it did not
// take the key, fault.ServiceUnavailable where it could not be reached, and fault.RemoteFailed where what came back is
// no answer of a job service. A call that its context ended answers the context's cause.
type RemoteClient struct { //nolint:revive // the name that the specification gives it
	config  backend.ATGClientConfig
	base    *url.URL // of the service, without a slash at its end
	trace   trace    // of all that this client asks for
	options options
	life    context.Context // ends with Close
	end     context.CancelFunc

	clients  clients
	key      keyCheck
	able     capable
	statuses statuses
	notices  notices
	patient  chan struct{} // see maxPatient
	hurried  atomic.Bool   // something between lets the service hold no answer
}

// options are what tests replace.
type options struct {
	transport http.RoundTripper                                                 // instead of the network
	dial      func(ctx context.Context, network, addr string) (net.Conn, error) // instead of a net.Dialer
	cacheDir  func() (string, error)                                            // instead of the user's
}

// NewRemoteClient makes a client of the service that config names; a configuration that Validate refuses in remote mode is
// fault.ConfigInvalid. It reads no file and reaches nothing before the first call. Of ctx it takes the values, not the end:
// that is Close.
func NewRemoteClient(ctx context.Context, config backend.ATGClientConfig) (*RemoteClient, error) {
	config.RemoteMode = true
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return newClient(ctx, config, options{})
}

func newClient(ctx context.Context, config backend.ATGClientConfig, o options) (*RemoteClient, error) {
	base, err := url.Parse(strings.TrimRight(config.ServiceURL, "/"))
	if err != nil {
		return nil, fault.New(fault.ConfigInvalid, "the service's address is no URL")
	}
	base.Host = strings.ToLower(base.Host)
	if o.cacheDir == nil {
		o.cacheDir = cacheDir
	}
	c := &RemoteClient{config: config, base: base, trace: traceOf(""), options: o, patient: make(chan struct{}, maxPatient)}
	c.key.turn, c.able.turn = make(chan struct{}, 1), make(chan struct{}, 1)
	c.life, c.end = context.WithCancel(context.WithoutCancel(ctx))
	return c, nil
}

// Close ends what is under way and releases the connections. It may come more than once. Jobs go on.
func (c *RemoteClient) Close() error {
	c.end()
	c.clients.closeIdle()
	return nil
}

// alive is ctx that also ends with the client. The function releases it.
func (c *RemoteClient) alive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	end := func() {
		cancel(fault.New(fault.Conflict, "the client of the job service is closed", fault.From(fault.OriginBackend)))
	}
	if c.life.Err() != nil {
		end()
	}
	stop := context.AfterFunc(c.life, end)
	return ctx, func() { stop(); cancel(nil) }
}

// origin is the service's address for people: without its path.
func (c *RemoteClient) origin() string { return c.base.Scheme + "://" + c.base.Host }

// userAgent is what every request says of its sender.
func userAgent() string { return "ATG-CLI/" + buildinfo.Version() }

// newID makes a random name, of a request or a submission.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// checkID answers what an id that no service can have given out is: not found. It would not survive the
// way through a path.
func checkID(id string, missing func(id string) error) error {
	usable := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-~:@+=", r)
	}
	if id == "" || len(id) > 200 || strings.Trim(id, ".") == "" || strings.ContainsFunc(id, func(r rune) bool { return !usable(r) }) {
		return missing(id)
	}
	return nil
}

func noJob(id string) error {
	return fault.New(fault.JobNotFound, "there is no job "+printable(id), fault.On(printable(id)), fault.From(fault.OriginBackend),
		fault.Hint("see your jobs: atg --backend remote job list"))
}

// printable shortens what somebody else wrote and removes what a terminal would not print.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return '?'
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > 100 {
		return string(runes[:100]) + "…"
	}
	return text
}

// notices tell whoever follows a job, or a download, that something has to wait.
type notices struct {
	mu        sync.Mutex
	listeners map[*func(string)]struct{}
}

// listen lets tell hear every notice, from any goroutine, until the function that it answers is called.
// It must not block.
func (n *notices) listen(tell func(string)) (leave func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = map[*func(string)]struct{}{}
	}
	n.listeners[&tell] = struct{}{}
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listeners, &tell)
	}
}

// tell says whether anybody listens.
func (n *notices) tell(text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for tell := range n.listeners {
		(*tell)(text)
	}
	return len(n.listeners) > 0
}

// wait waits, but not longer than ctx lives.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
