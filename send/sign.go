package send

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"
)

// signedHeaders are covered by the signature, in the order of h=. From, To,
// Subject and Date are listed twice, so that nobody can add a second one (RFC
// 6376, 8.15), and so is what a mail of ours lacks.
var signedHeaders = [...]string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Date",
	"Message-ID", "Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID",
}

// signing signs mails as one or more identities (RFC 6376): relaxed/relaxed,
// without l=. What all mails share of the body is hashed once.
//
// A retry is the same mail: RSA with PKCS #1 v1.5 and Ed25519 have no
// randomness, and t= is the edition's date.
type signing struct {
	identities []identity
	prefix     []byte    // state of SHA-256 after the first segment of the body
	desks      sync.Pool // of *signingDesk
}

// identity is who signs.
type identity struct {
	DKIM
	algorithm string
	hash      crypto.Hash // what Key.Sign is told
	size      int         // of a signature, in base64
}

// signingDesk is where one mail at a time is signed.
type signingDesk struct {
	hash  hash.Hash
	canon []byte // the signed headers, relaxed
	sum   [sha256.Size]byte
	text  []byte // base64
}

// signing returns how the sender's mails are signed, nil if they are not.
func (s *Sender) signing() (*signing, error) {
	if len(s.DKIM) == 0 {
		return nil, nil
	}
	if err := checkIdentities(s.DKIM); err != nil {
		return nil, err
	}
	g := &signing{}
	g.desks.New = func() any { return &signingDesk{hash: sha256.New()} }
	for _, d := range s.DKIM {
		id := identity{DKIM: d, algorithm: "ed25519-sha256", hash: crypto.Hash(0), size: base64.StdEncoding.EncodedLen(ed25519.SignatureSize)}
		// checkIdentities has seen to it that there are two kinds.
		if public, ok := d.Key.Public().(*rsa.PublicKey); ok {
			id.algorithm, id.hash, id.size = "rsa-sha256", crypto.SHA256, base64.StdEncoding.EncodedLen(public.Size())
		}
		g.identities = append(g.identities, id)
	}
	return g, nil
}

// share tells the signer what the body of every mail begins with.
func (g *signing) share(b *body) error {
	h := sha256.New()
	if len(b.segments) > 0 {
		h.Write(b.segments[0].canon)
	}
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	g.prefix = state
	return err
}

// A seal is a DKIM-Signature header whose hashes are still missing: raw as it
// stands in the mail, with room for them.
type seal struct {
	raw   []byte
	bh    int    // where the body's hash belongs in raw
	b     int    // where the signature begins in raw; it goes on in lines of sealLine
	canon []byte // relaxed, up to the body's hash
}

// sealLine is how many characters of a signature stand in one line.
const sealLine = 72

// bodyHash is how many characters the hash of a body has.
var bodyHash = base64.StdEncoding.EncodedLen(sha256.Size)

// seals returns the headers that the identities put before a mail of date.
func (g *signing) seals(date time.Time) []seal {
	seals := make([]seal, 0, len(g.identities))
	for _, id := range g.identities {
		raw := fmt.Appendf(nil, "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n d=%s;\r\n s=%s; t=%d;\r\n h=",
			id.algorithm, id.Domain, id.Selector, max(0, date.Unix()))
		col := len(" h=")
		for i, name := range signedHeaders {
			if i > 0 {
				raw = append(raw, ':')
				col++
			}
			if col+len(name) > sealLine {
				raw = append(raw, "\r\n  "...)
				col = len("  ")
			}
			raw = append(raw, name...)
			col += len(name)
		}
		raw = append(raw, ";\r\n bh="...)
		s := seal{bh: len(raw)}
		s.canon = bytes.TrimSuffix(appendRelaxedHeader(nil, raw), []byte("\r\n"))
		raw = append(raw, strings.Repeat("?", bodyHash)...)
		raw = append(raw, ";\r\n b="...)
		s.b = len(raw)
		for left := id.size; left > 0; left -= sealLine {
			if left < id.size {
				raw = append(raw, "\r\n "...)
			}
			raw = append(raw, strings.Repeat("?", min(left, sealLine))...)
		}
		s.raw = append(raw, '\r', '\n')
		seals = append(seals, s)
	}
	return seals
}

// sign appends the body to the mail whose seals begin at buf[start] and whose
// headers begin at buf[head], and fills the seals.
func (g *signing) sign(buf []byte, start, head int, seals []seal, b *body, v *values) ([]byte, error) {
	d := g.desks.Get().(*signingDesk)
	defer g.desks.Put(d)
	if err := d.hash.(encoding.BinaryUnmarshaler).UnmarshalBinary(g.prefix); err != nil {
		return buf, fmt.Errorf("signing: %w", err)
	}
	headEnd := len(buf)
	for i := range b.segments {
		s := &b.segments[i]
		buf = append(buf, s.raw...)
		if i > 0 {
			d.hash.Write(s.canon)
		}
		value := len(buf)
		buf = s.appendValue(buf, v)
		d.hash.Write(buf[value:]) // is relaxed already: a value is clean
	}
	buf = append(buf, b.last.raw...)
	d.hash.Write(b.last.canon)
	return buf, g.fill(d, buf[start:head], buf[head:headEnd], seals)
}

// fill fills the seals in raw, which stand before headers, once the body is
// hashed.
func (g *signing) fill(d *signingDesk, raw, headers []byte, seals []seal) error {
	sum := d.hash.Sum(d.sum[:0])
	d.text = base64.StdEncoding.AppendEncode(d.text[:0], sum)
	d.canon = appendSigned(d.canon[:0], headers)
	signed := len(d.canon)
	for i := range g.identities {
		id, s := &g.identities[i], &seals[i]
		copy(raw[s.bh:], d.text[:bodyHash])
		d.canon = append(d.canon[:signed], s.canon...)
		d.canon = append(d.canon, d.text[:bodyHash]...)
		d.canon = append(d.canon, "; b="...)
		digest := sha256.Sum256(d.canon)
		// Ed25519 signs the digest too, as if it were the message (RFC 8463, 3).
		signature, err := id.Key.Sign(nil, digest[:], id.hash)
		if err != nil {
			return fmt.Errorf("signing as %s: %w", id.Domain, err)
		}
		d.text = base64.StdEncoding.AppendEncode(d.text[:bodyHash], signature)
		for at, left := s.b, d.text[bodyHash:]; len(left) > 0; at += sealLine + len("\r\n ") {
			left = left[copy(raw[at:at+min(len(left), sealLine)], left):]
		}
		raw = raw[len(s.raw):]
	}
	return nil
}

// appendSigned appends those of a mail's headers that are signed, relaxed and
// in the order of signedHeaders. A mail of ours has none of them twice.
func appendSigned(dst, headers []byte) []byte {
	var found [len(signedHeaders)][]byte
	headerFields(headers, func(field []byte) bool {
		name := field[:bytes.IndexByte(field, ':')]
		for i, signed := range signedHeaders {
			if string(name) == signed {
				found[i] = field
				break
			}
		}
		return true
	})
	for _, field := range found {
		if field != nil {
			dst = appendRelaxedHeader(dst, field)
		}
	}
	return dst
}

// signWhole puts the signatures before a mail that was not compiled.
func (g *signing) signWhole(mail []byte, date time.Time) ([]byte, error) {
	seals := g.seals(date)
	var out []byte
	for _, s := range seals {
		out = append(out, s.raw...)
	}
	head := len(out)
	out = append(out, mail...)
	end := bytes.Index(mail, []byte("\r\n\r\n")) + len("\r\n\r\n")
	d := &signingDesk{hash: sha256.New()}
	d.hash.Write(relaxedBody(mail[end:]))
	return out, g.fill(d, out[:head], out[head:head+end], seals)
}
