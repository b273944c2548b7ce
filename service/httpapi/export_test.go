package httpapi

import (
	"io"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/backend"
)

// NewArchive makes an archive of its own; known are checksums by SHA-256.
func NewArchive(files []backend.Artifact, made time.Time, known map[string]uint32, open func(backend.Artifact) (io.ReadSeekCloser, error)) (z io.ReadSeekCloser, size int64, etag string) {
	a := newArchive(files, made, &crcCache{sums: known}, open)
	return a, a.size, a.etag()
}
