package mailtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"
)

// Authority makes a certificate authority and has it vouch for 127.0.0.1 and for
// a client. It returns, as PEM, the authority's certificate, and key and
// certificate of the server and of the client, in one each.
func Authority(t *testing.T) (ca, server, client []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	issuer := certificate("Port Averne harbour office")
	issuer.IsCA, issuer.BasicConstraintsValid, issuer.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, issuer, issuer, &key.PublicKey, key)
	must(t, err)
	issue := func(c *x509.Certificate) []byte {
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		c.KeyUsage = x509.KeyUsageDigitalSignature
		der, err := x509.CreateCertificate(rand.Reader, c, issuer, &own.PublicKey, key)
		must(t, err)
		secret, err := x509.MarshalPKCS8PrivateKey(own)
		must(t, err)
		return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
			pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	forServer, forClient := certificate(host), certificate(User)
	forServer.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	forServer.DNSNames, forServer.IPAddresses = []string{host, "localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	forClient.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), issue(forServer), issue(forClient)
}

// certificate is a certificate for a day, for nothing yet.
func certificate(name string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62)) // never fails since Go 1.24
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
}
