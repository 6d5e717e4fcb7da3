// Package arrived judges a mail of ours as it came to a mailbox: whether SPF,
// DKIM and DMARC hold for the address that readers see, what the signatures
// cover, and whether somebody on the way rewrote links or added pictures.
//
// The mail is a file that somebody saved: nothing in it is trusted, and its
// Authentication-Results are worth what the receiver is worth who wrote them.
package arrived

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// States of a finding.
const (
	OK      = "ok"
	Warning = "warning"
	Failure = "failure"
)

// Finding is one thing that was looked at.
type Finding struct {
	Check  string `json:"check"` // what was looked at: "SPF", "links"
	State  string `json:"state"` // ok | warning | failure
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// Sent is what is known of the mail as it was sent.
type Sent struct {
	// Keys are our published DKIM keys by the name they are published under
	// ("lede._domainkey.example.org"). They are used before DNS is asked.
	Keys map[string]string
	// Hosts are the hosts that the letter's links and pictures point to; nil
	// when nobody knows.
	Hosts []string
}

// Lookup asks DNS for TXT records.
type Lookup func(name string) ([]string, error)

// Longest is the size of the largest mail that is read, in bytes.
const Longest = 32 << 20

// Judge reads a mail, with CRLF or LF line ends, as it was saved from a mailbox.
// The error is about the file: it is no mail, it is too large, it has no From.
func Judge(file []byte, sent Sent, lookup Lookup) ([]Finding, error) {
	if len(file) > Longest {
		return nil, fmt.Errorf("it is larger than %d MB", Longest>>20)
	}
	raw := normal(file)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("it is no mail: %w\nhint: save the original with its headers (\"Show original\", \"View source\")", err)
	}
	from, err := fromDomain(m.Header)
	if err != nil {
		return nil, err
	}
	j := &judge{raw: raw, header: m.Header, from: from, sent: sent, lookup: lookup}
	j.results()
	j.signatures()
	j.unsubscribe()
	if err := j.body(m); err != nil {
		j.add("body", Failure, "cannot be read: "+err.Error(), "Save the original anew.")
	}
	return j.found, nil
}

// judge is one mail under judgement.
type judge struct {
	raw    []byte
	header mail.Header
	from   string // domain that readers see
	sent   Sent
	lookup Lookup
	found  []Finding
}

func (j *judge) add(check, state, text, remedy string) {
	j.found = append(j.found, Finding{check, state, text, remedy})
}

// normal returns a saved mail as it was on the wire: without the line that mbox
// files put before it, with CRLF line ends.
func normal(file []byte) []byte {
	file = bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(file, []byte("From ")) {
		if end := bytes.IndexByte(file, '\n'); end >= 0 {
			file = file[end+1:]
		}
	}
	out := make([]byte, 0, len(file)+len(file)/40)
	for i, c := range file {
		if c == '\n' && (i == 0 || file[i-1] != '\r') {
			out = append(out, '\r')
		}
		out = append(out, c)
	}
	return out
}

func fromDomain(h mail.Header) (string, error) {
	list, err := h.AddressList("From")
	if err != nil || len(list) == 0 {
		return "", errors.New("it has no From that can be read\nhint: save the original with its headers (\"Show original\", \"View source\")")
	}
	return domainOf(list[0].Address), nil
}

func domainOf(address string) string {
	return strings.ToLower(strings.Trim(address[strings.LastIndexByte(address, '@')+1:], "<> ."))
}

// aligned says that two domains belong to one organisation, which DMARC's
// relaxed alignment asks for (RFC 7489, 3.1).
func aligned(a, b string) bool {
	return a != "" && b != "" && (a == b || organisation(a) == organisation(b))
}

func organisation(domain string) string {
	if org, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil {
		return org
	}
	return domain
}

// unsubscribe looks at what Gmail and Yahoo want of a mail to many (RFC 8058).
func (j *judge) unsubscribe() {
	if j.header.Get("Auto-Submitted") != "" && j.header.Get("List-Unsubscribe") == "" {
		return // a notice, not a letter
	}
	link := strings.Contains(j.header.Get("List-Unsubscribe"), "<https://")
	click := strings.EqualFold(strings.TrimSpace(j.header.Get("List-Unsubscribe-Post")), "List-Unsubscribe=One-Click")
	switch {
	case link && click:
		j.add("one-click unsubscribe", OK, "List-Unsubscribe and List-Unsubscribe-Post arrived", "")
	case j.header.Get("List-Unsubscribe") == "":
		j.add("one-click unsubscribe", Failure, "List-Unsubscribe is gone", "Ask who runs the relay why it takes the header away.")
	case !link:
		j.add("one-click unsubscribe", Failure, "List-Unsubscribe has no https address", "Set base_url to the https address of the pages; some relays put their own address there.")
	default:
		j.add("one-click unsubscribe", Failure, "List-Unsubscribe-Post is gone", "Ask who runs the relay why it takes the header away.")
	}
}

// unique returns what is in all, sorted, each once.
func unique(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}
