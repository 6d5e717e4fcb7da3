package send

import (
	"encoding/base64"
	"fmt"
	"html"
	"slices"
	"strings"

	"lede/compose"
)

// Picture is a picture that each mail carries within it, so that it shows
// without anything being loaded.
type Picture struct {
	Name string // the last part of its address, BaseURL + "/p/" + Name
	Type string // image/jpeg or image/png
	Data []byte
}

// PicturesOf are the names of the pictures of ours that a letter shows, as they
// stand, each once.
func PicturesOf(l compose.Letter, baseURL string) []string {
	start := pictureStart(baseURL)
	var names []string
	for _, after, found := strings.Cut(l.HTML, start); found; _, after, found = strings.Cut(after, start) {
		name, _, closed := strings.Cut(after, `"`)
		if closed && isPictureName(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// pictureStart is what stands in the HTML before a picture's name.
func pictureStart(baseURL string) string { return `src="` + html.EscapeString(baseURL) + "/p/" }

// isPictureName says that a name can stand in a Content-ID and in a file's name
// without anything quoted.
func isPictureName(name string) bool {
	return name != "" && len(name) <= 64 && name[0] != '.' &&
		strings.Trim(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_") == "" && !strings.Contains(name, "..")
}

// carry makes the HTML name the pictures that go within the mail by their
// Content-ID (RFC 2392), and returns those. One that is not given, or that the
// letter does not show, stays what it is: a link, or out of the mail.
func (m *Message) carry(page string) (string, []Picture) {
	start := pictureStart(m.sender.BaseURL)
	var within []Picture
	for _, p := range m.sender.Pictures {
		link := start + p.Name + `"`
		if !isPictureName(p.Name) || p.Type != "image/jpeg" && p.Type != "image/png" || len(p.Data) == 0 || !strings.Contains(page, link) {
			continue
		}
		page = strings.ReplaceAll(page, link, `src="cid:`+m.contentID(p)+`"`)
		within = append(within, p)
	}
	return page, within
}

// contentID is the same for the same picture in each mail: it is made of its
// content.
func (m *Message) contentID(p Picture) string { return p.Name + "@" + m.from.domain }

// related adds the HTML together with the pictures that it shows, as one part
// (RFC 2387): the HTML is the root, and first, where Outlook and Gmail look for
// it. Beside the text part it is one of two alternatives, so that no program
// lists the pictures of the part that it did not choose.
func (b *body) related(page *part, pictures []Picture, link, boundary string, id func(Picture) string) {
	b.literal(fmt.Appendf(nil, "Content-Type: multipart/related; type=\"text/html\";\r\n boundary=%q\r\n\r\n--%s\r\n", boundary, boundary))
	b.part("text/html", page, link)
	for _, p := range pictures {
		b.literal(fmt.Appendf(nil, "\r\n--%s\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <%s>\r\n"+
			"Content-Disposition: inline; filename=%q\r\n\r\n", boundary, p.Type, id(p), p.Name))
		b.literal(base64Lines(p.Data))
	}
	b.literal(fmt.Appendf(nil, "\r\n--%s--\r\n", boundary))
}

// base64Lines is base64 in lines of 76 characters (RFC 2045, 6.8), the last
// without its end: what follows begins with one.
func base64Lines(data []byte) []byte {
	const raw = 57 // bytes of a line
	out := make([]byte, 0, (len(data)/raw+1)*78)
	for line := range slices.Chunk(data, raw) {
		if len(out) > 0 {
			out = append(out, '\r', '\n')
		}
		out = base64.StdEncoding.AppendEncode(out, line)
	}
	return out
}
