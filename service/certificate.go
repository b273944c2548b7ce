package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/azure-tenant-grapher/atg/shared/fault"
)

// The lives of what --dev makes. A certificate of the day is enough: each start makes another.
const (
	authorityLife   = 365 * 24 * time.Hour
	certificateLife = 30 * 24 * time.Hour
)

// loadCertificate reads the API's certificate.
func loadCertificate(c TLS) (tls.Certificate, error) {
	certificate, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return certificate, fault.New(fault.ConfigInvalid, "the API's certificate cannot be used", fault.Because(err), fault.On(c.Cert),
			fault.From(fault.OriginService), fault.Hint("tls.cert is a PEM file with the chain, tls.key one with the private key"))
	}
	return certificate, nil
}

// devCertificate makes a certificate for this machine, signed by an authority that is kept in dir, so that clients
// that trust it still do after a restart. caFile is the authority's certificate.
func devCertificate(dir string, now time.Time) (certificate tls.Certificate, caFile string, err error) {
	defer func() {
		if err != nil {
			err = fault.New(fault.ExecutionFailed, "the certificate of --dev cannot be made", fault.Because(err), fault.On(dir), fault.From(fault.OriginService))
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return certificate, "", err
	}
	caFile = filepath.Join(dir, "ca.pem")
	authority, err := devAuthority(caFile, filepath.Join(dir, "ca.key"), now)
	if err != nil {
		return certificate, "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate, "", err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "atg-server --dev"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	if name, err := os.Hostname(); err == nil {
		template.DNSNames = append(template.DNSNames, name)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Leaf, &key.PublicKey, authority.PrivateKey)
	if err != nil {
		return certificate, "", err
	}
	return tls.Certificate{Certificate: [][]byte{der, authority.Certificate[0]}, PrivateKey: key}, caFile, nil
}

// devAuthority is the authority in the files, made if there is none that still holds.
func devAuthority(certFile, keyFile string, now time.Time) (tls.Certificate, error) {
	kept, err := tls.LoadX509KeyPair(certFile, keyFile)
	switch {
	case err == nil && now.Add(certificateLife).Before(kept.Leaf.NotAfter):
		return kept, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return kept, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return kept, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "atg-server --dev, this machine's authority"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return kept, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return kept, err
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return kept, err
	}
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return kept, err
	}
	return tls.LoadX509KeyPair(certFile, keyFile)
}

func serial() *big.Int {
	n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)) // never fails
	return n
}
