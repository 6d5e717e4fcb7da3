package audience

import (
	"slices"
	"strings"
)

// Files of other programs say in one column or several whether a person still
// wants mail. An import makes people active, so it may take only rows in which
// every such column says yes: a row that says no is kept out, one that says
// something unknown is rejected. (Whoever wants otherwise says --map
// ignore=COLUMN.)

// standing is what a column or a row says about wanting mail.
type standing int

const (
	wants   standing = iota // active
	gone                    // unsubscribed, bounced, never confirmed …
	unknown                 // not a word we know
)

// teller is how a column tells it.
type teller int

const (
	byWord  teller = iota // a word: subscribed, unsubscribed, yes, no
	bySince               // the same, or since when
	byKind                // a kind of reader, some of whom get mail
	byExit                // empty or no while the person wants mail; a date or yes when it left
	byLists               // a list of lists
)

// wordHeads are headings of columns that hold the state as a word.
var wordHeads = []string{
	"status", "state", "statut", "estado", "stato", "subscription status", "subscriber status", "subscription state", "subscriber state",
	"email status", "mail status", "list status", "global status", "contact status", "member status", "marketing status", "email marketing status",
	"newsletter status",
}

// sinceHeads are headings of columns that say yes, or since when.
var sinceHeads = []string{
	"subscribed", "is subscribed", "subscribed to emails", "subscribed to newsletter", "confirmed", "is confirmed", "is this subscriber confirmed",
	"enabled", "active", "is active", "opt in", "optin", "opted in", "email opt in", "email consent", "consent", "accepts marketing", "accepts email marketing",
	"abonniert", "angemeldet", "abonne", "inscrit", "suscrito",
}

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
	for _, w := range []string{
		"1", "true", "yes", "y", "t", "on", "x", "ja", "oui", "si", "sim", "да",
		"active", "subscribed", "confirmed", "enabled", "opt in", "opted in", "single opt in", "double opt in", "verified", "accepted",
		"aktiv", "angemeldet", "abonniert", "bestatigt", "actif", "abonne", "inscrit", "confirme", "activo", "suscrito", "confirmado", "ativo", "attivo", "iscritto", "actief",
	} {
		m[w] = wants
	}
	for _, w := range []string{
		"0", "false", "no", "n", "f", "off", "nein", "non", "nao", "нет", "none", "never",
		"unsubscribed", "unsubscribe", "unsub", "inactive", "disabled", "blocklisted", "blacklisted", "blocked", "banned", "suppressed",
		"bounced", "bounce", "hard bounce", "hard bounced", "soft bounce", "soft bounced", "undeliverable", "unreachable", "invalid",
		"complained", "complaint", "spam", "spammy", "marked as spam", "abuse", "junk", "cleaned",
		"pending", "unconfirmed", "not confirmed", "unactivated", "unverified", "validating", "awaiting confirmation",
		"nonsubscribed", "non subscribed", "not subscribed", "never subscribed", "transactional",
		"removed", "deleted", "cancelled", "canceled", "archived", "expired", "paused", "opt out", "opted out", "optout", "rejected",
		"inaktiv", "abgemeldet", "unbestatigt", "inactif", "desabonne", "desinscrit", "inactivo", "baja", "inativo", "inattivo", "disiscritto", "afgemeld",
	} {
		m[w] = gone
	}
	return m
}()

// kinds are the readers who get mail, whatever they pay.
var kinds = []string{"regular", "premium", "gifted", "trialed", "churning", "churned", "past due", "paused", "unpaid", "upcoming"}

// stand reads one cell of a column that tells.
func stand(how teller, cell string) standing {
	w := heading(cell)
	switch how {
	case byExit:
		// "", "-", "0", "0000-00-00 00:00:00"
		if strings.Trim(w, "0 ") == "" || slices.Contains([]string{"false", "no", "n", "f", "off", "none", "never", "null", "n a", "nein", "non"}, w) {
			return wants
		}
		return gone
	case byLists:
		if w == "no lists" {
			return gone
		}
		return wants
	case byKind:
		if slices.Contains(kinds, w) {
			return wants
		}
	case bySince:
		if len(w) >= 8 && strings.Trim(w[:4], "0123456789") == "" && (w[:2] == "19" || w[:2] == "20") {
			return wants
		}
	}
	if s, ok := words[w]; ok {
		return s
	}
	return unknown
}

// nameTells returns the word in a file's name that says that its people get no
// mail: some services write one file a state, without a column for it.
func nameTells(name string) string {
	h := " " + heading(name) + " "
	for _, w := range []string{"unsubscribed", "nonsubscribed", "cleaned", "unconfirmed", "bounced", "blocklisted", "blacklisted", "suppressed", "marked as spam", "complained"} {
		if strings.Contains(h, " "+w+" ") {
			return w
		}
	}
	return ""
}
