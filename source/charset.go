package source

import (
	"bytes"
	"errors"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// toUTF8 decodes a feed. What the bytes are counts more than what is said about
// them: a byte order mark first, then valid UTF-8 that is no accident, then the
// HTTP header and the XML declaration, whichever fits, then Windows-1252.
func toUTF8(body []byte, contentType string) ([]byte, error) {
	if enc, skip := byteOrderMark(body); enc != nil {
		return decode(enc, body[skip:])
	} else if skip > 0 {
		body = body[skip:]
	}
	declared := declaredCharsets(body, contentType)
	if utf8.Valid(body) {
		for _, label := range declared {
			// These are written with bytes that are valid UTF-8 too.
			if stateful(label, body) {
				enc, _ := charset.Lookup(label)
				return decode(enc, body)
			}
		}
		return body, nil
	}
	for _, label := range declared {
		enc, name := charset.Lookup(label)
		if enc == nil || name == "utf-8" {
			continue
		}
		if out, err := decode(enc, body); err == nil && bytes.Count(out, []byte("\uFFFD")) <= len(out)/1000 {
			return out, nil
		}
	}
	return repair(body), nil
}

// byteOrderMark returns the encoding that a byte order mark or a start without
// one (XML 1.0, appendix F) names, and how long the mark is.
func byteOrderMark(b []byte) (encoding.Encoding, int) {
	switch {
	case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
		return nil, 3
	case bytes.HasPrefix(b, []byte{0xff, 0xfe, 0, 0}):
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM), 4
	case bytes.HasPrefix(b, []byte{0, 0, 0xfe, 0xff}):
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM), 4
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), 2
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), 2
	case bytes.HasPrefix(b, []byte("<\x00?\x00")), bytes.HasPrefix(b, []byte("{\x00")):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), 0
	case bytes.HasPrefix(b, []byte("\x00<\x00?")), bytes.HasPrefix(b, []byte("\x00{")):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), 0
	}
	return nil, 0
}

func declaredCharsets(body []byte, contentType string) []string {
	var out []string
	if _, params, err := mime.ParseMediaType(contentType); err == nil && params["charset"] != "" {
		out = append(out, params["charset"])
	}
	if m := xmlEncoding.FindSubmatch(body[:min(len(body), 1024)]); m != nil {
		out = append(out, string(m[1]))
	}
	return out
}

func stateful(label string, body []byte) bool {
	switch label = strings.ToLower(label); {
	case strings.HasPrefix(label, "iso-2022-"):
		return bytes.IndexByte(body, 0x1b) >= 0
	case label == "hz-gb-2312":
		return bytes.Contains(body, []byte("~{"))
	}
	return false
}

func decode(enc encoding.Encoding, body []byte) ([]byte, error) {
	out, err := enc.NewDecoder().Bytes(body)
	if err != nil {
		return nil, errors.New("its characters cannot be decoded")
	}
	return out, nil
}

// repair reads UTF-8 with some bytes of Windows-1252 in it, which is what
// systems write that paste old texts into new ones. A text without any valid
// sequence is Windows-1252 altogether, and comes out right too.
func repair(body []byte) []byte {
	out := make([]byte, 0, len(body)+len(body)/8)
	for len(body) > 0 {
		r, size := utf8.DecodeRune(body)
		if r == utf8.RuneError && size == 1 {
			r = charmap.Windows1252.DecodeByte(body[0])
			if r == utf8.RuneError {
				r = ' '
			}
		}
		out = utf8.AppendRune(out, r)
		body = body[size:]
	}
	return out
}
