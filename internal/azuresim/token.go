package azuresim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// claims are those of Microsoft's access tokens that the simulator sets or reads.
type claims struct {
	Audience string `json:"aud"`
	Issuer   string `json:"iss"`
	Issued   int64  `json:"iat"`
	Valid    int64  `json:"nbf"`
	Expires  int64  `json:"exp"`
	AppID    string `json:"appid,omitempty"`
	Type     string `json:"idtyp,omitempty"` // app or user
	ObjectID string `json:"oid"`
	Subject  string `json:"sub"`
	TenantID string `json:"tid"`
	Name     string `json:"name,omitempty"`
	UserName string `json:"preferred_username,omitempty"`
	Version  string `json:"ver"`
}

func (c *claims) expires() time.Time { return time.Unix(c.Expires, 0).UTC() }

// tokenIssuer signs tokens with a key of its own. Entra signs with RSA; ES256 has the same form
// and costs no start-up time.
type tokenIssuer struct {
	key   *ecdsa.PrivateKey
	keyID string
	now   func() time.Time

	mu       sync.Mutex
	verified map[string]claims // tokens whose signature has been checked
}

// maxVerified bounds the tokens that are remembered.
const maxVerified = 1000

func newTokenIssuer(config *Config) (*tokenIssuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(der)
	return &tokenIssuer{
		key: key, keyID: encode(sum[:15]), now: config.Now,
		verified: map[string]claims{},
	}, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func randomSecret() string {
	b := make([]byte, 24)
	rand.Read(b)
	return encode(b)
}

// newGUID is a random version 4 GUID, as Azure gives to requests, traces and the like.
func newGUID() string {
	b := make([]byte, 16)
	rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// sign completes the times of c and makes a token of it that lasts so long.
func (t *tokenIssuer) sign(c claims, lifetime time.Duration) (string, error) {
	now := t.now()
	c.Issued, c.Valid, c.Expires = now.Unix(), now.Unix(), now.Add(lifetime).Unix()
	header, err := json.Marshal(map[string]string{"typ": "JWT", "alg": "ES256", "kid": t.keyID})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := encode(header) + "." + encode(payload)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, t.key, digest[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + encode(signature), nil
}

var errToken = errors.New("not a token of this issuer")

// verify checks the signature, once for each token, and returns the claims; times are for the caller
// to judge.
func (t *tokenIssuer) verify(token string) (*claims, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c, ok := t.verified[token]; ok {
		return &c, nil
	}
	c, err := t.check(token)
	if err != nil {
		return nil, err
	}
	if len(t.verified) >= maxVerified {
		clear(t.verified)
	}
	t.verified[token] = *c
	return c, nil
}

func (t *tokenIssuer) check(token string) (*claims, error) {
	last := strings.LastIndexByte(token, '.')
	if last < 0 {
		return nil, errToken
	}
	signature, err := base64.RawURLEncoding.DecodeString(token[last+1:])
	if err != nil || len(signature) != 64 {
		return nil, errToken
	}
	digest := sha256.Sum256([]byte(token[:last]))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(&t.key.PublicKey, digest[:], r, s) {
		return nil, errToken
	}
	_, payload, _ := strings.Cut(token[:last], ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return nil, errToken
	}
	var c claims
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, errToken
	}
	return &c, nil
}

// keys is the JSON Web Key Set of the issuer.
func (t *tokenIssuer) keys() (map[string]any, error) {
	point, err := t.key.PublicKey.Bytes() // uncompressed: 4, X, Y
	if err != nil {
		return nil, err
	}
	return map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "use": "sig", "crv": "P-256", "alg": "ES256", "kid": t.keyID,
		"x": encode(point[1:33]), "y": encode(point[33:]),
	}}}, nil
}
