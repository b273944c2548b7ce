// Command play runs a cluster of the job service to play with, until it is interrupted: make cluster. Its workers scan the Azure
// simulator. What is killed is started again after a while, as an init system would.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/internal/e2e/cluster"
)

// again is how long what was killed stays away.
const again = 5 * time.Second

// starting is how long everything may take to start.
const starting = 2 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

// game is the cluster and what belongs to it.
type game struct {
	*cluster.Cluster
	bin, dir, profile string
}

func run(ctx context.Context) (err error) {
	g := &game{}
	workers, listen := 0, ""
	flag.StringVar(&g.bin, "bin", "bin", "the folder of atg's programs")
	flag.StringVar(&g.dir, "dir", "", "where everything is kept; a temporary folder unless it is named")
	flag.IntVar(&workers, "workers", 2, "how many workers there are")
	flag.StringVar(&listen, "listen", "127.0.0.1:8443", "address of the API, at the balancer")
	flag.Parse()
	if g.dir == "" {
		if g.dir, err = os.MkdirTemp("", "atg-cluster-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(g.dir) }()
	}
	g.say("building nats-server")
	nats, err := cluster.BuildNATS(ctx, g.dir)
	if err != nil {
		return err
	}
	sim, env, err := g.simulate()
	if err != nil {
		return err
	}
	defer sim()
	if g.Cluster, err = cluster.New(cluster.Options{Dir: g.dir, Bin: g.bin, NATS: nats, Workers: workers, Env: env, Listen: listen}); err != nil {
		return err
	}
	defer g.Close()
	g.say("starting %d NATS servers, %d API nodes and %d workers", len(g.Servers), len(g.APIs), len(g.Workers))
	began := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, starting, fmt.Errorf("not ready after %s; the logs are %s/*/log", starting, g.dir))
	defer cancel()
	switch err := g.Start(limited); {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	if err := g.writeProfile(); err != nil {
		return err
	}
	defer func() { _ = os.Remove(g.profile) }()
	g.say("ready after %.1f s", time.Since(began).Seconds())
	if err := g.explain(os.Stdout); err != nil {
		return err
	}
	g.supervise(ctx)
	g.say("ending")
	return nil
}

func (g *game) say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// simulate starts the Azure simulator, and answers what ends it and the variables by which backends reach it.
func (g *game) simulate() (end func(), env []string, err error) {
	g.say("starting the Azure simulator")
	cmd := exec.Command(filepath.Join(g.bin, "atg-azuresim"), "serve", "--until-stdin-closes", "--state-dir", filepath.Join(g.dir, "azure"))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	end = func() { _, _ = stdin.Close(), cmd.Wait() }
	var ready struct {
		Env map[string]string `json:"env"`
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil {
		end()
		return nil, nil, fmt.Errorf("the simulator does not start: %w", err)
	}
	for name, value := range ready.Env {
		env = append(env, name+"="+value)
	}
	return end, env, nil
}

// profileName is the profile by which atg reaches the cluster.
const profileName = "cluster"

// writeProfile writes it among the user's profiles, as atg-server start --dev does.
func (g *game) writeProfile() error {
	paths, err := config.FindPaths("", os.Environ())
	if err != nil {
		return err
	}
	content, err := json.MarshalIndent(map[string]any{"backend": "remote", "backends": map[string]any{"remote": map[string]any{
		"settings": map[string]any{"service_url": g.URL, "ca_file": g.CAFile, "api_key": g.Key},
	}}}, "", "  ") // a JSON text is a YAML text
	if err != nil {
		return err
	}
	g.profile = filepath.Join(paths.ProfileDir(), profileName+".yaml")
	return errors.Join(os.MkdirAll(filepath.Dir(g.profile), 0o700), os.WriteFile(g.profile, content, 0o600))
}

// explain says what runs, and what can be done with it.
func (g *game) explain(to io.Writer) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "\n%-10s %-18s %-8s %s\n", "", "ADDRESS", "PID", "LOG")
	for _, p := range g.Processes() {
		fmt.Fprintf(&out, "%-10s %-18s %-8d %s\n", p.Name, p.Address, p.PID(), p.LogFile())
	}
	fmt.Fprintf(&out, "%-10s %-18s\n\n", "balancer", g.Balancer.Address)
	atg := filepath.Join(g.bin, "atg") + " --profile " + profileName
	fmt.Fprintf(&out, "In another terminal, in this folder, through the balancer (the profile is %s):\n\n  %s scan\n  %s job list\n\n", g.profile, atg, atg)
	fmt.Fprintf(&out, "Any API node answers for any job:\n\n")
	for _, api := range g.APIs {
		fmt.Fprintf(&out, "  ATG_SERVICE_URL=https://%s %s job list\n", api.Address, atg)
	}
	fmt.Fprintf(&out, "\nWhat is killed is started again after %s, and no job is lost. Try it in the middle of a scan:\n\n", again)
	for _, p := range []*cluster.Process{g.Workers[0], g.APIs[0], g.Servers[0]} {
		fmt.Fprintf(&out, "  kill -9 %-8d # %s\n", p.PID(), p.Name)
	}
	fmt.Fprintf(&out, "\nCtrl-C ends everything and removes %s.\n\n", g.dir)
	_, err := to.Write(out.Bytes())
	return err
}

// supervise starts again what ends, until ctx does.
func (g *game) supervise(ctx context.Context) {
	var all sync.WaitGroup
	for _, p := range g.Processes() {
		all.Go(func() {
			for ended := p.Ended(); ; ended = p.Ended() {
				if ended != nil {
					select {
					case <-ended:
						g.say("%s has ended; it is started again in %s", p.Name, again)
					case <-ctx.Done():
						return
					}
				}
				select {
				case <-time.After(again):
				case <-ctx.Done():
					return
				}
				limited, cancel := context.WithTimeout(ctx, starting)
				err := p.Start(limited)
				cancel()
				switch {
				case ctx.Err() != nil:
					return
				case err != nil:
					g.say("%v", err)
				default:
					g.say("%s runs again, as %d", p.Name, p.PID())
				}
			}
		})
	}
	all.Wait()
}
