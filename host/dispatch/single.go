package dispatch

import (
	"cmp"
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// ExecuteSpecGeneration writes a specification into task.OutputFile.
func (d *ExecutionDispatcher) ExecuteSpecGeneration(ctx context.Context, request *backend.SpecGenerationRequest, task Task) (*Outcome, error) {
	task.Request = request
	return d.Execute(ctx, task)
}

// ExecuteVisualization draws a page into task.OutputFile.
func (d *ExecutionDispatcher) ExecuteVisualization(ctx context.Context, request *backend.VisualizationRequest, task Task) (*Outcome, error) {
	task.Request = request
	return d.Execute(ctx, task)
}

// asideFile is the name of the file of Ending.Temporary, whatever its job calls it.
const asideFile = "content"

// downloadAside brings the file that a job has made into a temporary folder.
func (s *Session) downloadAside(ctx context.Context, id string, e Ending, out *Outcome, observer Observer) error {
	dir, err := os.MkdirTemp("", "atg-")
	if err != nil {
		return fault.New(fault.ExecutionFailed, "no temporary folder can be made", fault.Because(err), fault.From(fault.OriginHost),
			fault.Hint("make room in %s, or choose another folder for temporary files", os.TempDir()))
	}
	out.temporary = dir
	e.OutputDir, e.OutputFile = dir, asideFile
	out.Files, err = s.downloadFile(ctx, id, e, observer)
	return err
}

// downloadFile brings the file that a job has made to e.OutputFile in e.OutputDir, and what it has made beside it next to it, under names
// that begin like that of the file. They are verified before any of them takes its place, and none replaces a file unless e says so. The
// absolute paths are the answer, that of the file first.
func (s *Session) downloadFile(ctx context.Context, id string, e Ending, observer Observer) ([]string, error) {
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
	if len(listed) == 0 {
		return nil, distrust("the job has made no file", id)
	}
	places := besides(listed, e.OutputFile)
	written, err := s.receive(ctx, e.OutputDir, delivery{
		what:  "job " + id,
		admit: func(root *os.Root) error { return vacant(root, e, places) },
		fetch: func(staging string) ([]backend.Artifact, error) {
			got, err := store.DownloadArtifacts(ctx, id, staging, progressOf(observer))
			if err == nil && !same(listed, got) {
				err = distrust("the downloaded files are not those that the backend listed", id)
			}
			return got, err
		},
		place:  func(a backend.Artifact) string { return places[a.Path] },
		moving: func(*os.Root, []backend.Artifact) error { return nil },
		moved:  func(*os.Root, []backend.Artifact, bool) error { return nil },
	})
	main := filepath.Join(e.OutputDir, e.OutputFile)
	slices.SortFunc(written, func(a, b string) int {
		switch main {
		case a:
			return -1
		case b:
			return 1
		}
		return strings.Compare(a, b)
	})
	return written, s.retrievable(ctx, id, e, err)
}

// besides are the names that the files of a job get where one of them is to have the name file: it is the one with the shortest path. The
// others keep what theirs have behind its name: of spec.md and spec.map.json, contoso.md and contoso.map.json.
func besides(artifacts []backend.Artifact, file string) map[string]string {
	main := slices.MinFunc(artifacts, func(a, b backend.Artifact) int {
		return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), strings.Compare(a.Path, b.Path))
	}).Path
	stem := strings.TrimSuffix(main, path.Ext(main))
	own := strings.TrimSuffix(file, filepath.Ext(file))
	places := map[string]string{}
	for _, a := range artifacts {
		switch rest, ok := strings.CutPrefix(a.Path, stem+"."); {
		case a.Path == main:
			places[a.Path] = file
		case ok && !strings.Contains(rest, "/"):
			places[a.Path] = own + "." + rest
		default:
			places[a.Path] = own + "." + path.Base(a.Path)
		}
	}
	return places
}

// vacant says that no file would be replaced that may not be.
func vacant(root *os.Root, e Ending, places map[string]string) error {
	if e.Overwrite {
		return nil
	}
	var there []string
	for _, name := range places {
		if _, err := root.Lstat(name); err == nil {
			there = append(there, filepath.Join(e.OutputDir, name))
		}
	}
	if len(there) == 0 {
		return nil
	}
	slices.Sort(there)
	return Occupied(there[0])
}

// Occupied is the fault of an output file that is there already.
func Occupied(file string) error {
	return fault.New(fault.InvalidArgument, "the output file exists", fault.On(file), fault.From(fault.OriginHost),
		fault.Hint("choose another, or let --force replace it"))
}
