package web_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/html"

	"lede/compose"
	"lede/newsroom"
	"lede/send"
	"lede/source"
	"lede/web"
)

const webPage = `<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8"><title>%s</title></head>` +
	`<body><p>The post is coming.</p><a href="%s">Add to calendar</a><img alt="" src="https://news.example.org/p/0123456789abcdef0123456789abcdef.png"></body></html>`

// eventOf is the name of the calendar file of each letter's event.
var eventOf = compose.EventFile(letter("", "", time.Time{}).Edition.Sections[1].Briefs[0])

const pictureOf = "0123456789abcdef0123456789abcdef.png"

// public makes the site's first newsletter public.
func (s *site) public() {
	s.Newsletters = slices.Clone(newsletters)
	s.Newsletters[0].Visibility = web.Public
	s.Newsletters[0].ListID = "harbour.example.org"
	s.Newsletters[0].Language = "en"
}

// letter is an edition with a web page.
func letter(subject, preheader string, slot time.Time) newsroom.Content {
	e := compose.Edition{
		Newsletter: "harbour", Slot: slot, Subject: subject, Preheader: preheader,
		Lead: &compose.Lead{
			Title: subject, URL: "https://example.org/ferry", Image: &compose.Figure{Picture: compose.Picture{Name: pictureOf, Width: 536, Height: 240}, Alt: "The pier"},
			Body: []compose.Block{{Kind: "paragraph", HTML: "The <em>post</em> is coming.", Text: "The post is coming."}, {Kind: "bullet", HTML: "eggs", Text: "eggs"}},
		},
		Sections: []compose.Section{{Title: "In brief", Kind: "briefs", Briefs: []compose.Brief{{
			Title: "Eel traps cut", Teaser: "At Low Sluice.", URL: "https://example.org/eels", Publication: "Quay News", Why: "secret reason",
		}, {Teaser: "No headline here.", URL: "https://example.org/none"}, {Title: "Not a link", URL: "javascript:alert(1)"}}}, {
			Title: "On the quay", Kind: "events",
			Briefs: []compose.Brief{{Title: "Net mending", Starts: time.Date(2026, 11, 26, 19, 0, 0, 0, time.UTC), Place: "Sail Loft"}},
		}},
		LeftOut: []compose.LeftOut{{Title: "Council budget", Why: "older"}},
	}
	return newsroom.Content{
		Edition: e, Lists: []string{"harbour"},
		Letter: compose.Letter{Subject: subject, Preheader: preheader, HTML: "<p>x</p>", Web: fmt.Sprintf(webPage, html.EscapeString(subject), compose.EventFile(e.Sections[1].Briefs[0]))},
	}
}

// publish sends an edition to the first of its readers; sent false leaves it
// before its first mail.
func (s *site) publish(t *testing.T, id string, slot time.Time, c newsroom.Content, sent bool) {
	t.Helper()
	ctx := context.Background()
	if _, _, err := s.store.Open(ctx, newsroom.Record{ID: id, Newsletter: "harbour", Slot: slot, Started: slot, StaleAt: slot.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	to := newsroom.Sending
	if !sent {
		to = newsroom.Waiting
	}
	if _, err := s.store.Commit(ctx, id, c, to, slot); err != nil {
		t.Fatal(err)
	}
	if !sent {
		return
	}
	claimed, err := s.store.Ledger().Commit(ctx, nil, send.Claim{Edition: id, Max: 1, Now: slot})
	if err != nil || len(claimed.Deliveries) != 1 {
		t.Fatalf("claimed %d: %v", len(claimed.Deliveries), err)
	}
	d := claimed.Deliveries[0]
	out := send.Outcome{Edition: id, Pos: d.Pos, State: send.Sent, Relay: "main", Code: 250, Reply: "2.0.0 ok", At: slot}
	if _, err := s.store.Ledger().Commit(ctx, []send.Outcome{out}, send.Claim{Edition: id, Now: slot}); err != nil {
		t.Fatal(err)
	}
}

// shelf is an archive of seven letters in three years, and one that nobody got.
func shelf(t *testing.T) *site {
	t.Helper()
	s := newSite(t)
	s.public()
	if err := s.store.SavePicture(context.Background(), source.Picture{Name: pictureOf, Type: "image/png", Width: 1, Height: 1, Data: []byte("pixels")}); err != nil {
		t.Fatal(err)
	}
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 6, 30, 0, 0, time.UTC) }
	for i, l := range []struct {
		slot               time.Time
		subject, preheader string
	}{
		{day(2024, 3, 4), "A harbour master for eleven months, and counting", "Clocks; the last swim of the year; apples for the asking"},
		{day(2024, 12, 31), "The year on the quay", ""},
		{day(2026, 10, 30), "Nine to nine: the fish market roof", "What the storm took; a ship in quarantine; school play moved"},
		{day(2026, 11, 19), "Bus 9 no longer stops at the hospital", "A petition at the kiosk; mussels are safe again"},
		{day(2026, 11, 20), "Lifeboat station opens its doors", "Six volunteers in a year; net store to let; rain until Sunday"},
		{day(2026, 11, 23), `<script>alert(1)</script> & "so" on ]]>`, "</title><img src=x onerror=alert(1)> a < b"},
		{day(2026, 11, 24), "Ferry to Skerrow sails again after eleven days", "Fish market roof to a second vote; eel traps cut; a lamp for swimmers"},
	} {
		s.publish(t, fmt.Sprintf("edition%d", i+1), l.slot, letter(l.subject, l.preheader, l.slot), true)
	}
	s.publish(t, "unsent1", day(2026, 11, 25), letter("Nobody has seen this", "", day(2026, 11, 25)), false)
	return s
}
