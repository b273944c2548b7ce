package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
	"github.com/azure-tenant-grapher/atg/shared/rpc"
	"github.com/azure-tenant-grapher/atg/shared/rpc/backendv1"
)

// answering is a client of a backend whose GetJob returns err.
func answering(t *testing.T, err error) *rpc.Client {
	t.Helper()
	return dial(t, fake{getJob: func(context.Context, string) (backend.JobStatusResponse, error) {
		return backend.JobStatusResponse{}, err
	}})
}

func TestEveryFaultCrosses(t *testing.T) {
	for _, code := range append(fault.Codes(), "from_the_future") {
		t.Run(string(code), func(t *testing.T) {
			sent := fault.New(code, "what happened", fault.Hint("what to do"), fault.On("/subscriptions/x"), fault.From(fault.OriginAzure),
				fault.Retryable(), fault.Problems(fault.Problem{Key: "a.b", Message: "m", Hint: "h", Line: 3, Column: 4}),
				fault.Because(fault.New(fault.Throttled, "inner", fault.Because(errors.New("innermost")))))
			_, err := answering(t, sent).GetJob(t.Context(), "x")
			got := fault.As(err)
			if got == nil {
				t.Fatalf("no fault: %v", err)
			}
			texts := cmp.Transformer("text", func(e error) string { return e.Error() })
			if d := cmp.Diff(*sent, *got, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Cause" }, texts)); d != "" {
				t.Errorf("(-sent +received):\n%s", d)
			}
			if !errors.Is(err, fault.New(fault.Throttled, "")) {
				t.Error("the cause lost its code")
			}
			if err.Error() != sent.Error() {
				t.Errorf("text %q became %q", sent, err)
			}
		})
	}
}

func TestCausesKeepTheirMeaning(t *testing.T) {
	throttled := fault.New(fault.Throttled, "slow down")
	deep := errors.New("bottom")
	for i := range 100 {
		deep = fault.New(fault.ExecutionFailed, fmt.Sprint("level ", i), fault.Because(deep))
	}
	cases := map[string]struct {
		err  error
		is   []error
		code fault.Code
	}{
		"canceled":           {context.Canceled, []error{context.Canceled}, fault.Interrupted},
		"deadline":           {fmt.Errorf("waiting: %w", context.DeadlineExceeded), []error{context.DeadlineExceeded}, fault.Timeout},
		"context in a fault": {fault.New(fault.AzureForbidden, "x", fault.Because(context.Canceled)), []error{context.Canceled}, fault.AzureForbidden},
		"context two down": {
			fault.New(fault.JobFailed, "x", fault.Because(fault.New(fault.Throttled, "y", fault.Because(context.DeadlineExceeded)))),
			[]error{context.DeadlineExceeded, throttled}, fault.JobFailed,
		},
		"a wrapped fault": {fault.New(fault.JobFailed, "x", fault.Because(fmt.Errorf("part 7: %w", throttled))), []error{throttled}, fault.JobFailed},
		"a fault beside a context": {
			fault.New(fault.JobFailed, "x", fault.Because(errors.Join(throttled, context.Canceled))), []error{throttled, context.Canceled}, fault.JobFailed,
		},
		"plain":      {errors.New("boom"), nil, fault.Internal},
		"very deep":  {deep, nil, fault.ExecutionFailed},
		"stray byte": {errors.New("a\uFFFDb"), nil, fault.Internal},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := answering(t, c.err).GetJob(t.Context(), "x")
			for _, is := range c.is {
				if !errors.Is(err, is) {
					t.Errorf("%v is not %v", err, is)
				}
			}
			if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.err.Error()) {
				t.Errorf("GetJob = %v (%s), want the text %q", err, fault.CodeOf(err), c.err)
			}
		})
	}
}

func TestAFaultTooLargeForATrailerIsCut(t *testing.T) {
	long := strings.Repeat("ü", 10<<20)
	problems := make([]fault.Problem, 100_000)
	for i := range problems {
		problems[i] = fault.Problem{Key: fmt.Sprint("setting ", i), Message: "wrong"}
	}
	cases := map[string]*fault.Fault{
		"message":  fault.New(fault.Conflict, long),
		"cause":    fault.New(fault.Conflict, "x", fault.Because(fault.New(fault.Throttled, long))),
		"problems": fault.New(fault.Conflict, "x", fault.Problems(problems...)),
	}
	for name, sent := range cases {
		t.Run(name, func(t *testing.T) {
			client := answering(t, sent)
			_, err := client.GetJob(t.Context(), "x")
			got := fault.As(err)
			if got == nil || got.Code != fault.Conflict {
				t.Fatalf("GetJob = %.200v", err)
			}
			if n := len(got.Problems); n > 0 && !strings.HasSuffix(got.Problems[n-1].Message, "more problems are not shown") {
				t.Errorf("the last of %d problems is %+v", n, got.Problems[n-1])
			}
			if text := err.Error(); len(got.Problems) == 0 && !strings.HasSuffix(text, "[…]") {
				t.Errorf("a cut text ends in %q", text[len(text)-20:])
			}
			// The connection goes on.
			if _, err := client.GetJob(t.Context(), "x"); fault.CodeOf(err) != fault.Conflict {
				t.Errorf("the next call = %.200v", err)
			}
		})
	}
}

func TestFaultsOfADefectiveBackend(t *testing.T) {
	var none *fault.Fault
	cases := map[string]struct {
		err  error
		says string
	}{
		"a nil fault as an error": {none, "without content"},
		"an error that panics":    {fault.New(fault.Conflict, "x", fault.Because(none)), "panicked"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := answering(t, c.err).GetJob(t.Context(), "x"); fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), c.says) {
				t.Errorf("GetJob = %v (%s)", err, fault.CodeOf(err))
			}
		})
	}
}

func TestAFaultWithoutACodeIsInternal(t *testing.T) {
	_, err := answering(t, &fault.Fault{Message: "codeless", Hint: "add one"}).GetJob(t.Context(), "x")
	if f := fault.As(err); f == nil || f.Code != fault.Internal || f.Error() != "codeless" || f.Hint != "add one" {
		t.Errorf("GetJob = %v", err)
	}
}

func TestAPanicIsAFault(t *testing.T) {
	client := dial(t, fake{
		submit: func(context.Context, backend.Submission) (backend.JobStatusResponse, error) { panic("boom") },
		watch:  func(context.Context, string, uint64, func(backend.Event) error) error { panic("boom") },
	})
	_, err := client.Submit(t.Context(), backend.Submission{Request: &backend.ScanRequest{}})
	watch := client.WatchJob(t.Context(), "x", 0, func(backend.Event) error { return nil })
	for call, err := range map[string]error{"Submit": err, "WatchJob": watch} {
		if fault.CodeOf(err) != fault.Internal || !strings.Contains(err.Error(), "boom") {
			t.Errorf("%s = %v", call, err)
		}
	}
	if h := client.CheckHealth(t.Context()); h.Healthy || h.Message == "" || len(h.Dependencies) != 1 {
		t.Errorf("CheckHealth of a nil function = %+v", h)
	}
}

func TestTheCallersContextReachesTheBackend(t *testing.T) {
	deadline := make(chan bool, 1)
	ended := make(chan error, 1)
	client := dial(t, fake{getJob: func(ctx context.Context, _ string) (backend.JobStatusResponse, error) {
		_, ok := ctx.Deadline()
		deadline <- ok
		<-ctx.Done()
		ended <- ctx.Err()
		return backend.JobStatusResponse{}, ctx.Err()
	}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	go func() {
		if !<-deadline {
			t.Error("the backend has no deadline")
		}
		cancel()
	}()
	if _, err := client.GetJob(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("GetJob = %v", err)
	}
	if err := <-ended; err == nil {
		t.Error("the backend's context did not end")
	}
}

func TestACallSaysWhatEndedItsContext(t *testing.T) {
	client := dial(t, fake{getJob: func(ctx context.Context, _ string) (backend.JobStatusResponse, error) {
		<-ctx.Done()
		return backend.JobStatusResponse{}, ctx.Err()
	}})
	own := errors.New("the user pressed Ctrl-C")
	over := fault.New(fault.JobMaxWait, "the time to wait is over", fault.Hint("it goes on"))
	past := time.Now().Add(-time.Second)
	cases := map[string]struct {
		context func() (context.Context, context.CancelFunc)
		is      []error
		code    fault.Code
		says    string
	}{
		"cancelled": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			return ctx, cancel
		}, []error{context.Canceled}, fault.Interrupted, "interrupted"},
		"cancelled with a cause": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(own)
			return ctx, func() {}
		}, []error{context.Canceled, own}, fault.Interrupted, "Ctrl-C"},
		"cancelled with a fault": {func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(over)
			return ctx, func() {}
		}, []error{context.Canceled, over}, fault.JobMaxWait, "the time to wait is over"},
		"deadline": {func() (context.Context, context.CancelFunc) {
			return context.WithDeadline(t.Context(), past)
		}, []error{context.DeadlineExceeded}, fault.Timeout, "time"},
		"deadline with a fault": {func() (context.Context, context.CancelFunc) {
			return context.WithDeadlineCause(t.Context(), past, over)
		}, []error{context.DeadlineExceeded, over}, fault.JobMaxWait, "the time to wait is over"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := c.context()
			defer cancel()
			_, err := client.GetJob(ctx, "x")
			for _, is := range c.is {
				if !errors.Is(err, is) {
					t.Errorf("%v is not %v", err, is)
				}
			}
			if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("GetJob = %v (%s)", err, fault.CodeOf(err))
			}
		})
	}
	if over.Cause != nil {
		t.Error("the caller's own fault was changed")
	}
}

// What gRPC itself, or a backend without our codec, answers.
func TestAStatusWithoutAFaultIsOne(t *testing.T) {
	cases := map[codes.Code]struct {
		code fault.Code
		is   error
	}{
		codes.Unavailable:       {fault.BackendCrashed, rpc.ErrDisconnected},
		codes.Canceled:          {fault.BackendCrashed, rpc.ErrDisconnected},
		codes.Unimplemented:     {fault.Unsupported, nil},
		codes.ResourceExhausted: {fault.Internal, nil},
		codes.DeadlineExceeded:  {fault.Timeout, context.DeadlineExceeded},
		codes.NotFound:          {fault.Internal, nil},
		codes.Unknown:           {fault.Internal, nil},
	}
	for status, c := range cases {
		t.Run(status.String(), func(t *testing.T) {
			err := rpc.FromStatus(t.Context(), status, "its own words", nil)
			if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), "its own words") || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v (%s)", err, fault.CodeOf(err))
			}
		})
	}
}

func TestWhatABackendAnswersIsNotItsOwnDeath(t *testing.T) {
	_, err := answering(t, fault.New(fault.BackendCrashed, "the worker's backend ended", fault.Because(rpc.ErrDisconnected))).GetJob(t.Context(), "x")
	if fault.CodeOf(err) != fault.BackendCrashed || errors.Is(err, rpc.ErrDisconnected) {
		t.Errorf("GetJob = %v", err)
	}
}

func TestTranslateSeesEveryError(t *testing.T) {
	translated := errors.New("translated")
	client := answering(t, fault.New(fault.Conflict, "x"))
	client.Translate = func(err error) error { return errors.Join(translated, err) }
	if _, err := client.GetJob(t.Context(), "x"); !errors.Is(err, translated) || fault.CodeOf(err) != fault.Conflict {
		t.Errorf("GetJob = %v", err)
	}
}

func FuzzFaultFromTheOtherSide(f *testing.F) {
	for _, m := range []*backendv1.Fault{
		{Code: "conflict", Message: "m", Hint: "h", Cause: "c", Context: "canceled"},
		{Code: "x", Problems: []*backendv1.Problem{{Key: "k", Line: -1}}, CauseFault: &backendv1.Fault{Code: "y", Cause: "z"}},
		{Message: "no code"},
	} {
		content, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content, uint32(codes.Unknown), "text")
	}
	f.Add([]byte{0xff}, uint32(codes.Unavailable), "\xff")
	f.Fuzz(func(t *testing.T, trailer []byte, status uint32, text string) {
		if codes.Code(status) == codes.OK {
			return
		}
		got := fault.As(rpc.FromStatus(t.Context(), codes.Code(status), text, trailer))
		if got == nil || got.Code == "" {
			t.Fatalf("no fault: %v", got)
		}
		again := fault.As(rpc.Again(t.Context(), got))
		if again == nil || again.Code != got.Code || len(trailer) < 1<<10 && again.Error() != strings.ToValidUTF8(got.Error(), "\uFFFD") {
			t.Errorf("%q became %q on its way", got, again)
		}
	})
}
