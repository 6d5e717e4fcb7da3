package send

import (
	"slices"
	"strings"
)

// class is what an answer other than acceptance is about.
type class int

const (
	unclear     class = iota
	noMailbox         // there is no such mailbox
	noDomain          // there is no such domain, or it takes no mail
	mailboxFull       // the mailbox takes no more
	disabled          // the mailbox is there and switched off
	tooBig            // the mail is too large
	policy            // it blames us: spam, reputation, authentication, content
	relayFault        // the relay wants something of us, or is at fault itself
	greylisted        // come again, anybody is told so
	throttled         // too much at a time
)

// enhanced is an enhanced status code (RFC 3463); zero: none.
type enhanced struct{ class, subject, detail uint16 }

// enhancedCode reads the code that a reply's text begins with.
func enhancedCode(text string) (enhanced, bool) {
	var parts [3]uint16
	for i := range parts {
		digits := 0
		for digits < len(text) && digits < 4 && text[digits] >= '0' && text[digits] <= '9' {
			parts[i] = parts[i]*10 + uint16(text[digits]-'0')
			digits++
		}
		if digits == 0 || digits == 4 {
			return enhanced{}, false
		}
		text = text[digits:]
		if i < 2 {
			if text == "" || text[0] != '.' {
				return enhanced{}, false
			}
			text = text[1:]
		}
	}
	if text != "" && text[0] != ' ' || parts[0] != 2 && parts[0] != 4 && parts[0] != 5 {
		return enhanced{}, false
	}
	return enhanced{parts[0], parts[1], parts[2]}, true
}

// suppress is why an address gets no mail any more after a final answer of this
// class: only when its mailbox does not exist. A full mailbox may be emptied
// and a disabled one come back; a domain that is not found may be a fault of
// the DNS for a day, and would take all its readers with it; the rest says
// nothing about the address.
func (c class) suppress() string {
	if c == noMailbox {
		return "no such mailbox"
	}
	return ""
}

// blames says that a refusal is about us, or about everybody: others of our
// mails will be refused alike.
func (c class) blames() bool { return c == policy || c == relayFault || c == unclear }

// judge says what an answer is about. The enhanced code decides where it is
// one that servers use with care; elsewhere the words do, and when they are
// silent, nothing is taken for certain.
func judge(r reply) class {
	text := strings.ToLower(r.text)
	code, ok := enhancedCode(text)
	if r.transient() {
		return judgeTransient(r.code, code, text)
	}
	if ok && code.class == 5 {
		if c, certain := byCode(code, text); certain {
			return c
		}
	}
	switch r.code {
	case 530, 534, 535, 538: // authentication (RFC 4954)
		return relayFault
	case 500, 501, 502, 503, 504, 555: // commands and their parameters (RFC 5321)
		if ok && code.subject == 1 {
			break
		}
		return relayFault
	case 521, 556: // the domain takes no mail (RFC 7504)
		return noDomain
	case 571:
		return policy
	}
	return byWords(r.code, text)
}

// byCode judges by the enhanced code of a final answer.
func byCode(code enhanced, text string) (c class, certain bool) {
	switch code.subject {
	case 1:
		switch code.detail {
		case 1, 6, 10:
			// Some put 5.1.1 before whatever they refuse.
			if hasAny(text, blame) || hasAny(text, []string{"too many", "policy", "blocked", "limit"}) {
				return policy, true
			}
			if hasAny(text, deadDomain) {
				return noDomain, true
			}
			return noMailbox, true
		case 2:
			return noDomain, true
		case 7, 8: // the sender's address
			return policy, true
		}
	case 2:
		switch code.detail {
		case 1:
			return disabled, true
		case 2:
			return mailboxFull, true
		case 3:
			return tooBig, true
		}
	case 3:
		switch code.detail {
		case 4:
			return tooBig, true
		case 1, 2, 3, 5:
			return relayFault, true
		}
	case 4:
		switch code.detail {
		case 4:
			return noDomain, true
		case 6, 14:
			return relayFault, true
		}
	case 6:
		return policy, true
	case 7:
		switch code.detail {
		case 8, 9, 11, 12, 14: // authentication (RFC 4954, RFC 5248)
			return relayFault, true
		case 13, 17, 18: // account disabled (RFC 5248); owner changed (RFC 7293)
			return disabled, true
		}
		return policy, true
	}
	return unclear, false
}

// byWords judges a final answer whose codes say too little. Blame is looked for
// first: who is told "spam" and "unknown user" at once is not told that the
// mailbox is gone.
func byWords(code int, text string) class {
	switch {
	case hasAny(text, blame) || hasAny(text, refusal):
		return policy
	case hasAny(text, full):
		return mailboxFull
	case hasAny(text, large):
		return tooBig
	case hasAny(text, off):
		return disabled
	case hasAny(text, deadDomain):
		return noDomain
	case code != 552 && hasAny(text, unknown):
		return noMailbox
	}
	return unclear
}

// judgeTransient judges an answer that is not final.
func judgeTransient(reply int, code enhanced, text string) class {
	switch {
	case hasAny(text, grey):
		return greylisted
	case code.subject == 2 || reply == 452 && code.subject == 0 || hasAny(text, full):
		return mailboxFull
	case code.subject == 1 || hasAny(text, unknown):
		return unclear // about this address
	case code.subject == 7, hasAny(text, slower):
		return throttled
	case code.subject == 3, code.subject == 4 && code.detail != 5:
		return relayFault
	case code.subject == 4:
		return throttled
	}
	return unclear
}

// What servers say, in lower case.
var (
	unknown = []string{
		"user unknown", "unknown user", "no such user", "no such mailbox", "no such recipient", "no such address",
		"no such account", "no such person", "no such local user", "unknown recipient", "recipient unknown",
		"unknown mailbox", "unknown address", "address unknown", "addressee unknown", "unknown account", "unknown local",
		"user not found", "mailbox not found", "recipient not found", "account not found", "address not found",
		"user does not exist", "user doesn't exist", "mailbox does not exist", "mailbox doesn't exist",
		"account does not exist", "account that you tried to reach does not exist", "address does not exist",
		"recipient does not exist", "does not exist here", "doesn't have a", "no mailbox", "not a valid mailbox",
		"not a known user", "invalid recipient", "invalid mailbox", "invalid user", "no account by that name",
		"not our customer", "not our user", "is not known here", "no user", "user is unknown", "recipient is unknown", "not listed in",
		"no valid recipients", "recipient no longer", "mailbox unavailable or not", "non-existent", "nonexistent",
	}
	deadDomain = []string{
		"domain does not exist", "domain doesn't exist", "domain not found", "host not found", "unknown domain",
		"host unknown", "unknown host", "no such domain", "nxdomain", "name service error", "unrouteable", "unroutable",
		"does not accept mail", "null mx", "nullmx", "bad destination",
	}
	full  = []string{"mailbox full", "mailbox is full", "over quota", "overquota", "quota exceeded", "exceeded storage", "out of storage", "exceeds quota", "insufficient", "storage limit", "inbox is full", "box full", "exceeded his quota", "is over his quota"}
	large = []string{"too large", "too big", "size limit", "message size", "exceeds the maximum", "size exceeds"}
	off   = []string{"disabled", "suspended", "inactive", "deactivated", "locked", "expired", "closed", "frozen", "not active"}
	// blame is about us without doubt.
	blame = []string{
		"spam", "blacklist", "blocklist", "block list", "black list", "blacklisted", "dnsbl", "rbl", "sbl", "reputation",
		"dmarc", "dkim", "spf ", "(spf", "unsolicited", "virus", "malware", "phish", "bulk mail", "junk", "abuse",
		"unauthenticated", "reverse dns", "ptr record", "rdns", "helo", "sender address", "sender rejected", "sender domain",
		"your ip", "client host", "your host",
	}
	// refusal is about us as far as one can tell.
	refusal = []string{
		"policy", "polic", "blocked", "denied", "not permitted", "not allowed", "prohibited", "not authorized", "unauthorized",
		"relay", "banned", "suspicious", "content", "filter", "authenticat", "restricted", "verify failed", "too many",
		"rejected for", "administrative", "permission", "you are not",
	}
	grey   = []string{"greylist", "graylist", "grey list", "gray list", "grey-list", "gray-list", "greylisted", "postgrey", "first time sender"}
	slower = []string{"too many", "too much", "rate limit", "rate-limit", "ratelimit", "throttl", "slow down", "too fast", "temporarily deferred", "temporarily blocked", "try again later", "unusual rate", "exceeded the rate", "receiving mail at a rate"}
)

func hasAny(text string, phrases []string) bool {
	return slices.ContainsFunc(phrases, func(p string) bool { return strings.Contains(text, p) })
}
