package compose_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"lede/compose"
	"lede/source"
)

// mornings assembles one edition after another and lets each remember the ones
// before it.
func mornings(t *testing.T, recipe compose.Recipe, first time.Time, days ...[]source.Story) []compose.Edition {
	t.Helper()
	memory := compose.Memory{Read: map[string]bool{"desk": true}, Seen: map[string]map[string]bool{"desk": {}}}
	var all []compose.Edition
	for i, stories := range days {
		for j := range stories {
			stories[j].Order = j
			if stories[j].Kind == "" {
				stories[j].Kind = source.KindStory
			}
		}
		e := compose.Assemble(recipe, compose.Input{
			Slot: first.AddDate(0, 0, i), Memory: memory, Readings: []source.Reading{{Source: "desk", Stories: stories}},
		})
		all = append(all, e)
		if e.Empty != "" {
			continue // a skipped edition uses nothing up
		}
		memory.Used = append(slices.Clone(e.Uses), memory.Used...)
		for _, s := range e.Seen {
			memory.Seen[s.Source][s.Key] = true
		}
	}
	return all
}

// says writes an edition's choices in a line each: where, what, why.
func says(e compose.Edition) string {
	var b strings.Builder
	if e.Lead != nil {
		b.WriteString("lead: " + e.Lead.Title + " | " + e.Lead.Why + "\n")
	}
	for _, s := range e.Sections {
		for _, brief := range s.Briefs {
			b.WriteString(s.Kind + ": " + brief.Title + " | " + brief.Why + "\n")
		}
	}
	for _, o := range e.LeftOut {
		b.WriteString("out: " + o.Title + " | " + o.Why + "\n")
	}
	return b.String()
}

func wantedRecipe() compose.Recipe {
	return compose.Recipe{
		ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: time.UTC, Min: 1,
		Sources: []compose.SourceRule{{ID: "desk", MaxAge: 72 * time.Hour, Updates: "mark", Leftovers: "drop"}},
		Lead:    compose.LeadRule{Length: 700, MinWords: 80, IfNone: "promote"},
		Sections: []compose.SectionRule{
			{Title: "In brief", Max: 2, Teaser: 240},
			{Kind: "events", Title: "On the quay", Max: 1},
			{Kind: "sponsor", Max: 1, Teaser: 60},
		},
	}
}

// A column runs every time, but by itself it is no reason for an edition: the
// same send again would mail it again, and a slot without news would not be
// skipped.
func TestColumnIsNoNews(t *testing.T) {
	slot := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	ferry := func(day string) source.Story {
		return source.Story{Key: "ferry.md", File: "ferry.md", Title: "Ferry times, " + day + " November", Body: "<p>At 7, 9 and 12.</p>", Repeat: true, Published: slot}
	}
	lamp := source.Story{Key: "lamp.md", File: "lamp.md", Title: "The lamp is out again", Body: "<p>It failed at four.</p>", Published: slot.AddDate(0, 0, 2)}
	e := mornings(t, wantedRecipe(), slot,
		[]source.Story{ferry("23")}, []source.Story{ferry("23")}, []source.Story{ferry("23"), lamp}, []source.Story{ferry("24"), lamp}, []source.Story{ferry("24"), lamp})
	for i, want := range []string{"", "0 new stories, at least 1 wanted (min: 1)", "", "", "0 new stories, at least 1 wanted (min: 1)"} {
		if e[i].Empty != want {
			t.Errorf("day %d: empty %q, want %q\n%s", i, e[i].Empty, want, says(e[i]))
		}
	}
	if want := "lead: The lamp is out again | desk: newest, 06:30; short, but no other fits (if_none: promote)\n" +
		"briefs: Ferry times, 23 November | desk: runs every time (repeat: true), unchanged since 23 Nov\n"; says(e[2]) != want {
		t.Errorf("got\n%swant\n%s", says(e[2]), want)
	}
	if got := e[3].Uses[0]; got.Key != "ferry.md" || got.Version != 2 {
		t.Errorf("the third time of the column: %+v", got)
	}
}

// An event or a sponsor that found no room waits for it; an event that was
// told, and then put on another day, is another one.
func TestEventsAndSponsorsWait(t *testing.T) {
	slot := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	lamp := func(i int, title string) source.Story {
		return source.Story{Key: title, File: title, Title: title, Body: "<p>It failed at four.</p>", Published: slot.AddDate(0, 0, i)}
	}
	event := func(key string, day int) source.Story {
		return source.Story{Key: key, File: key, Kind: source.KindEvent, Title: key, Starts: time.Date(2026, 11, day, 20, 0, 0, 0, time.UTC), Published: slot.AddDate(0, 0, -1)}
	}
	sponsor := func(key string) source.Story {
		return source.Story{Key: key, File: key, Kind: source.KindSponsor, Title: key, Body: "<p>Rope " + key + " of " + key + ".</p>", Published: slot.AddDate(0, 0, -1)}
	}
	e := mornings(t, wantedRecipe(), slot,
		[]source.Story{lamp(0, "one"), event("band", 25), event("choir", 27), sponsor("chandler"), sponsor("bakery")},
		[]source.Story{lamp(1, "two"), event("band", 25), event("choir", 27), sponsor("chandler"), sponsor("bakery")},
		[]source.Story{lamp(2, "three"), event("band", 29), event("choir", 27), sponsor("chandler"), sponsor("bakery")},
	)
	for i, want := range []string{
		"events: band | desk: starts within 7 days\nsponsor: chandler | desk: labelled “Sponsored”\nout: choir | no room: On the quay takes 1 at most\nout: bakery | no room: sponsor takes 1 at most\n",
		"events: choir | desk: starts within 7 days\nsponsor: bakery | desk: labelled “Sponsored”\nout: band | ran on 23 Nov, text unchanged\nout: chandler | ran on 23 Nov, text unchanged\n",
		"events: band | desk: starts within 7 days; changed since 23 Nov\nout: choir | ran on 24 Nov, text unchanged\nout: chandler | ran on 23 Nov, text unchanged\nout: bakery | ran on 24 Nov, text unchanged\n",
	} {
		if _, got, _ := strings.Cut(says(e[i]), "\n"); got != want {
			t.Errorf("day %d: got\n%swant\n%s", i, got, want)
		}
	}
}

// What a feed labels as sponsored stands behind our own sponsors, and is told
// no longer than a teaser.
func TestFeedsSponsorIsShort(t *testing.T) {
	slot := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	recipe := wantedRecipe()
	recipe.Sections[2].Max = 2
	e := mornings(t, recipe, slot, []source.Story{
		{Key: "1", Title: "Buy rope", URL: "https://rope.example/", Label: "sponsored", Published: slot, Body: "<p>" + strings.Repeat("Rope holds ships to the quay. ", 40) + "</p>"},
		{Key: "bakery.md", File: "bakery.md", Kind: source.KindSponsor, Title: "Bread", Body: "<p>" + strings.Repeat("Bread is baked at four every morning. ", 5) + "</p>", Published: slot.AddDate(0, 0, -1)},
		{Key: "2", Title: "The lamp is out again", Summary: "It failed.", Published: slot},
	})[0]
	sponsors := e.Sections[0].Briefs
	if sponsors[0].Title != "Bread" || sponsors[1].Title != "Buy rope" {
		t.Fatalf("the order: %s", says(e))
	}
	if got := sponsors[0].Body[0].Text; len(got) < 180 {
		t.Errorf("our sponsor was cut: %q", got)
	}
	if got := sponsors[1].Body[0].Text; got != "Rope holds ships to the quay. Rope holds ships to the quay." {
		t.Errorf("the feed's sponsor: %q", got)
	}
}

// A reason names a date that tells nothing also at a source's first reading.
func TestOddDatesAreNamed(t *testing.T) {
	slot := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	e := compose.Assemble(wantedRecipe(), compose.Input{Slot: slot, Readings: []source.Reading{{Source: "desk", Stories: []source.Story{
		{Key: "1", Kind: source.KindStory, Title: "From a clock that is ahead", Summary: "It will be.", Published: slot.AddDate(73, 0, 0)},
		{Key: "2", Kind: source.KindStory, Title: "Without a date", Summary: "When was that?", Order: 1},
	}}}})
	want := "lead: From a clock that is ahead | first reading: newest, dated ahead (23 Nov 2099 06:30); short, but no other fits (if_none: promote)\n" +
		"briefs: Without a date | first reading: next newest, without a date\n"
	if got := says(e); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A slot without stories because nothing could be read says so.
func TestDeadSourcesAreNamed(t *testing.T) {
	e := compose.Assemble(wantedRecipe(), compose.Input{
		Slot: time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC), Readings: []source.Reading{{Source: "desk", Err: errors.New("answered 500")}},
	})
	if want := "0 new stories, at least 1 wanted (min: 1); could not be read: desk"; e.Empty != want {
		t.Errorf("%q, want %q", e.Empty, want)
	}
}

// Paragraphs that end no sentence never run on into the next one.
func TestTeasersOfParagraphs(t *testing.T) {
	slot := time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)
	for _, c := range []struct{ name, text, file, author, want string }{
		{
			"a standfirst gets its stop", "A reading room for divided families was the place where the cargo was hidden\n\nIt was built to straddle the frontier.", "", "",
			"A reading room for divided families was the place where the cargo was hidden. It was built to straddle the frontier.",
		},
		{"a byline goes", "Oda Farrant in Skerrow\n\nThe ferry sails again.", "", "", "The ferry sails again."},
		{
			"a long byline goes", "By Oda Farrant in Skerrow and Halla Brandt in Port Averne and others\n\nThe ferry sails again.", "", "Oda Farrant in Skerrow and Halla Brandt in Port Averne",
			"The ferry sails again.",
		},
		{"what promises a list goes back to a sentence", "The board announced two changes. They are:\n\nBoth begin on Monday.", "", "", "The board announced two changes. Both begin on Monday."},
		{"what only promises a list goes", "The reasons that the board gave for the two changes at the quay are:\n\nBoth begin on Monday.", "", "", "Both begin on Monday."},
		{"a sentence inside does not cut a standfirst", "On Quay Tonight! the harbour master spoke at length of the lamp and the bell\n\nShe was calm.", "", "", "On Quay Tonight! the harbour master spoke at length of the lamp and the bell. She was calm."},
		{"an address at the end of a paragraph goes", "Places are free. Sign up: https://harbour.example/\n\nDoors at six.", "", "", "Places are free. Doors at six."},
		{"nothing but fragments", "Doors at six\n\nNo tickets\n\nHall of the pilots", "", "", "Doors at six. No tickets. Hall of the pilots"},
		{"an editor's own fragments stay", "Doors at six\n\nBring a lamp.", "hall.md", "", "Doors at six. Bring a lamp."},
		{"one paragraph stays as it is", "Latest news from the quay", "", "", "Latest news from the quay"},
		{"a script without spaces", "船は今朝、北の埠頭を出て、島へ向かった乗客は六十一人\n\n夜に戻る。", "", "", "船は今朝、北の埠頭を出て、島へ向かった乗客は六十一人。 夜に戻る。"},
	} {
		t.Run(c.name, func(t *testing.T) {
			recipe := wantedRecipe()
			recipe.Lead.IfNone = "without"
			e := mornings(t, recipe, slot, []source.Story{{Key: "1", File: c.file, Author: c.author, Title: "Of the harbour", Summary: c.text, Published: slot}})[0]
			if got := e.Sections[0].Briefs[0].Teaser; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
