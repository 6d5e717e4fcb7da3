package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lede/internal/browsertest"
)

// TestSubscribeInABrowser goes the whole way as a reader does: the page, the mail
// in the mailbox, its link, the button; then the newsletter comes.
func TestSubscribeInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	dir := t.TempDir()
	smtp, inbox, pages := freePort(t), freePort(t), freePort(t)
	site, mailbox := fmt.Sprintf("http://127.0.0.1:%d", pages), fmt.Sprintf("http://127.0.0.1:%d", inbox)
	write(t, dir, "lede.yaml", fmt.Sprintf(`data: lede.db
base_url: %s
listen: 127.0.0.1:%d
relays: [{id: main, host: 127.0.0.1, port: %d, tls: none}]
newsletters:
  - id: harbour
    name: The Harbour Letter
    from: The Harbour Letter <letter@example.org>
    postal_address: 14 Chandler Row, Port Averne
    lists: [harbour]
    signup: {open: true, title: "The harbour, before breakfast"}
    sources: [{id: desk, folder: stories}]
`, site, pages, smtp))
	write(t, dir, "stories/ferry.md", "---\ntitle: Ferry sails again\n---\n\nThe Averne Maid left at 05:40.\n")
	start(t, dir, []string{"lede", "inbox", "--smtp", fmt.Sprintf("127.0.0.1:%d", smtp), "--listen", fmt.Sprintf("127.0.0.1:%d", inbox)}, mailbox+"/")
	start(t, dir, []string{"lede", "serve"}, site+"/healthz")

	b.Window(390, 844, "light")
	b.Visit(site + "/")
	b.Click(`a[href$="subscribe/harbour"]`)
	b.Wait(`document.querySelector("#address") !== null`)
	b.Do(chromedp.SetValue(chromedp.CSS("#address"), "odile@northpost.example"), chromedp.SetValue(chromedp.CSS("#name"), "Odile Marsh"))
	const asked = `document.querySelector("h1")?.textContent === "Now check your mail"`
	b.Wait(`performance.now() > 4000`) // what comes at once is taken for a program
	b.Click(".give > button")
	b.Wait(asked)
	if got := standing(t, dir); !strings.Contains(got, `"pending"`) {
		t.Fatalf("after the form: %s", got)
	}
	link := regexp.MustCompile(regexp.QuoteMeta(site) + `/c/[A-Za-z0-9_-]+`)
	found := ""
	if !within(time.Minute, func() bool { found = link.FindString(rawMail(t, mailbox)); return found != "" }) {
		t.Fatal("no mail with a link came")
	}
	for range 2 {
		b.Visit(found)
	}
	b.Wait(`document.querySelector("h1").textContent === "One press, and you are in"`)
	if got := standing(t, dir); !strings.Contains(got, `"pending"`) {
		t.Fatalf("looking at the link changed it: %s", got)
	}
	b.Click("button")
	b.Wait(`document.querySelector("h1").textContent === "You are in"`)
	if got := standing(t, dir); !strings.Contains(got, `"active"`) || !strings.Contains(got, "Odile Marsh") {
		t.Errorf("after the button: %s", got)
	}
}

// standing is what the program says of the reader.
func standing(t *testing.T, dir string) string {
	t.Helper()
	out, err := ledeIn(t, dir, "subscribers", "show", "odile@northpost.example", "--json").Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// rawMail is the mailbox's first mail, its lines joined as quoted-printable has
// them; empty until there is one.
func rawMail(t *testing.T, mailbox string) string {
	t.Helper()
	res, err := http.Get(mailbox + "/mail/1/raw")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("=\r\n", "", "=\n", "").Replace(string(body))
}
