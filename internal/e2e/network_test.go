//go:build unix

package e2e

import (
	"fmt"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rs/zerolog"
)

// wire is what lies between atg and the service in a script that makes trouble there.
type wire struct {
	server           *toxiproxy.ApiServer
	listen, upstream string
	proxy            *toxiproxy.Proxy // nil while it is cut
}

// network is network: everything that goes to the service at $LISTEN goes through a proxy from now on, by which
// trouble is made. It sets $ATG_SERVICE_URL.
func network(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: network")
	}
	w := &wire{
		server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop()),
		listen: "127.0.0.1:0", upstream: ts.Getenv("LISTEN"),
	}
	stateOf(ts).wire = w
	ts.Defer(w.cut)
	w.lay(ts)
	ts.Setenv("ATG_SERVICE_URL", "https://"+w.listen)
}

// cut ends what is open, and refuses what comes.
func (w *wire) cut() {
	if w.proxy != nil {
		w.proxy.Stop()
		w.proxy = nil
	}
}

// lay lets connections through, with the toxics given. A proxy is made anew each time: one that has connections
// does not take toxics reliably.
func (w *wire) lay(ts *testscript.TestScript, toxics ...string) {
	w.cut()
	w.proxy = toxiproxy.NewProxy(w.server, "service", w.listen, w.upstream)
	for _, toxic := range toxics {
		_, err := w.proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
		ts.Check(err)
	}
	ts.Check(w.proxy.Start())
	w.listen = w.proxy.Listen
}

// trouble is trouble KIND [ATTRIBUTES]…: cut ends what is open and refuses what comes; mend takes everything back; any
// other kind is a toxic of toxiproxy, for both directions, with its attributes as JSON. What was open before is cut.
func trouble(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: trouble KIND [ATTRIBUTES]…")
	}
	w := stateOf(ts).wire
	switch args[0] {
	case "cut":
		w.cut()
	case "mend":
		w.lay(ts)
	default:
		if len(args)%2 != 0 {
			ts.Fatalf("usage: trouble KIND ATTRIBUTES…")
		}
		var toxics []string
		for len(args) >= 2 {
			for _, stream := range []string{"upstream", "downstream"} {
				toxics = append(toxics, fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":%s}`, args[0], stream, args[1]))
			}
			args = args[2:]
		}
		w.lay(ts, toxics...)
	}
}
