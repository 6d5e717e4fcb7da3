package lint

import (
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"unicode/utf8"
)

// headers is a mail's header as the rules ask for it.
type headers struct {
	fields []HeaderField
	there  bool // false: a file of HTML alone
}

func headersOf(m Mail) headers { return headers{m.Header, m.Raw != nil} }

func (h headers) get(name string) string { return fieldOf(h.fields, name) }

func (h headers) count(name string) int {
	n := 0
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, name) {
			n++
		}
	}
	return n
}

// line is where a field stands, for a person.
func (h headers) line(name string) string {
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, name) {
			return fmt.Sprintf("line %d, %s", f.Line, f.Name)
		}
	}
	return "header"
}

// headerRules judges the header of a mail.
func headerRules(in letter) []Finding {
	h := in.headers
	if !h.there {
		return nil
	}
	var out []Finding
	say := func(rule, place, clients, message, remedy string) {
		out = append(out, Finding{Rule: rule, Place: place, Clients: clients, Message: message, Remedy: remedy})
	}
	for _, name := range []string{"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type", "List-Unsubscribe"} {
		if n := h.count(name); n > 1 {
			say("header-repeated", h.line(name), "all", fmt.Sprintf("%s stands %d times; a mail has it once (RFC 5322, 3.6), and programs choose as they like.", name, n), "Leave one.")
		}
	}
	if from, err := mail.ParseAddressList(decodeWords(h.get("From"))); err != nil || len(from) == 0 {
		say("header-from", h.line("From"), "all", fmt.Sprintf("From is no address: %q.", cut(h.get("From"), 80)), "Write Name <name@example.org>.")
	}
	if date := h.get("Date"); date == "" {
		say("header-date", "header", "all", "There is no Date; it is required (RFC 5322, 3.6), and filters count its lack.", "Add it when the mail is made.")
	} else if _, err := mail.ParseDate(date); err != nil {
		say("header-date", h.line("Date"), "all", fmt.Sprintf("Date can't be read: %q.", cut(date, 60)), "Write it as RFC 5322 has it: Tue, 24 Nov 2026 06:30:00 +0000.")
	}
	if id := h.get("Message-ID"); !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, ">") || strings.Count(id, "@") != 1 {
		say("header-message-id", h.line("Message-ID"), "all", fmt.Sprintf("Message-ID is %q; each mail needs one of its own as <id@domain>.", cut(id, 80)), "Set it where the mail is made, in a domain of yours.")
	}
	if version := h.get("MIME-Version"); version == "" && h.get("Content-Type") != "" {
		say("header-mime", "header", "all", "There is a Content-Type and no MIME-Version: by RFC 2045 the mail is plain text then.", "Add MIME-Version: 1.0.")
	}
	out = append(out, listHeaders(h)...)
	return append(out, headerBytes(in)...)
}

// listHeaders judges how a reader leaves by a button of the mail program
// (RFC 2369, RFC 8058).
func listHeaders(h headers) []Finding {
	leave := h.get("List-Unsubscribe")
	f := Finding{Place: h.line("List-Unsubscribe"), Clients: "Gmail, Yahoo, Apple Mail"}
	if leave == "" {
		f.Rule, f.Message = "list-unsubscribe", "There is no List-Unsubscribe; the large mailbox providers want it of every newsletter."
		f.Remedy = "Add List-Unsubscribe: <https://…> and List-Unsubscribe-Post (RFC 8058)."
		return []Finding{f}
	}
	https := false
	for part := range strings.SplitSeq(leave, ",") {
		part = strings.TrimSpace(part)
		address := strings.TrimSuffix(strings.TrimPrefix(part, "<"), ">")
		u, err := url.Parse(address)
		if err != nil || !strings.HasPrefix(part, "<") || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto" {
			f.Rule, f.Message = "list-unsubscribe", fmt.Sprintf("List-Unsubscribe can't be read: %q.", cut(leave, 100))
			f.Remedy = "Write each address in angle brackets: <https://…>, <mailto:…>."
			return []Finding{f}
		}
		https = https || u.Scheme == "https" && u.Host != ""
	}
	post := strings.EqualFold(strings.ReplaceAll(h.get("List-Unsubscribe-Post"), " ", ""), "List-Unsubscribe=One-Click")
	if https && post {
		return nil
	}
	f.Rule, f.Message = "list-unsubscribe-post", "List-Unsubscribe-Post is missing or is not “List-Unsubscribe=One-Click”: leaving takes more than one click."
	f.Remedy = "Add List-Unsubscribe-Post: List-Unsubscribe=One-Click, and answer the POST (RFC 8058)."
	if !https {
		f.Message = "List-Unsubscribe has no https address, which one-click unsubscribing needs (RFC 8058)."
	}
	return []Finding{f}
}

// longestLine is the longest line that a mail may have, without its end
// (RFC 5322, 2.1.1).
const longestLine = 998

// headerBytes judges the bytes of a mail: lines and raw characters.
func headerBytes(in letter) []Finding {
	var out []Finding
	line, start := 0, 0
	data := in.mail.Raw
	for start < len(data) {
		line++
		end := start
		for end < len(data) && data[end] != '\n' {
			end++
		}
		if end-start > longestLine+1 { // a CR may end it
			out = append(out, Finding{
				Rule: "line-length", Place: fmt.Sprintf("line %d", line), Clients: "all",
				Message: fmt.Sprintf("The line has %d bytes; SMTP carries %d, and relays break or refuse what is longer.", end-start, longestLine),
				Remedy:  "Encode the part as quoted-printable or base64; fold the header.",
			})
			break
		}
		start = end + 1
	}
	for _, f := range in.mail.Header {
		if strings.ContainsFunc(f.Value, func(r rune) bool { return r >= 0x80 }) {
			set := "raw UTF-8"
			if !utf8.ValidString(f.Value) {
				set = "bytes of no known character set"
			}
			out = append(out, Finding{
				Rule: "header-raw", Place: fmt.Sprintf("line %d, %s", f.Line, f.Name), Clients: "older relays and programs",
				Message: f.Name + " holds " + set + "; without SMTPUTF8 a header is ASCII.",
				Remedy:  "Encode it as RFC 2047 has it (=?utf-8?q?…?=).",
			})
			break
		}
	}
	return out
}
