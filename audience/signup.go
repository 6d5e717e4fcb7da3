package audience

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// SignUp is somebody's wish to get a newsletter, as a form or the API has it.
// Whether it is really them is asked by mail.
type SignUp struct {
	Newsletter string
	Lists      []string // that they come to; empty: the newsletter's own choice
	Address    string   // as written
	Name       string
	Language   string            // of the pages that they read, BCP 47; empty: the newsletter's
	Timezone   string            // name of the IANA; empty: not known
	Attributes map[string]string // taken over once it is confirmed; what is known already stays
	Way        Way
}

// Bounds of what a sign-up may bring, in bytes but for the number of attributes.
const (
	maxSignUpName   = 200
	maxSignUpValue  = 500
	maxSignUpFields = 20
)

// Clean returns the sign-up as it is stored: the address checked, the name
// without what could break a header, no field beyond its bounds. The time zone
// and the language stand among the attributes, where letters look for them. An error
// says what the person has to put right.
func (s SignUp) Clean() (SignUp, error) {
	written, _, _, err := ParseAddress(s.Address)
	if err != nil {
		return s, err
	}
	s.Address = written
	if s.Name, err = CleanName(s.Name); err != nil {
		return s, fmt.Errorf("name: %w", err)
	}
	if len(s.Name) > maxSignUpName {
		return s, fmt.Errorf("name: is longer than %d bytes", maxSignUpName)
	}
	all := map[string]string{}
	for name, value := range s.Attributes {
		if len(name) > maxSignUpName || len(value) > maxSignUpValue {
			return s, fmt.Errorf("%.40s: is longer than %d bytes", name, maxSignUpValue)
		}
		if value != "" {
			all[name] = value
		}
	}
	if s.Timezone != "" {
		if _, err := time.LoadLocation(s.Timezone); err != nil || len(s.Timezone) > maxSignUpName || s.Timezone == "Local" {
			return s, fmt.Errorf("timezone: there is no %.40q: write it as Europe/Lisbon", s.Timezone)
		}
		all[AttributeTimezone] = s.Timezone
	}
	if len(all) > maxSignUpFields {
		return s, fmt.Errorf("%d attributes are too many: at most %d", len(all), maxSignUpFields)
	}
	s.Attributes = all
	if len(s.Language) > 35 { // the longest that RFC 5646 section 4.4.1 asks for
		s.Language = ""
	}
	return s, nil
}

// Asking says how a sign-up is asked about.
type Asking struct {
	Code   string        // of a sign-up that is not known yet
	Mail   string        // id of the mail that is written
	Known  []string      // all lists of the newsletter: who is active on one of them gets it
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

// ErrTokenOver says that what a link was for is over: it is too old, or was done
// and undone since, or the address gets no mail at all.
var ErrTokenOver = errors.New("this link is no longer good")

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
	Token      string            // of the link in it
	Fill       map[string]string // what else its words are filled with; url is the link where there is no token
	Language   string            // BCP 47; empty: the newsletter's
	At         time.Time
	Until      time.Time // after that it is of no use
	Attempt    int       // how often it was tried
}

// NotAsked is somebody who is pending, by an import maybe, and was not asked.
type NotAsked struct {
	ID      int64
	Address string
	List    string // on which they are pending; the first of several
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
	// AskedSignUp returns the sign-up of a newsletter's code; ErrTokenOver.
	AskedSignUp(ctx context.Context, newsletter, code string, now time.Time) (Asked, error)
	// ConfirmSignUp makes the person of a code active on its list, with the
	// consent of both acts; done again it changes nothing. ErrTokenOver.
	ConfirmSignUp(ctx context.Context, newsletter, code string, way Way, now time.Time) (Asked, error)
	// NotAsked returns people who are pending on one of a newsletter's lists and
	// were not asked yet whether they want it, or too long ago: none who left it,
	// none whose address is suppressed. They come by id, behind after.
	NotAsked(ctx context.Context, newsletter string, lists []string, now time.Time, after int64, limit int) ([]NotAsked, error)
	// RemindSignUps writes once to those who asked before a time and confirmed
	// nothing yet, at most so many; id makes the mails' ids. It returns how many.
	RemindSignUps(ctx context.Context, newsletter string, before time.Time, most int, id func() string, sign func(kind, code string, person Subscriber) string, now time.Time) (int, error)
	// ForgetSignUps removes sign-ups that were over before a time, with the
	// people who are known of nothing else, and mails of before. It returns how many people.
	ForgetSignUps(ctx context.Context, before time.Time) (int, error)
	// WriteMail stores a mail of our own unless its address got the most that it
	// may in a day; it says whether it did.
	WriteMail(ctx context.Context, m Outgoing, most int) (bool, error)
	// ClaimMails returns mails that are due, the longest due first, at most so
	// many. Nobody else gets them before the time until; whoever claims them says
	// by then what became of them, or they are due again.
	ClaimMails(ctx context.Context, now, until time.Time, limit int) ([]Outgoing, error)
	// MailSent notes that a relay took a mail, or that it is given up.
	MailSent(ctx context.Context, id, reply string) error
	// MailPutOff notes that a mail was not taken, and when it is tried again.
	MailPutOff(ctx context.Context, id, reply string, due time.Time) error
}
