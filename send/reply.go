package send

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
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

// readReply reads one reply of at most mostLines lines. Its memory is bounded
// whatever comes; its time is by the connection's deadline.
func readReply(r *bufio.Reader) (reply, error) {
	var out reply
	var text strings.Builder
	for range mostLines {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return reply{}, fmt.Errorf("%w: a line of more than %d bytes", errReply, r.Size())
		}
		if err != nil {
			return reply{}, err
		}
		line = trimEnd(line)
		code, last, ok := parseCode(line)
		if !ok || out.code != 0 && code != out.code {
			return reply{}, fmt.Errorf("%w: %q", errReply, short(line))
		}
		out.code = code
		if len(line) > 4 && text.Len() < mostText {
			if text.Len() > 0 {
				text.WriteByte(' ')
			}
			text.Write(line[4:])
		}
		if last {
			out.text = oneLine(text.String())
			return out, nil
		}
	}
	return reply{}, fmt.Errorf("%w: a reply of more than %d lines", errReply, mostLines)
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
