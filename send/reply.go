package send

import (
	"bufio"
	"errors"
	"fmt"
)

// What a relay may say in one reply. RFC 5321, 4.5.3.1.5 wants 512 bytes a
// line; who sends more than this means harm or is broken.
const (
	longestLine = 4096 // bytes; also the size of go-mail's read buffer
	mostLines   = 128
	mostText    = 500 // characters of a reply that are kept
)

// errReply says that a relay does not speak SMTP (any more).
var errReply = errors.New("relay does not answer in SMTP")

// reply is an answer of a relay (RFC 5321, 4.2).
type reply struct {
	code int
	text string // one line, with the enhanced code (RFC 3463) if there is one
}

func (r reply) String() string {
	if r.text == "" {
		return fmt.Sprintf("%d", r.code)
	}
	return fmt.Sprintf("%d %s", r.code, r.text)
}

func (r reply) positive() bool  { return r.code/100 == 2 }
func (r reply) transient() bool { return r.code/100 == 4 }
func (r reply) permanent() bool { return r.code/100 == 5 }
func (r reply) closing() bool   { return r.code == 421 }

// replies reads what a relay says. Its memory is bounded whatever comes.
type replies struct {
	in    *bufio.Reader
	text  []byte
	known [8]string // what was said lately: relays repeat themselves
	next  int       // of known, to be replaced
}

// read reads one reply of at most mostLines lines.
func (r *replies) read() (reply, error) {
	code := 0
	r.text = r.text[:0]
	for range mostLines {
		line, err := r.in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return reply{}, fmt.Errorf("%w: a line of more than %d bytes", errReply, r.in.Size())
		}
		if err != nil {
			return reply{}, err
		}
		line = trimEnd(line)
		n, last, ok := parseCode(line)
		if !ok || code != 0 && code != n {
			return reply{}, fmt.Errorf("%w: %q", errReply, short(line))
		}
		code = n
		if len(line) > 4 && len(r.text) < mostText {
			if len(r.text) > 0 {
				r.text = append(r.text, ' ')
			}
			r.text = append(r.text, line[4:]...)
		}
		if last {
			return reply{code, r.said()}, nil
		}
	}
	return reply{}, fmt.Errorf("%w: a reply of more than %d lines", errReply, mostLines)
}

// said returns the text of the reply as one line, without allocating what was
// said before.
func (r *replies) said() string {
	for _, s := range r.known {
		if s == string(r.text) {
			return s
		}
	}
	s := oneLine(string(r.text))
	r.known[r.next] = s
	r.next = (r.next + 1) % len(r.known)
	return s
}

// parseCode reads the three digits of a reply's line and says whether it is
// the last one.
func parseCode(line []byte) (code int, last, ok bool) {
	if len(line) < 3 || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return 0, false, false
	}
	for _, c := range line[:3] {
		if c < '0' || c > '9' {
			return 0, false, false
		}
		code = code*10 + int(c-'0')
	}
	return code, len(line) == 3 || line[3] == ' ', code >= 200 && code <= 599
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

func short(line []byte) []byte { return line[:min(len(line), 60)] }

// oneLine makes what a stranger said fit for a report: one line, no control
// characters, not long.
func oneLine(s string) string { return clean(s, mostText) }
