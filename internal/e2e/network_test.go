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

// network is network NAME: everything that goes to the service at $LISTEN goes through a proxy from now on, by which
// trouble is made. It sets $ATG_SERVICE_URL.
func network(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: network")
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, "service", "127.0.0.1:0", ts.Getenv("LISTEN"))
	ts.Check(proxy.Start())
	ts.Defer(proxy.Stop)
	stateOf(ts).proxy = proxy
	ts.Setenv("ATG_SERVICE_URL", "https://"+proxy.Listen)
}

// trouble is trouble KIND [ATTRIBUTES]: cut ends what is open and refuses what comes; mend takes everything back; any
// other kind is a toxic of toxiproxy, for both directions, with its attributes as JSON.
func trouble(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: trouble KIND [ATTRIBUTES]")
	}
	proxy := stateOf(ts).proxy
	switch args[0] {
	case "cut":
		proxy.Stop()
	case "mend":
		proxy.Toxics.ResetToxics(stateOf(ts).ctx)
		if !proxy.Enabled {
			ts.Check(proxy.Start())
		}
	default:
		attributes := "{}"
		if len(args) == 2 {
			attributes = args[1]
		}
		for _, stream := range []string{"upstream", "downstream"} {
			toxic := fmt.Sprintf(`{"type":%q,"stream":%q,"attributes":%s}`, args[0], stream, attributes)
			_, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
			ts.Check(err)
		}
	}
}
