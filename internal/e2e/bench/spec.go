package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	specRuns          = 3
	specSubscriptions = 4
	specScaleDown     = 10 // of the resources of the other measures
	specLatency       = "50ms"
	// specExcess is by how much more resources are generated than shall be planned: what Azure makes by itself is in no
	// specification.
	specExcess = 1.16

	// Writes that Resource Manager lets a principal make in a subscription: so many at once, and so many more each second.
	// https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling
	specWrites, specWriteRate = 200, 10
)

var (
	secretPattern = regexp.MustCompile(`\$\{secret:([^}]+)\}`)
	blockPattern  = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
)

// spec times the planning of a specification that was generated of a tenth of the usual resources, holds its memory against that of a
// tenth of these, and deploys it.
func (b bench) spec(ctx context.Context) ([]figure, error) {
	n := b.scale / specScaleDown
	large, err := b.specified(ctx, n, specRuns)
	if err != nil {
		return nil, err
	}
	small, err := b.specified(ctx, n/specScaleDown, 1)
	if err != nil {
		return nil, err
	}
	took := large.deployed.Seconds()
	alone := max(1, (float64(large.planned)/specSubscriptions-specWrites)/specWriteRate)
	return []figure{
		{Name: "spec_plan_s", Value: round(median(large.seconds)), Unit: "s", Goal: "<= 3", Reference: round(median(large.bare)),
			Note: fmt.Sprintf("atg create-tenant --dry-run of %d resources in %d MB for empty subscriptions, whole commands, median of %d; the reference only decodes the YAML",
				large.planned, large.size>>20, specRuns)},
		{Name: "spec_plan_rss_growth", Value: round(large.peak / small.peak), Unit: "ratio", Goal: "<= 1.5", Reference: 1,
			Note: fmt.Sprintf("peak memory of the backend in these at %d resources over that at %d: %.0f over %.0f MiB", large.planned, small.planned, large.peak, small.peak)},
		{Name: "create_rss_growth", Value: round(large.deploying / small.deploying), Unit: "ratio", Goal: "<= 1.5", Reference: 1,
			Note: fmt.Sprintf("as spec_plan_rss_growth, of the deployments of create_rate: %.0f over %.0f MiB", large.deploying, small.deploying)},
		{Name: "create_rate", Value: round(float64(large.planned) / took), Unit: "resources/s", Reference: round(float64(large.planned) / alone),
			Note: fmt.Sprintf("%d resources in %d subscriptions, answers taking %s, calls limited as Azure does, whole command: %.1f s, %d deployments, each one write. "+
				"The reference is the bound for who writes each resource by itself: %d writes at once in each subscription, then %d a second",
				large.planned, specSubscriptions, specLatency, took, large.deployments, specWrites, specWriteRate)},
	}, nil
}

// specified is what one specification took.
type specified struct {
	seconds, bare []float64 // of each plan, and of each reading of its YAML alone
	peak          float64   // the most memory of the backend, in MiB
	deploying     float64   // that of the deployment
	planned       int       // resources
	size          int       // bytes
	deployed      time.Duration
	deployments   int
}

// specified writes a tenant of about so many resources down, plans that some times for the same subscriptions with nothing in them, and
// deploys it there.
func (b bench) specified(ctx context.Context, resources, runs int) (*specified, error) {
	b, done, err := b.apart()
	if err != nil {
		return nil, err
	}
	defer done()
	served := func(more ...string) (*simulator, error) {
		return b.startSimulator(ctx, append([]string{
			"--synthetic", strconv.Itoa(int(float64(resources) * specExcess)), "--subscriptions", strconv.Itoa(specSubscriptions), "--quota", "0",
		}, more...)...)
	}
	sim, err := served("--no-arm-limits")
	if err != nil {
		return nil, err
	}
	defer sim.stop()
	file, content, err := b.specification(ctx, sim)
	if err != nil {
		return nil, err
	}
	s := &specified{size: len(content)}
	empty, err := served("--no-arm-limits", "--without-resources")
	if err != nil {
		return nil, err
	}
	defer empty.stop()
	for range runs {
		if err := b.planOnce(ctx, b.createCommand(ctx, empty, file, content, "--dry-run"), s); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := bareBlocks(content); err != nil {
			return nil, err
		}
		s.bare = append(s.bare, time.Since(began).Seconds())
	}
	limited, err := served("--without-resources", "--latency", specLatency)
	if err != nil {
		return nil, err
	}
	defer limited.stop()
	return s, s.deploy(b.createCommand(ctx, limited, file, content, "--yes"))
}

// specification scans a tenant and writes it down.
func (b bench) specification(ctx context.Context, sim *simulator) (file string, content []byte, err error) {
	if _, err := b.scan(ctx, sim, "--depth", "resources"); err != nil {
		return "", nil, err
	}
	file = filepath.Join(b.home, "spec.md")
	cmd := b.command(ctx, b.program("atg"), "generate-spec", "-q", "--output", file)
	cmd.Env = b.environment(sim.env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	content, err = os.ReadFile(file)
	return file, content, err
}

// createCommand is atg create-tenant against a simulator, with a value for each secret of the specification.
func (b bench) createCommand(ctx context.Context, sim *simulator, file string, content []byte, how string) *exec.Cmd {
	cmd := b.command(ctx, b.program("atg"), "create-tenant", file, how, "-q", "-o", "json")
	cmd.Env, cmd.Stderr = b.environment(sim.env...), os.Stderr
	for _, m := range secretPattern.FindAllSubmatch(content, -1) {
		name := strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(string(m[1])))
		cmd.Env = append(cmd.Env, "ATG_SECRET_"+name+"=a Value for 2026!")
	}
	return cmd
}

// planOnce runs a dry run, and looks at its memory meanwhile.
func (b bench) planOnce(ctx context.Context, cmd *exec.Cmd, s *specified) error {
	out, took, most, err := glanced(cmd)
	if err != nil {
		return err
	}
	var result struct {
		Plan struct {
			Changes []struct {
				Action string `json:"action"`
			} `json:"changes"`
		} `json:"plan"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	for _, change := range result.Plan.Changes {
		if change.Action != "create" {
			return fmt.Errorf("the plan for empty subscriptions has an action %s", change.Action)
		}
	}
	if s.planned = len(result.Plan.Changes); s.planned == 0 || most == 0 {
		return fmt.Errorf("the plan has %d resources, and its backend took %.0f MiB", s.planned, most)
	}
	s.seconds, s.peak = append(s.seconds, took.Seconds()), max(s.peak, most)
	return ctx.Err()
}

// glanced runs a command, and looks at the memory of its backend meanwhile, in MiB.
func glanced(cmd *exec.Cmd) (out []byte, took time.Duration, most float64, err error) {
	var printed bytes.Buffer
	cmd.Stdout = &printed
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, 0, err
	}
	over, looked := make(chan struct{}), make(chan peak, 1)
	go func() { looked <- peak{}.look(cmd.Process.Pid, over) }()
	if err = cmd.Wait(); err != nil {
		err = fmt.Errorf("%v: %w", cmd.Args, err)
	}
	took = time.Since(began)
	close(over)
	return printed.Bytes(), took, (<-looked).backend, err
}

// deploy makes what was planned.
func (s *specified) deploy(cmd *exec.Cmd) error {
	out, took, most, err := glanced(cmd)
	if err != nil {
		return err
	}
	s.deployed, s.deploying = took, most
	var result struct {
		Complete bool     `json:"complete"`
		Created  int      `json:"resources_created"`
		Logs     []string `json:"deployment_logs"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return fmt.Errorf("%v: %w", cmd.Args, err)
	}
	if !result.Complete || result.Created != s.planned {
		return fmt.Errorf("%d of %d resources were made", result.Created, s.planned)
	}
	for _, line := range result.Logs {
		if strings.Contains(line, ": deploying ") {
			s.deployments++
		}
	}
	return nil
}

// bareBlocks decodes the blocks of a specification and drops them.
func bareBlocks(content []byte) error {
	for _, block := range blockPattern.FindAllSubmatch(content, -1) {
		var document yaml.Node
		if err := yaml.Unmarshal(block[1], &document); err != nil {
			return err
		}
	}
	return nil
}
