package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

const (
	// manifestName is a file in an output folder that says which of the files there atg wrote.
	manifestName = ".atg-files.json"
	// stagingPrefix begins the name of the folder in which files arrive.
	stagingPrefix = ".atg-incoming-"
	// mostProblems is how many files a fault lists.
	mostProblems = 20
)

// manifest says which files of a folder atg wrote, and what it wrote, so that a later run may replace what
// nobody has touched.
type manifest struct {
	About string            `json:"about"`
	Files map[string]string `json:"files"` // SHA-256 in lower-case hexadecimal, by path with slashes
	// Code are those of Files that generate-iac wrote. A tool deploys all that is in the folder, so the next
	// code replaces them as a whole.
	Code []string `json:"code,omitempty"`
	// Arriving are files that are about to take their place. What atg was killed over is found here.
	Arriving *arrival `json:"arriving,omitempty"`
}

// arrival is files on their way.
type arrival struct {
	Code  bool              `json:"code"`
	Files map[string]string `json:"files"` // as manifest.Files
}

// readManifest reads the manifest of a folder. One that is missing or damaged vouches for nothing.
func readManifest(root *os.Root) manifest {
	var m manifest
	content, err := root.ReadFile(manifestName)
	if err != nil || json.Unmarshal(content, &m) != nil || m.Files == nil {
		m = manifest{Files: map[string]string{}}
	}
	return m
}

// settledManifest reads a manifest and enters those of the arriving files that have arrived: whoever was
// to do that is gone.
func settledManifest(root *os.Root) manifest {
	m := readManifest(root)
	if m.Arriving == nil {
		return m
	}
	for file, sum := range m.Arriving.Files {
		if now, err := sumOf(root, file); err == nil && now == sum {
			m.enter(backend.Artifact{Path: file, SHA256: sum}, m.Arriving.Code)
		}
	}
	m.Arriving = nil
	return m
}

// enter enters a file that is there.
func (m *manifest) enter(a backend.Artifact, code bool) {
	m.forget(a.Path)
	m.Files[a.Path] = a.SHA256
	if code {
		m.Code = append(m.Code, a.Path)
	}
}

// write puts the manifest into its folder.
func (m *manifest) write(root *os.Root) error {
	slices.Sort(m.Code)
	m.About = "what atg wrote here, so that it replaces no file of yours; it can be deleted"
	content, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	const next = manifestName + ".next"
	if err := root.WriteFile(next, append(content, '\n'), 0o600); err != nil {
		return err
	}
	return root.Rename(next, manifestName)
}

// announce enters artifacts that are about to take their place in a folder into its manifest, so that they
// are known as atg's wherever it may be ended.
func announce(root *os.Root, op backend.Operation, artifacts []backend.Artifact) error {
	m := settledManifest(root)
	m.Arriving = &arrival{Code: op == backend.OpGenerateIaC, Files: map[string]string{}}
	for _, a := range artifacts {
		m.Arriving.Files[a.Path] = a.SHA256
	}
	return m.write(root)
}

// remember enters artifacts that took their place in a folder into its manifest. With whole, they are all
// that the operation made: code that an earlier generation left is removed, and the user is told of what
// else an earlier run has left there.
func (s *Session) remember(root *os.Root, op backend.Operation, artifacts []backend.Artifact, whole bool) error {
	m := readManifest(root)
	m.Arriving = nil
	if whole {
		s.tidy(root, &m, op, artifacts)
	}
	for _, a := range artifacts {
		m.enter(a, op == backend.OpGenerateIaC)
	}
	return m.write(root)
}

// admit refuses artifacts whose place is taken by a file that atg did not write, or that somebody has
// changed since, unless e says otherwise; and what cannot be replaced at all.
// What was compared before stands in seen and is not read again as long as it looks the same.
func (s *Session) admit(root *os.Root, id string, e Ending, artifacts []backend.Artifact, seen map[string]fs.FileInfo) error {
	m := settledManifest(root)
	var problems []fault.Problem
	for _, a := range artifacts {
		if why := taken(root, m, a.Path, e.Overwrite, seen); why != "" {
			problems = append(problems, fault.Problem{Key: a.Path, Message: why})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	message := fmt.Sprintf("%d files of the output folder would be replaced that are not atg's; nothing was written", len(problems))
	if len(problems) == 1 {
		message = "a file of the output folder would be replaced that is not atg's; nothing was written"
	}
	if more := len(problems) - mostProblems; more > 0 {
		problems = append(problems[:mostProblems], fault.Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	hint := "choose another folder, or let --force replace files"
	if s.durable() {
		e.Overwrite = true
		hint += ": " + s.fetchAgain(id, e)
	}
	return fault.New(fault.Conflict, message, fault.On(e.OutputDir), fault.Problems(problems...), fault.Hint("%s", hint), fault.From(fault.OriginHost))
}

// taken says why a file cannot come to its place.
func taken(root *os.Root, m manifest, file string, overwrite bool, seen map[string]fs.FileInfo) string {
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		info, err := root.Stat(filepath.FromSlash(dir))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return dir + " cannot be used: " + err.Error()
		case !info.IsDir():
			return dir + " is no folder"
		}
	}
	info, err := root.Lstat(filepath.FromSlash(file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil:
		return err.Error()
	case info.IsDir():
		return "is a folder"
	case overwrite:
		return ""
	case m.Files[file] == "":
		return "was not written by atg"
	}
	if before := seen[file]; before != nil && os.SameFile(before, info) && before.Size() == info.Size() && before.ModTime().Equal(info.ModTime()) {
		return ""
	}
	if sum, err := sumOf(root, file); err != nil || sum != m.Files[file] {
		return "was changed since atg wrote it"
	}
	seen[file] = info
	return ""
}

// sumOf is the SHA-256 of a regular file.
func sumOf(root *os.Root, file string) (string, error) {
	name := filepath.FromSlash(file)
	if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return "", errors.Join(err, errors.New("no regular file"))
	}
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	_, sum, err := digest(f)
	return sum, err
}

// checkOutput says before the work begins that its files would have no place.
func checkOutput(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.IsDir():
		err = errors.New("it is a file")
	}
	if err != nil {
		return fault.New(fault.InvalidArgument, "the output folder cannot be used", fault.Because(err), fault.On(dir), fault.From(fault.OriginHost))
	}
	return nil
}

// retrievable says how to get the files of a durable job that is done, where they could not be had now.
func (s *Session) retrievable(ctx context.Context, id string, e Ending, err error) error {
	if err == nil || !s.durable() {
		return err
	}
	f := *fault.Of(err)
	if ctx.Err() != nil {
		f = *fault.Of(context.Cause(ctx))
	}
	if f.Code == fault.Conflict || f.Code == fault.ArtifactsNotAvailable || f.Code == fault.JobNotFound || f.Code == fault.JobNotComplete {
		return err
	}
	if f.Message == unwritable || e.Temporary { // the same again would end the same way
		e.OutputDir = "DIR"
	}
	if f.Hint != "" {
		f.Hint += "\n"
	}
	f.Hint += "the job is done; get its files: " + s.fetchAgain(id, e)
	return &f
}

// fetchAgain is the command that downloads a job's files.
func (s *Session) fetchAgain(id string, e Ending) string {
	words := []string{"job", "download", id, "--output-dir", e.OutputDir}
	if e.Overwrite {
		words = append(words, "--force")
	}
	return s.again(words...)
}
