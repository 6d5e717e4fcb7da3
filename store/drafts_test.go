package store_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"lede/compose"
	"lede/newsroom"
	"lede/send"
)

// file is a revision as an editor hands it back.
func file(headline string) newsroom.Revision {
	return newsroom.Revision{
		Newsletter: "harbour", Slot: now, At: now, By: "ines",
		Sheet: compose.Sheet{Subject: headline, Offers: map[string]compose.Offer{"site:a": {Print: "1"}}},
		Edits: &compose.Edits{Subject: headline, Dropped: []string{"site:b"}},
	}
}

func TestDraftsAndApplied(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s, other := db.open(t), db.open(t)
		if r, err := s.Applied(ctx(), "harbour", now); err != nil || r.Number != 0 {
			t.Errorf("before all: %+v, %v", r, err)
		}
		first, err := s.Lay(ctx(), file("one"))
		must(t, err)
		second, err := other.Lay(ctx(), file("one"))
		must(t, err)
		if r, err := s.Applied(ctx(), "harbour", now); err != nil || r.Number != 0 || first == second {
			t.Errorf("laid, not applied: %+v, %v", r, err)
		}
		third, err := s.Apply(ctx(), file("mine"), first, nil)
		must(t, err)
		if _, err := other.Apply(ctx(), file("yours"), second, nil); !errors.Is(err, newsroom.ErrOlder) {
			t.Errorf("a file that is older than one that was applied: %v", err)
		}
		_, err = other.Apply(ctx(), file("mine again"), third, nil)
		must(t, err)
		r, err := s.Applied(ctx(), "harbour", now)
		must(t, err)
		if r.Edits == nil || r.Edits.Subject != "mine again" || r.By != "ines" || !slices.Equal(r.Edits.Dropped, []string{"site:b"}) || r.Sheet.Offers["site:a"].Print != "1" {
			t.Errorf("%+v", r)
		}
		if _, err := s.Sheet(ctx(), "harbour", now.Add(time.Hour), first); !errors.Is(err, newsroom.ErrNotFound) {
			t.Errorf("another slot's: %v", err)
		}
	})
}

// Of two who apply files of one revision at once, one is told that it is older.
func TestTwoApplyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		base, err := db.open(t).Lay(ctx(), file("one"))
		must(t, err)
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			s := db.open(t)
			wg.Go(func() { _, errs[i] = s.Apply(ctx(), file("mine"), base, nil) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, newsroom.ErrOlder):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d of them won", won)
		}
	})
}

func TestApplyAndCommit(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 2)...)
		use := func(key string) compose.Used { return compose.Used{Source: "site", Key: key, Title: key} }
		assemble(t, s, "aaaa1", now)
		base, err := s.Lay(ctx(), file("one"))
		must(t, err)
		number, err := s.Apply(ctx(), file("mine"), base, nil)
		must(t, err)
		c := content("Boats", use("a"))
		if _, err := s.Commit(ctx(), "aaaa1", c, newsroom.Waiting, now); !errors.Is(err, newsroom.ErrEdited) {
			t.Fatalf("made without the edits: %v", err)
		}
		c.Revision = number
		_, err = s.Commit(ctx(), "aaaa1", c, newsroom.Waiting, now)
		must(t, err)
		if _, err := s.Apply(ctx(), file("late"), number, nil); !errors.Is(err, newsroom.ErrState) {
			t.Errorf("without a letter for the edition that waits: %v", err)
		}
		changed := content("More boats", use("b"))
		number, err = s.Apply(ctx(), file("changed"), number, &changed)
		must(t, err)
		rec, err := s.Edition(ctx(), "aaaa1")
		must(t, err)
		uses, err := s.Uses(ctx(), "aaaa1")
		must(t, err)
		if rec.Content.Subject != "More boats" || len(uses) != 1 || uses[0].Key != "b" {
			t.Errorf("%+v, uses %+v", rec.Content, uses)
		}
		isNew, err := s.Note(ctx(), "aaaa1", newsroom.NoteApproved, "ines", "approved", now)
		must(t, err)
		again, err := s.Note(ctx(), "aaaa1", newsroom.NoteApproved, "ines", "approved", now)
		must(t, err)
		if !isNew || again {
			t.Errorf("noted %t, again %t", isNew, again)
		}
		if _, err := s.Apply(ctx(), file("too late"), number, &changed); !errors.Is(err, newsroom.ErrState) {
			t.Errorf("an approved edition was changed: %v", err)
		}
		history, err := s.History(ctx(), "aaaa1")
		must(t, err)
		var why []string
		for _, h := range history {
			why = append(why, h.By+" "+h.Why)
		}
		if want := []string{"schedule ", "lede ", "ines edited", "ines approved"}; !slices.Equal(why, want) {
			t.Errorf("history %q, want %q", why, want)
		}
		must(t, s.Move(ctx(), "aaaa1", []newsroom.State{newsroom.Waiting}, newsroom.Sending, "daemon", "", time.Time{}, now))
		if _, err := s.Note(ctx(), "aaaa1", newsroom.NoteProof, "ines", "", now); !errors.Is(err, newsroom.ErrState) {
			t.Errorf("noted of an edition that is sent: %v", err)
		}
	})
}

// A correction goes to those whose mail was taken or is in doubt, if they want
// mail at all, and the corrected edition stays as it was.
func TestCorrection(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 5)...)
		assemble(t, s, "aaaa1", now)
		_, err := s.Commit(ctx(), "aaaa1", content("Wrong"), newsroom.Sending, now)
		must(t, err)
		claimed, err := s.Ledger().Commit(ctx(), nil, send.Claim{Edition: "aaaa1", Max: 5, Now: now})
		must(t, err)
		var done []send.Outcome
		for i, state := range []send.State{send.Sent, send.Sent, send.Failed, send.InDoubt, send.Sent} {
			done = append(done, send.Outcome{Edition: "aaaa1", Pos: claimed.Deliveries[i].Pos, State: state, At: now})
		}
		_, err = s.Ledger().Commit(ctx(), done, send.Claim{Edition: "aaaa1", Now: now})
		must(t, err)
		must(t, s.Leave(ctx(), claimed.Deliveries[0].Subscriber, "harbour", nil, "button", now))
		subscribe(t, s, "harbour", readers(5, 6)...) // came later

		assemble(t, s, "bbbb1", now.Add(time.Hour))
		c := content("Right")
		c.CorrectionOf = "aaaa1"
		c.Edition.Sections = []compose.Section{{Kind: "corrections", Briefs: []compose.Brief{{Title: "It sails", Corrects: "aaaa"}}}}
		n, err := s.Commit(ctx(), "bbbb1", c, newsroom.Sending, now.Add(time.Hour))
		must(t, err)
		if n != 3 {
			t.Errorf("the correction goes to %d, want 3", n)
		}
		if told, err := s.Corrections(ctx(), "aaaa1"); err != nil || len(told) != 0 {
			t.Errorf("before anybody got it: %+v, %v", told, err)
		}
		_, err = s.Ledger().Commit(ctx(), nil, send.Claim{Edition: "bbbb1", Max: 1, Now: now.Add(time.Hour)})
		must(t, err)
		told, err := s.Corrections(ctx(), "aaaa1")
		must(t, err)
		if len(told) != 1 || told[0].Edition != "bbbb1" || told[0].Brief.Title != "It sails" || !told[0].Slot.Equal(now.Add(time.Hour)) {
			t.Errorf("%+v", told)
		}
		// The next edition tells it to everybody; on the page it stands once.
		assemble(t, s, "cccc1", now.Add(2*time.Hour))
		next := content("Next")
		next.Edition.Sections = c.Edition.Sections
		if n, err := s.Commit(ctx(), "cccc1", next, newsroom.Sending, now.Add(2*time.Hour)); err != nil || n != 5 {
			t.Errorf("the next edition goes to %d, want 5: %v", n, err)
		}
		_, err = s.Ledger().Commit(ctx(), nil, send.Claim{Edition: "cccc1", Max: 1, Now: now.Add(2 * time.Hour)})
		must(t, err)
		if told, err := s.Corrections(ctx(), "aaaa1"); err != nil || len(told) != 1 || told[0].Edition != "bbbb1" {
			t.Errorf("told twice in the same words: %+v, %v", told, err)
		}
		if rec, err := s.Edition(ctx(), "aaaa1"); err != nil || rec.Content.Subject != "Wrong" {
			t.Errorf("the original: %+v, %v", rec.Content, err)
		}
	})
}
