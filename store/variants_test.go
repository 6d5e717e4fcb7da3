package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lede/audience"
	"lede/audience/segment"
	"lede/compose"
	"lede/newsroom"
	"lede/send"
	"lede/store"
)

// commitAs stores an edition as a test changed it.
func commitAs(t testing.TB, s *store.Store, id string, slot time.Time, to newsroom.State, change func(*newsroom.Content)) int {
	t.Helper()
	assemble(t, s, id, slot)
	c := content("Boats")
	change(&c)
	n, err := s.Commit(ctx(), id, c, to, slot)
	must(t, err)
	return n
}

// Who gets which variant is the same in SQL as in Split.Variant, however the
// attribute is kept.
func TestVariantsAreTheSplits(t *testing.T) {
	testSplit(t, 8, []compose.Condition{
		{Attribute: "plan", Values: []string{"paid", "gift"}},
		{Attribute: "plan", Values: []string{"gift", "Paid"}},
		{Attribute: "seats", Values: []string{"4.50", "1e3", "true"}},
		{Attribute: "größe", Values: []string{"L ", "日本", "a'b\"c\\d", "%", "\x00", "", "[1]"}, Not: true},
		{Attribute: "a\"b", Values: []string{"x"}},
		{Attribute: "$.plan", Values: []string{"paid"}},
	})
}

// So it is with segments, which an attribute stands beside.
func TestSegmentsInVariants(t *testing.T) {
	testSplit(t, 5, []compose.Condition{
		{Segment: "patrons", Where: `plan in ("paid", "gift") or seats >= 4`},
		{Segment: "daily", Where: `list "harbour" and not plan = "gift"`, Not: true},
		{Attribute: "seats", Values: []string{"4.50", "1e3", "true"}},
		{Segment: "nobody", Where: `tag "x" and subscribed before 3 days ago`},
	})
}

// testSplit deals a split's variants to many readers, who get at least so many
// of them.
func testSplit(t *testing.T, least int, conditions []compose.Condition) {
	split, err := compose.NewSplit(conditions)
	must(t, err)
	raw := []string{
		`{}`,
		`{"plan":"paid"}`, `{"plan":"gift"}`, `{"plan":"Paid"}`, `{"plan":"PAID"}`, `{"plan":""}`, `{"plan":null}`, `{"plan":"null"}`,
		`{"plan":true}`, `{"plan":"paid ","seats":4.50}`, `{"seats":4.5}`, `{"seats":"4.50"}`, `{"seats":1e3}`, `{"seats":1000}`,
		`{"seats":true}`, `{"seats":"true"}`, `{"seats":1}`, `{"seats":"1"}`, `{"seats":false}`,
		`{"größe":"L "}`, `{"größe":"L"}`, `{"größe":"日本","plan":"gift"}`, `{"größe":"a'b\"c\\d"}`, `{"größe":"%"}`,
		`{"größe":"\u65e5\u672c"}`, `{"größe":[1]}`, `{"GRÖSSE":"L "}`, `{"plan":"paid","seats":"4.50","größe":"%"}`,
	}
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, len(raw))...)
		conn := db.raw(t)
		for i, text := range raw {
			_, err := conn.Exec(`UPDATE subscriber SET attributes = $1 WHERE key = $2`, text, reader(i).Key)
			must(t, err)
		}
		must(t, conn.Close())
		local := func(string) time.Time { return now }
		for id, change := range map[string]func(*newsroom.Content){
			"at once":       func(*newsroom.Content) {},
			"by local time": func(c *newsroom.Content) { c.Local = local },
			"with a test": func(c *newsroom.Content) {
				c.Variants.Subjects, c.Variants.Test = []string{"Boats", "Ferries"}, &newsroom.Test{Share: 100}
			},
		} {
			commitAs(t, s, id, now.Add(time.Duration(len(id))*time.Hour), newsroom.Sending, func(c *newsroom.Content) {
				c.Variants = &newsroom.Variants{Split: split}
				change(c)
			})
			got := map[string]int{}
			for _, d := range claim(t, s, id, 1000, now.Add(24*time.Hour)).Deliveries {
				got[d.Address] = d.Variant
			}
			if len(got) != len(raw) {
				t.Fatalf("%s: claimed %d", id, len(got))
			}
			seen := map[int]bool{}
			for i, text := range raw {
				p, err := s.Person(ctx(), reader(i).Key)
				must(t, err)
				want := split.Variant(func(name string) string { return p.Attributes[name] }, func(where string) bool {
					e, err := segment.Parse(where)
					must(t, err)
					in, err := s.InSegment(ctx(), e, p.ID, now)
					must(t, err)
					if in != e.Match(segment.Person{Person: p}, now) {
						t.Errorf("%s: %s: %s: InSegment says %t", id, text, where, in)
					}
					return in
				})
				if seen[want] = true; got[reader(i).Address] != want {
					t.Errorf("%s: %s: variant %d, want %d", id, text, got[reader(i).Address], want)
				}
			}
			if len(seen) < least {
				t.Errorf("%s: these readers have %d variants alone", id, len(seen))
			}
			ahead := make([]int, split.Count()) // what is said before a send is what the snapshot then does
			for _, variant := range got {
				ahead[variant]++
			}
			reach, err := s.VariantReach(ctx(), newsroom.Aim{Newsletter: "harbour", Lists: []string{"harbour"}}, split, now)
			must(t, err)
			if diff := cmp.Diff(ahead, reach); diff != "" {
				t.Errorf("%s: readers of each variant (-sent +reach):\n%s", id, diff)
			}
			groups, err := s.Groups(ctx(), id)
			must(t, err)
			total := 0
			for _, g := range groups {
				total += g.Pending
			}
			if total != len(raw) {
				t.Errorf("%s: the groups have %d, want %d", id, total, len(raw))
			}
			consistent(t, db, s, id)
		}
	})
}

// tests is an edition's test of three subjects.
func tests(share int, wait time.Duration) *newsroom.Variants {
	return &newsroom.Variants{
		Subjects: []string{"Boats", "Ferries", "Lamps"},
		Test:     &newsroom.Test{Share: share, Wait: wait, Otherwise: newsroom.OtherwiseFirst},
	}
}

// bySubject counts claimed deliveries.
func bySubject(c send.Claimed) map[int]int {
	n := map[int]int{}
	for _, d := range c.Deliveries {
		n[d.Subject]++
	}
	return n
}

// A share of the audience gets the subjects in equal parts; nobody else gets
// anything until one is chosen, however late it is, and then that one.
func TestSubjectsAreTested(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 40)...)
		commitAs(t, s, "ed1", now, newsroom.Sending, func(c *newsroom.Content) { c.Variants = tests(30, 2*time.Hour) })
		rec, err := s.Edition(ctx(), "ed1")
		must(t, err)
		until := now.Add(2 * time.Hour)
		if rec.Variants == nil || !rec.Variants.Test.Until.Equal(until) || rec.Chosen != 0 || !rec.Undecided() {
			t.Fatalf("%+v", rec.Variants)
		}
		c := claim(t, s, "ed1", 100, now)
		if diff := cmp.Diff(map[int]int{1: 4, 2: 4, 3: 4}, bySubject(c)); diff != "" {
			t.Fatalf("in the test: %s", diff)
		}
		consistent(t, db, s, "ed1")
		if c := claim(t, s, "ed1", 100, now); len(c.Deliveries) > 0 || !c.Next.Equal(until) {
			t.Errorf("before the wait is over: %+v", c)
		}
		late := now.Add(72 * time.Hour)
		if c := claim(t, s, "ed1", 100, late); len(c.Deliveries) > 0 || !c.Open || !c.Next.After(late) {
			t.Errorf("without a choice: %+v", c)
		}
		if ahead, err := s.Ahead(ctx(), "ed1", now); err != nil || !ahead.Last.Equal(until) {
			t.Errorf("%+v, %v", ahead, err)
		}
		// One of the test is put off; it keeps its subject.
		back := outcome(c.Deliveries[5], send.Deferred)
		back.Due = now.Add(time.Hour)
		report(t, s, "ed1", back)

		chosen := now.Add(30 * time.Minute)
		if err := s.Choose(ctx(), "ed1", 4, "desk", "", chosen); err == nil {
			t.Error("there are three subjects")
		}
		must(t, s.Choose(ctx(), "ed1", 3, "desk", "subject 3 chosen", chosen))
		if err := s.Choose(ctx(), "ed1", 2, "desk", "", chosen); !errors.Is(err, newsroom.ErrChosen) {
			t.Errorf("chosen twice: %v", err)
		}
		if rec, err = s.Edition(ctx(), "ed1"); err != nil || rec.Chosen != 3 || rec.Undecided() {
			t.Errorf("chosen: %+v, %v", rec.Chosen, err)
		}
		if history, err := s.History(ctx(), "ed1"); err != nil || history[len(history)-1].By != "desk" || history[len(history)-1].Why != "subject 3 chosen" {
			t.Errorf("%+v, %v", history, err)
		}
		rest := claim(t, s, "ed1", 100, chosen)
		if diff := cmp.Diff(map[int]int{3: 28}, bySubject(rest)); diff != "" {
			t.Errorf("the others: %s", diff)
		}
		consistent(t, db, s, "ed1")
		again := claim(t, s, "ed1", 100, now.Add(time.Hour))
		if len(again.Deliveries) != 1 || again.Deliveries[0].Subject != c.Deliveries[5].Subject {
			t.Errorf("put off: %+v", again.Deliveries)
		}
		groups, err := s.Groups(ctx(), "ed1")
		must(t, err)
		total := 0
		for _, g := range groups {
			total += g.Audience
		}
		if len(groups) != 4 || groups[0].Subject != 0 || groups[0].Audience != 28 || total != 40 {
			t.Errorf("%+v", groups)
		}
		// Of another edition other people are asked.
		commitAs(t, s, "ed2", now.Add(24*time.Hour), newsroom.Sending, func(c *newsroom.Content) { c.Variants = tests(30, time.Hour) })
		people := func(c send.Claimed) map[int64]bool {
			who := map[int64]bool{}
			for _, d := range c.Deliveries {
				who[d.Subscriber] = true
			}
			return who
		}
		if diff := cmp.Diff(people(c), people(claim(t, s, "ed2", 100, now.Add(24*time.Hour)))); diff == "" {
			t.Error("two editions have the same testers")
		}
	})
}

// Parts are equal, and nobody is left out or asked twice, however many there are.
func TestTestsOfAllSizes(t *testing.T) {
	s := database{dsn: engines["sqlite"](t)}.open(t)
	for i, c := range []struct {
		people, share int
		want          map[int]int
	}{
		{1, 30, map[int]int{1: 1}},
		{2, 30, map[int]int{1: 1, 2: 1}},
		{3, 1, map[int]int{1: 1, 2: 1, 3: 1}},
		{10, 1, map[int]int{1: 1, 2: 1, 3: 1}},
		{10, 50, map[int]int{1: 2, 2: 2, 3: 2}},
		{10, 100, map[int]int{1: 4, 2: 3, 3: 3}},
		{1000, 20, map[int]int{1: 67, 2: 67, 3: 67}},
	} {
		list := fmt.Sprint("list", i)
		subscribe(t, s, list, readers(0, c.people)...)
		ed := fmt.Sprint("ed", i)
		n := commitAs(t, s, ed, now.Add(time.Duration(i)*time.Hour), newsroom.Sending, func(content *newsroom.Content) {
			content.Lists, content.Variants = []string{list}, tests(c.share, time.Hour)
		})
		got := bySubject(claim(t, s, ed, 2000, now.Add(12*time.Hour)))
		if diff := cmp.Diff(c.want, got); diff != "" || n != c.people {
			t.Errorf("%d people, %d %%: %s", c.people, c.share, diff)
		}
	}
}

// The wait begins when the first mails may leave, also of an edition that was
// approved late; with spread and by local time each waits behind its own time.
func TestTestsWait(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		var rows []audience.Row
		for i := range 40 {
			row := reader(i)
			if i%2 == 1 {
				row.Attributes = map[string]string{"timezone": "later"}
			}
			rows = append(rows, row)
		}
		subscribe(t, s, "harbour", rows...)
		const hour = time.Hour
		due := func(id string, at time.Time) int { return len(claim(t, s, id, 100, at).Deliveries) }

		commitAs(t, s, "late", now, newsroom.Waiting, func(c *newsroom.Content) { c.Variants = tests(30, 2*hour) })
		approved := now.Add(5 * hour)
		must(t, s.Move(ctx(), "late", []newsroom.State{newsroom.Waiting}, newsroom.Sending, "desk", "approved", time.Time{}, approved))
		rec, err := s.Edition(ctx(), "late")
		must(t, err)
		if want := approved.Add(2 * hour); !rec.Variants.Test.Until.Equal(want) {
			t.Errorf("the wait is over at %s, want %s", rec.Variants.Test.Until, want)
		}
		if n := due("late", approved); n != 12 {
			t.Errorf("%d are due when it was approved", n)
		}
		must(t, s.Choose(ctx(), "late", 1, "lede", "", approved.Add(2*hour)))
		if n := due("late", approved.Add(2*hour)); n != 28 {
			t.Errorf("%d are due after the wait", n)
		}

		// Chosen before the slot, nobody gets it before the slot.
		slot := now.Add(24 * hour)
		commitAs(t, s, "ahead", slot.Add(-hour), newsroom.Waiting, func(c *newsroom.Content) { c.Variants, c.Start = tests(30, 2*hour), slot })
		must(t, s.Choose(ctx(), "ahead", 2, "desk", "", slot.Add(-30*time.Minute)))
		must(t, s.Move(ctx(), "ahead", []newsroom.State{newsroom.Waiting}, newsroom.Sending, "desk", "", time.Time{}, slot))
		if n := due("ahead", slot.Add(-time.Second)); n != 0 {
			t.Errorf("%d are due before the slot", n)
		}
		if n := due("ahead", slot); n != 40 {
			t.Errorf("%d are due at the slot", n)
		}

		slot = now.Add(48 * hour)
		commitAs(t, s, "spread", slot, newsroom.Sending, func(c *newsroom.Content) { c.Variants, c.Spread = tests(30, 2*hour), 40*time.Minute })
		if n := due("spread", slot.Add(5*time.Minute)); n != 6 {
			t.Errorf("spread: %d are due after five minutes, want a mail a minute", n)
		}
		must(t, s.Choose(ctx(), "spread", 2, "desk", "", slot.Add(5*time.Minute)))
		if n := due("spread", slot.Add(6*time.Minute)); n < 2 || n > 4 {
			t.Errorf("spread: %d are due a minute after the choice", n)
		}
		if n := due("spread", slot.Add(hour)); n < 30 {
			t.Errorf("spread: %d are due at the end", n)
		}
		consistent(t, db, s, "spread")

		slot = now.Add(72 * hour)
		commitAs(t, s, "local", slot, newsroom.Sending, func(c *newsroom.Content) {
			c.Variants = tests(30, 2*hour)
			c.Local = func(zone string) time.Time {
				if zone == "later" {
					return slot.Add(3 * hour)
				}
				return slot
			}
		})
		here := due("local", slot)
		must(t, s.Choose(ctx(), "local", 2, "desk", "", slot.Add(hour)))
		if n := due("local", slot.Add(hour)); here+n != 20 {
			t.Errorf("by local time: %d and %d are due before the other zone's time, want 20", here, n)
		}
		there := due("local", slot.Add(3*hour))
		if there == 0 || there > 12 {
			t.Errorf("by local time: %d of the test are due in the other zone", there)
		}
		if n := due("local", slot.Add(4*hour)); there+n != 20 {
			t.Errorf("by local time: %d and %d are due in the other zone, an hour after its time, want 20", there, n)
		}
		consistent(t, db, s, "local")
	})
}

// What can't be chosen is said.
func TestNoChoice(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 5)...)
		publish(t, s, "plain", now)
		commitAs(t, s, "over", now.Add(time.Hour), newsroom.Sending, func(c *newsroom.Content) { c.Variants = tests(50, time.Hour) })
		must(t, s.Move(ctx(), "over", []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "desk", "wrong", time.Time{}, now))
		for id, want := range map[string]error{"plain": newsroom.ErrNoTest, "over": newsroom.ErrState, "none": newsroom.ErrNotFound} {
			if err := s.Choose(ctx(), id, 1, "desk", "", now); !errors.Is(err, want) {
				t.Errorf("%s: %v", id, err)
			}
		}
		if got := sums(t, s, "over"); got.Skipped != 5 {
			t.Errorf("cancelled before the choice: %+v", got)
		}
		consistent(t, db, s, "over")
	})
}

// An editor changes what a waiting edition holds: its readers get what is in it
// then, and nobody waits for a choice that is no more to come.
func TestDealtAnew(t *testing.T) {
	split, err := compose.NewSplit([]compose.Condition{{Attribute: "plan", Values: []string{"paid"}}})
	must(t, err)
	withSplit := &newsroom.Variants{Split: split, Letters: []compose.Letter{{Subject: "Boats", HTML: "<p>Paid</p>"}}}
	two := tests(30, time.Hour)
	two.Subjects = two.Subjects[:2]
	type got struct{ Paid, Waits, Subjects int }
	for name, c := range map[string]struct {
		was, now *newsroom.Variants
		want     got
	}{
		"a split comes":             {nil, withSplit, got{Paid: 20}},
		"a split goes":              {withSplit, nil, got{}},
		"a test goes":               {tests(30, time.Hour), nil, got{}},
		"no test comes":             {nil, tests(30, time.Hour), got{}},
		"a subject goes":            {tests(30, time.Hour), two, got{Waits: 28, Subjects: 2}},
		"a split in place of tests": {tests(30, time.Hour), withSplit, got{Paid: 20}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db database) {
				s := db.open(t)
				var rows []audience.Row
				for i := range 40 {
					row := reader(i)
					if i%2 == 1 {
						row.Attributes = map[string]string{"plan": "paid"}
					}
					rows = append(rows, row)
				}
				subscribe(t, s, "harbour", rows...)
				commitAs(t, s, "ed1", now, newsroom.Waiting, func(content *newsroom.Content) { content.Variants = c.was })
				changed := content("Boats")
				changed.Variants = c.now
				_, err := s.Apply(ctx(), newsroom.Revision{Newsletter: "harbour", Slot: now, At: now, By: "desk", Edits: &compose.Edits{}}, 0, &changed)
				must(t, err)
				must(t, s.Move(ctx(), "ed1", []newsroom.State{newsroom.Waiting}, newsroom.Sending, "desk", "", time.Time{}, now))
				var g got
				subjects := map[int]bool{}
				claimed := claim(t, s, "ed1", 100, now)
				for _, d := range claimed.Deliveries {
					g.Paid += d.Variant
					if d.Subject > 0 {
						subjects[d.Subject] = true
					}
				}
				g.Waits, g.Subjects = 40-len(claimed.Deliveries), len(subjects)
				if diff := cmp.Diff(c.want, g); diff != "" {
					t.Error(diff)
				}
				consistent(t, db, s, "ed1")
			})
		})
	}
}
