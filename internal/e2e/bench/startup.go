package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// starts are how each program is started to do the least that it can: say its version, or that atg has to start it.
var starts = []struct {
	name string
	args []string
}{
	{"atg", []string{"version"}}, {"atg-server", []string{"--version"}}, {"atg-azuresim", []string{"-h"}}, {"atg-backend-local", nil}, {"atg-backend-remote", nil},
}

// startup times the start of each program alone, and weighs it.
func (b bench) startup(ctx context.Context) ([]figure, error) {
	own := make([][]float64, len(starts))
	var reference []float64
	for range b.runs {
		for i, s := range starts {
			took, err := b.once(ctx, b.program(s.name), s.args...)
			if err != nil {
				return nil, err
			}
			own[i] = append(own[i], took)
		}
		took, err := b.once(ctx, b.built("barestart"))
		if err != nil {
			return nil, err
		}
		reference = append(reference, took)
	}
	bare, err := megabytes(b.built("barestart"))
	if err != nil {
		return nil, err
	}
	var times, sizes []figure
	for i, s := range starts {
		size, err := megabytes(b.program(s.name))
		if err != nil {
			return nil, err
		}
		name := strings.ReplaceAll(s.name, "-", "_")
		times = append(times, figure{Name: "cold_start_ms_" + name, Value: round(median(own[i])), Unit: "ms", Goal: "<= 40", Reference: round(median(reference)),
			Note: strings.TrimSpace(s.name+" "+strings.Join(s.args, " ")) + ", whole process, median"})
		sizes = append(sizes, figure{Name: "binary_mb_" + name, Value: size, Unit: "MB", Reference: bare})
	}
	return append(times, sizes...), nil
}

// once is how long a program takes that does nothing; a backend without atg ends with an error.
func (b bench) once(ctx context.Context, program string, args ...string) (float64, error) {
	cmd := b.command(ctx, program, args...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := milliseconds(time.Since(began))
	var exited *exec.ExitError
	if errors.As(err, &exited) && exited.ExitCode() > 0 && len(args) == 0 {
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return took, nil
}

// megabytes is the size of a file in 10^6 bytes.
func megabytes(path string) (float64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return round(float64(info.Size()) / 1e6), nil
}

// completion times what a shell waits for when somebody presses Tab: names of commands and flags, which atg knows, and of snapshots,
// for which it asks the backend.
func (b bench) completion(ctx context.Context) ([]figure, error) {
	lines := [][]string{{"sn"}, {"scan", "--"}, {"--profile", ""}, {"--backend", ""}, {"snapshot", "show", ""}}
	own := make([][]float64, len(lines))
	var reference []float64
	for range b.runs {
		for i, words := range lines {
			took, err := b.once(ctx, b.program("atg"), append([]string{"__complete"}, words...)...)
			if err != nil {
				return nil, err
			}
			own[i] = append(own[i], took)
		}
		took, err := b.once(ctx, b.built("barestart"))
		if err != nil {
			return nil, err
		}
		reference = append(reference, took)
	}
	slowest, note := 0.0, ""
	for i, words := range lines {
		m := round(median(own[i]))
		slowest = max(slowest, m)
		note += fmt.Sprintf("%q %v ms, ", strings.Join(words, " "), m)
	}
	return []figure{{Name: "completion_ms", Value: slowest, Unit: "ms", Goal: "<= 50", Reference: round(median(reference)),
		Note: "the slowest of the medians: " + strings.TrimSuffix(note, ", ")}}, nil
}
