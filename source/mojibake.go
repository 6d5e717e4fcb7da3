package source

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// mendMojibake reads again what was UTF-8 and was taken for Windows-1252 once or
// twice on its way: "â€™" is ’ and "Ã©" is é. It takes only what can hardly be
// meant: "Spaß“" and "IRMÃ…" stay.
func mendMojibake(s string) string {
	for range 3 {
		mended := mendOnce(s)
		if mended == s {
			break
		}
		s = mended
	}
	return s
}

func mendOnce(s string) string {
	if !strings.ContainsFunc(s, isMojibakeLead) {
		return s
	}
	type piece struct {
		at, size int
		r        rune
		lead     byte
		sure     bool
	}
	var pieces []piece
	doubtful := map[byte]int{}
	prev := rune(0)
	for at := 0; at < len(s); {
		r, size := utf8.DecodeRuneInString(s[at:])
		if isMojibakeLead(r) {
			if decoded, length, lead := misread(s[at:]); length > 0 {
				p := piece{at: at, size: length, r: decoded, lead: lead, sure: surely(s[at:at+length], prev, decoded, lead)}
				if !p.sure {
					doubtful[lead]++
				}
				if p.sure || isOtherScript(lead) {
					pieces = append(pieces, p)
				}
				prev, at = decoded, at+length
				continue
			}
		}
		prev, at = r, at+size
	}
	var b strings.Builder
	end := 0
	for _, p := range pieces {
		// A sequence that may be chance is none where another one begins alike.
		if p.sure || doubtful[p.lead] >= 2 {
			b.WriteString(s[end:p.at])
			b.WriteRune(p.r)
			end = p.at + p.size
		}
	}
	return b.String() + s[end:]
}

// isMojibakeLead says that a character is what Windows-1252 makes of the first
// byte of a longer UTF-8 sequence.
func isMojibakeLead(r rune) bool { return r >= 0xc2 && r <= 0xf4 }

// misread returns the character that s begins with when it is read as UTF-8
// that was taken for Windows-1252, how many bytes of s it takes, 0 for none, and
// its first byte.
func misread(s string) (decoded rune, length int, lead byte) {
	var raw [utf8.UTFMax]byte
	n, want := 0, 0
	for _, r := range s {
		b, ok := windowsByte(r)
		if !ok || n > 0 && (b < 0x80 || b > 0xbf) {
			return 0, 0, 0
		}
		raw[n] = b
		n++
		length += utf8.RuneLen(r)
		if n == 1 {
			switch {
			case b >= 0xf0:
				want = 4
			case b >= 0xe0:
				want = 3
			default:
				want = 2
			}
		}
		if n == want {
			decoded, size := utf8.DecodeRune(raw[:n])
			if size != n || decoded == utf8.RuneError || unicode.IsControl(decoded) {
				return 0, 0, 0
			}
			return decoded, length, raw[0]
		}
	}
	return 0, 0, 0
}

// windowsByte is the byte that Windows-1252 reads as r; the five that it leaves
// out read as the control characters of their number, as browsers have it.
func windowsByte(r rune) (byte, bool) {
	if r < 0x100 {
		return byte(r), true
	}
	return charmap.Windows1252.EncodeRune(r)
}

// surely says that a sequence is mojibake wherever it stands: Latin letters and
// signs, punctuation and emoji. Behind a capital a Ã may be meant, and the mark
// behind it close a quotation.
func surely(sequence string, before, decoded rune, lead byte) bool {
	switch {
	case lead == 0xc3:
		_, size := utf8.DecodeRuneInString(sequence)
		mark, _ := utf8.DecodeRuneInString(sequence[size:])
		return !unicode.IsUpper(before) || !unicode.IsPunct(mark)
	case lead == 0xc2:
		return true
	case lead == 0xe2:
		return decoded >= 0x2000 && decoded < 0x2300 || decoded >= 0x2500 && decoded < 0x2800
	case lead == 0xf0:
		return decoded >= 0x1f000
	}
	return false
}

// isOtherScript: Latin letters with other marks, Greek, Cyrillic, Hebrew,
// Arabic, and what takes three bytes.
func isOtherScript(lead byte) bool {
	switch {
	case lead >= 0xc4 && lead <= 0xc5, lead >= 0xce && lead <= 0xd1, lead >= 0xd7 && lead <= 0xd9, lead >= 0xe0 && lead <= 0xef:
		return true
	}
	return false
}

var (
	escapedLead = regexp.MustCompile(`&(?:[Aa]circ|Atilde|eth|#19[45]|#226|#240|#x[cC][23]|#x[eE]2|#x[fF]0);`)
	escapedHigh = regexp.MustCompile(`&(?:#\d{3}|#x[0-9a-fA-F]{2,4}|#\d{4}|[a-zA-Z]{3,8});`)
)

// mendMarkup is mendMojibake for HTML, in which the characters may be escaped.
// What makes markup stays escaped.
func mendMarkup(s string) string {
	if escapedLead.MatchString(s) {
		s = escapedHigh.ReplaceAllStringFunc(s, func(entity string) string {
			if plain := html.UnescapeString(entity); len(plain) > 1 && plain != entity {
				return plain
			}
			return entity
		})
	}
	return mendMojibake(s)
}
