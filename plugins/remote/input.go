package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// UploadInput sends a file that an operation needs. Content of another size or SHA-256 than in has is
// fault.Integrity, and is not sent; content that the service has already is stored once.
func (c *RemoteClient) UploadInput(ctx context.Context, in backend.Input, content io.Reader) error {
	if sum, err := hex.DecodeString(in.SHA256); err != nil || len(sum) != sha256.Size {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("the SHA-256 of the input %q is none", in.Path), fault.From(fault.OriginBackend))
	}
	// The content comes once, and may have to be sent again.
	spool, err := os.CreateTemp("", "atg-input-*")
	if err != nil {
		return notWritten(os.TempDir(), err)
	}
	defer func() { _ = os.Remove(spool.Name()) }()
	defer func() { _ = spool.Close() }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(spool, sum), io.LimitReader(content, in.Size+1))
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fault.New(fault.ExecutionFailed, fmt.Sprintf("the input %q cannot be taken in", in.Path), fault.Because(err), fault.On(in.Path),
			fault.From(fault.OriginBackend), fault.Hint("check the space in %s", os.TempDir()))
	}
	if n != in.Size || hex.EncodeToString(sum.Sum(nil)) != in.SHA256 {
		return fault.New(fault.Integrity, fmt.Sprintf("the input %q is not what it was said to be", in.Path),
			fault.On(in.Path), fault.Hint("it may have changed meanwhile; try again"), fault.From(fault.OriginBackend))
	}
	if err := c.checkKey(ctx); err != nil {
		return err
	}
	a, err := retried(ctx, c, func(ctx context.Context) (answer, error) { return c.upload(ctx, in, spool) })
	if err != nil || len(a.body) == 0 {
		return err
	}
	return notJSON(call{method: http.MethodPut, path: api.Fill(api.PathInput, in.SHA256)}, a)
}

// upload sends a spooled input once. Not the whole may take no longer than a request, but each silence.
func (c *RemoteClient) upload(ctx context.Context, in backend.Input, spool *os.File) (answer, error) {
	over, _, err := c.open()
	if err != nil {
		return answer{}, err
	}
	ctx, release := c.alive(ctx)
	defer release()
	ctx, alarm := c.watchdog(ctx)
	defer alarm.Stop()
	q := call{
		method: http.MethodPut, path: api.Fill(api.PathInput, in.SHA256), length: in.Size,
		header: http.Header{"Content-Type": {"application/octet-stream"}},
		body: func() (io.ReadCloser, error) {
			return io.NopCloser(&heard{io.NewSectionReader(spool, 0, in.Size), alarm}), nil
		},
	}
	response, err := c.send(ctx, over, q)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	return c.read(ctx, q, response)
}

// alarm ends a request that has been silent for as long as a request may take.
type alarm struct {
	timer  *time.Timer
	silent time.Duration
	end    context.CancelCauseFunc
}

// watchdog is ctx with an alarm.
func (c *RemoteClient) watchdog(ctx context.Context) (context.Context, *alarm) {
	ctx, cancel := context.WithCancelCause(ctx)
	a := &alarm{silent: c.config.RequestTimeout, end: cancel}
	a.timer = time.AfterFunc(a.silent, func() { cancel(errSlow) })
	return ctx, a
}

// Stop releases the alarm and ends its context.
func (a *alarm) Stop() {
	a.timer.Stop()
	a.end(nil)
}

// heard puts an alarm off whenever something was read.
type heard struct {
	io.Reader
	alarm *alarm
}

// Read implements io.Reader.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if n > 0 {
		h.alarm.timer.Reset(h.alarm.silent)
	}
	return n, err
}

// notWritten is the fault of a file or folder of this machine.
func notWritten(name string, err error) error {
	return fault.New(fault.ExecutionFailed, "a file cannot be written", fault.Because(err), fault.On(name), fault.From(fault.OriginBackend),
		fault.Hint("check the space and the permissions there"))
}
