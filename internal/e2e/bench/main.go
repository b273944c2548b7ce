// Command bench measures atg's figures with the real programs and prints one JSON object a line:
//
//	{"name":"cold_start_ms","value":23.1,"unit":"ms","goal":"<= 40","reference":19.8}
//
// The reference is measured in the same run, alternating with what it is compared with, so that the
// machine's load falls on both. These are benchmarks, not tests: a missed goal does not fail.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// figure is one line of output.
type figure struct {
	Name      string  `json:"name"`
	Value     float64 `json:"value"`
	Unit      string  `json:"unit"`
	Goal      string  `json:"goal"`
	Reference float64 `json:"reference"`
	Note      string  `json:"note,omitempty"`
}

// bench is a run: where the programs are, and what they run in.
type bench struct {
	bin   string // the folder of atg's programs
	home  string // a folder for configuration, data and temporary files
	runs  int
	scale int // resources of the large synthetic tenant
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // a reader that has gone is an error of writing, and not the end
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var b bench
	flag.StringVar(&b.bin, "bin", "bin", "the folder of atg's programs")
	flag.IntVar(&b.runs, "runs", 40, "how often each program is started")
	flag.IntVar(&b.scale, "resources", 100_000, "resources of the large synthetic tenant")
	var only string
	flag.StringVar(&only, "only", "", "the measures to make, separated by commas: "+b.names())
	flag.Parse()
	var err error
	if b.bin, err = filepath.Abs(b.bin); err != nil {
		return err
	}
	if b.home, err = os.MkdirTemp("", "atg-bench-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(b.home) }()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.home, "./internal/e2e/bench/...")
	build.Stderr, build.Env = os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the programs that are compared with: %w", err)
	}

	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, m := range b.measures() {
		if only != "" && !slices.Contains(strings.Split(only, ","), m.name) {
			continue
		}
		figures, err := m.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, f := range figures {
			if err := out.Encode(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure makes one or more figures.
type measure struct {
	name string
	run  func(context.Context) ([]figure, error)
}

func (b bench) measures() []measure {
	return []measure{
		{"coldstart", b.coldStart}, {"startup", b.startup}, {"completion", b.completion}, {"hostcpu", b.hostCPU}, {"scan", b.scanRate},
		{"children", b.scanChildren}, {"snapshot", b.snapshot}, {"edges", b.edges}, {"query", b.query}, {"identities", b.identities}, {"resume", b.resumeSaved}, {"memory", b.scanMemory}, {"subscriptions", b.scanSubscriptions}, {"quota", b.scanQuota}, {"peer", b.peer},
		{"submit", b.submitRate}, {"submitcluster", b.submitRateCluster}, {"failover", b.failover}, {"overload", b.overload}, {"status", b.statusRate}, {"joblist", b.jobList},
		{"watchers", b.idleWatcher}, {"watchers10k", b.manyWatchers}, {"latency", b.eventLatency},
		{"shards", b.shardSpeedup}, {"remotescan", b.remoteScan}, {"download", b.download},
		{"generate", b.generate}, {"schema", b.schema}, {"spec", b.spec},
		{"conformance", b.conformance}, {"diff", b.diff}, {"picture", b.picture}, {"walk", b.walk}, {"export", b.export},
	}
}

func (b bench) names() string {
	var names []string
	for _, m := range b.measures() {
		names = append(names, m.name)
	}
	return strings.Join(names, ", ")
}

// environment is that of a newcomer: no configuration, no data, no Azure.
func (b bench) environment(more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.home, "TMPDIR=" + os.TempDir(), "NO_COLOR=1",
		"XDG_CONFIG_HOME=" + filepath.Join(b.home, "config"), "XDG_DATA_HOME=" + filepath.Join(b.home, "data"),
		"XDG_CACHE_HOME=" + filepath.Join(b.home, "cache"), "XDG_STATE_HOME=" + filepath.Join(b.home, "state"),
	}, more...)
}

func (b bench) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = b.environment(), b.home
	return cmd
}

// built is a program of the benchmark's own.
func (b bench) built(name string) string { return filepath.Join(b.home, name) }

func (b bench) program(name string) string { return filepath.Join(b.bin, name) }

// coldStart times whole processes: atg with its backend, and the bare pair.
func (b bench) coldStart(ctx context.Context) ([]figure, error) {
	var own, reference []float64
	for range b.runs {
		for _, side := range []struct {
			into *[]float64
			cmd  *exec.Cmd
		}{
			{&own, b.command(ctx, b.program("atg"), "backend", "info", "local")},
			{&reference, b.command(ctx, b.built("bareplugin"))},
		} {
			began := time.Now()
			if out, err := side.cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%v: %w\n%s", side.cmd.Args, err, out)
			}
			*side.into = append(*side.into, milliseconds(time.Since(began)))
		}
	}
	ms, bare := median(own), median(reference)
	return []figure{
		{Name: "cold_start_ratio", Value: round(ms / bare), Unit: "ratio", Goal: "<= 1.5", Reference: 1,
			Note: "atg backend info local against a bare go-plugin host and plugin, whole process, medians"},
		{Name: "cold_start_ms", Value: round(ms), Unit: "ms", Goal: "<= 40", Reference: round(bare)},
	}, nil
}

// hostCPU is the processor time of the smallest command, against that of a program that does nothing.
func (b bench) hostCPU(ctx context.Context) ([]figure, error) {
	var own, reference []float64
	for range b.runs {
		for _, side := range []struct {
			into *[]float64
			cmd  *exec.Cmd
		}{
			{&own, b.command(ctx, b.program("atg"), "version")},
			{&reference, b.command(ctx, "true")},
		} {
			if out, err := side.cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("%v: %w\n%s", side.cmd.Args, err, out)
			}
			state := side.cmd.ProcessState
			*side.into = append(*side.into, milliseconds(state.UserTime()+state.SystemTime()))
		}
	}
	return []figure{{Name: "host_cpu_ms", Value: round(median(own)), Unit: "ms", Goal: "<= 15", Reference: round(median(reference)),
		Note: "processor time of atg version; the reference is a program that does nothing"}}, nil
}

func median(values []float64) float64 {
	if len(values) == 0 {
		panic(errors.New("no values"))
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func round(x float64) float64 { return float64(int64(x*100+0.5)) / 100 }
