package newsroom

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"lede/compose/lint"
	"lede/send"
)

const (
	spamdTimeout = 60 * time.Second
	spamdAnswer  = 1 << 20 // bytes
)

// AskSpamd asks SpamAssassin's spamd for its verdict on a mail, by the SPAMC
// protocol (1.5, REPORT). at is host:port, or the absolute path of a unix socket.
// The answer always has something: why there is no verdict stands in Err.
func AskSpamd(ctx context.Context, at string, mail []byte) lint.Spam {
	s, err := askSpamd(ctx, at, mail)
	if err != nil {
		return lint.Spam{Err: err.Error()}
	}
	return s
}

// spamVerdict is spamd's on the letter as a proof, with the headers that it will
// have.
func (r *Room) spamVerdict(ctx context.Context, n Newsletter, d Draft, slot time.Time) lint.Spam {
	sender, err := r.Carrying(ctx, n, d.Pictures, d.Letter)
	if err != nil {
		return lint.Spam{Err: err.Error()}
	}
	m, err := send.Compile(d.Letter, sender)
	if err != nil {
		return lint.Spam{Err: err.Error()}
	}
	mail, err := m.Proof(send.Delivery{Edition: "proof", Address: "reader@example.org"}, slot)
	if err != nil {
		return lint.Spam{Err: err.Error()}
	}
	return AskSpamd(ctx, r.Spamd, mail)
}

func askSpamd(ctx context.Context, at string, mail []byte) (lint.Spam, error) {
	network := "tcp"
	if strings.HasPrefix(at, "/") {
		network = "unix"
	}
	ctx, cancel := context.WithTimeout(ctx, spamdTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, at)
	if err != nil {
		return lint.Spam{}, fmt.Errorf("spamd at %s: %w", at, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	mail = toCRLF(mail)
	var request bytes.Buffer
	fmt.Fprintf(&request, "REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n", len(mail))
	request.Write(mail)
	if _, err := conn.Write(request.Bytes()); err != nil {
		return lint.Spam{}, fmt.Errorf("spamd at %s: %w", at, err)
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // some versions wait for the end, none needs it
	}
	answer, err := io.ReadAll(io.LimitReader(conn, spamdAnswer))
	if cause := context.Cause(ctx); cause != nil {
		return lint.Spam{}, fmt.Errorf("spamd at %s gave no answer within %s", at, spamdTimeout)
	}
	if err != nil {
		return lint.Spam{}, fmt.Errorf("spamd at %s: %w", at, err)
	}
	s, err := readVerdict(answer)
	if err != nil {
		return s, fmt.Errorf("spamd at %s: %w", at, err)
	}
	return s, nil
}

// toCRLF ends each line as mail does; spamd counts lines that end otherwise.
func toCRLF(mail []byte) []byte {
	return bytes.ReplaceAll(bytes.ReplaceAll(mail, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
}

// readVerdict reads an answer:
//
//	SPAMD/1.1 0 EX_OK
//	Spam: False ; 1.2 / 5.0
//
//	… a table: points, rule, description, which may go on in the next line
func readVerdict(answer []byte) (lint.Spam, error) {
	lines := bufio.NewScanner(bytes.NewReader(answer))
	if !lines.Scan() {
		return lint.Spam{}, errors.New("closed without an answer")
	}
	first := strings.Fields(lines.Text())
	if len(first) < 3 || !strings.HasPrefix(first[0], "SPAMD/") {
		return lint.Spam{}, fmt.Errorf("is no spamd: it answered %.60q", lines.Text())
	}
	if first[1] != "0" {
		return lint.Spam{}, fmt.Errorf("answered %.100q", lines.Text())
	}
	var s lint.Spam
	found := false
	for lines.Scan() && lines.Text() != "" {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if !strings.EqualFold(name, "Spam") {
			continue
		}
		_, points, _ := strings.Cut(value, ";")
		score, required, _ := strings.Cut(points, "/")
		var err1, err2 error
		s.Score, err1 = strconv.ParseFloat(strings.TrimSpace(score), 64)
		s.Required, err2 = strconv.ParseFloat(strings.TrimSpace(required), 64)
		found = err1 == nil && err2 == nil
	}
	if !found {
		return s, errors.New("answered without points")
	}
	table := false
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r ")
		switch parts := strings.Fields(line); {
		case strings.HasPrefix(strings.TrimSpace(line), "---- "):
			table = true
		case !table || len(parts) == 0:
		default:
			score, err := strconv.ParseFloat(parts[0], 64)
			if err == nil && len(parts) > 1 && len(s.Rules) < 200 {
				s.Rules = append(s.Rules, lint.SpamRule{Name: parts[1], Score: score, About: strings.Join(parts[2:], " ")})
			} else if err != nil && len(s.Rules) > 0 {
				last := &s.Rules[len(s.Rules)-1]
				last.About += " " + strings.Join(parts, " ")
			}
		}
	}
	return s, nil
}
