package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// natsModule is the program of the NATS server; its version is that of the server that atg-server embeds.
const natsModule = "github.com/nats-io/nats-server/v2"

// BuildNATS builds the program nats-server into a folder and answers its path. It needs Go and this module around the
// working directory, and takes seconds where atg-server was built with CGO_ENABLED=0 and -trimpath before: that embeds the same packages.
func BuildNATS(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "nats-server")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, natsModule)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build nats-server: %w\n%s", err, out)
	}
	return program, nil
}

// access is how the service and the servers of a cluster get at a server.
type access struct{ user, password, route string }

func newAccess() access { return access{"atg", rand.Text(), rand.Text()} }

// Permissions are what the service publishes and subscribes to, as docs/cluster.md lists them: what a NATS user has to be allowed.
var Permissions = struct{ Publish, Subscribe []string }{
	Publish: []string{
		"atg.>", "$KV.atg-records.>", "$KV.atg-snapshots.>", "$KV.atg-keys.>", "$KV.atg-files.>", "$O.atg-files.>",
		"$JS.API.INFO", "$JS.API.STREAM.>", "$JS.API.CONSUMER.>", "$JS.API.DIRECT.GET.>", "$JS.ACK.>", "$JS.FC.>",
	},
	Subscribe: []string{"_INBOX.>", "atg.>"},
}

// layServers lays the NATS servers out.
func (c *Cluster) layServers() error {
	type ports struct{ client, route, monitor string }
	all := make([]ports, c.o.Servers)
	for i := range all {
		for _, at := range []*string{&all[i].client, &all[i].route, &all[i].monitor} {
			var err error
			if *at, err = freeAddress(); err != nil {
				return err
			}
		}
	}
	for i, own := range all {
		p := &Process{Name: fmt.Sprintf("nats-%d", i+1), Address: own.client, Path: c.o.NATS}
		p.Dir = filepath.Join(c.o.Dir, p.Name)
		var routes []string
		for j, other := range all {
			if i == j {
				continue
			}
			address, err := c.o.Link(p.Name, fmt.Sprintf("nats-%d", j+1), other.route)
			if err != nil {
				return err
			}
			routes = append(routes, "tls://route:"+c.access.route+"@"+address)
		}
		file := filepath.Join(p.Dir, "nats.conf")
		if err := writeConfig(file, c.serverConfig(p, own.route, own.monitor, routes)); err != nil {
			return err
		}
		p.args, p.env = []string{"--config", file}, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.Dir}
		p.monitor = own.monitor
		p.ready = func(ctx context.Context, _ <-chan []byte) error {
			return Until(ctx, "it is not healthy", func() bool { return healthy(ctx, own.monitor) })
		}
		c.Servers = append(c.Servers, p)
	}
	return nil
}

// serverConfig is the configuration of a NATS server.
func (c *Cluster) serverConfig(p *Process, route, monitor string, routes []string) map[string]any {
	certificate := map[string]any{"cert_file": c.pki.certFile, "key_file": c.pki.keyFile, "ca_file": c.pki.caFile}
	storage := map[string]any{"store_dir": p.Dir, "max_mem": 64 << 20, "max_file": 10 << 30}
	if !c.o.Lazy {
		storage["sync_interval"] = "always"
	}
	config := map[string]any{
		"server_name": p.Name, "listen": p.Address, "http": monitor, "max_payload": 8 << 20,
		"tls":       certificate,
		"jetstream": storage,
		"accounts": map[string]any{
			"ATG": map[string]any{"jetstream": "enabled", "users": []any{map[string]any{
				"user": c.access.user, "password": c.access.password,
				"permissions": map[string]any{"publish": Permissions.Publish, "subscribe": Permissions.Subscribe},
			}}},
			"SYS": map[string]any{"users": []any{map[string]any{"user": "sys", "password": c.access.password}}},
		},
		"system_account": "SYS",
	}
	if len(routes) > 0 {
		config["cluster"] = map[string]any{
			"name": "atg", "listen": route, "routes": routes, "tls": certificate,
			"authorization": map[string]any{"user": "route", "password": c.access.route},
			// Nobody learns of an address but those it was given, so that all traffic takes the links: servers of each other neither.
			"no_advertise": true, "advertise": nowhere,
		}
	}
	return config
}

// nowhere is an address at which nobody listens.
const nowhere = "127.0.0.1:1"

// natsURL is the URL, with its credentials, by which a process reaches NATS.
func (c *Cluster) natsURL(from string) (string, error) {
	var urls []string
	for _, s := range c.Servers {
		address, err := c.o.Link(from, s.Name, s.Address)
		if err != nil {
			return "", err
		}
		urls = append(urls, "tls://"+c.access.user+":"+c.access.password+"@"+address)
	}
	return strings.Join(urls, ","), nil
}

// healthy says whether a NATS server has caught up with the others and is ready to serve.
func healthy(ctx context.Context, monitor string) bool {
	return look(ctx, monitor, "/healthz", nil) == nil
}

// look asks the monitor of a NATS server.
func look(ctx context.Context, monitor, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+monitor+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s", path, answer.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// streams is how many the service has.
const streams = 8

// Stream is what a NATS server knows of the replicas of a stream.
type Stream struct {
	Name    string
	Leader  string // the name of a process
	Current int    // how many replicas have everything, the leader included
}

// Streams are those of the service that have a leader, each as that sees it.
func (c *Cluster) Streams(ctx context.Context) ([]Stream, error) {
	var all []Stream
	var failed error
	for _, server := range c.Servers {
		if !server.Running() {
			continue
		}
		var seen struct {
			Accounts []struct {
				Name    string `json:"name"`
				Streams []struct {
					Name    string `json:"name"`
					Cluster struct {
						Leader   string `json:"leader"`
						Replicas []struct {
							Current bool `json:"current"`
							Offline bool `json:"offline"`
						} `json:"replicas"`
					} `json:"cluster"`
				} `json:"stream_detail"`
			} `json:"account_details"`
		}
		if err := look(ctx, server.monitor, "/jsz?accounts=true&streams=true", &seen); err != nil {
			failed = err
			continue
		}
		for _, a := range seen.Accounts {
			for _, s := range a.Streams {
				if a.Name != "ATG" || s.Cluster.Leader != server.Name {
					continue
				}
				stream := Stream{Name: s.Name, Leader: s.Cluster.Leader, Current: 1}
				for _, r := range s.Cluster.Replicas {
					if r.Current && !r.Offline {
						stream.Current++
					}
				}
				all = append(all, stream)
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.Join(errors.New("no stream has a leader"), failed)
	}
	return all, nil
}

// Leader waits until a stream has a leader that runs, and answers it.
func (c *Cluster) Leader(ctx context.Context, stream string) (leader *Process, err error) {
	err = Until(ctx, "the stream "+stream+" has no leader", func() bool {
		all, err := c.Streams(ctx)
		if err != nil {
			return false
		}
		for _, s := range all {
			if s.Name == stream {
				leader = c.Process(s.Leader)
			}
		}
		return leader != nil && leader.Running()
	})
	return leader, err
}

// Settled waits until every stream has a leader and as many current replicas as there are servers.
func (c *Cluster) Settled(ctx context.Context) error {
	return Until(ctx, "the replicas do not catch up", func() bool {
		all, err := c.Streams(ctx)
		if err != nil || len(all) < streams {
			return false
		}
		for _, s := range all {
			if s.Current < min(3, len(c.Servers)) {
				return false
			}
		}
		return true
	})
}

// freeAddress is an address of loopback at which nobody listens. It is below the ports that systems give to whoever asks for any: one of
// those might be given away before its server listens.
func freeAddress() (string, error) {
	const lowest, highest, tries = 15_000, 30_000, 100
	var last error
	for range tries {
		n, err := rand.Int(rand.Reader, big.NewInt(highest-lowest))
		if err != nil {
			return "", err
		}
		l, failed := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+n.Int64()))
		if failed == nil {
			return l.Addr().String(), l.Close()
		}
		last = failed
	}
	return "", last
}
