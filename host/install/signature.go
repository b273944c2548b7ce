package install

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"aead.dev/minisign"

	"github.com/azure-tenant-grapher/atg/host/config"
	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// minisigEnding is what minisign appends to the name of what it signs.
const minisigEnding = ".minisig"

// proof is what a source has brought to show who signed.
type proof struct {
	minisig []byte   // of the file that was downloaded; nil: none
	cosign  []signed // of the OCI manifest
}

// signed is a signature of cosign: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
type signed struct {
	payload   []byte // the simple signing document
	signature []byte // of the payload
}

// key is a public key that may sign.
type key struct {
	id       string // as the lock file has it
	minisign *minisign.PublicKey
	public   crypto.PublicKey // of cosign
}

// readKey understands a key: itself, or the path of its file.
func readKey(text string) (key, error) {
	content, name := []byte(text), "the key"
	if !config.InlineKey(text) {
		var err error
		if content, err = readSome(text, mostSignature); err != nil {
			return key{}, wrongKey(text, err)
		}
		name = text
	}
	if block, _ := pem.Decode(content); block != nil {
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return key{}, wrongKey(name, err)
		}
		switch public.(type) {
		case *ecdsa.PublicKey, ed25519.PublicKey:
		default:
			return key{}, wrongKey(name, fmt.Errorf("it is a %T: cosign signs with ECDSA, or Ed25519", public))
		}
		sum := sha256.Sum256(block.Bytes)
		return key{id: "cosign:" + hex.EncodeToString(sum[:]), public: public}, nil
	}
	public := &minisign.PublicKey{}
	if err := public.UnmarshalText(bytes.TrimSpace(content)); err != nil {
		return key{}, wrongKey(name, errors.New("it is neither a public key of minisign nor one in PEM"))
	}
	return key{id: minisignID(public.ID()), minisign: public}, nil
}

func minisignID(id uint64) string { return fmt.Sprintf("minisign:%016X", id) }

func wrongKey(name string, err error) error {
	return fault.New(fault.ConfigInvalid, "a key cannot be used", fault.On(name), fault.Because(err), fault.From(fault.OriginHost),
		fault.Hint("name the public key of minisign, or the file of one of minisign or cosign"))
}

func readSome(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, most))
}

func readKeys(texts []string) ([]key, error) {
	var keys []key
	for _, text := range texts {
		k, err := readKey(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// verify answers who signed what was fetched; where nobody did, and nobody must, it answers why that is unsure.
func (i *Installer) verify(got *fetched, asked []string) (signer, unsure string, err error) {
	require, trusted := i.Trust.For(got.source)
	keys, err := readKeys(trusted)
	if err != nil {
		return "", "", err
	}
	if len(asked) > 0 {
		narrowed, err := readKeys(asked)
		if err != nil {
			return "", "", err
		}
		if require { // the flag cannot bring in what the policy does not trust
			narrowed = slices.DeleteFunc(narrowed, func(k key) bool {
				return !slices.ContainsFunc(keys, func(t key) bool { return t.id == k.id })
			})
			if len(narrowed) == 0 {
				return "", "", integrity(got.source, "the key is none that trust.keys of the configuration names for it")
			}
		}
		require, keys = true, narrowed
	}
	signer, why := got.signer(keys)
	switch {
	case signer != "":
		return signer, "", nil
	case require:
		return "", "", integrity(got.source, "%s, and it must be signed by a key that is trusted", why)
	case len(keys) > 0 && errors.Is(why, errForged):
		return "", "", integrity(got.source, "%s", why)
	}
	return "", why.Error(), nil
}

var (
	errUnsigned = errors.New("it is not signed")
	errForged   = errors.New("its signature is wrong")
)

// signer is the key that signed, or why there is none: errUnsigned, errForged (a signature that claims to be by one of the
// keys is wrong), or one by another key.
func (f *fetched) signer(keys []key) (string, error) {
	if f.digest != "" {
		return f.cosigner(keys)
	}
	if f.proof.minisig == nil {
		return "", errUnsigned
	}
	var s minisign.Signature
	if err := s.UnmarshalText(f.proof.minisig); err != nil {
		return "", fmt.Errorf("%w: it is none of minisign", errForged)
	}
	for _, k := range keys {
		if k.minisign == nil || k.minisign.ID() != s.KeyID {
			continue
		}
		ok, err := verifyMinisign(f.file, *k.minisign, s, f.proof.minisig)
		if err != nil {
			return "", err
		}
		if !ok {
			return "", fmt.Errorf("%w: the key %s has not made it", errForged, k.id)
		}
		return k.id, nil
	}
	return "", fmt.Errorf("it is signed by the key %s, which is not known", minisignID(s.KeyID))
}

func verifyMinisign(file string, public minisign.PublicKey, s minisign.Signature, text []byte) (bool, error) {
	if s.Algorithm != minisign.HashEdDSA { // of the whole text, in memory
		const most = 64 << 20
		content, err := readSome(file, most+1)
		if err != nil || len(content) > most {
			return false, errors.Join(err, errors.New("it is signed without -H, and too large for that"))
		}
		return minisign.Verify(public, content, text), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	r := minisign.NewReader(f)
	if _, err := io.Copy(io.Discard, r); err != nil {
		return false, err
	}
	return r.Verify(public, text), nil
}

// cosigner is the key that signed the manifest as cosign does.
func (f *fetched) cosigner(keys []key) (string, error) {
	if len(f.proof.cosign) == 0 {
		return "", errUnsigned
	}
	for _, s := range f.proof.cosign {
		for _, k := range keys {
			if k.public == nil || !verifyCosign(k.public, s) {
				continue
			}
			if err := s.speaksOf(f.digest); err != nil {
				return "", err
			}
			return k.id, nil
		}
	}
	return "", errors.New("it is signed by keys that are not known, or its signature is wrong")
}

func verifyCosign(public crypto.PublicKey, s signed) bool {
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		sum := sha256.Sum256(s.payload)
		return ecdsa.VerifyASN1(public, sum[:], s.signature)
	case ed25519.PublicKey:
		return ed25519.Verify(public, s.payload, s.signature)
	}
	return false
}

// speaksOf says whether the signed document is about that manifest: a signature can be copied from another one.
func (s signed) speaksOf(digest string) error {
	var document struct {
		Critical struct {
			Type  string `json:"type"`
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	if err := json.Unmarshal(s.payload, &document); err != nil {
		return fmt.Errorf("%w: %w", errForged, err)
	}
	c := document.Critical
	if !strings.EqualFold(c.Type, "cosign container image signature") || c.Image.Digest != digest {
		return fmt.Errorf("%w: it is of something else, %s", errForged, c.Image.Digest)
	}
	return nil
}
