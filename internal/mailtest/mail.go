package mailtest

import (
	"bytes"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
)

// Mail is a mail as it lay in the mailbox.
type Mail struct {
	From  string // envelope sender
	To    string // envelope recipient
	Trace string // header fields that the server put before it
	Data  []byte // the mail as it was sent, with CRLF line ends
}

// Mails waits until everything that the server took is delivered, and returns
// what is in the mailbox, in no order.
func (s *Server) Mails() []Mail {
	s.t.Helper()
	s.drain()
	files, err := filepath.Glob(filepath.Join(s.box, "new", "*"))
	must(s.t, err)
	mails := make([]Mail, 0, len(files))
	for _, name := range files {
		data, err := os.ReadFile(name)
		must(s.t, err)
		mails = append(mails, split(data))
	}
	return mails
}

// Empty throws away what is in the mailbox.
func (s *Server) Empty() {
	s.t.Helper()
	s.drain()
	must(s.t, os.RemoveAll(filepath.Join(s.box, "new")))
}

// split takes the fields that a server adds on delivery (RFC 5321, 4.4, and
// its own) off a mail from a Maildir, whose lines end in LF.
func split(data []byte) Mail {
	var m Mail
	rest := data
	for {
		end := 0
		for { // a field ends before a line that does not go on with it
			n := bytes.IndexByte(rest[end:], '\n')
			if n < 0 {
				end = len(rest)
				break
			}
			if end += n + 1; end == len(rest) || rest[end] != ' ' && rest[end] != '\t' {
				break
			}
		}
		name, value, ok := strings.Cut(string(rest[:end]), ":")
		if !ok {
			break
		}
		value = strings.Trim(strings.TrimSpace(value), "<>")
		known := true
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "Return-Path":
			m.From = value
		case "Delivered-To", "Envelope-To":
			m.To = value
		case "Received", "X-Original-To", "Delivery-Date":
		default:
			known = false
		}
		if !known {
			break
		}
		rest = rest[end:]
	}
	m.Trace = string(data[:len(data)-len(rest)])
	m.Data = bytes.ReplaceAll(rest, []byte("\n"), []byte("\r\n"))
	return m
}
