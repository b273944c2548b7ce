package store

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// FuzzDecode: whatever NATS holds where a record, a manifest, a key or a snapshot should be, it is read or refused, takes no more memory than
// its limit however it is compressed, and what was read is kept again as the same.
func FuzzDecode(f *testing.F) {
	record := jobs.Record{
		Owner: "key", Job: backend.JobStatusResponse{JobID: "j", Operation: backend.OpScan, Status: backend.JobRunning, Attempt: 1}, Request: json.RawMessage(`{}`),
		History: []jobs.Attempt{{Number: 1, Worker: "w", Fault: fault.New(fault.BackendCrashed, "x")}}, Artifacts: []backend.Artifact{{Path: "a"}},
	}
	plain, err := encode(record)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add(encoder().EncodeAll(plain, nil))
	f.Add(encoder().EncodeAll(make([]byte, 1<<20), nil))                                      // a bomb
	f.Add([]byte("\x28\xb5\x2f\xfd\xe4\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x00\x00"))         // as long as a number can say
	f.Add([]byte(`{"job":{"progress":1e400},"history":[null],"request":` + "\xff" + `}`))     // no number, no text
	f.Add([]byte(`{"job":{"fault":{"code":7}},"cancel_requested_at":"never","deadline":""}`)) // no times
	f.Add(bytes.Repeat([]byte(`{"job":`), 20_000))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var r jobs.Record
		s, wrong := decodeSummary(content)
		if err := decode(content, &r); err != nil {
			return
		}
		if wrong == nil && (s.Owner != r.Owner || s.Job.JobID != r.Job.JobID || s.Job.Status != r.Job.Status) {
			t.Errorf("%+v is summed up as %+v", r, s)
		}
		again, err := encode(r)
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		var back jobs.Record
		if err := decode(again, &back); err != nil {
			t.Fatal(err)
		}
		if twice, err := encode(back); err != nil || !bytes.Equal(again, twice) {
			t.Errorf("%s became %s", again, twice)
		}
		if request, err := r.Decoded(); err == nil && request.Operation() != r.Job.Operation {
			t.Errorf("a record of %s has a request of %s", r.Job.Operation, request.Operation())
		} else if err != nil && fault.As(err) == nil {
			t.Error(err)
		}
		x := newIndex()
		x.put(s, 1)
		x.loaded()
	})
}

// FuzzCursor: whatever a caller sends as a cursor, it is a place or refused, and a place gives the same cursor again.
func FuzzCursor(f *testing.F) {
	f.Add(place{id: "j"}.cursor())
	for _, c := range []string{"", "x", "LTEuLg", "MS4\n", "++++", "\xff"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		p, err := parsePlace(cursor)
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidArgument {
				t.Fatal(err)
			}
			return
		}
		if p == nil {
			return
		}
		again, err := parsePlace(p.cursor())
		if err != nil || again.compare(*p) != 0 {
			t.Errorf("%q is %+v, and then %+v, %v", cursor, p, again, err)
		}
		x := newIndex()
		if _, err := x.list("o", backend.JobFilter{Cursor: cursor}); err != nil {
			t.Error(err)
		}
	})
}

// FuzzToken: no two names share a token, and none is more than one token of a subject.
func FuzzToken(f *testing.F) {
	f.Add("a.b", "a.*")
	f.Add(">", "")
	f.Add("=", token("="))
	f.Add("j\r\nPUB x", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		x, y := token(a), token(b)
		if (x == y) != (a == b) {
			t.Errorf("%q and %q are %q and %q", a, b, x, y)
		}
		if x == "" || !utf8.ValidString(x) || bytes.ContainsAny([]byte(x), ".*> \t\r\n\x00") {
			t.Errorf("%q became %q", a, x)
		}
	})
}

// FuzzEvent: whatever stands in the stream of events, what is told of a job's progress stays within its states.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"seq":4294967297,"kind":"progress","progress":{"phase":"x"}}`))
	f.Add([]byte(`{"seq":18446744073709551615,"kind":"status","status":{"status":"running","progress":2}}`))
	f.Add([]byte(`{"kind":"progress"}`))
	f.Add([]byte(`{"kind":"status","progress":{},"status":{}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var e backend.Event
		if json.Unmarshal(content, &e) != nil {
			return
		}
		x := newIndex()
		x.put(summary{Job: backend.JobStatusResponse{JobID: "j", Status: backend.JobRunning, Attempt: 1}, Owner: "o"}, 1)
		x.loaded()
		if e.Progress != nil || e.Status != nil && e.Status.Status == backend.JobRunning {
			x.progress("j", int(e.Seq>>32), e)
		}
		s, _, _ := x.status("j")
		if s.Status != backend.JobRunning || s.JobID != "j" {
			t.Errorf("%s made %+v of it", content, s)
		}
		if all := coalesce(coalesce(nil, e), e); len(all) > 2 || len(all) < 1 {
			t.Error(cmp.Diff(e, all))
		}
	})
}
