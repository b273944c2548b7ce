package cli

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/dispatch"
	"github.com/azure-tenant-grapher/atg/internal/nearest"
	"github.com/azure-tenant-grapher/atg/shared/api"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// maxLine is the length of the longest line of a batch, in bytes.
const maxLine = 1 << 20

// batchLine is a line of a batch: a submission, or what is wrong with it.
type batchLine struct {
	number     int // from 1
	submission backend.Submission
	files      []dispatch.File
	problem    *fault.Fault // nil is well-formed
}

// readBatch reads lines of {"operation", "request", "idempotency_key", "inputs"}, of which only the first
// must be there; a request is what the operation's POST takes. Empty lines count but say nothing. Input files are named relative to dir. Submissions on no
// tenant get tenant. A line without a key of its own gets one from id, so that the same batch with the same
// id is the same jobs.
func readBatch(r io.Reader, dir, tenant, id string) ([]batchLine, error) {
	var lines []batchLine
	keys := map[string]int{}
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 0, 64<<10), maxLine)
	number := 0
	for scanner.Scan() {
		number++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		line := batchLine{number: number}
		if err := line.decode(text, dir); err != nil {
			line.problem = wrongLine(number, err)
		} else if line.submission.IdempotencyKey == "" {
			sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", id, number, text))
			line.submission.IdempotencyKey = hex.EncodeToString(sum[:16])
		}
		if key := line.submission.IdempotencyKey; line.problem == nil {
			if before, twice := keys[key]; twice {
				line.problem = wrongLine(number, fmt.Errorf("its idempotency_key is that of line %d", before))
			}
			keys[key] = number
			if line.submission.Request.Tenant() == "" {
				backend.SetTenant(line.submission.Request, tenant)
			}
		}
		lines = append(lines, line)
	}
	if err := scanner.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			return nil, wrongLine(number+1, fmt.Errorf("it is longer than %d MiB", maxLine>>20))
		}
		return nil, fault.New(fault.InvalidArgument, "the batch cannot be read", fault.Because(err), fault.From(fault.OriginHost))
	}
	if len(lines) == 0 {
		return nil, usage("the batch is empty")
	}
	return lines, nil
}

func (l *batchLine) decode(text []byte, dir string) error {
	var raw struct {
		Operation      backend.Operation `json:"operation"`
		Request        json.RawMessage   `json:"request"`
		IdempotencyKey string            `json:"idempotency_key"`
		Inputs         map[string]string `json:"inputs"` // files by the path that the request gives each
	}
	if err := strict(text, &raw); err != nil {
		return err
	}
	body := api.NewBody(raw.Operation)
	if body == nil {
		var known []string
		for _, op := range backend.Operations() {
			known = append(known, string(op))
		}
		if near := nearest.To(string(raw.Operation), known); near != "" {
			return fmt.Errorf("there is no operation %q; did you mean %s?", raw.Operation, near)
		}
		return fmt.Errorf("there is no operation %q; there are %s", raw.Operation, strings.Join(known, ", "))
	}
	if raw.Request != nil {
		if err := strict(raw.Request, body); err != nil {
			return fmt.Errorf("request: %w", err)
		}
	}
	if len(raw.IdempotencyKey) > api.MaxIdempotencyKey {
		return fmt.Errorf("idempotency_key is longer than %d characters", api.MaxIdempotencyKey)
	}
	l.submission = body.Submission()
	l.submission.IdempotencyKey = raw.IdempotencyKey
	for _, path := range slices.Sorted(maps.Keys(raw.Inputs)) {
		file := raw.Inputs[path]
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		l.files = append(l.files, dispatch.File{Path: path, File: file})
	}
	return nil
}

// strict decodes one JSON object that has no field which target lacks.
func strict(text []byte, target any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(target)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%s: a JSON %s does not fit there", kind.Field, kind.Value)
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	case d.More():
		return errors.New("there is something behind the object")
	}
	return nil
}

func wrongLine(number int, err error) *fault.Fault {
	return fault.New(fault.InvalidArgument, fmt.Sprintf("line %d: %v", number, err), fault.From(fault.OriginHost))
}
