package audience

import "errors"

// Purpose is what a token may be used for. A token made for one purpose opens
// nothing else.
type Purpose byte

// The purposes.
const (
	PurposeUnsubscribe Purpose = 'u'
	PurposeProof       Purpose = 'p' // in previews and proofs: its pages work and change nothing
)

// Token says who may do what.
type Token struct {
	Purpose    Purpose
	Newsletter string
	Subscriber int64
	Salt       uint32
	Edition    string
}

// ErrToken says that a token is not one of ours, or not whole.
var ErrToken = errors.New("token is damaged or not ours")

// Keyring holds the keys that sign tokens. Tokens never expire; old keys stay
// for reading after a rotation.
type Keyring struct {
	Keys    map[uint32][]byte // by key id
	Current uint32
}
