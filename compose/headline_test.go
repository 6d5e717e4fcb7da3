package compose

import (
	"testing"
	"time"

	"lede/source"
)

// Pairs of headlines from two different sources on one morning, labelled by
// hand: is the second the same story, by its headline alone?
func TestSameStoryByHeadline(t *testing.T) {
	const repeat, other = true, false
	for _, c := range []struct {
		same bool
		a, b string
	}{
		// One story.
		{repeat, "Ferry to Skerrow sails again after eleven days", "Ferry to Skerrow sails again after eleven days"},
		{repeat, "Ferry to Skerrow sails again after eleven days", "Ferry to Skerrow sails again after 11 days"},
		{repeat, "Ferry to Skerrow sails again after eleven days", "The ferry to Skerrow sails again, after eleven days"},
		{repeat, "Ferry to Skerrow sails again after eleven days", "FERRY TO SKERROW SAILS AGAIN AFTER ELEVEN DAYS"},
		{repeat, "Update: Ferry to Skerrow sails again after eleven days", "Ferry to Skerrow sails again after eleven days"},
		{repeat, "Fish market roof goes to a second vote", "Fish market roof goes to second vote"},
		{repeat, "Swimmers ask for a lamp on the north steps", "Swimmers ask for lamps on the north steps"},
		{repeat, "Harbour’s eel traps cut at Low Sluice", "Harbour's eel traps cut at Low Sluice"},
		{repeat, "Causeway to close for repairs all week", "Causeway to close for urgent repairs all week"},
		{repeat, "Night bus stops at the hospital again", "Night bus stops at hospital again"},
		{repeat, "Oyster beds reopen after clean samples", "Oyster beds reopened after clean samples"},
		{repeat, "Fähre nach Skerrow fährt nach elf Tagen wieder", "Die Fähre nach Skerrow fährt nach 11 Tagen wieder"},
		{repeat, "Eilmeldung: Fähre nach Skerrow fährt wieder", "Fähre nach Skerrow fährt wieder"},
		{repeat, "Le bac de Skerrow reprend la mer lundi", "Bac de Skerrow reprend la mer lundi"},
		{repeat, "El transbordador vuelve a navegar tras once días", "Transbordador vuelve a navegar tras 11 días"},
		{repeat, "船は今朝、北の埠頭を出た", "船は今朝、北の埠頭を出た"},
		{repeat, "غادر القارب الرصيف الشمالي هذا الصباح مبكرا جدا اليوم", "غادر القارب الرصيف الشمالي هذا الصباح مبكرا جدا اليوم"},
		{repeat, "Паром снова ходит на остров после перерыва", "Паром снова ходит на остров после перерыва"},
		{repeat, "Ｆerry to Skerrow sails again today", "Ferry to Skerrow sails again today"},
		{repeat, "Café on the north quay closes its doors", "Cafe\u0301 on the north quay closes its doors"},

		// Numbers.
		{other, "Storm floods 40 cellars in Port Averne", "Storm floods 14 cellars in Port Averne"},
		{other, "Storm floods cellars in Port Averne again", "Storm floods 40 cellars in Port Averne again"},
		{other, "Two boats lost off the harbour bar", "Three boats lost off the harbour bar"},
		{other, "Ferry times, 24 November", "Ferry times, 25 November"},
		{other, "The week in pictures, no. 211", "The week in pictures, no. 212"},
		{other, "Council budget grows by 2.5 percent this year", "Council budget grows by 3.5 percent this year"},
		{other, "Hafen meldet 12 Schiffe am Wochenende", "Hafen meldet 21 Schiffe am Wochenende"},
		{other, "Deux bateaux perdus devant le port", "Trois bateaux perdus devant le port"},

		// Dates and days.
		{other, "Ferry times for Monday on all lines", "Ferry times for Tuesday on all lines"},
		{other, "Tides and light in November at Carrow Head", "Tides and light in December at Carrow Head"},
		{other, "What opens today on the north quay", "What opens tomorrow on the north quay"},
		{other, "Fahrplan der Fähre für Montag auf allen Linien", "Fahrplan der Fähre für Dienstag auf allen Linien"},
		{other, "Marées et lumière en novembre au cap", "Marées et lumière en décembre au cap"},
		{other, "Horario del transbordador para lunes en el puerto", "Horario del transbordador para martes en el puerto"},

		// Names.
		{other, "Halla Brandt leaves the harbour board", "Oda Farrant leaves the harbour board"},
		{other, "Obituary: Tomas Reyl, pilot of the bar", "Obituary: Marit Sele, pilot of the bar"},
		{other, "Ferry to Skerrow sails again after repairs", "Ferry to Lowholm sails again after repairs"},
		{other, "Skerrow gets a doctor after three years", "Lowholm gets a doctor after three years"},
		{other, "Council approves a roof for the fish market", "Council approves a roof for the Skerrow fish market"},
		{other, "Bürgermeister von Skerrow tritt zurück und geht", "Bürgermeister von Lowholm tritt zurück und geht"},
		{other, "Le maire de Skerrow quitte ses fonctions", "Le maire de Lowholm quitte ses fonctions"},
		{other, "Мэр Скерроу покидает свой пост сегодня", "Мэр Лоухольма покидает свой пост сегодня"},

		// Negation.
		{other, "Council will raise the harbour dues", "Council will not raise the harbour dues"},
		{other, "Ferry sails with passengers on board", "Ferry sails without passengers on board"},
		{other, "The board can pay for the lamp", "The board can’t pay for the lamp"},
		{other, "The board can pay for the lamp", "The board can't pay for the lamp"},
		{other, "Harbour master was never asked about the lamp", "Harbour master was asked about the lamp"},
		{other, "Die Fähre fährt am Abend wieder zur Insel", "Die Fähre fährt am Abend nicht wieder zur Insel"},
		{other, "Kein Geld für die Lampe am Kap", "Geld für die Lampe am Kap"},
		{other, "Le bac reprend la mer ce soir", "Le bac ne reprend pas la mer ce soir"},
		{other, "El consejo subirá las tasas del puerto", "El consejo no subirá las tasas del puerto"},
		{other, "Il consiglio alza le tasse del porto", "Il consiglio non alza le tasse del porto"},
		{other, "Совет повысит сборы в порту города", "Совет не повысит сборы в порту города"},
		{other, "港口今天早上重新开放了", "港口今天早上没有重新开放"},

		// One word in another's place.
		{other, "Bridge opens to lorries after repairs", "Bridge closes to lorries after repairs"},
		{other, "Council votes to keep the fish market roof", "Council votes to scrap the fish market roof"},
		{other, "Brücke wird für Lastwagen wieder geöffnet", "Brücke wird für Lastwagen wieder gesperrt"},
		{other, "港口今天早上重新开放了", "港口今天早上重新关闭了"},
		{other, "وصل القارب إلى الجزيرة هذا الصباح", "غرق القارب قرب الجزيرة هذا الصباح"},
		{other, "The mayor sues the harbour board", "The harbour board sues the mayor"},

		// Too little to tell.
		{other, "Weather", "Weather"},
		{other, "Letters to the editor", "Letters to the editor"},
		{other, "In brief", "In brief"},
		{other, "Wetter heute", "Wetter heute"},
		{other, "", ""},
		{other, "今日", "今日"},

		// Nothing in common but the subject.
		{other, "Ferry to Skerrow sails again after eleven days", "Ferry company raises its fares"},
		{other, "Lamp of 1871 to be lifted out on Sunday", "A lamp for the north steps"},
	} {
		a := &entry{source: "desk", title: c.a, text: func() string { return "" }}
		b := &entry{source: "site", title: c.b, text: func() string { return "" }}
		if got := sameStory(a, b); got != c.same {
			t.Errorf("same story: %v, want %v\n  %s\n  %s", got, c.same, c.a, c.b)
		}
		if sameStory(a, b) != sameStory(b, a) {
			t.Errorf("depends on the order:\n  %s\n  %s", c.a, c.b)
		}
	}
}

// Where headlines leave it open, the texts decide.
func TestSameStoryByText(t *testing.T) {
	const text = "The Averne Maid left the north quay at 05:40 with 61 people, four vans and the post for eleven days. It was the first crossing to Skerrow since a cargo hook tore the bow ramp."
	const wire = "PORT AVERNE — " + text
	const different = "The company had hired a smaller boat for medicine and school children. It carried no freight, and the shop on the island ran out of flour on the fourth day."
	const tides = "High water at the north breakwater at 05:20 and 17:44, low water at 11:31 and 23:50."
	const tidesNextDay = "High water at the north breakwater at 06:02 and 18:29, low water at 12:14 and 00:35."
	for _, c := range []struct {
		name             string
		titleA, textA    string
		titleB, textB    string
		oneSource, equal bool
	}{
		{"one source, same text", "Ferry sails again", text, "Ferry sails again", text, true, true},
		{"one source, headline alone", "The ferry to Skerrow sails again today", text, "The ferry to Skerrow sails again today", different, true, false},
		{"another word, wire text", "Island ferry returns after long repairs", text, "Island ferry back after long repairs", wire, false, true},
		{"another word, another text", "Bridge opens to lorries after repairs", text, "Bridge closes to lorries after repairs", different, false, false},
		{"a column over the same words", "Tides at the breakwater", tides, "Tides at the breakwater", tidesNextDay, true, false},
		{"a date in the headline, same text", "Ferry times, 24 November", text, "Ferry times, 25 November", text, true, false},
		{"short headline, same text", "Weather", text, "Weather", text, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := "site"
			if c.oneSource {
				from = "desk"
			}
			a := &entry{source: "desk", title: c.titleA, text: func() string { return c.textA }}
			b := &entry{source: from, title: c.titleB, text: func() string { return c.textB }}
			if got := sameStory(a, b); got != c.equal {
				t.Errorf("same story: %v, want %v", got, c.equal)
			}
		})
	}
}

func TestRepeatsOnlyWithinThreeDays(t *testing.T) {
	slot := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	used := []Used{{Source: "site", Key: "1", Title: "Ferry to Skerrow sails again after repairs", Slot: slot.Add(-71 * time.Hour)}}
	c := &candidate{Story: source.Story{Source: "desk", Key: "a.md", Kind: source.KindStory, Title: "Ferry to Skerrow sails again after repairs"}, when: slot}
	if registerUsed(used, slot).alike(entryOf(c)) == nil {
		t.Error("what ran 71 hours ago is not recognised")
	}
	used[0].Slot = slot.Add(-73 * time.Hour)
	if registerUsed(used, slot).alike(entryOf(c)) != nil {
		t.Error("what ran 73 hours ago counts as a repeat")
	}
}
