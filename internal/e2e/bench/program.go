package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ending is how long a program may take to end in good order.
const ending = 30 * time.Second

// program is one that runs beside the benchmark. It printed one line of JSON when it was ready.
type program struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   *os.File
	ended chan struct{}
}

// start starts a program, waits until it is ready, and decodes its line. Its standard error goes to a file below the
// benchmark's folder, whose end an error has.
func (b bench) start(cmd *exec.Cmd, ready any) (p *program, err error) {
	p = &program{cmd: cmd, ended: make(chan struct{})}
	if p.log, err = os.CreateTemp(b.home, filepath.Base(cmd.Path)+"-*.log"); err != nil {
		return nil, err
	}
	cmd.Stderr = p.log
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(syscall.SIGTERM) }, ending
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	go func() { _ = cmd.Wait(); close(p.ended) }()
	if err == nil {
		err = json.Unmarshal(line, ready)
	}
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s did not start: %w\n%s", cmd.Path, err, p.tail())
	}
	return p, nil
}

// stop ends the program, by force if it takes too long.
func (p *program) stop() {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(ending, func() { _ = p.cmd.Process.Kill() })
	<-p.ended
	late.Stop()
	_ = p.log.Close()
}

// tail is the end of what the program logged.
func (p *program) tail() string {
	content, err := os.ReadFile(p.log.Name())
	if err != nil {
		return ""
	}
	return string(content[max(0, len(content)-2000):])
}

// resident is the memory of the program that is in RAM, in KiB.
func (p *program) resident() (float64, error) { return memory(p.cmd.Process.Pid, "VmRSS") }

// memory reads a figure of a process's memory from Linux's /proc: VmRSS is what it has now, VmHWM the most that it had, in KiB.
func memory(pid int, name string) (float64, error) {
	content, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(content)) {
		if value, found := strings.CutPrefix(line, name+":"); found {
			return strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 64)
		}
	}
	return 0, errors.New("the process has no " + name)
}

// child is the process that another one started, 0 if there is none.
func child(parent int) int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, stat := range stats {
		content, err := os.ReadFile(stat)
		if err != nil {
			continue // it has ended
		}
		// Behind the program's name, which may have any characters, stand the state and the parent.
		fields := strings.Fields(string(content[bytes.LastIndexByte(content, ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(stat))); err == nil {
			return pid
		}
	}
	return 0
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
