package audience

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// Preferences are what a person decides about the letters that it gets.
type Preferences struct {
	Name     string
	Timezone string    // name of the IANA; empty: that of each newsletter
	Language string    // of the pages, BCP 47; empty: that of each newsletter
	Paused   time.Time // no letter comes that is due before; zero: none is held
	Join     []Letters // that the person has not, and wants
	Leave    []Letters // that it has, and wants no more
}

// Letters are a newsletter as a person comes to it and leaves it.
type Letters struct {
	Newsletter string
	// Lists: to join, those that it goes to; to leave, those of them that no
	// other newsletter goes to.
	Lists []string
}

// Way is how something came about.
type Way struct {
	How  string // in one line: "preferences page"
	IP   string
	Text string // what was agreed to
}

// The attributes that preferences are kept in.
const (
	AttributeTimezone = "timezone"
	AttributeLanguage = "language"
)

// Acts of a person that leave no state behind.
const (
	EntryPreferences = "preferences" // what was changed, in words
	EntryDownload    = "download"    // of all that is kept
	EntryAddressAsk  = "address_ask" // a new address was written to, and did not confirm it yet
)

// ErrAddressChange says that a change of address is not there to be confirmed:
// it was, or is too old, or another was asked for since.
var ErrAddressChange = errors.New("this change of address is over")

// Choosing keeps what people decide about themselves.
type Choosing interface {
	// SetPreferences stores a person's preferences in one transaction, and in the
	// history what of them is new. A newsletter is joined by the subscription
	// that the person had on one of its lists, or else on the first of them.
	SetPreferences(ctx context.Context, id int64, p Preferences, way Way, now time.Time) error
	// AskAddress keeps an address that the person wants in place of theirs, with
	// the mail that asks there whether it shall be, in one transaction. Another
	// one that waits is over. Nothing is kept, and the caller does not learn it,
	// where the address is suppressed, got the most mails that it may in a day, or
	// the person asked for that many changes in a day. An address that can't be
	// read is the only fault of the caller's.
	AskAddress(ctx context.Context, id int64, c AddressChange, way Way, now time.Time) error
	// AskedAddress returns the address that a code is for; ErrAddressChange.
	AskedAddress(ctx context.Context, id int64, code string, now time.Time) (string, error)
	// ChangeAddress puts the address of a code in place of the person's, once;
	// ErrAddressChange. Should somebody have that address, who is the same
	// person by now, that one gets what this one got and had not left itself,
	// and this one gets nothing any more.
	ChangeAddress(ctx context.Context, id int64, code string, way Way, now time.Time) error
}

// AddressChange is a person's wish for another address.
type AddressChange struct {
	Code string   // confirms it
	Mail Outgoing // to the new address, of the kind MailAddress; its Until is the code's end
	Most int      // mails of ours that an address gets in a day
}

// PreferencesToken is a token by which a person chooses what comes, when and
// how. It stands in letters, never expires, and may be passed on with them.
func PreferencesToken(newsletter string, s Subscriber) Token {
	return Token{Purpose: PurposePreferences, Newsletter: newsletter, Subscriber: s.ID, Salt: s.Salt}
}

// DataToken is a token by which a person's data may be seen, moved and erased
// until a time, to the second. It goes to the person's own mailbox alone.
func DataToken(newsletter string, s Subscriber, until time.Time) Token {
	return Token{
		Purpose: PurposeData, Newsletter: newsletter, Subscriber: s.ID, Salt: s.Salt,
		Edition: strconv.FormatInt(until.Unix(), 36),
	}
}

// Over says that a token of PurposeData is too old at now.
func (t Token) Over(now time.Time) bool {
	until, err := strconv.ParseInt(t.Edition, 36, 64)
	return err != nil || now.Unix() >= until
}
