package send

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"github.com/emersion/go-msgauth/dkim"
)

// shortestKey is the shortest RSA key in bits that receivers trust (RFC 8301
// wants 1024; large receivers want 2048).
const shortestKey = 2048

// signedHeaders are covered by the signature. From, To, Subject and Date are
// listed twice, so that nobody can add a second one (RFC 6376, 8.15).
var signedHeaders = []string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Date",
	"Message-ID", "Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
}

// LoadKey reads an RSA private key from PEM, PKCS #1 or PKCS #8, and refuses
// one of fewer than 2048 bits.
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
		return nil, errors.New("DKIM key: it cannot sign")
	}
	return signer, checkKey(signer)
}

func checkKey(key crypto.Signer) error {
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return errors.New("DKIM key: it is not an RSA key, the only kind that all large receivers check")
	}
	if bits := public.N.BitLen(); bits < shortestKey {
		return fmt.Errorf("DKIM key: it has %d bits, receivers want %d or more", bits, shortestKey)
	}
	return nil
}

// signing is a sender's way of signing.
type signing struct{ options dkim.SignOptions }

func (s *Sender) signing() (*signing, error) {
	if len(s.DKIM) == 0 {
		return nil, nil
	}
	d := s.DKIM[0]
	if d.Key == nil || d.Domain == "" || d.Selector == "" {
		return nil, errors.New("dkim: domain, selector and key belong together")
	}
	if err := checkKey(d.Key); err != nil {
		return nil, err
	}
	return &signing{dkim.SignOptions{
		Domain:                 d.Domain,
		Selector:               d.Selector,
		Signer:                 d.Key,
		Hash:                   crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed,
		BodyCanonicalization:   dkim.CanonicalizationRelaxed,
		HeaderKeys:             signedHeaders,
	}}, nil
}

// sign puts a signature (RFC 6376) before the mail that begins at buf[start].
func (s *signing) sign(buf []byte, start int) ([]byte, error) {
	signer, err := dkim.NewSigner(&s.options)
	if err != nil {
		return buf, fmt.Errorf("signing: %w", err)
	}
	_, err = signer.Write(buf[start:])
	if closed := signer.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return buf, fmt.Errorf("signing: %w", err)
	}
	return slices.Insert(buf, start, []byte(signer.Signature())...), nil
}
