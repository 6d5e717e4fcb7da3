package audience

import (
	"fmt"
	"slices"
	"strings"
)

// Files of other programs say in one column or several whether a person still
// wants mail. What is strongest in a row counts: who left by one column has left,
// whatever the others say, and a row that says something unknown is rejected,
// unless another column says that the person is gone. (Whoever wants otherwise
// says --map ignore=COLUMN.)

// standing is what a column or a row says about wanting mail, the weakest first.
type standing int

const (
	wants      standing = iota // active
	waits                      // never confirmed
	unknown                    // not a word we know
	never                      // never agreed, or erased: not taken in
	gone                       // unsubscribed
	bounced                    // mail to it came back
	complained                 // called mail spam
)

// state is how a row of this standing is stored: the state of its subscription,
// and why its address is suppressed, if it is.
func (s standing) state() (SubscriptionState, string) {
	switch s {
	case waits:
		return Pending, ""
	case gone:
		return Unsubscribed, ""
	case bounced:
		return Unsubscribed, ReasonBounce
	case complained:
		return Unsubscribed, ReasonComplaint
	default:
		return Active, ""
	}
}

// standingNames are the words for standings in options and messages.
var standingNames = map[string]standing{
	"active": wants, "pending": waits, "unsubscribed": gone, "bounced": bounced, "complained": complained,
}

// ParseState checks the word of an option that says what the people of a file
// are, where the file doesn't: active, pending, unsubscribed, bounced or
// complained.
func ParseState(word string) error {
	if _, ok := standingNames[word]; !ok {
		return fmt.Errorf("%q: expected active, pending, unsubscribed, bounced or complained", word)
	}
	return nil
}

// teller is how a column tells it.
type teller int

const (
	byWord    teller = iota // a word: subscribed, unsubscribed, yes, no
	bySince                 // the same, or since when
	byConfirm               // the same; who never confirmed is pending
	byKind                  // a kind of reader, some of whom get mail
	byExit                  // empty or no while the person wants mail; a date or yes when it left
	byLists                 // a list of lists
)

// wordHeads are headings of columns that hold the state as a word.
var wordHeads = []string{
	"status", "state", "statut", "estado", "stato", "subscription status", "subscriber status", "subscription state", "subscriber state",
	"email status", "mail status", "list status", "global status", "contact status", "member status", "marketing status", "email marketing status",
	"newsletter status",
}

// sinceHeads are headings of columns that say yes, or since when.
var sinceHeads = []string{
	"subscribed", "is subscribed", "subscribed to emails", "subscribed to newsletter",
	"enabled", "active", "is active", "opt in", "optin", "opted in", "email opt in", "email consent", "consent", "accepts marketing", "accepts email marketing",
	"abonniert", "angemeldet", "abonne", "inscrit", "suscrito",
}

// confirmHeads are headings of columns that say who confirmed.
var confirmHeads = []string{"confirmed", "is confirmed", "is this subscriber confirmed", "verified", "is verified", "bestatigt"}

// exitHeads are headings of columns that are filled when somebody left or was
// shut out.
var exitHeads = []string{
	"unsubscribed", "is unsubscribed", "unsubscribed at", "unsubscribed on", "unsubscribe date", "unsubscribed date", "unsubscription date", "unsubscription time", "unsub time", "unsubscribe time", "date unsubscribed",
	"clean time", "cleaned", "cleaned at", "deleted", "deleted at", "removed at", "archived at",
	"bounced", "bounced at", "hard bounced", "complained", "complained at", "spam complaint", "marked as spam",
	"email disabled", "disabled", "is this account disabled", "blacklisted", "is blacklisted", "is this subscriber blacklisted", "blocklisted", "blocked", "suppressed", "is suppressed",
	"opt out", "optout", "opted out", "opted out at", "email opt out", "has opted out of email", "do not contact", "do not email", "dnc",
	"abgemeldet", "abgemeldet am", "desabonne", "desinscrit", "desabonne le", "dado de baja",
}

// placeHeads stand beside "state" where it is a part of a postal address.
var placeHeads = []string{
	"city", "town", "zip", "zip code", "zipcode", "postcode", "post code", "postal code", "country", "street", "address line 1", "address1", "address 1", "region",
	"ciudad", "cidade", "citta", "cp", "pais",
}

// tells says whether a heading is that of a column which tells who wants mail.
func tells(h string, all []string) (teller, bool) {
	switch h {
	case "state", "estado", "stato":
		if slices.ContainsFunc(all, func(other string) bool { return slices.Contains(placeHeads, other) }) {
			return 0, false
		}
	}
	switch {
	case slices.Contains(wordHeads, h):
		return byWord, true
	case slices.Contains(sinceHeads, h):
		return bySince, true
	case slices.Contains(confirmHeads, h):
		return byConfirm, true
	case slices.Contains(exitHeads, h):
		return byExit, true
	case h == "subscriber type": // Buttondown
		return byKind, true
	case h == "list membership": // phpList
		return byLists, true
	}
	return 0, false
}

// words says what states mean, in the spelling of heading.
var words = func() map[string]standing {
	m := make(map[string]standing)
	for s, list := range map[standing][]string{
		wants: {
			"1", "true", "yes", "y", "t", "on", "x", "ja", "oui", "si", "sim", "да",
			"active", "subscribed", "confirmed", "enabled", "opt in", "opted in", "single opt in", "double opt in", "verified", "accepted", "cold",
			"aktiv", "angemeldet", "abonniert", "bestatigt", "actif", "abonne", "inscrit", "confirme", "activo", "suscrito", "confirmado", "ativo", "attivo", "iscritto", "actief",
		},
		waits: {
			"pending", "unconfirmed", "not confirmed", "unactivated", "unverified", "validating", "awaiting confirmation",
			"unbestatigt", "non confirme", "no confirmado", "sin confirmar", "in attesa", "onbevestigd",
		},
		never: {"nonsubscribed", "non subscribed", "not subscribed", "never subscribed", "transactional"},
		gone: {
			"0", "false", "no", "n", "f", "off", "nein", "non", "nao", "нет", "none", "never",
			"unsubscribed", "unsubscribe", "unsub", "inactive", "disabled", "blocklisted", "blacklisted", "blocked", "banned", "suppressed",
			"removed", "deleted", "cancelled", "canceled", "archived", "expired", "paused", "opt out", "opted out", "optout", "rejected",
			"inaktiv", "abgemeldet", "inactif", "desabonne", "desinscrit", "inactivo", "baja", "inativo", "inattivo", "disiscritto", "afgemeld",
		},
		bounced: {
			"bounced", "bounce", "hard bounce", "hard bounced", "soft bounce", "soft bounced", "undeliverable", "unreachable", "invalid", "cleaned",
		},
		complained: {"complained", "complaint", "spam", "marked as spam", "abuse", "junk"},
	} {
		for _, w := range list {
			m[w] = s
		}
	}
	return m
}()

// plainWords are states that hardly any other column holds. A column of nothing
// but states, one of these among them, tells who wants mail whatever its heading
// is: services translate them.
var plainWords = []string{
	"subscribed", "unsubscribed", "unconfirmed", "bounced", "complained", "blocklisted", "blacklisted", "unreachable", "cleaned", "marked as spam",
}

// kinds are the readers who get mail, whatever they pay.
var kinds = []string{"regular", "premium", "gifted", "trialed", "churning", "churned", "past due", "paused", "unpaid", "upcoming"}

// stand reads one cell of a column that tells.
//
// exit is what a filled cell of a column means that is filled when somebody
// left.
func stand(how teller, exit standing, cell string) standing {
	w := heading(cell)
	switch how {
	case byExit:
		// "", "-", "0", "0000-00-00 00:00:00"
		if strings.Trim(w, "0 ") == "" || slices.Contains([]string{"false", "no", "n", "f", "off", "none", "never", "null", "n a", "nein", "non"}, w) {
			return wants
		}
		return exit
	case byLists:
		// Lists end in "; ", so that the words for none need not be known.
		if strings.HasSuffix(strings.TrimSpace(cell), ";") || strings.ContainsRune(cell, ',') {
			return wants
		}
		return gone
	case byKind:
		if slices.Contains(kinds, w) {
			return wants
		}
		switch w {
		case "blocked", "spammy":
			return never
		case "unactivated":
			return waits
		}
	case byConfirm:
		if s, ok := words[w]; ok && s == gone && !slices.Contains([]string{"unsubscribed", "unsub", "unsubscribe"}, w) {
			return waits
		}
		if since(w) {
			return wants
		}
	case bySince:
		if since(w) {
			return wants
		}
	}
	if s, ok := words[w]; ok {
		return s
	}
	return unknown
}

// since says whether a cell in the spelling of heading is a date.
func since(w string) bool {
	return len(w) >= 8 && strings.Trim(w[:4], "0123456789") == "" && (w[:2] == "19" || w[:2] == "20")
}

// exitOf is what a filled cell under a heading means.
func exitOf(h string) standing {
	switch {
	case strings.Contains(h, "bounced") || strings.HasPrefix(h, "clean"):
		return bounced
	case strings.Contains(h, "complain") || strings.Contains(h, "spam"):
		return complained
	}
	return gone
}

// nameTells returns the word in a file's name that says what its people are:
// some services write one file a state, without a column for it.
func nameTells(name string) (string, standing) {
	h := " " + heading(name) + " "
	for _, x := range []struct {
		word string
		s    standing
	}{
		{"nonsubscribed", never},
		{"marked as spam", complained},
		{"complained", complained},
		{"cleaned", bounced},
		{"bounced", bounced},
		{"unsubscribed", gone},
		{"blocklisted", gone},
		{"blacklisted", gone},
		{"suppressed", gone},
		{"unconfirmed", waits},
	} {
		if strings.Contains(h, " "+x.word+" ") {
			return x.word, x.s
		}
	}
	return "", wants
}
