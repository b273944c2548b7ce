package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// file is one file on its way into a folder. It has its name once it is whole and what it was said to be; until then
// it is a partial file, with which a later download goes on.
type file struct {
	c      *RemoteClient
	from   call
	root   *os.Root
	want   backend.Artifact // a size of -1 and an empty SHA-256 are unknown
	part   string           // the name of the partial file
	meter  *meter
	hash   *hasher
	out    *os.File
	at     int64  // how much of it is written, and hashed
	etag   string // strong, of what is written; empty is unknown
	reused bool   // it began with what an earlier download has left
}

// partName is the name of the partial file of an artifact: another one for other content.
func partName(a backend.Artifact) string {
	place := sha256.Sum256([]byte(a.Path))
	return ownPrefix + hex.EncodeToString(place[:6]) + "-" + a.SHA256[:12] + ".part"
}

// get brings the file. When it fails, what has come is kept for a later download, unless it cannot be trusted.
func (f *file) get(ctx context.Context) (err error) {
	if folder := path.Dir(f.want.Path); folder != "." {
		if err := f.root.MkdirAll(folder, 0o700); err != nil {
			return notWritten(folder, err)
		}
	}
	if f.there() {
		f.meter.add(f.want.Size, f.want.Path)
		return nil
	}
	if err := f.open(); err != nil {
		return err
	}
	defer func() {
		_ = f.out.Close()
		if err != nil && (f.at == 0 || fault.CodeOf(err) == fault.Integrity) {
			_ = f.root.Remove(f.part)
		}
	}()
	for {
		if err := f.fetch(ctx); err != nil {
			return err
		}
		if f.hash.total() == f.want.SHA256 {
			break
		}
		if !f.reused {
			return untrusted("a file is not what it was said to be", f.want.Path)
		}
		f.reused = false // what was left of an earlier download may be to blame
		if err := f.restart(); err != nil {
			return err
		}
	}
	if err := f.out.Close(); err != nil {
		return notWritten(f.want.Path, err)
	}
	if err := f.root.Rename(f.part, f.want.Path); err != nil {
		return notWritten(f.want.Path, err)
	}
	return nil
}

// there says whether the file is in its place already, as an earlier download has left it.
func (f *file) there() bool {
	info, err := f.root.Lstat(f.want.Path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.want.Size {
		return false
	}
	present, err := f.root.Open(f.want.Path)
	if err != nil {
		return false
	}
	defer func() { _ = present.Close() }()
	f.hash.reset()
	_, err = f.hash.addAll(present)
	return err == nil && f.hash.total() == f.want.SHA256
}

// open opens the partial file and takes in what an earlier download has left in it.
func (f *file) open() (err error) {
	if info, err := f.root.Lstat(f.part); err == nil && !info.Mode().IsRegular() {
		if err := f.root.Remove(f.part); err != nil {
			return notWritten(f.part, err)
		}
	}
	f.hash.reset()
	if f.out, err = f.root.OpenFile(f.part, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return notWritten(f.part, err)
	}
	if f.at, err = f.hash.addAll(f.out); err != nil || f.at > f.want.Size {
		return f.restart()
	}
	f.reused = f.at > 0
	f.meter.add(f.at, f.want.Path)
	return nil
}

// restart forgets what has come.
func (f *file) restart() error {
	f.hash.reset()
	f.meter.add(-f.at, f.want.Path)
	f.at, f.etag = 0, ""
	if err := f.out.Truncate(0); err != nil {
		return notWritten(f.part, err)
	}
	return nil
}

// fetch brings what is missing, and goes on after a break as long as each try brings something.
func (f *file) fetch(ctx context.Context) error {
	for {
		before := f.at
		_, err := retried(ctx, f.c, func(ctx context.Context) (struct{}, error) { return struct{}{}, f.try(ctx) })
		if err == nil || f.at <= before || f.c.config.MaxRetries == 0 || !fault.Of(err).Retryable {
			return err
		}
	}
}

// try asks once for what is missing.
func (f *file) try(ctx context.Context) error {
	if f.want.Size >= 0 && f.at == f.want.Size {
		return nil
	}
	if f.want.SHA256 == "" && f.etag == "" && f.at > 0 { // it could be another one now
		if err := f.restart(); err != nil {
			return err
		}
	}
	_, over, err := f.c.open()
	if err != nil {
		return err
	}
	ctx, release := f.c.alive(ctx)
	defer release()
	ctx, alarm := f.c.watchdog(ctx)
	defer alarm.Stop()
	q := f.from
	q.header = http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}
	if f.at > 0 {
		q.header.Set("Range", fmt.Sprintf("bytes=%d-", f.at))
		if f.etag != "" {
			q.header.Set("If-Range", f.etag)
		}
	}
	response, err := f.c.send(ctx, over, q)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if err := f.begin(ctx, q, response); err != nil {
		return err
	}
	return f.copy(ctx, q, &heard{response.Body, alarm})
}

// begin sees whether a response is what was asked for.
func (f *file) begin(ctx context.Context, q call, r *http.Response) error {
	var total int64 // -1 is unknown
	switch {
	case r.StatusCode == http.StatusRequestedRangeNotSatisfiable && f.at > 0:
		if err := f.restart(); err != nil {
			return err
		}
		return passing(fault.RemoteFailed, "the service has not as much of the file as it gave before", nil)
	case r.StatusCode == http.StatusPartialContent:
		start, whole, ok := contentRange(r.Header.Get("Content-Range"))
		if !ok || start != f.at {
			return fault.New(fault.RemoteFailed, "the service answered another part of a file than was asked for", fault.On(f.want.Path), fault.From(fault.OriginBackend))
		}
		total = whole
	case r.StatusCode == http.StatusOK:
		if f.at > 0 {
			if err := f.restart(); err != nil {
				return err
			}
		}
		total = r.ContentLength
	default:
		_, err := f.c.read(ctx, q, r)
		if err == nil {
			err = fault.New(fault.RemoteFailed, fmt.Sprintf("the service answered %s to %s", r.Status, q), fault.From(fault.OriginBackend))
		}
		return err
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "text/html" && !strings.HasSuffix(f.want.Path, ".html") {
		page, _ := io.ReadAll(io.LimitReader(r.Body, maxLoginPage))
		return notJSON(q, f.c.answer(r, page))
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return fault.New(fault.RemoteFailed, "the service answered a file in an encoding that was not asked for", fault.On(f.want.Path), fault.From(fault.OriginBackend))
	}
	if total >= 0 && f.want.Size >= 0 && total != f.want.Size {
		return untrusted(fmt.Sprintf("a file has %d bytes and not %d, as was said", total, f.want.Size), f.want.Path)
	}
	if f.want.Size < 0 {
		f.want.Size = total
		f.meter.expect(total)
	}
	if etag := r.Header.Get("ETag"); strings.HasPrefix(etag, `"`) {
		f.etag = etag
	}
	return nil
}

// copy takes a response's content in.
func (f *file) copy(ctx context.Context, q call, body io.Reader) error {
	for f.want.Size < 0 || f.at < f.want.Size {
		b := f.hash.buffer()
		space := b
		if f.want.Size >= 0 {
			space = b[:min(int64(len(b)), f.want.Size-f.at)]
		}
		n, err, written := f.take(body, space)
		f.hash.add(b, n)
		f.at += int64(n)
		f.meter.add(int64(n), f.want.Path)
		switch {
		case written != nil:
			return notWritten(f.part, written)
		case f.at > maxTotal:
			return untrusted("a file does not end", f.want.Path)
		case errors.Is(err, io.EOF) && f.want.Size < 0:
			f.want.Size = f.at
		case err != nil && f.at != f.want.Size:
			return f.c.unanswered(ctx, q, &brokenOff{err})
		}
	}
	if n, _ := fill(body, make([]byte, 1)); n > 0 {
		return untrusted("a file is larger than was said", f.want.Path)
	}
	return nil
}

// writeSize is how much is written at once. Linux takes a larger piece into larger pages, which can cost it three
// times the processor time.
const writeSize = 64 << 10 // bytes

// take reads into a buffer until it is full, and writes it to the file piece by piece. It answers how much it has read and
// written, how reading ended, and how writing failed.
func (f *file) take(body io.Reader, b []byte) (n int, read, written error) {
	for n < len(b) && read == nil {
		var some int
		some, read = fill(body, b[n:min(n+writeSize, len(b))])
		if _, written = f.out.WriteAt(b[n:n+some], f.at+int64(n)); written != nil {
			break
		}
		n += some
	}
	return n, read, written
}

// fill reads until a buffer is full. Unlike io.ReadFull it tells an end from a break.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var some int
		some, err = r.Read(b[n:])
		n += some
	}
	return n, err
}

// contentRange reads "bytes 5-9/10"; a whole of -1 is unknown.
func contentRange(header string) (start, whole int64, ok bool) {
	text, ok := strings.CutPrefix(header, "bytes ")
	span, size, found := strings.Cut(text, "/")
	first, _, dash := strings.Cut(span, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	if !ok || !found || !dash || err != nil {
		return 0, 0, false
	}
	if whole, err = strconv.ParseInt(size, 10, 64); err != nil {
		whole = -1
	}
	return start, whole, true
}
