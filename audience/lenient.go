package audience

import "bytes"

// lenient parses one line by itself: a quote ends a field only where one can
// end. It says whether the line could be read so.
func (r *records) lenient(line []byte) bool {
	line = bytes.TrimRight(line, "\r\n")
	if bytes.IndexByte(line, '"') < 0 {
		return false // strict read it already
	}
	r.flat, r.ends = r.flat[:0], r.ends[:0]
	for {
		rest := bytes.TrimLeft(line, " ")
		if len(rest) > 0 && rest[0] == '"' {
			n, ok := r.quoted(rest)
			if !ok {
				return false
			}
			line = rest[n:]
		} else {
			n := bytes.IndexByte(line, r.delim)
			if n < 0 {
				n = len(line)
			}
			r.flat = append(r.flat, line[:n]...)
			line = line[n:]
		}
		r.ends = append(r.ends, len(r.flat))
		if len(line) == 0 {
			return true
		}
		line = line[1:] // the delimiter
	}
}

// quoted appends the quoted field at the start of b and returns its length up
// to the delimiter or the end.
func (r *records) quoted(b []byte) (int, bool) {
	for i := 1; i < len(b); i++ {
		c := b[i]
		if c == '\\' && i+1 < len(b) && b[i+1] == '"' {
			// \" is a quote, but for a field that ends in a backslash.
			if r.closes(b, i+1) < 0 {
				r.flat = append(r.flat, '"')
				i++
				continue
			}
		}
		if c == '"' {
			if end := r.closes(b, i); end >= 0 {
				return end, true
			}
			if i+1 < len(b) && b[i+1] == '"' {
				i++
			}
		}
		r.flat = append(r.flat, c)
	}
	return 0, false
}

// closes returns where the field ends that the quote at b[i] would close: at a
// delimiter or the end, blanks let through; -1 if it stands before anything
// else.
func (r *records) closes(b []byte, i int) int {
	for i++; i < len(b) && b[i] == ' '; i++ {
	}
	if i == len(b) || b[i] == r.delim {
		return i
	}
	return -1
}
