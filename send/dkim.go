package send

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// shortestKey is the shortest RSA key in bits that receivers trust (RFC 8301
// wants 1024; large receivers want 2048).
const shortestKey = 2048

// LoadKey reads a private key from PEM: RSA in PKCS #1 or PKCS #8, of 2048 bits
// or more, or Ed25519 (RFC 8463) in PKCS #8. Its errors say nothing of the key.
func LoadKey(data []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("DKIM key: no PEM block found; make a key with: openssl genrsa -out dkim.pem 2048")
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		if block.Headers["DEK-Info"] != "" {
			return nil, errors.New("DKIM key: it is locked with a passphrase; store it without")
		}
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("DKIM key: it is locked with a passphrase; store it without")
	default:
		return nil, fmt.Errorf("DKIM key: found a PEM block %q, want a private key", block.Type)
	}
	if err != nil {
		// The parser's error could quote the key.
		return nil, errors.New("DKIM key: it is damaged or too short; make a key with: openssl genrsa -out dkim.pem 2048")
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("DKIM key: it is of a kind (%T) that cannot sign; make a key with: openssl genrsa -out dkim.pem 2048", key)
	}
	return signer, checkKey(signer)
}

// checkKey refuses a key that receivers would not trust.
func checkKey(key crypto.Signer) error {
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < shortestKey {
			return fmt.Errorf("DKIM key: it has %d bits, receivers want %d or more; make a key with: openssl genrsa -out dkim.pem 2048", bits, shortestKey)
		}
		return nil
	case ed25519.PublicKey:
		return nil
	default:
		return fmt.Errorf("DKIM key: it is of a kind (%T) that DKIM does not know; make a key with: openssl genrsa -out dkim.pem 2048", public)
	}
}

// checkIdentities refuses what receivers would not accept. Ed25519 (RFC 8463)
// only counts beside an RSA key: large receivers pass over it.
func checkIdentities(identities []DKIM) error {
	trusted, seen := false, map[string]bool{}
	for _, d := range identities {
		if d.Key == nil || d.Domain == "" || d.Selector == "" {
			return errors.New("dkim: domain, selector and key belong together")
		}
		if err := checkKey(d.Key); err != nil {
			return fmt.Errorf("dkim: %s: %w", d.Domain, err)
		}
		if !isDomain(d.Domain) {
			return fmt.Errorf("dkim: domain %q is not a name in DNS (an international one stands there as xn--…)", d.Domain)
		}
		if !isDomain(d.Selector) {
			return fmt.Errorf("dkim: selector %q is not a name in DNS", d.Selector)
		}
		record := strings.ToLower(d.Selector + "._domainkey." + d.Domain)
		if seen[record] {
			return fmt.Errorf("dkim: %s is there twice", record)
		}
		seen[record] = true
		if _, ok := d.Key.Public().(*rsa.PublicKey); ok {
			trusted = true
		}
	}
	if len(identities) > 0 && !trusted {
		return fmt.Errorf("dkim: %s has an Ed25519 key alone, which large receivers do not check: add an identity with an RSA key", identities[0].Domain)
	}
	return nil
}
