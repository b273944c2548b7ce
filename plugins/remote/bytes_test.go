package remote

import (
	"archive/zip"
	"bytes"
	"io"
	"strings"
)

func stringReader(content string) io.ReadSeeker { return strings.NewReader(content) }

func zipOf(write func(*zip.Writer)) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	write(z)
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.String()
}
