package arrived

import (
	"bytes"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/authres"
	"github.com/emersion/go-msgauth/dkim"
)

// results reads what the receiver found (RFC 8601). The topmost field is the
// last that was written: the receiver's own.
func (j *judge) results() {
	fields := j.header["Authentication-Results"]
	if len(fields) == 0 {
		j.add("authentication", Warning, "the receiver wrote no Authentication-Results",
			"Save the mail as it lies in a mailbox at a large provider; the copy in a Sent folder has none.")
		j.returnPath()
		return
	}
	who, results, err := authres.Parse(fields[0])
	if err != nil {
		j.add("authentication", Warning, "Authentication-Results cannot be read: "+err.Error(), "")
		return
	}
	who = clean(who)
	spf, dkims, dmarc := false, false, false
	for _, r := range results {
		switch r := r.(type) {
		case *authres.SPFResult:
			if !spf {
				spf = true
				j.spf(who, r)
			}
		case *authres.DKIMResult:
			dkims = true
			j.dkim(who, r)
		case *authres.DMARCResult:
			if !dmarc {
				dmarc = true
				j.dmarc(who, r)
			}
		}
	}
	if !spf {
		j.add("SPF", Warning, who+" says nothing of SPF", "")
		j.returnPath()
	}
	if !dkims {
		j.add("DKIM", Warning, who+" says nothing of DKIM", "")
	}
	if !dmarc {
		j.add("DMARC", Warning, who+" says nothing of DMARC", `Publish a TXT record at _dmarc.`+j.from+`, such as "v=DMARC1; p=none; rua=mailto:…".`)
	}
}

func (j *judge) spf(who string, r *authres.SPFResult) {
	domain := domainOf(r.From)
	switch {
	case r.Value != authres.ResultPass:
		j.add("SPF", Failure, fmt.Sprintf("%s says %s for %s", who, r.Value, orNobody(domain)), "Publish the relay in the SPF record of the envelope's domain ("+orNobody(domain)+").")
	case !aligned(domain, j.from):
		j.add("SPF", Warning, fmt.Sprintf("passes for %s, which is not aligned with %s of From: it does not count for DMARC", domain, j.from), "Set bounce_address to an address in From's domain, with MX and SPF.")
	default:
		j.add("SPF", OK, fmt.Sprintf("%s: passes for %s, aligned with From", who, domain), "")
	}
}

func (j *judge) dkim(who string, r *authres.DKIMResult) {
	domain := strings.ToLower(r.Domain)
	if domain == "" {
		domain = domainOf(r.Identifier)
	}
	switch {
	case r.Value != authres.ResultPass:
		j.add("DKIM", Failure, fmt.Sprintf("%s says %s for %s", who, r.Value, orNobody(domain)), "See below whether the signature holds here; `lede check` compares the key with DNS.")
	case !aligned(domain, j.from):
		j.add("DKIM", OK, fmt.Sprintf("%s: passes for %s, not aligned with From", who, domain), "")
	default:
		j.add("DKIM", OK, fmt.Sprintf("%s: passes for %s, aligned with From", who, domain), "")
	}
}

func (j *judge) dmarc(who string, r *authres.DMARCResult) {
	if r.Value == authres.ResultPass {
		j.add("DMARC", OK, who+": passes for "+orNobody(strings.ToLower(r.From)), "")
		return
	}
	j.add("DMARC", Failure, fmt.Sprintf("%s says %s for %s", who, r.Value, j.from), "DMARC passes when SPF or DKIM passes for a domain aligned with From.")
}

func orNobody(domain string) string {
	if domain == "" {
		return "no domain"
	}
	return clean(domain)
}

// returnPath judges the envelope sender where the receiver says nothing of SPF.
func (j *judge) returnPath() {
	a, err := mail.ParseAddress(j.header.Get("Return-Path"))
	if err != nil {
		return
	}
	if domain := domainOf(a.Address); aligned(domain, j.from) {
		j.add("envelope", OK, domain+" is aligned with From", "")
	} else {
		j.add("envelope", Warning, clean(domain)+" is not aligned with "+j.from+" of From", "Set bounce_address to an address in From's domain.")
	}
}

// wanted are the headers that a signature must cover: what a reader sees, and
// what a mailbox acts on.
var wanted = []string{"From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post"}

// signatures verifies the signatures once more, here (RFC 6376).
func (j *judge) signatures() {
	fields := j.header["Dkim-Signature"]
	if len(fields) == 0 {
		j.add("signature", Failure, "the mail is not signed", "Set dkim: {domain, selector, key}.")
		return
	}
	ours := false
	verified, err := dkim.VerifyWithOptions(bytes.NewReader(j.raw), &dkim.VerifyOptions{LookupTXT: j.key, MaxVerifications: 8})
	if err != nil && len(verified) == 0 {
		j.add("signature", Failure, "cannot be read: "+clean(err.Error()), "")
		return
	}
	for i, v := range verified {
		domain := strings.ToLower(v.Domain)
		of := "signature of " + orNobody(domain)
		near := aligned(domain, j.from)
		ours = ours || near && v.Err == nil
		switch {
		case v.Err == nil:
			j.add(of, OK, "holds here, too: nothing that it covers was changed on the way", "")
		case near:
			j.add(of, Failure, "does not hold here: "+clean(v.Err.Error()), "When the body was changed, see links and pictures below: a relay that tracks opens or clicks rewrites what we signed. Switch that off.")
		default:
			j.add(of, Warning, "does not hold here: "+clean(v.Err.Error()), "")
		}
		if near && i < len(fields) {
			j.covers(of, v.HeaderKeys, fields[i])
		}
	}
	if !ours {
		j.add("signature", Failure, "none that holds is by a domain aligned with From ("+j.from+")", "Sign with dkim.domain "+organisation(j.from)+".")
	}
}

// key returns a published key: of ours, or what DNS has.
func (j *judge) key(name string) ([]string, error) {
	if record, ok := j.sent.Keys[strings.ToLower(strings.TrimSuffix(name, "."))]; ok {
		return []string{record}, nil
	}
	return j.lookup(name)
}

// covers looks at what a signature of ours covers.
func (j *judge) covers(of string, signed []string, field string) {
	var open []string
	for _, name := range wanted {
		if j.header.Get(name) != "" && !slices.ContainsFunc(signed, func(s string) bool { return strings.EqualFold(s, name) }) {
			open = append(open, name)
		}
	}
	if len(open) > 0 {
		j.add(of, Failure, "does not cover "+strings.Join(open, ", "), "Whoever signs must cover them: one-click unsubscribe counts only when signed (RFC 8058, 4).")
	}
	for _, tag := range strings.Split(field, ";") {
		if name, _, _ := strings.Cut(strings.TrimSpace(tag), "="); name == "l" {
			j.add(of, Failure, "covers only the beginning of the body (l=): anybody may add to the mail", "Whoever signs must leave l= out.")
		}
	}
}

// clean makes one line without control characters of what a stranger wrote.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return strings.Join(strings.Fields(s), " ")
}
