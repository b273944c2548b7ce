package install

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"

	"github.com/azure-tenant-grapher/atg/host/lockfile"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// What a backend is in a registry: an index with a manifest for each platform, whose one layer is the program as it is. A manifest
// without an index is for any platform; a layer may also be an archive, as oras push makes them.
const (
	// ArtifactType is that of the index and of each manifest.
	ArtifactType = "application/vnd.atg.backend.v1"
	// ProgramType is the media type of a program.
	ProgramType = "application/vnd.atg.backend.program.v1"

	cosignType       = "application/vnd.dev.cosign.simplesigning.v1+json"
	cosignAnnotation = "dev.cosignproject.cosign/signature"

	mostManifest  = 1 << 20
	mostPlatforms = 64
)

// readable and writable are where artifacts are kept: oras.ReadOnlyTarget and oras.Target, without the package oras, whose
// initialization each start of atg would pay for.
type (
	readable interface {
		content.ReadOnlyStorage
		content.Resolver
	}
	writable interface {
		content.Storage
		content.TagResolver
	}
)

// target is where an artifact is kept.
func (i *Installer) target(ctx context.Context, s Source) (readable, error) {
	if s.kind == kindLayout {
		return openLayout(ctx, s)
	}
	return i.repository(s)
}

func openLayout(ctx context.Context, s Source) (*oci.ReadOnlyStore, error) {
	layout, err := oci.NewFromFS(ctx, os.DirFS(s.path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, missing(s.text, "it is no OCI layout", err)
	case err != nil:
		return nil, integrity(s.text, "the layout cannot be read: %v", err)
	}
	return layout, nil
}

// repository is that of a registry. Credentials are those of docker login and oras login, helpers included.
func (i *Installer) repository(s Source) (*remote.Repository, error) {
	repository, err := remote.NewRepository(s.repository)
	if err != nil {
		return nil, wrongSource(s.text, "write oci://REGISTRY/NAME:TAG")
	}
	client := &auth.Client{Client: i.HTTP, Cache: auth.NewCache()}
	if i.HTTP != nil {
		again := *i.HTTP
		again.Transport = retry.NewTransport(i.HTTP.Transport)
		client.Client = &again
	}
	if store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{}); err == nil {
		client.Credential = credentials.Credential(store)
	}
	repository.Client = client
	return repository, nil
}

// variant is the program for one platform.
type variant struct {
	layer   ocispec.Descriptor
	version string
}

func (i *Installer) fetchOCI(ctx context.Context, s Source, locked, folder string) (*fetched, error) {
	target, err := i.target(ctx, s)
	if err != nil {
		return nil, err
	}
	ctx, watch, cancel := i.watch(ctx)
	defer cancel()
	root, variants, err := i.variants(ctx, target, s)
	if err != nil {
		return nil, err
	}
	if locked != "" && root.Digest.String() != locked {
		return nil, integrity(s.text, "its digest is %s, and not %s", root.Digest, locked)
	}
	got := &fetched{file: filepath.Join(folder, "download"), source: s.text, digest: root.Digest.String(), platforms: map[string]lockfile.Platform{}}
	chosen, ok := variants[i.platform()]
	if !ok {
		return nil, noPlatform(s.text, slices.Sorted(maps.Keys(variants)), i.platform())
	}
	for platform, v := range variants {
		p := lockfile.Platform{SHA256: v.layer.Digest.Encoded()}
		if isArchive(v.layer.Annotations[ocispec.AnnotationTitle]) {
			p = lockfile.Platform{Download: v.layer.Digest.Encoded()}
		}
		got.platforms[platform] = p
	}
	if got.proof.cosign, err = i.cosignatures(ctx, target, s, root.Digest); err != nil {
		return nil, err
	}
	got.name, got.version = path.Base(chosen.layer.Annotations[ocispec.AnnotationTitle]), chosen.version
	body, err := target.Fetch(ctx, chosen.layer)
	if err != nil {
		return nil, i.registryFault(ctx, s, err)
	}
	defer func() { _ = body.Close() }()
	if got.sum, err = i.save(got.file, watch(body), chosen.layer.Size, got.name); err != nil {
		return nil, i.registryFault(ctx, s, err)
	}
	if got.sum != chosen.layer.Digest.Encoded() {
		return nil, integrity(s.text, "what came is not what the manifest names: its SHA-256 is %s, and not %s", got.sum, chosen.layer.Digest.Encoded())
	}
	return got, nil
}

// variants resolves what a source names, and finds the program of each platform in it.
func (i *Installer) variants(ctx context.Context, target readable, s Source) (root ocispec.Descriptor, found map[string]variant, err error) {
	reference := s.reference
	if reference == "" {
		if reference, err = i.onlyTag(ctx, s); err != nil {
			return root, nil, err
		}
	}
	if root, err = target.Resolve(ctx, reference); err != nil {
		return root, nil, i.registryFault(ctx, s, err)
	}
	if root.Digest.Algorithm() != digest.SHA256 {
		return root, nil, integrity(s.text, "its digest is none of SHA-256")
	}
	found = map[string]variant{}
	text, err := i.manifest(ctx, target, s, root)
	if err != nil {
		return root, nil, err
	}
	var index ocispec.Index
	if err := json.Unmarshal(text, &index); err != nil {
		return root, nil, integrity(s.text, "its manifest cannot be read: %v", err)
	}
	if len(index.Manifests) == 0 {
		v, err := i.variant(s, text)
		if err == nil {
			found[i.platform()] = v
		}
		return root, found, err
	}
	for _, m := range index.Manifests {
		if m.Platform == nil || m.Platform.OS == "unknown" || len(found) >= mostPlatforms { // an attestation, say
			continue
		}
		text, err := i.manifest(ctx, target, s, m)
		if err != nil {
			return root, nil, err
		}
		v, err := i.variant(s, text)
		if err != nil {
			return root, nil, err
		}
		found[m.Platform.OS+"/"+m.Platform.Architecture] = v
	}
	return root, found, nil
}

// onlyTag is the tag of a layout that has one, signatures aside.
func (i *Installer) onlyTag(ctx context.Context, s Source) (string, error) {
	layout, err := openLayout(ctx, s)
	if err != nil {
		return "", err
	}
	var tags []string
	if err := layout.Tags(ctx, "", func(some []string) error {
		for _, tag := range some {
			if !strings.HasPrefix(tag, "sha256-") {
				tags = append(tags, tag)
			}
		}
		return nil
	}); err != nil {
		return "", i.registryFault(ctx, s, err)
	}
	if len(tags) != 1 {
		return "", fault.New(fault.InvalidArgument, fmt.Sprintf("the layout has %d tags, and none is named", len(tags)), fault.On(s.text), fault.From(fault.OriginHost),
			fault.Hint("write oci-layout:FOLDER:TAG; it has %s", strings.Join(tags, ", ")))
	}
	return tags[0], nil
}

// manifest fetches a manifest, whose digest is checked.
func (i *Installer) manifest(ctx context.Context, target content.Fetcher, s Source, d ocispec.Descriptor) ([]byte, error) {
	if d.Size > mostManifest {
		return nil, integrity(s.text, "its manifest has more than %d MiB", mostManifest>>20)
	}
	text, err := content.FetchAll(ctx, target, d)
	if err != nil {
		return nil, i.registryFault(ctx, s, err)
	}
	return text, nil
}

// variant finds the program of a manifest: the layer of our type, or the one whose title is that of a program.
func (i *Installer) variant(s Source, text []byte) (variant, error) {
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return variant{}, integrity(s.text, "its manifest cannot be read: %v", err)
	}
	var found []ocispec.Descriptor
	for _, layer := range m.Layers {
		_, _, named := parseFile(path.Base(layer.Annotations[ocispec.AnnotationTitle]))
		if layer.MediaType == ProgramType || named {
			found = append(found, layer)
		}
	}
	if len(found) != 1 || found[0].Digest.Algorithm() != digest.SHA256 || found[0].Digest.Validate() != nil {
		return variant{}, fault.New(fault.BackendIncompatible, fmt.Sprintf("it has %d programs of a backend, and should have one", len(found)), fault.On(s.text),
			fault.From(fault.OriginHost), fault.Hint("atg backend push publishes a backend"))
	}
	return variant{layer: found[0], version: m.Annotations[ocispec.AnnotationVersion]}, nil
}

// cosignatures are the signatures that cosign has left of a manifest, by the tag that follows from its digest.
func (i *Installer) cosignatures(ctx context.Context, target readable, s Source, of digest.Digest) ([]signed, error) {
	d, err := target.Resolve(ctx, of.Algorithm().String()+"-"+of.Encoded()+".sig")
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, i.registryFault(ctx, s, err)
	}
	text, err := i.manifest(ctx, target, s, d)
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, integrity(s.text, "its signatures cannot be read: %v", err)
	}
	var found []signed
	for _, layer := range m.Layers {
		if layer.MediaType != cosignType || layer.Size > mostSignature || len(found) >= mostPlatforms {
			continue
		}
		signature, err := base64.StdEncoding.DecodeString(layer.Annotations[cosignAnnotation])
		if err != nil {
			continue
		}
		payload, err := content.FetchAll(ctx, target, layer)
		if err != nil {
			return nil, i.registryFault(ctx, s, err)
		}
		found = append(found, signed{payload, signature})
	}
	return found, nil
}

// registryFault is what went wrong with a registry or a layout.
func (i *Installer) registryFault(ctx context.Context, s Source, err error) error {
	if f := fault.As(err); f != nil {
		return f
	}
	var answer *errcode.ErrorResponse
	switch {
	case errors.Is(err, errdef.ErrNotFound):
		return missing(s.text, "there is no such thing to install", err)
	case errors.Is(err, content.ErrMismatchedDigest), errors.Is(err, content.ErrInvalidDescriptorSize), errors.Is(err, content.ErrTrailingData):
		return integrity(s.text, "what came is not what its digest says: %v", err)
	case errors.Is(err, auth.ErrBasicCredentialNotFound):
		return refused(s.text, http.StatusUnauthorized, err)
	case errors.As(err, &answer):
		return refused(s.text, answer.StatusCode, err)
	case s.kind == kindLayout:
		return integrity(s.text, "the layout cannot be read: %v", err)
	}
	return i.offline(ctx, s.text, err)
}
