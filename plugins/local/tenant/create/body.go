package create

import (
	"bytes"
	"encoding/json"
	"io"
	"os"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// body is a deployment as it is sent. Its template, which is nearly all of it and holds no secret, is in a file: several deployments are under way at
// once, each of which may have some megabytes. It has to be closed.
type body struct {
	*io.SectionReader
	file *os.File
}

// envelope is what surrounds a template.
type envelope struct {
	Location   string            `json:"location,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Properties struct {
		Mode       string         `json:"mode"`
		Parameters map[string]any `json:"parameters"`
	} `json:"properties"` // the last: the template comes behind what is in it
}

// newBody makes the deployment of a template, which is JSON in pieces, with the values of its parameters. The file is one of dir.
func newBody(dir, location string, tags map[string]string, parameters map[string]any, template [][]byte) (*body, error) {
	e := envelope{Location: location, Tags: tags}
	e.Properties.Mode, e.Properties.Parameters = "Incremental", parameters
	around, err := json.Marshal(e)
	if err != nil {
		return nil, fault.New(fault.Internal, "the deployment cannot be written", fault.Because(err))
	}
	b := &body{}
	if b.file, err = os.CreateTemp(dir, "deployment-*.json"); err != nil {
		return nil, unwritten(err)
	}
	var size int64
	for _, piece := range template {
		n, err := b.file.Write(piece)
		if err != nil {
			b.close()
			return nil, unwritten(err)
		}
		size += int64(n)
	}
	end := len(around) - len("}}")
	whole := parts{section(append(around[:end:end], `,"template":`...)), io.NewSectionReader(b.file, 0, size), section(around[end:])}
	b.SectionReader = io.NewSectionReader(whole, 0, whole.size())
	return b, nil
}

func unwritten(err error) error {
	return fault.New(fault.ExecutionFailed, "a deployment cannot be written to the job's folder", fault.Because(err))
}

// close removes the file.
func (b *body) close() {
	_ = b.file.Close()
	_ = os.Remove(b.file.Name()) // the job's folder goes with the job
}

func section(content []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content)))
}

// parts are read as one, one after the other.
type parts []*io.SectionReader

func (p parts) size() (all int64) {
	for _, part := range p {
		all += part.Size()
	}
	return all
}

// ReadAt is io.ReaderAt's.
func (p parts) ReadAt(into []byte, at int64) (n int, err error) {
	for _, part := range p {
		if at >= part.Size() {
			at -= part.Size()
			continue
		}
		m, err := part.ReadAt(into[n:], at)
		if n += m; n == len(into) {
			return n, nil
		}
		if err != nil && err != io.EOF {
			return n, err
		}
		at = 0
	}
	return n, io.EOF
}
