package audience

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"time"
)

// Entry is one line of a person's history: a state that held, or holds, or an
// act that left none behind.
type Entry struct {
	At    time.Time // since when the state holds, or when the act was
	Ended time.Time // zero: it holds, or it is an act
	What  string    // one of the Entry… words, or an act
	About string    // the list or newsletter; empty: all, or none
	State string    // of a subscription its state, of a suppression its reason
	How   string    // the way, in one line: "import subscribers.csv, line 12"
	IP    string    // from where, where that is known
	Text  string    // what was agreed to, where there was a text of ours
}

// What entries are about.
const (
	EntrySubscription = "subscription"
	EntryOptOut       = "opt_out"
	EntrySuppression  = "suppression"
	EntryAddress      = "address" // it was another before
	EntryReturn       = "return"  // what the person left was undone
)

// Act is something that was done by a person or for one.
type Act struct {
	At    time.Time
	What  string // EntryReturn and the like
	About string // list or newsletter
	State string
	How   string // in one line
	IP    string
	Text  string // what was agreed to
}

// Archive is the memory of what people agreed to, and of their leaving for good.
type Archive interface {
	// PersonHistory returns all of a person's history, the oldest first, the present
	// states among it. ErrNobody when no subscriber has the key.
	PersonHistory(ctx context.Context, key string) ([]Entry, error)
	// NoteAct adds an act to a person's history.
	NoteAct(ctx context.Context, id int64, act Act) error
	// Forget erases a person: nothing that was kept stays but a keyed hash of
	// the address, by which an import knows not to bring it back. It also does
	// so for an address that is only suppressed; ErrNobody for any other.
	Forget(ctx context.Context, key string, now time.Time) error
}

// Schemes by which the addresses of erased people are hashed.
const (
	SchemeLede = "lede" // ErasedHash, with a key of the ring
	// SchemeMailtrain is Mailtrain's: the SHA-512 of the address, its domain in
	// lower case, in base64.
	SchemeMailtrain = "mailtrain"
)

const erasedLabel = "lede erased\x00"

// ErasedHash returns by what an erased person's address is known again, in hex,
// with the key of the ring that has the id. ok is false when there is none.
func (k *Keyring) ErasedHash(id uint32, key string) (hash string, ok bool) {
	secret := k.Keys[id]
	if len(secret) == 0 {
		return "", false
	}
	return hex.EncodeToString(mac(secret, erasedLabel, []byte(key))), true
}

// MailtrainHash returns an address's hash by SchemeMailtrain.
func MailtrainHash(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	sum := sha512.Sum512([]byte(local + "@" + strings.ToLower(domain)))
	return base64.StdEncoding.EncodeToString(sum[:])
}
