package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// store sends the files that an operation reads to the backend.
func (s *Session) store(ctx context.Context, files []File) ([]backend.Input, error) {
	var inputs []backend.Input
	for _, f := range files {
		input, err := s.storeOne(ctx, f)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, input)
	}
	return inputs, nil
}

func (s *Session) storeOne(ctx context.Context, f File) (backend.Input, error) {
	content, err := os.Open(f.File)
	if err != nil {
		return backend.Input{}, fault.New(fault.InvalidArgument, "the input file cannot be read", fault.Because(err), fault.On(f.File))
	}
	defer func() { _ = content.Close() }()
	input := backend.Input{Path: f.Path}
	if input.Size, input.SHA256, err = digest(content); err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		return input, fault.New(fault.InvalidArgument, "the input file cannot be read", fault.Because(err), fault.On(f.File))
	}
	store, ok := s.Backend.(backend.InputStore)
	if !ok {
		return input, s.unsupported("input files", "its features: "+orNothing(list(s.Capabilities.Features)))
	}
	return input, store.PutInput(ctx, input, content)
}

// delivers says whether the backend can bring files, where e wants them.
func (s *Session) delivers(e Ending) error {
	if _, ok := s.Backend.(backend.ArtifactStore); e.OutputDir == "" && !e.Temporary || ok && s.Capabilities.Has(backend.FeatureArtifacts) {
		return nil
	}
	return s.unsupported("output files", "its features: "+orNothing(list(s.Capabilities.Features)))
}

// download brings the job's files into e.OutputDir and answers their absolute paths. They are verified in
// a folder beside their place before any of them takes it, and none does if it would replace a file that
// is not atg's. Code that op generated replaces the code of an earlier job as a whole.
func (s *Session) download(ctx context.Context, id string, op backend.Operation, e Ending, observer Observer) ([]string, error) {
	if err := s.delivers(e); err != nil {
		return nil, err
	}
	store := s.Backend.(backend.ArtifactStore)
	listed, err := store.ListArtifacts(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := checkNames(listed); err != nil {
		return nil, err
	}
	seen := map[string]fs.FileInfo{}
	written, err := s.receive(ctx, e.OutputDir, delivery{
		what:  "job " + id,
		admit: func(root *os.Root) error { return s.admit(root, id, e, listed, seen) },
		fetch: func(staging string) ([]backend.Artifact, error) {
			got, err := store.DownloadArtifacts(ctx, id, staging, progressOf(observer))
			if err == nil && !same(listed, got) {
				err = distrust("the downloaded files are not those that the backend listed", id)
			}
			return got, err
		},
		place:  func(a backend.Artifact) string { return a.Path },
		moving: func(root *os.Root, artifacts []backend.Artifact) error { return announce(root, op, artifacts) },
		moved: func(root *os.Root, placed []backend.Artifact, whole bool) error {
			return s.remember(root, op, placed, whole)
		},
	})
	return written, s.retrievable(ctx, id, e, err)
}

// FetchSnapshot brings a snapshot into the local file target, verified, and answers its size and
// SHA-256. An existing file is replaced only where overwrite says so.
func (s *Session) FetchSnapshot(ctx context.Context, id, target string, overwrite bool) (backend.Artifact, error) {
	store, err := s.Snapshots()
	if err != nil {
		return backend.Artifact{}, err
	}
	free := func() error {
		if _, err := os.Lstat(target); err == nil && !overwrite {
			return fault.New(fault.InvalidArgument, "the output file exists", fault.On(target),
				fault.Hint("choose another, or let --force replace it"))
		}
		return nil
	}
	if err := free(); err != nil {
		return backend.Artifact{}, err
	}
	known, err := store.GetSnapshot(ctx, id)
	if err != nil {
		return backend.Artifact{}, err
	}
	observer := s.options.Observe()
	defer observer.Close()
	var fetched backend.Artifact
	_, err = s.receive(ctx, filepath.Dir(target), delivery{
		what:  "snapshot " + id,
		admit: func(*os.Root) error { return free() },
		fetch: func(staging string) ([]backend.Artifact, error) {
			fetched, err = store.FetchSnapshot(ctx, id, staging, progressOf(observer))
			if err == nil && known.Snapshot.SHA256 != "" && fetched.SHA256 != known.Snapshot.SHA256 {
				err = distrust("the fetched file is not the snapshot that the backend listed", id)
			}
			return []backend.Artifact{fetched}, err
		},
		place:  func(backend.Artifact) string { return filepath.Base(target) },
		moving: func(*os.Root, []backend.Artifact) error { return nil },
		moved:  func(*os.Root, []backend.Artifact, bool) error { return nil },
	})
	return fetched, err
}

func progressOf(observer Observer) func(backend.Progress) {
	return func(p backend.Progress) {
		observer.Event(backend.Event{Kind: backend.EventProgress, Progress: &p})
	}
}

// verify compares a file with what is said of it.
func (s *Session) verify(dir string, a backend.Artifact) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	name := filepath.FromSlash(a.Path)
	info, err := root.Lstat(name)
	if err != nil {
		return distrust("the backend did not write a file that it named", a.Path)
	}
	if !info.Mode().IsRegular() {
		return distrust("the backend wrote something that is no file", a.Path)
	}
	if s.bundled() && info.Size() == a.Size { // it has compared the checksum while it wrote
		return nil
	}
	f, err := root.Open(name)
	if err != nil {
		return distrust("a downloaded file cannot be read", a.Path)
	}
	defer func() { _ = f.Close() }()
	size, sum, err := digest(f)
	if err != nil {
		return fault.New(fault.ExecutionFailed, "a downloaded file cannot be read", fault.Because(err), fault.On(a.Path))
	}
	if size != a.Size || sum != a.SHA256 {
		return distrust("the checksum of a downloaded file is wrong", a.Path)
	}
	return nil
}

// bundled says whether the backend is one of those that atg brings along, which only the user's own
// configuration can replace.
func (s *Session) bundled() bool { return s.Name == Local || s.Name == Remote }

func distrust(message, on string) *fault.Fault {
	return fault.New(fault.Integrity, message, fault.On(on), fault.From(fault.OriginHost),
		fault.Hint("nothing of it was kept; try again, and report it if it happens again"))
}

func same(a, b []backend.Artifact) bool {
	byPath := func(x, y backend.Artifact) int { return strings.Compare(x.Path, y.Path) }
	return slices.Equal(slices.SortedFunc(slices.Values(a), byPath), slices.SortedFunc(slices.Values(b), byPath))
}

func digest(r io.Reader) (size int64, sum string, err error) {
	h := sha256.New()
	size, err = io.Copy(h, r)
	return size, hex.EncodeToString(h.Sum(nil)), err
}
