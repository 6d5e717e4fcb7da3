package inbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lede/internal/browsertest"
)

func TestInboxInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	clock := time.Date(2026, 11, 24, 6, 24, 10, 0, time.UTC)
	box, _, page := start(t, Options{Zone: time.UTC, Now: func() time.Time { return clock }})
	take := func(to, subject string) {
		box.keep(&Mail{From: "bounces@example.org", To: []string{to}, Raw: []byte(sample(to, subject))})
	}
	b.Window(1280, 860, "light")
	b.Visit(page.URL)
	if got := browsertest.Eval[string](b, `document.getElementById("list").textContent`); !strings.Contains(got, "No mail yet.") {
		t.Errorf("an empty inbox says %q", got)
	}

	// Mail appears by itself, and the page stays where it is.
	for i := range 14 {
		take(fmt.Sprintf("reader%d@northpost.example", i), "Ferry to Skerrow sails again after eleven days")
	}
	b.Wait(`document.querySelectorAll("#list li").length === 14`)
	b.Click(`#list li:nth-child(3) a`)
	b.Wait(`document.querySelector("#mail h2")?.textContent.startsWith("Ferry")`)
	if got := browsertest.Eval[string](b, `document.querySelector("#list [aria-current] .to").textContent.trim()`); got != "reader11@northpost.example" {
		t.Errorf("chosen: %q", got)
	}
	b.Wait(`document.querySelectorAll("#list .unread").length === 13`)
	take("desk@example.org", "The Harbour Letter: sent to 14 of 14 readers")
	b.Wait(`document.querySelectorAll("#list li").length === 15`)
	b.Wait(`document.getElementById("sums").textContent.startsWith("15 mails")`)

	// The mail's script did not run, and its pictures come from the mail alone.
	if got := browsertest.Eval[string](b, `document.title`); !strings.Contains(got, "Inbox") {
		t.Errorf("the mail's script changed the title to %q", got)
	}
	b.Visit(page.URL + "/mail/1/html")
	b.Wait(`document.images.length === 2 && document.images[0].complete && document.images[1].complete`)
	if got := browsertest.Eval[string](b, `[document.images[0].naturalWidth, document.images[1].naturalWidth].join()`); got != "1,0" {
		t.Errorf("widths of the inline and the remote picture: %s, want 1,0", got)
	}

	for _, width := range []int64{320, 390, 900, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			b.Window(width, 860, scheme)
			for _, path := range []string{"/", "/mail/3", "/mail/3?look=phone", "/mail/3?view=text", "/mail/3?view=source", "/mail/3?view=headers", "/?q=nothing"} {
				b.Visit(page.URL + path)
				b.Fits(fmt.Sprintf("inbox %s at %d", path, width))
			}
		}
	}

	b.Window(1280, 600, "light")
	b.Visit(page.URL + "/mail/3")
	// The chosen mail's row is in sight, however far down the list it is.
	b.Wait(`document.querySelector("#list [aria-current]").getBoundingClientRect().bottom <= innerHeight`)
	b.Click(`form[action="/mail/3/delete"] button`)
	b.Wait(`document.getElementById("sums").textContent.startsWith("14 mails")`)
	b.Click(`form[action="/delete"] button`)
	b.Wait(`document.getElementById("list").textContent.includes("No mail yet.")`)
}
