package send

import "bytes"

// appendRelaxed appends lines of a body in the "relaxed" form of DKIM (RFC 6376,
// 3.4.4): white space within a line is one space, at its end none. White space
// at the end of src is followed by more of the line, so it stays. Empty lines at
// the end of the body are the caller's matter.
func appendRelaxed(dst, src []byte) []byte {
	for len(src) > 0 {
		n := bytes.IndexAny(src, " \t")
		if n < 0 {
			return append(dst, src...)
		}
		dst = append(dst, src[:n]...)
		for n < len(src) && isBlank(src[n]) {
			n++
		}
		if src = src[n:]; !bytes.HasPrefix(src, []byte("\r\n")) {
			dst = append(dst, ' ')
		}
	}
	return dst
}

// relaxedBody returns a whole body in the relaxed form.
func relaxedBody(body []byte) []byte {
	out := appendRelaxed(nil, body)
	for bytes.HasSuffix(out, []byte("\r\n\r\n")) {
		out = out[:len(out)-2]
	}
	if bytes.Equal(out, []byte("\r\n")) {
		return nil
	}
	return out
}

// appendRelaxedHeader appends one header field, folded or not and with its CRLF,
// in the relaxed form (RFC 6376, 3.4.2): the name in lower case, no white space
// around the colon and at the end, one space for every run of it and of line
// ends.
func appendRelaxedHeader(dst, field []byte) []byte {
	colon := bytes.IndexByte(field, ':')
	for _, c := range bytes.TrimRight(field[:colon], " \t") {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	dst = append(dst, ':')
	space := false
	start := len(dst)
	for _, c := range field[colon+1:] {
		if isBlank(c) || c == '\r' || c == '\n' {
			space = len(dst) > start
			continue
		}
		if space {
			dst = append(dst, ' ')
			space = false
		}
		dst = append(dst, c)
	}
	return append(dst, '\r', '\n')
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// headerFields walks the header fields at the start of a mail, up to the empty line:
// it calls yield with each, its folded lines and its last CRLF included.
func headerFields(mail []byte, yield func(field []byte) bool) {
	for len(mail) > 2 && mail[0] != '\r' {
		n := 0
		for {
			end := bytes.IndexByte(mail[n:], '\n')
			if end < 0 {
				return
			}
			if n += end + 1; n >= len(mail) || !isBlank(mail[n]) {
				break
			}
		}
		if !yield(mail[:n]) {
			return
		}
		mail = mail[n:]
	}
}
