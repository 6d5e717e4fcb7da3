// Package smtptest is a scripted SMTP receiver for tests. It speaks over any
// net.Listener, also over net.Pipe in a testing/synctest bubble. It never fails
// unless its script says so, remembers everything it was sent, and notes every
// breach of the protocol.
package smtptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The verbs of steps.
const (
	Greeting = "GREETING" // a client connected
	Ehlo     = "EHLO"
	StartTLS = "STARTTLS"
	Auth     = "AUTH"
	MailFrom = "MAIL"
	Rcpt     = "RCPT"
	Data     = "DATA" // before the mail is sent
	Bdat     = "BDAT" // a chunk is announced (RFC 3030); it is read also if refused
	Body     = "BODY" // the mail's first bytes came; only Drop and Wait count
	Dot      = "DOT"  // the whole mail is there
	Rset     = "RSET"
	Noop     = "NOOP"
	Quit     = "QUIT"
)

// Step is a moment at which the script is asked.
type Step struct {
	Verb       string
	Connection int    // 1 for the first
	Taken      int    // mails accepted on this connection so far
	Nth        int    // how often this verb came on all connections, this time counted
	From, To   string // of the current mail, as far as known; To is the last recipient
	MessageID  string // at Dot, without angle brackets
}

// Reply is what the script wants done at a step. The zero Reply is the usual
// one.
type Reply struct {
	Text    string        // "550 5.1.1 no such user"; several lines are parted by \n; empty: the usual answer
	Wait    time.Duration // before the answer
	Drop    bool          // hang up instead of answering; at Dot the mail still counts as accepted if Text would accept it
	Hangup  bool          // hang up after the answer
	Trickle time.Duration // one byte of the answer in this time
	Endless bool          // an answer that never ends
}

// Mail is one mail whose final dot came.
type Mail struct {
	Connection int
	From       string
	To         []string
	Parameters string // what stood behind MAIL FROM:<…>
	Data       []byte // as it was sent, dots unstuffed; nil with Server.Forget
	MessageID  string // without angle brackets
	Answer     string
	Accepted   bool // the answer was, or would have been, positive
	Answered   bool // the answer was written
}

// Server is the receiver. Its fields are set before Serve.
type Server struct {
	// Extensions are the lines of the answer to EHLO; STARTTLS and AUTH come
	// by themselves. nil: PIPELINING, 8BITMIME, ENHANCEDSTATUSCODES. BDAT is
	// understood only with CHUNKING, and commands may come in groups only with
	// PIPELINING.
	Extensions []string
	// Mechanisms are offered for AUTH; nil: PLAIN and LOGIN, which are all that
	// is understood beside XOAUTH2.
	Mechanisms []string
	// Deaf loses what came together with a command or behind a mail, as relays
	// do that offer PIPELINING and do not keep it.
	Deaf bool
	// Unknown is the answer to BDAT of a relay that offers CHUNKING and does
	// not keep it: it takes the mail for commands.
	Unknown string
	// Eager answers 354 to DATA also if there are no recipients (RFC 2920, 3.1).
	Eager bool
	// TLS, if set, is offered by STARTTLS, or spoken from the start with
	// Implicit.
	TLS      *tls.Config
	Implicit bool
	// Strip leaves STARTTLS out of the answer to EHLO, as an attacker would.
	Strip bool
	// User and Password, if set, are wanted before MAIL (PLAIN or LOGIN).
	User, Password string
	// Script is asked at each step; nil: all as usual. It is called by many
	// connections at once.
	Script func(Step) Reply
	// Forget keeps no bytes of the mails, for large counts.
	Forget bool

	mu          sync.Mutex
	mails       []Mail
	faults      []string
	counts      map[string]int
	connections int
	open        map[net.Conn]struct{}
	most        int
	wg          sync.WaitGroup
	listener    net.Listener
	closed      bool
}

// Start serves s on a free loopback port until the test ends, and returns host
// and port.
func Start(t testing.TB, s *Server) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return "127.0.0.1", l.Addr().(*net.TCPAddr).Port
}

// Serve takes connections until the listener or the server is closed, and
// returns when the last one has ended.
func (s *Server) Serve(l net.Listener) {
	s.mu.Lock()
	s.listener = l
	closed := s.closed
	s.mu.Unlock()
	if closed {
		_ = l.Close()
		return
	}
	defer s.wg.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			_ = c.Close()
			return
		}
		s.connections++
		n := s.connections
		if s.open == nil {
			s.open = map[net.Conn]struct{}{}
		}
		s.open[c] = struct{}{}
		s.most = max(s.most, len(s.open))
		s.wg.Add(1)
		s.mu.Unlock()
		go func() {
			defer s.wg.Done()
			defer func() {
				_ = c.Close()
				s.mu.Lock()
				delete(s.open, c)
				s.mu.Unlock()
			}()
			(&session{s: s, n: n, raw: c, c: c}).run()
		}()
	}
}

// Close ends all connections and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	if s.listener != nil {
		_ = s.listener.Close()
	}
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// Mails returns every mail whose final dot came, accepted or not.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Received returns the mails that were accepted.
func (s *Server) Received() []Mail {
	var accepted []Mail
	for _, m := range s.Mails() {
		if m.Accepted {
			accepted = append(accepted, m)
		}
	}
	return accepted
}

// Copies returns, by recipient, the Message-IDs of the mails that were
// accepted.
func (s *Server) Copies() map[string][]string {
	copies := map[string][]string{}
	for _, m := range s.Received() {
		for _, to := range m.To {
			copies[to] = append(copies[to], m.MessageID)
		}
	}
	return copies
}

// Faults returns the breaches of the protocol that clients committed.
func (s *Server) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.faults...)
}

// Count returns how often a verb came.
func (s *Server) Count(verb string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[verb]
}

// Most returns how many connections were open at the same time.
func (s *Server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func (s *Server) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) < 100 {
		s.faults = append(s.faults, fmt.Sprintf(format, args...))
	}
}

// session is one connection.
type session struct {
	s      *Server
	n      int
	raw    net.Conn
	c      net.Conn
	in     *bufio.Reader
	taken  int
	secure bool
	login  bool
	from   string
	params string
	to     []string
	mail   bool // MAIL was accepted
	group  bool // MAIL was refused: the rest of its group may still come
	chunks []byte
}

// readAhead is how much of a mail is read before the script is asked at Body:
// over a net.Pipe, a larger mail is then not yet sent whole.
const readAhead = 4096

// errHangup ends a session.
var errHangup = errors.New("hang up")

func (c *session) run() {
	c.in = bufio.NewReaderSize(c.c, readAhead)
	if c.s.Implicit {
		if c.handshake() != nil {
			return
		}
	}
	if c.answer(Greeting, "220 receiver.example ESMTP") != nil {
		return
	}
	for {
		line, err := c.line()
		if err != nil || c.command(line) != nil {
			return
		}
	}
}

// line reads one command line and checks how it ends.
func (c *session) line() (string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	if !strings.HasSuffix(line, "\r\n") {
		c.s.fault("bare LF after %q", line)
	}
	line = strings.TrimRight(line, "\r\n")
	if strings.ContainsAny(line, "\r\x00") || len(line) > 1000 {
		c.s.fault("bad command line %.80q", line)
	}
	return line, nil
}

func (c *session) command(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	c.checkGroup(verb)
	if c.s.Deaf && verb != "BDAT" {
		_, _ = c.in.Discard(c.in.Buffered())
	}
	switch verb {
	case "EHLO", "HELO":
		return c.ehlo()
	case "STARTTLS":
		if c.s.TLS == nil || c.secure {
			return c.write("502 5.5.1 no TLS here")
		}
		if err := c.answer(StartTLS, "220 2.0.0 go ahead"); err != nil {
			return err
		}
		return c.handshake()
	case "AUTH":
		return c.auth(rest)
	case "MAIL":
		return c.mailFrom(rest)
	case "RCPT":
		return c.rcpt(rest)
	case "DATA":
		return c.data()
	case "BDAT":
		if c.offers("CHUNKING") {
			return c.bdat(rest)
		}
		c.s.fault("BDAT without CHUNKING")
		return c.write("500 5.5.1 unknown command")
	case "RSET":
		c.clear()
		return c.answer(Rset, "250 2.0.0 forgotten")
	case "NOOP":
		return c.answer(Noop, "250 2.0.0 nothing done")
	case "QUIT":
		if err := c.answer(Quit, "221 2.0.0 bye"); err != nil {
			return err
		}
		return errHangup
	default:
		if c.s.Unknown == "" && !c.s.Deaf {
			c.s.fault("unknown command %.80q", line)
		}
		return c.write("500 5.5.2 unknown command")
	}
}

// checkGroup notes what must not have come together with a command: anything
// without PIPELINING; with it, anything behind a command that ends a group (RFC
// 2920, 3.1).
func (c *session) checkGroup(verb string) {
	if c.in.Buffered() == 0 {
		return
	}
	switch {
	case verb == "EHLO", verb == "STARTTLS", verb == "AUTH", verb == "QUIT", verb == "NOOP", verb == "DATA":
		next, _ := c.in.Peek(min(20, c.in.Buffered()))
		c.s.fault("%q came together with %s", next, verb)
	case !c.offers("PIPELINING") && verb != "BDAT":
		c.s.fault("commands in a group without PIPELINING: something came together with %s", verb)
	}
}

// offers says that the answer to EHLO has an extension.
func (c *session) offers(extension string) bool {
	for _, line := range c.extensions() {
		if name, _, _ := strings.Cut(line, " "); strings.EqualFold(name, extension) {
			return true
		}
	}
	return false
}

func (c *session) extensions() []string {
	if c.s.Extensions == nil {
		return []string{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"}
	}
	return c.s.Extensions
}

func (c *session) ehlo() error {
	c.clear()
	lines := append([]string{"receiver.example"}, c.extensions()...)
	if c.s.TLS != nil && !c.secure && !c.s.Strip {
		lines = append(lines, "STARTTLS")
	}
	if c.s.User != "" {
		mechanisms := c.s.Mechanisms
		if mechanisms == nil {
			mechanisms = []string{"PLAIN", "LOGIN"}
		}
		lines = append(lines, "AUTH "+strings.Join(mechanisms, " "))
	}
	return c.answer(Ehlo, "250 "+strings.Join(lines, "\n250 "))
}

func (c *session) handshake() error {
	secured := tls.Server(c.c, c.s.TLS)
	if err := secured.Handshake(); err != nil {
		return err
	}
	c.c, c.secure = secured, true
	c.in = bufio.NewReaderSize(secured, readAhead)
	return nil
}

func (c *session) auth(rest string) error {
	if c.s.TLS != nil && !c.secure {
		c.s.fault("AUTH in clear text")
	}
	mechanism, initial, _ := strings.Cut(rest, " ")
	var user, password string
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		parts := strings.Split(decode(initial), "\x00")
		if len(parts) == 3 {
			user, password = parts[1], parts[2]
		}
	case "LOGIN":
		for _, into := range []*string{&user, &password} {
			if err := c.write("334 " + base64.StdEncoding.EncodeToString([]byte("say"))); err != nil {
				return err
			}
			line, err := c.line()
			if err != nil {
				return err
			}
			*into = decode(line)
		}
	case "XOAUTH2":
		said := strings.TrimSuffix(strings.TrimPrefix(decode(initial), "user="), "\x01\x01")
		user, password, _ = strings.Cut(said, "\x01auth=Bearer ")
	default:
		return c.write("504 5.5.4 unknown mechanism")
	}
	usual := "535 5.7.8 wrong user or password"
	if c.s.User != "" && user == c.s.User && password == c.s.Password {
		usual = "235 2.7.0 welcome"
	}
	text, err := c.step(Auth, usual)
	c.login = strings.HasPrefix(text, "2")
	if err == nil && !c.login {
		// A refused client may still send "*" and QUIT.
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "*" {
			return c.write("501 5.5.4 cancelled")
		}
		return c.command(line)
	}
	return err
}

func decode(s string) string {
	b, _ := base64.StdEncoding.DecodeString(s)
	return string(b)
}

func (c *session) mailFrom(rest string) error {
	if c.s.User != "" && !c.login {
		c.group = c.offers("PIPELINING")
		return c.write("530 5.7.0 log in first")
	}
	if c.mail {
		c.s.fault("MAIL inside a transaction")
		return c.write("503 5.5.1 one mail at a time")
	}
	address, parameters, ok := path(rest, "FROM:")
	if !ok {
		c.s.fault("bad MAIL %.80q", rest)
		return c.write("501 5.5.2 bad path")
	}
	c.from, c.params = address, parameters
	text, err := c.step(MailFrom, "250 2.1.0 ok")
	c.mail = strings.HasPrefix(text, "2")
	c.group = !c.mail && c.offers("PIPELINING")
	return err
}

func (c *session) rcpt(rest string) error {
	if !c.mail {
		if !c.group && !c.s.Deaf {
			c.s.fault("RCPT without MAIL")
		}
		return c.write("503 5.5.1 MAIL first")
	}
	address, _, ok := path(rest, "TO:")
	if !ok {
		c.s.fault("bad RCPT %.80q", rest)
		return c.write("501 5.5.2 bad path")
	}
	c.to = append(c.to, address)
	text, err := c.step(Rcpt, "250 2.1.5 ok")
	if !strings.HasPrefix(text, "2") {
		c.to = c.to[:len(c.to)-1]
	}
	return err
}

// path reads "FROM:<address> parameters".
func path(s, keyword string) (address, parameters string, ok bool) {
	if len(s) < len(keyword) || !strings.EqualFold(s[:len(keyword)], keyword) {
		return "", "", false
	}
	s = s[len(keyword):]
	end := strings.LastIndexByte(s, '>')
	if !strings.HasPrefix(s, "<") || end < 0 || strings.ContainsAny(s[1:end], "<> ") {
		return "", "", false
	}
	return s[1:end], strings.TrimSpace(s[end+1:]), true
}

func (c *session) data() error {
	if len(c.to) == 0 && !c.s.Eager {
		return c.write("554 5.5.1 no valid recipients")
	}
	text, err := c.step(Data, "354 go ahead")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(text, "354") {
		return nil
	}
	if err := c.first(); err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if c.s.Deaf {
		_, _ = c.in.Discard(c.in.Buffered())
	}
	if len(c.to) == 0 {
		if len(body) > 0 {
			c.s.fault("a mail without recipients")
		}
		c.clear()
		return c.write("554 5.5.1 no valid recipients")
	}
	return c.dot(body)
}

// first waits for the first byte of a mail and asks the script.
func (c *session) first() error {
	if _, err := c.in.Peek(1); err != nil {
		return err
	}
	if r := c.ask(Body, ""); r.Wait > 0 || r.Drop {
		time.Sleep(r.Wait)
		if r.Drop {
			return errHangup
		}
	}
	return nil
}

// mostChunk is how long a chunk may be.
const mostChunk = 64 << 20

// bdat reads a chunk (RFC 3030). It is read, and lost, also if it is refused.
func (c *session) bdat(rest string) error {
	if c.s.Unknown != "" {
		return c.write(c.s.Unknown)
	}
	size, last, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 || n > mostChunk || last != "" && !strings.EqualFold(last, "LAST") {
		c.s.fault("bad BDAT %.80q", rest)
		if err := c.write("501 5.5.4 bad chunk"); err != nil {
			return err
		}
		return errHangup
	}
	usual := ""
	switch {
	case !c.mail:
		usual = "503 5.5.1 MAIL first"
	case len(c.to) == 0:
		usual = "554 5.5.1 no valid recipients"
	}
	r := Reply{}
	if usual == "" {
		r = c.ask(Bdat, "")
	}
	if r.Drop {
		return c.say(r, usual)
	}
	if n > 0 {
		if usual == "" {
			err = c.first()
		}
		chunk := make([]byte, n)
		if err == nil {
			_, err = io.ReadFull(c.in, chunk)
		}
		if err != nil {
			return err
		}
		c.chunks = append(c.chunks, chunk...)
	}
	if c.s.Deaf {
		_, _ = c.in.Discard(c.in.Buffered())
	}
	if usual != "" || r.Text != "" && !strings.HasPrefix(r.Text, "2") {
		c.chunks = nil
		return c.say(r, usual)
	}
	if last == "" {
		return c.say(r, "250 2.0.0 chunk taken")
	}
	mail := c.chunks
	c.chunks = nil
	for rest := mail; len(rest) > 0; {
		_, after, _ := bytes.Cut(rest, []byte("\n"))
		c.checkLine(rest[:len(rest)-len(after)])
		rest = after
	}
	time.Sleep(r.Wait)
	return c.dot(mail)
}

// checkLine notes what is wrong with a line of a mail.
func (c *session) checkLine(line []byte) {
	if !bytes.HasSuffix(line, []byte("\r\n")) {
		c.s.fault("bare LF in a mail: %.80q", line)
	}
	if bytes.IndexByte(line, '\r') != len(line)-2 {
		c.s.fault("bare CR in a mail: %.80q", line)
	}
	if len(line) > 1000 {
		c.s.fault("a line of %d bytes in a mail", len(line))
	}
}

// body reads up to the final dot, unstuffs, and checks line ends and lengths.
func (c *session) body() ([]byte, error) {
	var body bytes.Buffer
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				c.s.fault("a line of more than %d bytes", readAhead)
			}
			return nil, err
		}
		c.checkLine(line)
		if bytes.Equal(line, []byte(".\r\n")) {
			return body.Bytes(), nil
		}
		body.Write(bytes.TrimPrefix(line, []byte(".")))
	}
}

// dot answers a whole mail.
func (c *session) dot(body []byte) error {
	if size, ok := parameter(c.params, "SIZE"); ok && size != strconv.Itoa(len(body)) {
		c.s.fault("SIZE=%s for a mail of %d bytes", size, len(body))
	}
	m := Mail{Connection: c.n, From: c.from, To: c.to, Parameters: c.params, MessageID: messageID(body)}
	if !c.s.Forget {
		m.Data = bytes.Clone(body)
	}
	usual := "250 2.0.0 taken"
	r := c.ask(Dot, m.MessageID)
	m.Answer = usual
	if r.Text != "" {
		m.Answer = r.Text
	}
	m.Accepted = strings.HasPrefix(m.Answer, "2")
	c.s.mu.Lock()
	at := len(c.s.mails)
	c.s.mails = append(c.s.mails, m)
	c.s.mu.Unlock()
	c.clear()
	if m.Accepted {
		c.taken++
	}
	err := c.say(r, usual)
	if err == nil || errors.Is(err, errHangup) && !r.Drop {
		c.s.mu.Lock()
		c.s.mails[at].Answered = true
		c.s.mu.Unlock()
	}
	return err
}

// parameter finds one of MAIL's parameters.
func parameter(all, name string) (value string, ok bool) {
	for _, p := range strings.Fields(all) {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(k, name) {
			return v, true
		}
	}
	return "", false
}

// messageID finds a mail's Message-ID.
func messageID(body []byte) string {
	head, _, _ := bytes.Cut(body, []byte("\r\n\r\n"))
	m, err := mail.ReadMessage(io.MultiReader(bytes.NewReader(head), strings.NewReader("\r\n\r\n")))
	if err != nil {
		return ""
	}
	return strings.Trim(m.Header.Get("Message-ID"), "<>")
}

func (c *session) clear() {
	c.mail, c.group, c.from, c.params, c.to, c.chunks = false, false, "", "", nil, nil
}

// ask counts a step and asks the script.
func (c *session) ask(verb, id string) Reply {
	step := Step{Verb: verb, Connection: c.n, Taken: c.taken, From: c.from, MessageID: id}
	if len(c.to) > 0 {
		step.To = c.to[len(c.to)-1]
	}
	c.s.mu.Lock()
	if c.s.counts == nil {
		c.s.counts = map[string]int{}
	}
	c.s.counts[verb]++
	step.Nth = c.s.counts[verb]
	c.s.mu.Unlock()
	if c.s.Script == nil {
		return Reply{}
	}
	return c.s.Script(step)
}

// step asks the script and answers; it returns the answer.
func (c *session) step(verb, usual string) (string, error) {
	r := c.ask(verb, "")
	if r.Text == "" {
		r.Text = usual
	}
	return r.Text, c.say(r, usual)
}

func (c *session) answer(verb, usual string) error {
	_, err := c.step(verb, usual)
	return err
}

// say does what r wants.
func (c *session) say(r Reply, usual string) error {
	if r.Text == "" {
		r.Text = usual
	}
	if r.Wait > 0 {
		time.Sleep(r.Wait)
	}
	switch {
	case r.Drop:
		return errHangup
	case r.Endless:
		for {
			if _, err := io.WriteString(c.c, r.Text[:3]+"-and another thing\r\n"); err != nil {
				return err
			}
		}
	case r.Trickle > 0:
		for _, b := range []byte(wire(r.Text)) {
			if _, err := c.c.Write([]byte{b}); err != nil {
				return err
			}
			time.Sleep(r.Trickle)
		}
	default:
		if err := c.write(r.Text); err != nil {
			return err
		}
	}
	if r.Hangup {
		return errHangup
	}
	return nil
}

func (c *session) write(text string) error {
	_, err := io.WriteString(c.c, wire(text))
	return err
}

// wire writes a reply of one or several lines ("250 a\n250 b").
func wire(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if i < len(lines)-1 && len(line) > 3 && line[3] == ' ' {
			line = line[:3] + "-" + line[4:]
		}
		lines[i] = line + "\r\n"
	}
	return strings.Join(lines, "")
}
