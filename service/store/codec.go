package store

import (
	"bytes"
	"encoding/json"
	"sync"
	"unique"

	"github.com/klauspost/compress/zstd"

	"github.com/azure-tenant-grapher/atg/service/jobs"
	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// compressed is how long JSON may be before it is kept compressed: long lists of artifacts shrink to a third.
const compressed = 32 << 10

// zstdMagic begins what is compressed (RFC 8878); JSON never does.
var zstdMagic = []byte{0x28, 0xB5, 0x2F, 0xFD}

// What encodes and decodes is made once, and can be used from many goroutines.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err) // an option is wrong
		}
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			panic(err) // an option is wrong
		}
		return d
	})
)

func encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || len(b) <= compressed {
		return b, err
	}
	return encoder().EncodeAll(b, nil), nil
}

func decode(b []byte, v any) error {
	if bytes.HasPrefix(b, zstdMagic) {
		var err error
		if b, err = decoder().DecodeAll(b, nil); err != nil {
			return err
		}
	}
	return json.Unmarshal(b, v)
}

// summary is what the index keeps of a record.
type summary struct {
	Job    backend.JobStatusResponse `json:"job"`
	Owner  string                    `json:"owner"`
	Parent string                    `json:"parent"` // of a shard
	Inputs []input                   `json:"inputs"` // of a job that has not ended
}

type input struct {
	SHA256 string `json:"sha256"`
}

// decodeSummary reads a summary. What many jobs share is kept once.
func decodeSummary(b []byte) (summary, error) {
	var s summary
	err := decode(b, &s)
	return s.shared(), err
}

func summarize(r jobs.Record) summary {
	s := summary{Job: r.Job, Owner: r.Owner, Parent: r.Parent}
	for _, in := range r.Inputs {
		s.Inputs = append(s.Inputs, input{in.SHA256})
	}
	return s.shared()
}

// lane is jobs.Record.Lane as a token.
func (s summary) lane() string { return token(jobs.Lane(s.Owner, s.Parent)) }

func (s summary) shared() summary {
	s.Owner, s.Parent = intern(s.Owner), intern(s.Parent)
	s.Job.TenantID, s.Job.Phase = intern(s.Job.TenantID), intern(s.Job.Phase)
	s.Job.Operation, s.Job.Status = intern(s.Job.Operation), intern(s.Job.Status)
	if s.Job.Status.Terminal() {
		s.Inputs = nil
	}
	return s
}

func intern[T ~string](s T) T { return unique.Make(s).Value() }
