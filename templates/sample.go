package templates

import "html/template"

// fullSample is a letter that has all there is; every branch of a theme that
// looks for something finds it.
func fullSample() *Letter {
	words, _ := WordsFor("en")
	p := &Page{Newsletter: "Newsletter", Lang: "en", Dir: "ltr", Words: words}
	body := []*Block{
		{Page: p, Kind: "paragraph", First: true, HTML: template.HTML(`A <a href="https://example.org/">link</a>.`), Text: "A link <https://example.org/>."},
		{Page: p, Kind: "heading", HTML: "Heading", Text: "Heading"},
		{Page: p, Kind: "quote", HTML: "Quote", Text: "Quote"},
		{Page: p, Kind: "bullets", Items: []*Item{{HTML: "Item", Text: "Item", Mark: "- "}}},
		{Page: p, Kind: "numbers", Items: []*Item{{HTML: "Item", Text: "Item", Mark: "1. "}}},
		{Page: p, Kind: "pre", HTML: "Pre", Text: "Pre"},
	}
	brief := func(change func(*Brief)) *Brief {
		b := &Brief{
			Page: p, Title: "Title", URL: "https://example.org/", Text: "Text.", Publication: "Publication",
			Author: "Author", Signature: "Signature", ByEditor: true, When: "Fri 27 Nov", Calendar: "https://example.org/event.ics", Figure: "164 steps", Place: "Place",
			Body: body, StoryLang: "fr", StoryDir: "ltr", Kicker: "Kicker",
			Picture: &Picture{URL: "https://example.org/p.png", Alt: "Alt", Width: 536, Height: 302, Caption: "Caption"},
		}
		change(b)
		return b
	}
	briefs := []*Brief{
		brief(func(*Brief) {}),
		brief(func(b *Brief) { b.Title, b.Opening = "", "Opening" }),
		brief(func(b *Brief) { b.Kicker, b.Label, b.Opinion = "", "Opinion", true }),
		brief(func(b *Brief) { b.Label, b.Correction = "Correction", true }),
		brief(func(b *Brief) { b.Label, b.Sponsored = "Sponsored", true }),
	}
	letter := &Letter{
		Page: p, Subject: "Subject", Preheader: "Preheader", Dateline: "Dateline", Greeting: "Greeting",
		Lead: &Lead{
			Page: p, Title: "Title", URL: "https://example.org/", Kicker: "Kicker", Standfirst: "Standfirst", Author: "Author",
			Publication: "Publication", Body: body, Cut: true, StoryLang: "fr", StoryDir: "ltr",
			Picture: &Picture{URL: "https://example.org/p.png", Alt: "Alt", Width: 536, Height: 302, Caption: "Caption"},
		},
		Footer: &Footer{
			Page: p, Reason: "Reason", Unsubscribe: "https://example.org/u", View: "https://example.org/e",
			Imprint: "https://example.org/i", Privacy: "https://example.org/d", Address: "Address",
		},
	}
	for _, kind := range []string{"briefs", "headlines", "links", "quotation", "numbers", "events", "sponsor", "note", "corrections", "archive", "most_read"} {
		letter.Sections = append(letter.Sections, &Section{Page: p, Title: "Title", Kind: kind, Briefs: briefs})
	}
	letter.Above = letter.Sections[:1]
	letter.Sections = append(letter.Sections, &Section{Page: p, Title: "Title", Kind: "events", Text: "Text."})
	return letter
}

// bareSample is a letter that has next to nothing: a theme that takes
// something for granted fails on it.
func bareSample() *Letter {
	words, _ := WordsFor("ar")
	p := &Page{Newsletter: "Newsletter", Lang: "ar", Dir: "rtl", RTL: true, Web: true, Words: words}
	return &Letter{
		Page: p, Subject: "Subject", Footer: &Footer{Page: p},
		Sections: []*Section{{Page: p, Kind: "briefs", Briefs: []*Brief{{Page: p, Title: "Title"}}}},
	}
}
