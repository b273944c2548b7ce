package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// fetchLocal takes a file, or that of a folder which is for this platform.
func (i *Installer) fetchLocal(_ context.Context, s Source, folder string) (*fetched, error) {
	got := &fetched{file: filepath.Join(folder, "download"), name: filepath.Base(s.path), source: s.text}
	path := s.path
	if s.kind == kindFolder {
		var err error
		if path, got.platforms, err = i.choose(s); err != nil {
			return nil, err
		}
		got.name = filepath.Base(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, missing(path, "it cannot be read", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, missing(path, "it is no file", err)
	}
	if got.sum, err = i.save(got.file, file, info.Size(), got.name); err != nil {
		return nil, err
	}
	signature, err := os.Open(path + minisigEnding)
	if errors.Is(err, fs.ErrNotExist) {
		return got, nil
	}
	if err != nil {
		return nil, missing(path+minisigEnding, "it cannot be read", err)
	}
	defer func() { _ = signature.Close() }()
	got.proof.minisig, err = io.ReadAll(io.LimitReader(signature, mostSignature))
	return got, err
}

// choose finds the file for this platform in a folder with one backend, perhaps for several platforms, and the sums of the others.
func (i *Installer) choose(s Source) (string, map[string]lockfile.Platform, error) {
	entries, err := os.ReadDir(s.path)
	if err != nil {
		return "", nil, missing(s.path, "it cannot be read", err)
	}
	names, files := map[string]bool{}, map[string]string{}
	for _, e := range entries {
		name, platform, ok := parseFile(e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		if platform == "" {
			platform = i.platform()
		}
		if files[platform] != "" {
			return "", nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%s and %s are both for %s", filepath.Base(files[platform]), e.Name(), platform), fault.On(s.path),
				fault.From(fault.OriginHost), fault.Hint("name the file, not its folder"))
		}
		names[name], files[platform] = true, filepath.Join(s.path, e.Name())
	}
	switch file := files[i.platform()]; {
	case len(files) == 0:
		return "", nil, missing(s.path, "no file atg-backend-NAME is in the folder", nil)
	case len(names) > 1:
		return "", nil, fault.New(fault.InvalidArgument, "several backends are in the folder: "+strings.Join(slices.Sorted(maps.Keys(names)), ", "), fault.On(s.path),
			fault.From(fault.OriginHost), fault.Hint("name the file of one, or give each a folder"))
	case file == "":
		return "", nil, noPlatform(s.text, slices.Sorted(maps.Keys(files)), i.platform())
	}
	platforms := map[string]lockfile.Platform{}
	for platform, file := range files {
		sum, _, err := sum(file)
		if err != nil {
			return "", nil, missing(file, "it cannot be read", err)
		}
		if isArchive(file) {
			platforms[platform] = lockfile.Platform{Download: sum}
		} else {
			platforms[platform] = lockfile.Platform{SHA256: sum}
		}
	}
	return files[i.platform()], platforms, nil
}

// isArchive says whether a file is an archive by its name.
func isArchive(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".zip")
}
