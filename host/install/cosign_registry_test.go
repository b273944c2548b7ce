package install

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// cosignKey is a key as cosign generate-key-pair makes one, and the file of its public half.
func (w *world) cosignKey() (*ecdsa.PrivateKey, string) {
	w.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return private, w.file("cosign.pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// cosign signs a digest as cosign sign --key does, and leaves the signature with another digest's, if at says so.
func (w *world) cosign(private *ecdsa.PrivateKey, of, at string) {
	w.t.Helper()
	payload := []byte(`{"critical":{"identity":{"docker-reference":"` + w.host + `/acme/backend"},"image":{"docker-manifest-digest":"` + of + `"},"type":"cosign container image signature"},"optional":null}`)
	hash := sha256.Sum256(payload)
	signature, err := ecdsa.SignASN1(rand.Reader, private, hash[:])
	if err != nil {
		w.t.Fatal(err)
	}
	s, _ := ParseSource(w.ref(":x"))
	repository, err := w.repository(s)
	if err != nil {
		w.t.Fatal(err)
	}
	layer := ocispec.Descriptor{MediaType: cosignType, Digest: digest.FromBytes(payload), Size: int64(len(payload)), Annotations: map[string]string{cosignAnnotation: base64.StdEncoding.EncodeToString(signature)}}
	settings := []byte("{}")
	config := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(settings), Size: 2}
	for d, text := range map[*ocispec.Descriptor][]byte{&layer: payload, &config: settings} {
		if err := pushBytes(w.t.Context(), repository, *d, text); err != nil {
			w.t.Fatal(err)
		}
	}
	d, err := pushDocument(w.t.Context(), repository, ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{layer},
	})
	if err == nil {
		err = repository.Tag(w.t.Context(), d, strings.Replace(at, ":", "-", 1)+".sig")
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestSignaturesOfCosign(t *testing.T) {
	w := newWorld(t)
	private, public := w.cosignKey()
	stranger, strangers := w.cosignKey()
	w.Trust = config.Trust{RequireSignature: true, Keys: []string{public}, Sources: []config.Source{{Prefix: "oci://" + w.host + "/acme/free"}}}
	p := w.push("1.0", "v1")
	from := Request{Source: w.ref(":v1")}
	w.refuses(from, fault.Integrity, "not signed")
	w.cosign(stranger, p.Digest, p.Digest)
	w.refuses(from, fault.Integrity, "not known")
	w.refuses(Request{Source: from.Source, Keys: []string{strangers}}, fault.Integrity, "trust.keys") // the flag brings in nobody
	w.cosign(private, "sha256:"+hex256("another"), p.Digest)
	w.refuses(from, fault.Integrity, "something else")
	w.cosign(private, p.Digest, p.Digest)
	e := w.must(from)
	if !strings.HasPrefix(e.Signer, "cosign:") {
		t.Errorf("signer %q", e.Signer)
	}

	w.Trust = config.Trust{} // without a policy, who signed once goes on doing so
	p = w.push("2.0", "v1")
	w.refuses(from, fault.Integrity, "was signed by "+e.Signer)
	w.cosign(stranger, p.Digest, p.Digest)
	w.refuses(Request{Source: from.Source, Keys: []string{strangers}}, fault.Integrity, "was signed by "+e.Signer)
	w.cosign(private, p.Digest, p.Digest)
	if got := w.must(Request{Source: from.Source, Keys: []string{public}}); got.Signer != e.Signer || got.Version != "2.0" {
		t.Errorf("upgraded: %+v", got)
	}
	w.must(Request{Name: "acme", Locked: &e}) // back to what the lock file had, by its sums
}
