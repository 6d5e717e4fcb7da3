package send

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

const hexDigits = "0123456789ABCDEF"

// longestQP is the longest line of quoted-printable before its soft break
// (RFC 2045, 6.7: 76 with the "=").
const longestQP = 75

// softBreak ends a line of quoted-printable without ending the text's line.
const softBreak = "=\r\n"

// appendQP appends src as quoted-printable (RFC 2045, 6.7), beginning at the
// start of a line. CRLF in src is a line end; every other control character is
// encoded. Characters are never parted by a soft break. A line never starts
// with a full stop or "From ", which some relays change.
func appendQP(dst, src []byte) []byte {
	col := 0
	for i := 0; i < len(src); {
		c := src[i]
		if c == '\r' && i+1 < len(src) && src[i+1] == '\n' {
			dst = append(dst, '\r', '\n')
			col = 0
			i += 2
			continue
		}
		size, width := 1, 1
		switch {
		case c >= utf8.RuneSelf:
			_, size = utf8.DecodeRune(src[i:])
			width = 3 * size
		case !plainQP(src, i, col):
			width = 3
		}
		if col+width > longestQP {
			dst = append(dst, softBreak...)
			col = 0
			if width == 1 && !plainQP(src, i, 0) {
				width = 3
			}
		}
		if width == 1 {
			dst = append(dst, c)
		} else {
			for _, b := range src[i : i+size] {
				dst = append(dst, '=', hexDigits[b>>4], hexDigits[b&15])
			}
		}
		col += width
		i += size
	}
	return dst
}

// plainQP says that the byte src[i], which is ASCII, may stand for itself in
// column col.
func plainQP(src []byte, i, col int) bool {
	switch c := src[i]; {
	case c == ' ' || c == '\t':
		// White space at the end of a line gets lost on the way.
		return i+1 >= len(src) || src[i+1] != '\r'
	case c == '.':
		return col > 0
	case c == 'F':
		return col > 0 || len(src)-i < 5 || string(src[i:i+5]) != "From "
	default:
		return c > ' ' && c < 0x7f && c != '='
	}
}

// crlf returns s with every kind of line end as CRLF, one at its end, and
// without the control characters that no mail may hold.
func crlf(s string) []byte {
	out := make([]byte, 0, len(s)+len(s)/40+2)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
			}
			out = append(out, '\r', '\n')
		case c == '\n':
			out = append(out, '\r', '\n')
		case c < ' ' && c != '\t' || c == 0x7f:
		default:
			out = append(out, c)
		}
	}
	return out
}

// Encoded words (RFC 2047) are at most 75 characters long; a header line is
// folded at 78 (RFC 5322, 2.1.1).
const (
	longestWord = 75
	foldAt      = 78
	wordFrame   = len("=?utf-8?q??=")
)

// appendWords appends src as encoded words (RFC 2047), the header's line being
// at column col; it returns the new column.
func appendWords(dst, src []byte, col int) ([]byte, int) {
	q := 0
	for _, c := range src {
		if !plainQ(c) && c != ' ' {
			q++
		}
	}
	base64ed := len(src)+2*q > (len(src)+2)/3*4
	for first := true; len(src) > 0; first = false {
		room := min(longestWord, foldAt-col) - wordFrame
		if !first || room < 16 {
			dst = append(dst, "\r\n "...)
			col = 1
			room = longestWord - wordFrame
		}
		start := len(dst)
		n := 0
		if base64ed {
			n = runesWithin(src, room/4*3)
			dst = append(dst, "=?utf-8?b?"...)
			dst = base64.StdEncoding.AppendEncode(dst, src[:n])
		} else {
			dst = append(dst, "=?utf-8?q?"...)
			for used := 0; n < len(src); {
				_, size := utf8.DecodeRune(src[n:])
				width := 0
				for _, c := range src[n : n+size] {
					width += widthQ(c)
				}
				if used+width > room {
					break
				}
				for _, c := range src[n : n+size] {
					dst = appendQ(dst, c)
				}
				used += width
				n += size
			}
		}
		dst = append(dst, "?="...)
		col += len(dst) - start
		src = src[n:]
	}
	return dst, col
}

// runesWithin returns how many of src's bytes make whole characters within
// limit bytes.
func runesWithin(src []byte, limit int) int {
	if len(src) <= limit {
		return len(src)
	}
	n := limit
	for n > 0 && !utf8.RuneStart(src[n]) {
		n--
	}
	if n == 0 { // not UTF-8
		return limit
	}
	return n
}

// plainQ says that c stands for itself in an encoded word in a phrase, the
// strictest of the places (RFC 2047, 5).
func plainQ(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!*+-/", c) >= 0
}

func widthQ(c byte) int {
	if plainQ(c) || c == ' ' {
		return 1
	}
	return 3
}

func appendQ(dst []byte, c byte) []byte {
	switch {
	case c == ' ':
		return append(dst, '_')
	case plainQ(c):
		return append(dst, c)
	default:
		return append(dst, '=', hexDigits[c>>4], hexDigits[c&15])
	}
}
