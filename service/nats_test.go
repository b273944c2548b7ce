package service

import (
	"slices"
	"testing"
)

func TestConnectionsInTheClear(t *testing.T) {
	cases := map[string]struct {
		nats NATS
		want []string
	}{
		"embedded":                 {NATS{}, nil},
		"this machine":             {NATS{URL: "nats://127.0.0.1:4222,nats://localhost:4223, nats://[::1]:4224"}, nil},
		"encrypted":                {NATS{URL: "tls://a:4222,wss://b"}, nil},
		"with an authority":        {NATS{URL: "nats://a:4222", CA: "ca.pem"}, nil},
		"one of three":             {NATS{URL: "tls://a:4222,nats://u:p@b:4222,tls://c:4222"}, []string{"b:4222"}},
		"without a scheme":         {NATS{URL: "a:4222"}, []string{"a:4222"}},
		"a WebSocket in the clear": {NATS{URL: "ws://a"}, []string{"a"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := c.nats.inTheClear(); !slices.Equal(got, c.want) {
				t.Errorf("%v instead of %v", got, c.want)
			}
		})
	}
}
