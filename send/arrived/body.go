package arrived

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// deepest is how many multiparts may stand within one another.
const deepest = 8

// rewriters are hosts, or the ends of hosts, that links lead through when
// somebody on the way counts clicks or scans links.
var rewriters = []string{
	"safelinks.protection.outlook.com", "urldefense.com", "urldefense.proofpoint.com", "mimecastprotect.com",
	"mimecast.com", "cudasvc.com", "fireeye.com", "trendmicro.com", "sendgrid.net", "awstrack.me", "pstmrk.it",
	"mandrillapp.com", "mailgun.org", "mailgun.net", "sparkpostmail.com", "sendibm1.com", "sendibm2.com", "mjt.lu",
	"list-manage.com", "hubspotlinks.com", "emltrk.com", "elasticemail.com",
}

// body looks for links that were rewritten and pictures that were added.
func (j *judge) body(m *mail.Message) error {
	var pages []string
	var text strings.Builder
	err := walk(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, 0, func(kind string, data []byte) {
		switch kind {
		case "text/html":
			pages = append(pages, string(data))
		case "text/plain":
			text.Write(data)
		}
	})
	if err != nil {
		return err
	}
	if len(pages) == 0 {
		j.add("HTML", Failure, "the HTML part is gone", "Somebody on the way turned the mail into plain text.")
		return nil
	}
	var links, pictures []element
	for _, page := range pages {
		l, p := elements(page)
		links, pictures = append(links, l...), append(pictures, p...)
	}
	j.links(links, textHosts(text.String()))
	j.pictures(pictures)
	return nil
}

// links looks for hosts that we did not write. Where nobody knows what was
// written the text part tells, which has the same links and is rewritten more
// rarely.
func (j *judge) links(links []element, inText []string) {
	var foreign, unknown []string
	for _, l := range links {
		switch host := l.host(); {
		case host == "" || slices.Contains(j.sent.Hosts, host):
		case rewrites(host):
			foreign = append(foreign, host)
		case j.sent.Hosts != nil || !slices.Contains(inText, host) && !aligned(host, j.from):
			unknown = append(unknown, host)
		}
	}
	foreign, unknown = unique(foreign), unique(unknown)
	const remedy = "Somebody on the way rewrote or added them: switch click tracking and footers of the relay off."
	switch {
	case len(foreign) > 0:
		j.add("links", Failure, "were rewritten: they lead through "+clean(strings.Join(foreign, ", ")), "If it is your relay, switch click tracking off; if it is the receiver's scanner, its readers all have it.")
	case len(unknown) > 0 && j.sent.Hosts != nil:
		j.add("links", Failure, "lead to hosts that we did not write: "+clean(strings.Join(unknown, ", ")), remedy)
	case len(unknown) > 0:
		j.add("links", Warning, "lead to hosts that the text part does not name: "+clean(strings.Join(unknown, ", ")), remedy)
	default:
		j.add("links", OK, fmt.Sprintf("%d, none rewritten", len(links)), "")
	}
}

// address finds what is likely an address in plain text.
var address = regexp.MustCompile(`https?://[^\s<>"()]+`)

// textHosts returns the hosts that a plain text names.
func textHosts(text string) []string {
	var hosts []string
	for _, found := range address.FindAllString(text, -1) {
		if host := (element{address: found}).host(); host != "" {
			hosts = append(hosts, host)
		}
	}
	return unique(hosts)
}

// pictures looks for pixels that somebody added.
func (j *judge) pictures(pictures []element) {
	var added []string
	for _, p := range pictures {
		host := p.host()
		if host == "" || slices.Contains(j.sent.Hosts, host) {
			continue
		}
		if p.tiny || rewrites(host) || j.sent.Hosts != nil {
			added = append(added, host)
		}
	}
	if added = unique(added); len(added) > 0 {
		j.add("pictures", Failure, "somebody added pictures from "+clean(strings.Join(added, ", ")), "A relay that counts opens adds a pixel: switch open tracking off.")
		return
	}
	j.add("pictures", OK, fmt.Sprintf("%d, none that we did not put there", len(pictures)), "")
}

func rewrites(host string) bool {
	return slices.ContainsFunc(rewriters, func(r string) bool { return host == r || strings.HasSuffix(host, "."+r) })
}

// element is a link or a picture of a page.
type element struct {
	address string
	tiny    bool // a picture of at most two pixels, or hidden
}

// host is the host that the element points to; empty when to none.
func (e element) host() string {
	u, err := url.Parse(strings.TrimSpace(e.address))
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// Hosts returns the hosts that a page's links and pictures point to, sorted,
// each once.
func Hosts(page string) []string {
	links, pictures := elements(page)
	var hosts []string
	for _, e := range append(links, pictures...) {
		if host := e.host(); host != "" {
			hosts = append(hosts, host)
		}
	}
	return unique(hosts)
}

// elements finds the links and pictures of a page.
func elements(page string) (links, pictures []element) {
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return links, pictures
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			attributes := map[string]string{}
			for _, a := range token.Attr {
				attributes[a.Key] = a.Val
			}
			switch token.Data {
			case "a", "area":
				links = append(links, element{address: attributes["href"]})
			case "img":
				pictures = append(pictures, element{address: attributes["src"], tiny: isTiny(attributes)})
			}
		}
	}
}

func isTiny(attributes map[string]string) bool {
	small := func(s string) bool {
		s = strings.TrimSuffix(strings.TrimSpace(s), "px")
		return s == "0" || s == "1" || s == "2"
	}
	return small(attributes["width"]) && small(attributes["height"]) ||
		strings.Contains(strings.ReplaceAll(attributes["style"], " ", ""), "display:none")
}

// walk calls f for each part that is no multipart, decoded.
func walk(contentType, encoding string, body io.Reader, depth int, f func(kind string, data []byte)) error {
	if depth > deepest {
		return errors.New("its parts stand too deep within one another")
	}
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = "text/plain" // RFC 2045, 5.2
	}
	if strings.HasPrefix(kind, "multipart/") && parameters["boundary"] != "" {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			part, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := walk(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part, depth+1, f); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, io.LimitReader(body, Longest)); err != nil {
		return fmt.Errorf("decoding a part of type %s: %w", clean(kind), err)
	}
	f(kind, out.Bytes())
	return nil
}
