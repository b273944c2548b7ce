package terraform

import (
	"bufio"
	"io"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/azure-tenant-grapher/atg/plugins/local/iac/output"
)

// fan writes several files at the same time, as their parts come.
type fan struct {
	files *output.Files
	dir   string
	begin func(io.Writer) error
	open  map[string]*fanned
	group errgroup.Group
}

// fanned is the open file of a name, which is full after fileResources parts; another goes on then.
type fanned struct {
	pipe   *io.PipeWriter
	buffer *bufio.Writer
	parts  int // in this file
	number int // of this file, from 1
}

func newFan(files *output.Files, dir string, begin func(io.Writer) error) *fan {
	return &fan{files: files, dir: dir, begin: begin, open: map[string]*fanned{}}
}

// file is where the next part of the file of a name goes to.
func (f *fan) file(name string) (io.Writer, error) {
	file := f.open[name]
	if file == nil {
		file = &fanned{buffer: bufio.NewWriterSize(nil, 1<<15)}
		f.open[name] = file
	}
	if file.number == 0 || file.parts == fileResources {
		if err := file.end(nil); err != nil {
			return nil, err
		}
		file.number++
		file.parts = 0
		f.start(name, file)
	}
	file.parts++
	return file.buffer, nil
}

func (f *fan) start(name string, file *fanned) {
	if file.number > 1 {
		name += "_" + strconv.Itoa(file.number)
	}
	var reader *io.PipeReader
	reader, file.pipe = io.Pipe()
	file.buffer.Reset(file.pipe)
	f.group.Go(func() error {
		err := f.files.Write(f.dir+name+".tf", func(to io.Writer) error {
			if err := f.begin(to); err != nil {
				return err
			}
			_, err := io.Copy(to, reader)
			return err
		})
		reader.CloseWithError(err) // so that nobody writes to a file that failed, and waits
		return err
	})
}

// end ends a file; why is not nil if something else has failed.
func (f *fanned) end(why error) error {
	if f.pipe == nil {
		return nil
	}
	if why == nil {
		why = f.buffer.Flush()
	}
	f.pipe.CloseWithError(why)
	return why
}

// close ends all files, and waits until they are written. err is why no more parts come; nil is success.
func (f *fan) close(err error) error {
	for _, file := range f.open {
		if failed := file.end(err); err == nil {
			err = failed
		}
	}
	if failed := f.group.Wait(); err == nil {
		err = failed
	}
	return err
}
