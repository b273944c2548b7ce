package remote

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/h2non/gock"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

func TestDelay(t *testing.T) {
	cases := map[string]struct {
		factor float64
		err    error
		bounds [][2]float64 // of each wait, in seconds
	}{
		"as the specification has it": {2, errors.New("x"), [][2]float64{{1, 2}, {2, 4}, {4, 8}, {5, 10}, {5, 10}}},
		"steeper":                     {3, errors.New("x"), [][2]float64{{1.5, 3}, {4.5, 9}, {5, 10}}},
		"flat":                        {1, errors.New("x"), [][2]float64{{1, 1}, {1, 1}, {1, 1}}},
		"at most ten seconds":         {10, errors.New("x"), [][2]float64{{5, 10}, {5, 10}}},
		"longer if asked for":         {2, &transient{after: 45 * time.Second}, [][2]float64{{45, 45.5}, {45, 45.5}}},
		"shorter if asked for":        {2, &transient{after: 2 * time.Second}, [][2]float64{{2, 2.5}, {2, 2.5}, {2, 2.5}}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			client := &RemoteClient{config: backend.ATGClientConfig{RetryBackoffFactor: c.factor}}
			for i, b := range c.bounds {
				for range 50 {
					if d := client.delay(i+1, c.err); d < seconds(b[0]) || d > seconds(b[1]) {
						t.Fatalf("wait %d is %s, want %v", i+1, d, b)
					}
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "0": 0, "-3": 0, "soon": 0, "1.5": 0, "99999999999999999999": 0,
			inSeconds(90): 90 * time.Second, inSeconds(-90): 0, "Fri, 31 Dec 1999 23:59:59 GMT": 0,
		} {
			if got := retryAfter(http.Header{"Retry-After": {value}}); got != want {
				t.Errorf("%q is %s, want %s", value, got, want)
			}
		}
	})
}

func TestRetriesAreLimited(t *testing.T) {
	for _, limit := range []int{0, 1, 5} {
		mocked(t, func(t *testing.T, c *RemoteClient) {
			c.config.MaxRetries = limit
			mock("GET", "/api/v1/jobs").Times(limit + 1).Reply(503)
			_, err := c.ListJobs(t.Context(), backend.JobFilter{})
			if f := fault.As(err); f == nil || f.Code != fault.ServiceUnavailable || !f.Retryable {
				t.Errorf("%d retries end with %v", limit, err)
			}
		})
	}
}

// A submission carries the same key each time that it is sent, one of its own if the caller gave none.
func TestSubmissionsAreIdempotent(t *testing.T) {
	for name, given := range map[string]string{"the caller's": "my-key", "a new one": ""} {
		t.Run(name, func(t *testing.T) {
			mocked(t, func(t *testing.T, c *RemoteClient) {
				var keys []string
				gock.Observe(func(r *http.Request, _ gock.Mock) { keys = append(keys, r.Header.Get("Idempotency-Key")) })
				defer gock.Observe(nil)
				for range 2 {
					mock("POST", "/api/v1/scan").ReplyError(refusedConnection)
				}
				mock("POST", "/api/v1/scan").Reply(202).BodyString(jobJSON)
				mock("POST", "/api/v1/scan").Reply(202).BodyString(jobJSON)
				for range 2 {
					if _, err := c.SubmitScanJob(t.Context(), backend.ScanRequest{}, given); err != nil {
						t.Fatal(err)
					}
				}
				if len(keys) != 4 || keys[0] != keys[1] || keys[1] != keys[2] || keys[0] == "" || (keys[2] == keys[3]) != (given != "") {
					t.Errorf("the keys are %q", keys)
				}
			})
		})
	}
}

func TestWrongSubmissions(t *testing.T) {
	scan := &backend.ScanRequest{}
	cases := map[string]struct {
		submission backend.Submission
		want       fault.Code
	}{
		"nothing":                {backend.Submission{}, fault.InvalidArgument},
		"a key with a newline":   {backend.Submission{Request: scan, IdempotencyKey: "a\r\nX: b"}, fault.InvalidArgument},
		"a key that is too long": {backend.Submission{Request: scan, IdempotencyKey: strings.Repeat("k", 256)}, fault.InvalidArgument},
		"parts":                  {backend.Submission{Request: scan, Parts: []backend.Part{{Key: "k"}}}, fault.Unsupported},
		"an input for a scan":    {backend.Submission{Request: scan, Inputs: []backend.Input{{Path: "x"}}}, fault.Unsupported},
		"a snapshot elsewhere":   {backend.Submission{Request: &backend.SnapshotQueryRequest{Snapshot: "../jobs"}}, fault.SnapshotNotFound},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			mocked(t, func(t *testing.T, client *RemoteClient) { // nothing is sent
				if _, err := client.Submit(t.Context(), c.submission); fault.CodeOf(err) != c.want {
					t.Errorf("the answer is %v", err)
				}
				items, err := client.SubmitBatch(t.Context(), []backend.Submission{c.submission})
				if err != nil || len(items) != 1 || fault.CodeOf(items[0].Fault) != c.want {
					t.Errorf("the answers of a batch are %+v, %v", items, err)
				}
			})
		})
	}
}

// What waits says so: to whoever follows a job or a download, else to the log.
func TestRetriesAreVisible(t *testing.T) {
	mocked(t, func(t *testing.T, c *RemoteClient) {
		var heard []string
		var mu sync.Mutex
		leave := c.notices.listen(func(text string) { mu.Lock(); heard = append(heard, text); mu.Unlock() })
		mock("GET", "/api/v1/jobs").Reply(429).SetHeader("Retry-After", "12")
		mock("GET", "/api/v1/jobs").ReplyError(refusedConnection)
		mock("GET", "/api/v1/jobs").Reply(200).BodyString("{}")
		if _, err := c.ListJobs(t.Context(), backend.JobFilter{}); err != nil {
			t.Fatal(err)
		}
		leave()
		want := []string{`^throttled, waiting 12(\.\d)? s \(retry 1 of 3\)$`, `^the service at https://atg.example.com cannot be reached, waiting \d(\.\d)? s \(retry 2 of 3\)$`}
		if !slices.EqualFunc(want, heard, func(p, s string) bool { return regexp.MustCompile(p).MatchString(s) }) {
			t.Errorf("heard %q", heard)
		}
	})
}

func TestCallerLeavesInBetween(t *testing.T) {
	mocked(t, func(t *testing.T, c *RemoteClient) {
		mock("GET", "/api/v1/jobs").ReplyError(refusedConnection)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second/2, fault.New(fault.Interrupted, "the user has enough"))
		defer cancel()
		began := time.Now()
		_, err := c.ListJobs(ctx, backend.JobFilter{})
		if fault.CodeOf(err) != fault.Interrupted || time.Since(began) != time.Second/2 {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
}

func TestCallerLeavesInTheMiddle(t *testing.T) {
	mocked(t, func(t *testing.T, c *RemoteClient) {
		mock("GET", "/api/v1/jobs").Reply(200).Delay(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.ListJobs(ctx, backend.JobFilter{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the answer is %v", err)
		}
	})
}

func TestClose(t *testing.T) {
	mocked(t, func(t *testing.T, c *RemoteClient) {
		mock("GET", "/api/v1/jobs").Reply(200).Delay(time.Minute)
		time.AfterFunc(time.Second, func() { _ = c.Close() })
		began := time.Now()
		_, err := c.ListJobs(t.Context(), backend.JobFilter{})
		if fault.CodeOf(err) != fault.Conflict || time.Since(began) != time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := c.GetJobStatus(t.Context(), "j1"); fault.CodeOf(err) != fault.Conflict {
			t.Errorf("a closed client answers %v", err)
		}
	})
}
