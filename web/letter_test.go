package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io/fs"
	"net/mail"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/compose/lint"
	"lede/send"
	"lede/source"
	"lede/templates"
	"lede/web"
)

const base = "https://news.example.org"

// quay is a picture of our own: sky, sea, a boat.
func quay(t testing.TB) source.Picture {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 1072, 604))
	for _, part := range []struct {
		r image.Rectangle
		c color.RGBA
	}{
		{img.Bounds(), color.RGBA{186, 208, 212, 255}},
		{image.Rect(0, 340, 1072, 604), color.RGBA{46, 102, 114, 255}},
		{image.Rect(300, 300, 560, 360), color.RGBA{244, 241, 234, 255}},
		{image.Rect(270, 360, 600, 420), color.RGBA{20, 48, 58, 255}},
	} {
		draw.Draw(img, part.r, image.NewUniform(part.c), image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return named(out.Bytes())
}

func named(data []byte) source.Picture {
	sum := sha256.Sum256(data)
	return source.Picture{Name: hex.EncodeToString(sum[:16]) + ".png", Type: "image/png", Width: 1072, Height: 604, Data: data}
}

// harbour is an edition as a preview gets it, with a little of everything.
func harbour(t testing.TB) (compose.Edition, source.Picture) {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	picture := quay(t)
	text := func(s string) compose.Block { return compose.Block{Kind: "paragraph", HTML: s, Text: s} }
	brief := func(title, teaser, slug, why string) compose.Brief {
		return compose.Brief{Title: title, Teaser: teaser, URL: "https://averne.example/" + slug, Source: "site", Why: why, Key: slug}
	}
	return compose.Edition{
		Newsletter: "harbour",
		Slot:       time.Date(2026, 11, 24, 6, 30, 0, 0, zone),
		Subject:    "Ferry to Skerrow sails again after eleven days",
		Preheader:  "The Averne Maid left the north quay at 05:40 with 61 people, four vans and the post for eleven days.",
		Greeting:   "Good morning from the quay, {name|all}. The wind drops by nine, and the post is coming.",
		Editor:     "Ines Okafor",
		Lead: &compose.Lead{
			Title: "Ferry to Skerrow sails again after eleven days", URL: "https://averne.example/ferry", Author: "Tomas Wren",
			Source: "desk", Why: "marked `lead: true`", Key: "ferry.md", Cut: true,
			Image: &compose.Figure{
				Picture: compose.Picture{Name: picture.Name, Width: picture.Width, Height: picture.Height},
				Alt:     "A ferry between a lighthouse and the island", HasAlt: true,
				Caption: "The Averne Maid at the north breakwater on Monday night.", Credit: "Harbour Letter",
			},
			Body: []compose.Block{
				text("The Averne Maid left the north quay at 05:40 with 61 people, four vans and the post for eleven days. It was the first crossing to Skerrow since a cargo hook tore the bow ramp on 13 November."),
				text("“We had eggs on Friday and nobody to sell them to,” said Halla Brandt, who keeps the island shop. She was first off the boat and bought the crew breakfast."),
				text("The company had hired a smaller boat for medicine and school children. It made 44 crossings in eleven days and missed none."),
			},
		},
		Sections: []compose.Section{
			{Title: "In brief", Kind: "briefs", Briefs: []compose.Brief{
				brief("Fish market roof goes to a second vote", "The council counts again on Thursday.", "roof", "newest, 05:20"),
				brief("Eel traps cut at Low Sluice", "Eleven traps were found open on Monday, and nobody saw a boat.", "eels", "next newest, 23 Nov 21:14"),
				brief("Swimmers ask for a lamp on the north steps", "The first swim before six in the dark.", "swim", "next newest; teaser cut after a sentence"),
				brief("Night bus 9 stops at the hospital again", "From Monday on, twice an hour.", "bus", "update of 19 Nov, marked so"),
				brief("A bakery reopens on Chandler Row", "Bread from five.", "bakery", "the best of 2 tellings; also in Quay News"),
			}},
			{Kind: "sponsor", Briefs: []compose.Brief{{Title: "Averne Chandlery: oilskins mended while you wait", URL: "https://chandlery.example/", Teaser: "Until Saturday.", Label: "sponsored", Source: "desk", Why: "labelled “Sponsored”", Key: "ad.md"}}},
			{Title: "On the quay", Kind: "events", Briefs: []compose.Brief{{Title: "Net mending, Thursday 19:00, Sail Loft", Starts: time.Date(2026, 11, 26, 19, 0, 0, 0, zone), Place: "Sail Loft", Source: "desk", Why: "desk: starts within 7 days", Key: "nets.md"}}},
		},
		LeftOut: []compose.LeftOut{
			{Title: "Lifeboat station opens its doors", Source: "site", Why: "Ran on 20 November, text unchanged"},
			{Title: "Council budget in five charts", Source: "desk", Why: "EMBARGOED until 09:00 today"},
			{Title: "Storm warning lifted", Source: "site", Why: "Older than 72 hours"},
			{Title: "Regatta dates for 2027", Source: "desk", Why: "Draft"},
			{Title: "Harbour dues to rise", Source: "site", Why: "Older than 72 hours"},
			{Title: "Mind the swans", Source: "site", Why: "Section full: 6 of 6"},
			{Title: "Seen from the ferry", Source: "site", Why: "Section full: 6 of 6"},
		},
		Sources: []compose.SourceReport{{ID: "desk", Stories: 5}, {ID: "site", Stories: 10}, {ID: "ferries", Error: "timed out after 20 s"}},
	}, picture
}

// proof draws the edition for a reader as the command does.
func proof(t testing.TB, name string) (web.Proof, source.Picture) {
	t.Helper()
	edition, picture := harbour(t)
	recipe := compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Editor: "Ines Okafor", Language: "en", Zone: edition.Slot.Location(), Place: "Port Averne",
		PostalAddress: "14 Chandler Row, Port Averne", BaseURL: base, Theme: "broadsheet",
	}
	theme, err := templates.Load("broadsheet", "")
	if err != nil {
		t.Fatal(err)
	}
	letter, err := compose.Render(recipe, edition, theme, "0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	message, err := send.Compile(letter, send.Sender{
		Newsletter: "harbour", Name: "The Harbour Letter", From: mail.Address{Name: "The Harbour Letter", Address: "letter@example.org"},
		ListID: "harbour.example.org", BaseURL: base, Lists: []string{"harbour"},
		Keys: &audience.Keyring{Keys: map[uint32][]byte{1: []byte("0123456789abcdef0123456789abcdef")}, Current: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	reader := send.Delivery{Edition: "ed1", Address: "reader@example.org", Name: name}
	date := time.Date(2026, 11, 24, 6, 2, 41, 0, edition.Slot.Location())
	raw, err := message.Proof(reader, date)
	if err != nil {
		t.Fatal(err)
	}
	return web.Proof{
		Edition: edition, Sender: "The Harbour Letter", Subject: message.Subject(reader), HTML: message.HTML(reader, true),
		Text: message.Text(reader, true), Source: raw, Audience: 4218, Min: 1, Slot: edition.Slot, BaseURL: base, Drawn: date, Took: 38 * time.Millisecond,
		Findings: []lint.Finding{
			{Rule: "alt", Severity: "warning", Place: "Lead picture", Clients: "screen readers, pictures off", Message: "Picture has no description", Remedy: "Add `image_alt` to `stories/ferry.md`"},
			{Rule: "redirect", Severity: "warning", Place: "Brief “Eel traps”", Clients: "redirect, 301", Message: "Link goes elsewhere first", Remedy: "Link straight to `averne.example/eels`"},
			{Rule: "dark", Severity: "note", Place: "Letter", Clients: "Gmail", Message: "Colours are changed by the program in the dark"},
		},
	}, picture
}

// only finds one picture.
func only(p source.Picture) func(context.Context, string) (source.Picture, error) {
	return func(_ context.Context, name string) (source.Picture, error) {
		if name != p.Name {
			return source.Picture{}, fs.ErrNotExist
		}
		return p, nil
	}
}
