package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lede/audience"
)

// SignUp says that people may sign up for a newsletter on its pages.
type SignUp struct {
	Title string // the newsletter's own words over the form; empty: "Subscribe to …"
	Text  string // under it; empty: the newsletter's line
	// Agreement is what people agree to; empty: what the page promises.
	Agreement string
	AtOnce    bool          // who is new is not asked by mail
	Good      time.Duration // how long the mail that asks can be answered
	// Origins are the sites, "https://www.example.org", whose forms and scripts
	// may sign people up here.
	Origins []string
	// ProofOfWork is how many zero bits a browser has to find; 0: none.
	ProofOfWork int
	Captcha     *Captcha // nil: none is asked for
}

// SignUps takes sign-ups, asks by mail, and mails links. Every answer but a
// fault is the same whether or not an address is known. See newsroom.Room.
type SignUps interface {
	SignUp(ctx context.Context, newsletter string, s audience.SignUp) error
	// Asked returns what a token would confirm: audience.ErrToken,
	// audience.ErrTokenOver.
	Asked(ctx context.Context, token string) (audience.Asked, error)
	Confirm(ctx context.Context, token string, way audience.Way) (audience.Asked, error)
	SendLink(ctx context.Context, address string) error
}

// maxName bounds a name, in characters.
const maxName = 100

// formView is a form that takes an address.
type formView struct {
	Action   string
	Stamp    string
	Address  string // as typed
	Name     string
	WithName bool
	Button   string
	Error    string // what is wrong, in the page's words
	OfField  bool   // the address is wrong, not the whole
	Meant    string // the domain that was probably meant
	// OfNewsletter says that the form signs up for the page's newsletter, and
	// answered what came back of it.
	OfNewsletter bool
	answered     answered
	// Challenge is the work to do, of so many Bits, with its Proof where it was
	// done already; empty: none.
	Challenge, Proof string
	Bits             int
	Captcha          *Captcha
	Again            bool // the page that asks for one more press: the fields are not shown
	Sure             bool // the domain that looks like a slip is right
}

// open says whether a newsletter takes sign-ups.
func (h site) open(n Newsletter) bool { return h.SignUps != nil && n.SignUp != nil }

// entered is what somebody wrote into a form.
type entered struct{ address, name string }

func read(form url.Values) entered {
	return entered{address: one(form, "address"), name: one(form, "name")}
}

// one returns a field's only value, made safe to show: what does not show is
// taken out.
func one(form url.Values, field string) string {
	if len(form[field]) != 1 {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.Is(unicode.C, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, form[field][0]))
}

// wrong says what is wrong with an address, for people; empty when nothing is. A
// name that is too long is cut.
func (e *entered) wrong(words speech) string {
	if r := []rune(e.name); len(r) > maxName {
		e.name = string(r[:maxName])
	}
	if e.address == "" {
		return words.Pages.AddressMissing
	}
	if _, _, _, err := audience.ParseAddress(e.address); err != nil {
		return words.Pages.AddressLike.With("address", "name@example.org")
	}
	return ""
}

// shown shortens what a form shows again of a field that was far too long.
func (e entered) shown() entered {
	if len(e.address) > 254 {
		e.address = strings.ToValidUTF8(e.address[:254], "")
	}
	return e
}

// tooMany is the page's answer to who tried too often. The wait is told in whole
// minutes, in words and in a header.
func tooMany(w http.ResponseWriter, words speech, wait time.Duration) string {
	minutes := int((wait + time.Minute - 1) / time.Minute)
	w.Header().Set("Retry-After", strconv.Itoa(minutes*60))
	return words.Pages.TooMany.With("minutes", words.CountMinutes(minutes))
}
