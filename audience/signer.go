package audience

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// Signer signs with the key that was a keyring's current one when it was made.
// It signs what Keyring.Sign does, and nothing is allocated for a token: a send
// signs one for every mail. Many goroutines may use it at once.
type Signer struct {
	id    uint32
	desks sync.Pool // of *desk
}

// desk is where one token at a time is signed.
type desk struct {
	mac hash.Hash // keyed; Reset keeps the key's state
	raw []byte
}

// Signer returns a signer with the current key. Like Sign, it panics without
// one.
func (k *Keyring) Signer() *Signer {
	key := k.current()
	s := &Signer{id: k.Current}
	s.desks.New = func() any { return &desk{mac: hmac.New(sha256.New, key)} }
	return s
}

// AppendToken appends t as Keyring.Sign writes it.
func (s *Signer) AppendToken(dst []byte, t Token) []byte {
	d := s.desks.Get().(*desk)
	b := append(d.raw[:0], tokenLabel...)
	b = append(b, tokenVersion)
	b = binary.AppendUvarint(b, uint64(s.id))
	b = append(b, byte(t.Purpose))
	b = binary.AppendUvarint(b, uint64(t.Subscriber))
	b = binary.BigEndian.AppendUint32(b, t.Salt)
	b = binary.AppendUvarint(b, uint64(len(t.Newsletter)))
	b = append(b, t.Newsletter...)
	b = append(b, t.Edition...)
	b = d.sign(b, macSize)
	dst = strict.AppendEncode(dst, b[len(tokenLabel):])
	d.raw = b
	s.desks.Put(d)
	return dst
}

// sign appends the first size bytes of b's MAC to b. b begins with its label.
func (d *desk) sign(b []byte, size int) []byte {
	d.mac.Reset()
	d.mac.Write(b)
	return d.mac.Sum(b)[:len(b)+size]
}
