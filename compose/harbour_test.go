package compose_test

import (
	"time"

	"lede/compose"
)

// The edition that the tests set: everything that a letter can have, once.

func harbourRecipe() compose.Recipe {
	return compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Editor: "Ines Okafor", Language: "en", Zone: time.UTC,
		Place: "Port Averne", PostalAddress: "14 Chandler Row\nPort Averne", BaseURL: "https://news.example.org",
		Reason: "You get The Harbour Letter because you signed up at harbour.example. It comes on weekday mornings.",
		Theme:  "broadsheet",
	}
}

func harbourEdition() compose.Edition {
	paragraph := func(text string) compose.Block {
		return compose.Block{Kind: "paragraph", HTML: text, Text: text}
	}
	event := func(day, hour, minute int, title, place, rest string) compose.Brief {
		return compose.Brief{Title: title, Place: place, Teaser: rest, Starts: time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC)}
	}
	const site = "https://harbour.example/212/"
	return compose.Edition{
		Newsletter: "harbour", Slot: time.Date(2026, 11, 26, 6, 30, 0, 0, time.UTC), Number: 212,
		Subject:   "Nine nights without the light",
		Preheader: "At dusk on Sunday, for the first time since the winter of 1871, nobody will light the lamp at Carrow Head.",
		Greeting:  "Good morning from the quay. It is four degrees with the wind in the north, the ferry is on time, and the light has three nights left.",
		Editor:    "Ines Okafor",
		Lead: &compose.Lead{
			Title: "Nine nights without the light", URL: site + "nine-nights", Author: "Marit Sele", Source: "desk", Kicker: "Carrow Head", Key: "nine-nights.md",
			Standfirst: "The lamp of 1871 is to be lifted out, cleaned and hung again. Until then the harbour steers by memory.",
			Image: &compose.Figure{
				Picture: compose.Picture{Name: "3fa9c1d2e4b5a6978812345678901234.png", Width: 1200, Height: 675},
				Alt:     "A pilot boat with lit windows off a headland with a lighthouse, at dusk.", HasAlt: true,
				Caption: "The pilot boat lies off the bar from four.", Credit: "Drawing: The Harbour Letter",
			},
			Body: []compose.Block{
				paragraph("At dusk on Sunday, for the first time since the winter of 1871, nobody will light the lamp at Carrow Head. Its lens, two tonnes of hand-cut glass, has begun to grind on its bearing, and the harbour board has chosen the quietest days of the year to lift it out."),
				paragraph("For nine nights the way into Port Averne will be marked by two lit buoys, a radio beacon and the pilot boat. “We have run the tables for every tide,” says the harbour master, Tomas Reyl. “What we can’t run is habit. There are skippers who have never looked at the chart, because they look at the light.”"),
				paragraph("The work is slow and done by hand. Four fitters will turn the lens by quarter degrees until the brass ring lets go, then lower it through the floor of the lantern room on a hoist last used in 1954."),
				paragraph("The board was offered something simpler: a sealed lamp the size of a kettle, brighter, at half the cost. The vote to keep the glass was seven to six. The chair, who had spoken for the kettle, said later that she was glad to have lost."),
			},
			Cut: true,
		},
		Sections: []compose.Section{
			{Title: "Harbour", Kind: "briefs", Briefs: []compose.Brief{
				{Title: "Oyster beds reopen after six clean weeks", URL: site + "oyster-beds", Kicker: "Fishery", Publication: "Averne Courier", Teaser: "Every sample since October is clear, and the lower beds may be worked from Monday. The first baskets go to the school."},
				{Title: "Causeway to close from four on Friday", URL: site + "causeway", Label: "update", Kicker: "Roads", Publication: "Harbour Office", Teaser: "A surge of 60 centimetres will cover the road until eight. The last bus leaves the island at 15:20."},
				{Title: "Eleven minutes saved at sea, nine lost ashore", URL: site + "ferry-times", Label: "analysis", Teaser: "We timed forty crossings under the new timetable. The boat is faster; the queue has not been told."},
			}},
			{Kind: "sponsor", Briefs: []compose.Brief{{
				Title: "Holm & Vane, sailmakers", Label: "sponsored",
				Body: []compose.Block{{
					Kind: "paragraph",
					HTML: `Winter is when sails are mended. Bring yours to the loft before 12 December and it will be ready for the first fair day in March. <a href="https://holmvane.example/loft">Book a place in the loft</a>`,
					Text: "Winter is when sails are mended. Bring yours to the loft before 12 December and it will be ready for the first fair day in March. Book a place in the loft <https://holmvane.example/loft>",
				}},
			}}},
			{Title: "Town", Kind: "briefs", Briefs: []compose.Brief{
				{Title: "We do not need a bigger quay but a slower one", URL: site + "slower-quay", Label: "opinion", Author: "Oda Farrant", Teaser: "Cruise calls doubled in five years and the town’s takings did not. Two ships a week would do, writes Oda Farrant."},
				{Title: "The chandler’s cat has retired", URL: site + "cat", Kicker: "Chandler Row", Publication: "Averne Courier", Teaser: "After fourteen years beside the till, Bosun has moved upstairs. His post is open; so far only mice have applied."},
				{URL: site + "bell", Kicker: "Found", Opening: "A brass ship’s bell without a name came up in the nets of the Gudrun on Tuesday.", Teaser: "A brass ship’s bell without a name came up in the nets of the Gudrun on Tuesday. The museum is looking for its owner."},
			}},
			{Title: "On the quay", Kind: "events", Briefs: []compose.Brief{
				event(27, 19, 0, "Shanty night at the Net Loft", "the Net Loft", "Free; bring a chair."),
				event(28, 10, 0, "Knots for beginners", "the Old Lifeboat House", ""),
				event(29, 16, 10, "Last lighting of the lamp", "Carrow Head", "No cars."),
			}},
			{Title: "From the editor", Kind: "note", Briefs: []compose.Brief{
				{Body: []compose.Block{paragraph("I was taken up the tower on Tuesday and can report 164 steps, of which I counted 158 aloud. If you remember a night when the light failed, write to me: we mean to print a page of them.")}},
				{Label: "correction", Body: []compose.Block{paragraph("On Tuesday we made the crane 52 metres tall. It is 25.")}},
			}},
		},
	}
}
