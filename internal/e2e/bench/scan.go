package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// scanRate scans a large synthetic tenant, simulator in a process of its own, no quota, no latency.
// The reference is the rate at which a bare client reads the same pages of rows from that simulator
// and does nothing with them.
func (b bench) scanRate(ctx context.Context) ([]figure, error) {
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	sim, err := b.startSimulator(ctx, "--synthetic", strconv.Itoa(b.scale), "--quota", "0", "--no-arm-limits")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	var rates, bare []float64
	for range 3 {
		result, err := b.scanTold(ctx, sim, "--depth", "resources", "--identities", "none")
		if err != nil {
			return nil, err
		}
		if result.synthetic() != int64(b.scale) {
			return nil, fmt.Errorf("the scan found %d of %d resources", result.synthetic(), b.scale)
		}
		rates = append(rates, float64(result.Resources)/(result.Seconds-result.graph))
		reference, err := sim.bareRate(ctx)
		if err != nil {
			return nil, err
		}
		bare = append(bare, reference.rate)
	}
	return []figure{{Name: "scan_rate", Value: round(median(rates)), Unit: "resources/s", Goal: ">= 30000", Reference: round(median(bare)),
		Note: fmt.Sprintf("%d synthetic resources at depth resources, without edges_s, medians of 3; the reference only reads the same pages and drops them", b.scale)}}, nil
}

// scanned is what atg scan -o json says.
type scanned struct {
	Complete      bool    `json:"complete"`
	Resources     int64   `json:"resources"`
	Relationships int64   `json:"relationships"`
	Subscriptions int64   `json:"subscriptions"`
	Identities    int64   `json:"identities"`
	Seconds       float64 `json:"duration_seconds"`
	Snapshot      struct {
		ID       string `json:"id"`
		TenantID string `json:"tenant_id"`
	} `json:"snapshot"`
	Coverage struct {
		Entries []struct {
			Kind   string `json:"kind"`
			Listed int64  `json:"listed"`
		} `json:"entries"`
	} `json:"coverage"`

	wall time.Duration // of the whole command
}

// listed are the rows of a kind of the ledger.
func (s scanned) listed(kind string) (rows int64) {
	for _, e := range s.Coverage.Entries {
		if e.Kind == kind {
			rows += e.Listed
		}
	}
	return rows
}

// synthetic are the rows of Resource Graph's table of resources, which --synthetic sets.
func (s scanned) synthetic() int64 { return s.listed("resources") }

// scanCommand is atg scan against a simulator.
func (b bench) scanCommand(ctx context.Context, sim *simulator, flags ...string) *exec.Cmd {
	cmd := b.command(ctx, b.program("atg"), append([]string{"scan", "-q", "-o", "json"}, flags...)...)
	cmd.Env, cmd.Stderr = b.environment(sim.env...), os.Stderr
	return cmd
}

// scan runs a whole scan.
func (b bench) scan(ctx context.Context, sim *simulator, flags ...string) (result scanned, err error) {
	cmd, began := b.scanCommand(ctx, sim, flags...), time.Now()
	out, err := cmd.Output()
	if err != nil {
		return result, fmt.Errorf("%v: %w", cmd.Args, err)
	}
	result.wall = time.Since(began)
	return result, result.read(out)
}

func (s *scanned) read(out []byte) error {
	if err := json.Unmarshal(out, s); err != nil {
		return fmt.Errorf("the scan's result: %w", err)
	}
	if !s.Complete {
		return errors.New("the scan is incomplete")
	}
	return nil
}

// apart is the benchmark in a folder of its own, which done removes: snapshots are large.
func (b bench) apart() (own bench, done func(), err error) {
	own = b
	own.home, err = os.MkdirTemp(b.home, "apart-")
	return own, func() { _ = os.RemoveAll(own.home) }, err
}

// simulator is a running atg-azuresim.
type simulator struct {
	*program
	env    []string
	ca     string
	values map[string]string
}

func (b bench) startSimulator(ctx context.Context, args ...string) (*simulator, error) {
	cmd := b.command(ctx, b.program("atg-azuresim"), append([]string{"serve", "--until-stdin-closes"}, args...)...)
	var ready struct {
		CAFile string            `json:"ca_file"`
		Env    map[string]string `json:"env"`
	}
	p, err := b.start(cmd, &ready)
	if err != nil {
		return nil, err
	}
	s := &simulator{program: p, ca: ready.CAFile, values: ready.Env}
	for name, value := range ready.Env {
		s.env = append(s.env, name+"="+value)
	}
	return s, nil
}

// bareReading is what a client saw that reads the tenant's resources page by page and drops them.
type bareReading struct {
	rows, bytes int64   // of the rows as JSON
	rate        float64 // rows per second
}

func (s *simulator) bareRate(ctx context.Context) (bareReading, error) {
	client, err := s.client()
	if err != nil {
		return bareReading{}, err
	}
	token, err := s.token(ctx, client)
	if err != nil {
		return bareReading{}, err
	}
	began, read, skip := time.Now(), bareReading{}, ""
	for {
		options := map[string]any{"resultFormat": "objectArray", "$top": 1000}
		if skip != "" {
			options["$skipToken"] = skip
		}
		page, err := s.page(ctx, client, token, map[string]any{"query": "resources | order by id asc", "options": options})
		if err != nil {
			return bareReading{}, err
		}
		read.rows += int64(page.Count)
		read.bytes += page.Bytes
		if skip = page.SkipToken; skip == "" {
			read.rate = float64(read.rows) / time.Since(began).Seconds()
			return read, nil
		}
	}
}

type page struct {
	Count     int
	SkipToken string
	Bytes     int64 // of its rows
}

// page asks for a page and reads its count and token alone.
func (s *simulator) page(ctx context.Context, client *http.Client, token string, body any) (page, error) {
	answer, err := s.post(ctx, client, s.values["ATG_AZURE_RESOURCE_MANAGER_ENDPOINT"]+
		"/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01", token, body)
	if err != nil {
		return page{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		content, _ := io.ReadAll(io.LimitReader(answer.Body, 4096))
		return page{}, fmt.Errorf("%s: %s", answer.Status, content)
	}
	return readPage(answer.Body)
}
