package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/backend"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// Publication is a backend to be published.
type Publication struct {
	Name        string
	Version     string // by semantic versioning; empty says nothing
	Summary     string
	Programs    map[string]string // the file for each platform, os/arch
	Destination string            // oci://REGISTRY/NAME:TAG, or oci-layout:FOLDER:TAG
}

// Published is what has been published.
type Published struct {
	Name        string                       `json:"name"`
	Version     string                       `json:"version,omitempty"`
	Destination string                       `json:"destination"`
	Digest      string                       `json:"digest"` // of the index
	Pinned      string                       `json:"pinned"` // what to install from, so that nothing else can come
	Platforms   map[string]lockfile.Platform `json:"platforms"`
}

// PlatformOf is the platform in the name of a program's file, as atg-backend-acme_linux_amd64 has it, and the backend's name. Both are
// empty where the name has none.
func PlatformOf(file string) (name, platform string) {
	name, platform, _ = parseFile(filepath.Base(file))
	return name, platform
}

// Push publishes programs of a backend under a tag: the same programs make the same digests. The tag moves at the end, when everything
// that it stands for is there.
func (i *Installer) Push(ctx context.Context, p Publication) (*Published, error) {
	if err := CheckName(p.Name); err != nil {
		return nil, err
	}
	to, err := ParseSource(p.Destination)
	if err != nil {
		return nil, err
	}
	if to.kind != kindRegistry && to.kind != kindLayout || to.pinned() || to.reference == "" {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%q is nowhere that a backend can be published", p.Destination), fault.From(fault.OriginHost),
			fault.Hint("write oci://REGISTRY/NAME:TAG, or oci-layout:FOLDER:TAG"))
	}
	var target writable
	if to.kind == kindLayout {
		target, err = oci.NewWithContext(ctx, to.path)
		if err != nil {
			return nil, unusable(to.path, err)
		}
	} else if target, err = i.repository(to); err != nil {
		return nil, err
	}
	ctx, watch, cancel := i.watch(ctx)
	defer cancel()
	out := &Published{Name: p.Name, Version: p.Version, Destination: to.text, Platforms: map[string]lockfile.Platform{}}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, ArtifactType: ArtifactType, Annotations: p.annotations()}
	for _, platform := range slices.Sorted(maps.Keys(p.Programs)) {
		d, sum, err := i.pushProgram(ctx, target, watch, p, platform)
		if err != nil {
			return nil, i.registryFault(ctx, to, err)
		}
		index.Manifests = append(index.Manifests, d)
		out.Platforms[platform] = lockfile.Platform{SHA256: sum}
	}
	root, err := pushDocument(ctx, target, ocispec.MediaTypeImageIndex, index)
	if err == nil {
		err = target.Tag(ctx, root, to.reference)
	}
	if err != nil {
		return nil, i.registryFault(ctx, to, err)
	}
	out.Digest = root.Digest.String()
	out.Pinned = ociScheme + to.repository + "@" + out.Digest
	if to.kind == kindLayout {
		out.Pinned = layoutScheme + to.path + "@" + out.Digest
	}
	return out, nil
}

func (p Publication) annotations() map[string]string {
	a := map[string]string{ocispec.AnnotationTitle: p.Name}
	if p.Version != "" {
		a[ocispec.AnnotationVersion] = p.Version
	}
	if p.Summary != "" {
		a[ocispec.AnnotationDescription] = p.Summary
	}
	return a
}

// pushProgram pushes a program and the manifest that names it.
func (i *Installer) pushProgram(ctx context.Context, target writable, watch func(io.Reader) io.Reader, p Publication, platform string) (ocispec.Descriptor, string, error) {
	system, processor, ok := strings.Cut(platform, "/")
	if !ok || system == "" || processor == "" {
		return ocispec.Descriptor{}, "", fault.New(fault.InvalidArgument, fmt.Sprintf("%q is no platform", platform), fault.From(fault.OriginHost), fault.Hint("write it as linux/amd64"))
	}
	path := p.Programs[platform]
	sum, size, err := sum(path)
	if err != nil {
		return ocispec.Descriptor{}, "", missing(path, "it cannot be read", err)
	}
	title := filePrefix + p.Name
	if system == "windows" {
		title += ".exe"
	}
	layer := ocispec.Descriptor{
		MediaType: ProgramType, Digest: digest.NewDigestFromEncoded(digest.SHA256, sum), Size: size,
		Annotations: map[string]string{ocispec.AnnotationTitle: title},
	}
	if err := i.pushFile(ctx, target, watch, layer, path, platform); err != nil {
		return ocispec.Descriptor{}, "", err
	}
	if err := pushBytes(ctx, target, ocispec.DescriptorEmptyJSON, ocispec.DescriptorEmptyJSON.Data); err != nil {
		return ocispec.Descriptor{}, "", err
	}
	empty := ocispec.DescriptorEmptyJSON
	empty.Data = nil
	d, err := pushDocument(ctx, target, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: ArtifactType,
		Config: empty, Layers: []ocispec.Descriptor{layer}, Annotations: p.annotations(),
	})
	d.Platform = &ocispec.Platform{OS: system, Architecture: processor}
	d.ArtifactType = ArtifactType
	return d, sum, err
}

func (i *Installer) pushFile(ctx context.Context, target writable, watch func(io.Reader) io.Reader, layer ocispec.Descriptor, path, platform string) error {
	if there, err := target.Exists(ctx, layer); err != nil || there {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return missing(path, "it cannot be read", err)
	}
	defer func() { _ = file.Close() }()
	done := int64(0)
	body := io.TeeReader(file, progress(func(n int) {
		if done += int64(n); i.Progress != nil {
			i.Progress(backend.Progress{Phase: "upload", Done: done, Total: layer.Size, Unit: "bytes", Message: platform})
		}
	}))
	return already(target.Push(ctx, layer, watch(body)))
}

// pushDocument pushes a manifest or an index.
func pushDocument(ctx context.Context, target writable, mediaType string, document any) (ocispec.Descriptor, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(text), Size: int64(len(text))}
	return d, pushBytes(ctx, target, d, text)
}

func pushBytes(ctx context.Context, target writable, d ocispec.Descriptor, text []byte) error {
	if there, err := target.Exists(ctx, d); err != nil || there {
		return err
	}
	return already(target.Push(ctx, d, bytes.NewReader(text)))
}

// already takes what is there for pushed.
func already(err error) error {
	if errors.Is(err, errdef.ErrAlreadyExists) {
		return nil
	}
	return err
}
