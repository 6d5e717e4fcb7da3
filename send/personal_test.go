package send_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"lede/send"
)

func TestPersonal(t *testing.T) {
	s := testSender()
	s.ReplyTo = "letters@example.org"
	write := func(id string, date time.Time) []byte {
		t.Helper()
		raw, err := send.Personal(s, "ines@quay.example", "Bitte bestätigen", "Drücken:\nhttps://news.example.org/c/x\n--personal-7", "<p>Drücken</p>", date, id)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	raw := write("7", editionDate)
	checkWire(t, raw)
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Auto-Submitted": "auto-generated", "Reply-To": "<letters@example.org>", "Precedence": "", "List-Unsubscribe": "", "List-Id": ""} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%q, %v", kind, err)
	}
	var got []string
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, part.Header.Get("Content-Type")+" "+strings.TrimSpace(string(body)))
	}
	if len(got) != 2 || !strings.HasPrefix(got[0], "text/plain") || !strings.HasSuffix(got[0], "--personal-7") || got[1] != "text/html; charset=utf-8 <p>Drücken</p>" {
		t.Errorf("parts %q", got)
	}
	id := func(raw []byte) string {
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return m.Header.Get("Message-Id")
	}
	if id(raw) == "" || id(raw) != id(write("7", editionDate.Add(time.Hour))) || id(raw) == id(write("8", editionDate)) {
		t.Error("the Message-ID does not stand for the mail")
	}
	if _, err := send.Personal(s, "no address", "x", "x", "x", editionDate, "1"); err == nil {
		t.Error("a mail to nobody")
	}
}
