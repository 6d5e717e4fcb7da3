package audience

import (
	"context"
	"errors"
	"time"
)

// SignUp is somebody's wish to get a newsletter, as a form or the API has it.
// Whether it is really them is asked by mail.
type SignUp struct {
	Newsletter string
	List       string   // that they come to
	Lists      []string // all of the newsletter: who is active on one of them gets it
	Address    string   // as written
	Name       string
	Language   string // of the pages that they read, BCP 47; empty: the newsletter's
	Way        Way
}

// Asking says how a sign-up is asked about.
type Asking struct {
	Code   string        // of a sign-up that is not known yet
	Mail   string        // id of the mail that is written
	Until  time.Duration // how long it can be confirmed
	Most   int           // mails of ours that an address gets in a day
	AtOnce bool          // who is new is not asked, and gets the newsletter from now on
}

// Asked is a sign-up as it stands.
type Asked struct {
	Newsletter string
	Address    string
	Language   string
	Done       bool  // it was confirmed, and the person gets the newsletter
	Subscriber int64 // who it is, once it was confirmed
}

// ErrSignUp says that a sign-up can't be confirmed: it is too old, or was
// confirmed and left again since, or the address gets no mail at all.
var ErrSignUp = errors.New("this sign-up is over")

// Kinds of mails of our own to one person.
const (
	MailConfirm  = "confirm"  // whether it was them who signed up
	MailReminder = "reminder" // the same, once more
	MailAlready  = "already"  // they get the newsletter that they asked for
	MailLink     = "link"     // the link to what they get and what is kept of them
	MailAddress  = "address"  // whether an address shall take another's place
)

// Outgoing is a mail of our own that waits for a relay.
type Outgoing struct {
	ID         string // random; makes the Message-ID
	Kind       string // a Mail…
	Newsletter string
	Address    string
	Token      string // of the link in it
	Language   string // BCP 47; empty: the newsletter's
	At         time.Time
	Until      time.Time // after that it is of no use
	Attempt    int       // how often it was tried
}

// SignUps keeps sign-ups, and the mails of our own.
type SignUps interface {
	// AskSignUp stores a sign-up with the mail that asks for it to be confirmed,
	// in one transaction; sign makes the token of that mail's link. Who is new to
	// us is pending on the list from then on. Who gets the newsletter already is
	// told so. Nothing is stored for an address that is suppressed or got the
	// most mails that it may; the caller does not learn which. An address that
	// can't be read is the only fault of the caller's.
	AskSignUp(ctx context.Context, s SignUp, a Asking, sign func(kind, code string, person Subscriber) string, now time.Time) error
	// AskedSignUp returns the sign-up of a code; ErrSignUp.
	AskedSignUp(ctx context.Context, code string, now time.Time) (Asked, error)
	// ConfirmSignUp makes the person of a code active on its list, with the
	// consent of both acts; done again it changes nothing. ErrSignUp.
	ConfirmSignUp(ctx context.Context, code string, way Way, now time.Time) (Asked, error)
	// RemindSignUps writes once to those who asked before a time and confirmed
	// nothing yet, at most so many; ids makes the mails' ids. It returns how many.
	RemindSignUps(ctx context.Context, newsletter string, before time.Time, most int, id func() string, sign func(kind, code string, person Subscriber) string, now time.Time) (int, error)
	// ForgetSignUps removes sign-ups that were over before a time, with the
	// people who are known of nothing else, and mails of before. It returns how many people.
	ForgetSignUps(ctx context.Context, before time.Time) (int, error)
	// WriteMail stores a mail of our own unless its address got the most that it
	// may in a day; it says whether it did.
	WriteMail(ctx context.Context, m Outgoing, most int) (bool, error)
	// MailsDue returns mails that are due, the longest due first.
	MailsDue(ctx context.Context, now time.Time, limit int) ([]Outgoing, error)
	// MailSent notes that a relay took a mail, or that it is given up.
	MailSent(ctx context.Context, id, reply string) error
	// MailPutOff notes that a mail was not taken, and when it is tried again.
	MailPutOff(ctx context.Context, id, reply string, due time.Time) error
}
