package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

const (
	fileSize     = 1_000_000_000 // bytes
	smallFile    = 1000
	fileName     = "file.bin"
	downloadRuns = 5
	glance       = 10 * time.Millisecond // between two looks at a process's memory
)

// download brings a job's file with atg, which checks it, and with curl, which does not, in pairs. Both write it to the same disk
// and are timed as whole commands. The growth of the remote backend is by how much more memory it has at most than when it
// brings a small file.
func (b bench) download(ctx context.Context) ([]figure, error) {
	s, err := b.startService(ctx, serviceOptions{concurrency: 1})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	small, err := s.written(ctx, smallFile)
	if err != nil {
		return nil, err
	}
	large, err := s.written(ctx, fileSize)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, "downloads")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	_, idle, err := b.downloaded(ctx, dir, small, smallFile)
	if err != nil {
		return nil, err
	}
	fetch, how, err := b.reference(s, dir, large)
	if err != nil {
		return nil, err
	}
	var own, reference, ratios, peaks []float64
	brings := []func() error{
		func() error {
			seconds, peak, err := b.downloaded(ctx, dir, large, fileSize)
			own, peaks = append(own, fileSize/seconds/1e6), append(peaks, peak/1024)
			return err
		},
		func() error {
			seconds, err := fetch(ctx)
			reference = append(reference, fileSize/seconds/1e6)
			return err
		},
	}
	for range downloadRuns {
		for _, bring := range brings {
			// What was written before goes to the disk now, not while somebody is timed.
			if out, err := b.command(ctx, "sync").CombinedOutput(); err != nil {
				return nil, fmt.Errorf("sync: %w\n%s", err, out)
			}
			if err := bring(); err != nil {
				return nil, fmt.Errorf("%w\n%s", err, s.tail())
			}
		}
		slices.Reverse(brings) // who is the first one the next time
		ratios = append(ratios, own[len(own)-1]/reference[len(reference)-1])
	}
	return []figure{
		{Name: "download_ratio", Value: round(median(ratios)), Unit: "ratio", Goal: ">= 0.95", Reference: 1,
			Note: fmt.Sprintf("%.0f MB/s, checked, against the %.0f MB/s of %s; a file of 1 GB over TLS on this machine, whole commands, medians of %d pairs",
				median(own), median(reference), how, downloadRuns)},
		{Name: "download_rss_growth_mb", Value: round(median(peaks) - idle/1024), Unit: "MiB", Goal: "<= 64", Reference: round(idle / 1024),
			Note: "peak memory of the remote backend above that of a download of 1 kB, which is the reference"},
	}, nil
}

// written has a job write a file of so many bytes, and answers the job's id.
func (s *service) written(ctx context.Context, size int) (id string, err error) {
	if id, err = s.submit(ctx, fmt.Sprintf("write-%d", size)); err != nil {
		return "", err
	}
	return id, s.until(ctx, id, backend.JobCompleted)
}

// downloaded times atg job download, and looks how much memory its backend has at most, in KiB.
func (b bench) downloaded(ctx context.Context, dir, id string, size int64) (seconds, peak float64, err error) {
	dir = filepath.Join(dir, id)
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cmd := b.command(ctx, b.program("atg"), "--profile", profile, "job", "download", id, "--output-dir", dir, "-q")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	over, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		peak = peakOfChild(cmd.Process.Pid, over)
	}()
	err = cmd.Wait()
	seconds = time.Since(began).Seconds()
	close(over)
	<-looked
	if err != nil {
		return 0, 0, fmt.Errorf("%v: %w\n%s", cmd.Args, err, said.String())
	}
	if peak == 0 {
		return 0, 0, errors.New("the remote backend was not seen")
	}
	return seconds, peak, sized(filepath.Join(dir, fileName), size)
}

// peakOfChild is the most memory that the child of a process was seen to have until over, in KiB.
func peakOfChild(parent int, over <-chan struct{}) (peak float64) {
	looks := time.NewTicker(glance)
	defer looks.Stop()
	pid := 0
	for {
		select {
		case <-over:
			return peak
		case <-looks.C:
		}
		if pid == 0 {
			pid = child(parent)
		}
		if high, err := memory(pid, "VmHWM"); err == nil {
			peak = max(peak, high)
		}
	}
}

func sized(file string, want int64) error {
	info, err := os.Stat(file)
	if err == nil && info.Size() != want {
		err = fmt.Errorf("%s has %d bytes and not %d", file, info.Size(), want)
	}
	return err
}

// reference answers how the file is fetched without atg, timed, and by what: curl, or where there is none, Go's client.
func (b bench) reference(s *service, dir, id string) (fetch func(context.Context) (float64, error), how string, err error) {
	file, url := filepath.Join(dir, "reference"), s.url+api.FilePath(id, fileName)
	get := func(ctx context.Context) error { return b.plainly(ctx, s.target, url, file) }
	how = "Go's HTTP client over HTTP/1.1 (there is no curl)"
	if curl, err := exec.LookPath("curl"); err == nil {
		how = "curl over HTTP/1.1"
		// In a file, so that the key is not among the arguments of a process.
		config := filepath.Join(s.dir, "curlrc")
		content := fmt.Sprintf("url = %q\nheader = %q\ncacert = %q\noutput = %q\nhttp1.1\nsilent\nshow-error\nfail\n", url, "Authorization: Bearer "+s.key, s.ca, file)
		if err := os.WriteFile(config, []byte(content), 0o600); err != nil {
			return nil, "", err
		}
		get = func(ctx context.Context) error {
			if out, err := b.command(ctx, curl, "--config", config).CombinedOutput(); err != nil {
				return fmt.Errorf("curl: %w\n%s", err, out)
			}
			return nil
		}
	}
	return func(ctx context.Context) (float64, error) {
		defer func() { _ = os.Remove(file) }()
		began := time.Now()
		if err := get(ctx); err != nil {
			return 0, err
		}
		return time.Since(began).Seconds(), sized(file, fileSize)
	}, how, nil
}

// plainly fetches a URL into a file.
func (b bench) plainly(ctx context.Context, t target, url, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+t.key)
	answer, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: t.config, DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, answer.Body)
	return errors.Join(err, out.Close())
}
