package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// links are the proxies of toxiproxy between the processes of a cluster: one for each pair, and each way to begin a connection.
type links struct {
	server *toxiproxy.ApiServer

	mu  sync.Mutex
	all []*link
}

// link is one proxy.
type link struct {
	from, to         string
	listen, upstream string
	server           *toxiproxy.ApiServer
	proxy            *toxiproxy.Proxy // nil while it is cut
	troubled         bool
}

// What may be wrong with a link.
const (
	cut      = "cut"       // what is open is closed, what comes is refused
	slow     = "slow"      // 200 ms each way, give or take 100, and 200 kB/s
	reset    = "reset"     // what is open is reset, and so is what comes
	halfOpen = "half open" // what is open stays so, what comes is taken, and nothing is carried
)

// toxics are those of each trouble, for both directions.
var toxics = map[string][]string{
	slow:     {`{"type":"latency","attributes":{"latency":200,"jitter":100}}`, `{"type":"bandwidth","attributes":{"rate":200}}`},
	reset:    {`{"type":"reset_peer","attributes":{"timeout":0}}`},
	halfOpen: {`{"type":"timeout","attributes":{"timeout":0}}`},
}

func newLinks() *links {
	return &links{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())}
}

// lay is cluster.Options.Link.
func (l *links) lay(from, to, address string) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, known := range l.all {
		if known.from == from && known.to == to && known.upstream == address {
			return known.listen, nil
		}
	}
	made := &link{from: from, to: to, listen: "[::1]:0", upstream: address, server: l.server} // no port that a process is to have
	if err := made.mend(); err != nil {
		return "", err
	}
	l.all = append(l.all, made)
	return made.listen, nil
}

// of are the links for which is says yes.
func (l *links) of(is func(from, to string) bool) (some []*link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		if is(one.from, one.to) {
			some = append(some, one)
		}
	}
	return some
}

// around are the links between a process and every one that matters.
func (l *links) around(name string, matters func(other string) bool) []*link {
	return l.of(func(from, to string) bool { return from == name && matters(to) || to == name && matters(from) })
}

func isNATS(name string) bool { return strings.HasPrefix(name, "nats-") }
func anyone(string) bool      { return true }

// trouble makes trouble on a link, for what is open, too. A link that is in trouble stays as it is.
func (l *link) trouble(kind string) error {
	if l.troubled {
		return nil
	}
	l.troubled = true
	if kind == cut {
		l.stop()
		return nil
	}
	for i, toxic := range toxics[kind] {
		for _, stream := range []string{"upstream", "downstream"} {
			named := fmt.Sprintf(`{"name":"%s-%d","stream":%q,`, stream, i, stream) + strings.TrimPrefix(toxic, "{")
			if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(named)); err != nil {
				return fmt.Errorf("%s from %s to %s: %w", kind, l.from, l.to, err)
			}
		}
	}
	return nil
}

// mend lets everything through again. What was open is closed: a proxy with connections does not give up toxics reliably.
func (l *link) mend() error {
	l.stop()
	l.proxy = toxiproxy.NewProxy(l.server, l.from+" to "+l.to, l.listen, l.upstream)
	if err := l.proxy.Start(); err != nil {
		return fmt.Errorf("the proxy from %s to %s: %w", l.from, l.to, err)
	}
	l.listen, l.troubled = l.proxy.Listen, false
	return nil
}

func (l *link) stop() {
	if l.proxy != nil {
		l.proxy.Stop()
		l.proxy = nil
	}
}

// strike makes trouble on some links, and answers what mends them.
func strike(some []*link, kind string) (mend func() error, err error) {
	mend = func() error {
		for _, l := range some {
			if err := l.mend(); err != nil {
				return err
			}
		}
		return nil
	}
	for _, l := range some {
		if err := l.trouble(kind); err != nil {
			return mend, err
		}
	}
	return mend, nil
}

func (l *links) close() {
	for _, one := range l.of(func(string, string) bool { return true }) {
		one.stop()
	}
}

// deafen holds what comes from the other side, for what is open, too; what goes to it still arrives.
func (l *link) deafen() error {
	l.troubled = true
	_, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(`{"name":"deaf","stream":"downstream","type":"timeout","attributes":{"timeout":0}}`))
	return err
}
