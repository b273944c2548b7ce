package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const (
	peerCloud     = "Simulated"
	peerResources = 10_000
	peerRuns      = 3
)

// peer has azure-cli list the same tenant as atg scans at depth resources, each as its users would: az resource list for every subscription, as JSON.
// Where there is no az, there is no figure.
func (b bench) peer(ctx context.Context) ([]figure, error) {
	az, err := exec.LookPath("az")
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: no peer_az_ratio, for azure-cli is not installed")
		return nil, nil
	}
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(peerResources), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	run := func(args ...string) ([]byte, error) {
		cmd := b.command(ctx, az, args...)
		cmd.Env = b.environment("AZURE_CONFIG_DIR="+filepath.Join(b.home, "azure"), "REQUESTS_CA_BUNDLE="+sim.ca,
			"AZURE_CORE_COLLECT_TELEMETRY=false", "AZURE_CORE_INSTANCE_DISCOVERY=false")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("az %s: %w", args[0], err) // without the secret
		}
		return out, err
	}
	url := sim.endpoint()
	for _, args := range [][]string{
		{"cloud", "register", "--name", peerCloud, "--endpoint-resource-manager", url, "--endpoint-active-directory", url,
			"--endpoint-active-directory-resource-id", url, "--endpoint-management", url, "--endpoint-active-directory-graph-resource-id", url},
		{"cloud", "set", "--name", peerCloud},
		{"login", "--service-principal", "--username", sim.values["AZURE_CLIENT_ID"], "--password", sim.values["AZURE_CLIENT_SECRET"], "--tenant", sim.values["AZURE_TENANT_ID"]},
	} {
		if _, err := run(args...); err != nil {
			return nil, err
		}
	}
	var accounts []struct {
		ID string `json:"id"`
	}
	out, err := run("account", "list", "--output", "json")
	if err == nil {
		err = json.Unmarshal(out, &accounts)
	}
	if err != nil {
		return nil, err
	}
	var own, peer []float64
	for range peerRuns {
		result, err := b.scan(ctx, sim, "--depth", "resources")
		if err != nil {
			return nil, err
		}
		own = append(own, result.wall.Seconds())
		began, listed := time.Now(), 0
		for _, account := range accounts {
			out, err := run("resource", "list", "--subscription", account.ID, "--output", "json")
			if err != nil {
				return nil, err
			}
			var resources []json.RawMessage
			if err := json.Unmarshal(out, &resources); err != nil {
				return nil, err
			}
			listed += len(resources)
		}
		peer = append(peer, time.Since(began).Seconds())
		if listed != peerResources {
			return nil, fmt.Errorf("az lists %d of %d resources", listed, peerResources)
		}
	}
	return []figure{{Name: "peer_az_ratio", Value: round(median(peer) / median(own)), Unit: "ratio", Reference: 1,
		Note: fmt.Sprintf("az resource list of %d subscriptions, one after the other, over atg scan of the same %d resources through Resource Graph, which also reads what is about them and keeps it: %.1f s over %.1f s, medians of %d",
			len(accounts), peerResources, median(peer), median(own), peerRuns)}}, nil
}
