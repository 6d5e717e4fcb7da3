package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lede/audience"
	"lede/audience/segment"
	"lede/newsroom"
	"lede/store"
)

func expression(t testing.TB, source string) *segment.Expression {
	t.Helper()
	e, err := segment.Parse(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return e
}

// crowd are people who differ in all that conditions ask about.
func crowd(t testing.TB, s *store.Store) []segment.Person {
	t.Helper()
	values := map[string][]string{
		"plan":      {"paid", "free", "Paid", "", "paid\"", "re:paid", "R&D", "äÖß", "ÄöSS", "İK", "\u212aelvin", "5", "true", "null", `\`, "%_", "<b>"},
		"age":       {"41", "41.0", "-3.50", "0", "-0", "1e3", "٣", "12-3", "1.2.3", ".5", "5.", "123456789012345", "1234567890123456", "+4", "abc", ""},
		"renewal":   {"2027-03-01", "2027-03-01T10:00:00Z", "2027-02-28 23:00", "2026-99-99", "01.03.2027", "2027-3-1", "9999-12-31", ""},
		"language":  {"de", "de-AT", "DE_ch", "den", "pt-BR", "", "d"},
		"country":   {"DE", "AT", "PT", "PL", "de", ""},
		"timezone":  {"", "", "Europe/Berlin", "Europe/Lisbon"},
		"home port": {"Port Averne", "", "averne"},
		"plann":     {"paid", ""},
	}
	const n = 60
	for i := range n {
		row := reader(i)
		row.Name = []string{"Ines Okafor", "İnes", "ÖKA", "öka", "", "strasse", "O'Hara"}[i%7]
		if i%3 == 0 {
			row.Domain, row.Key, row.Address = "quay.example", fmt.Sprintf("r%d@quay.example", i), fmt.Sprintf("R%d@quay.example", i)
		}
		row.Attributes = map[string]string{}
		for name, all := range values {
			if v := all[(i*7+len(name)*i/3)%len(all)]; v != "" {
				row.Attributes[name] = v
			}
		}
		if i < 16 { // each value once, whatever else
			row.Attributes["plan"], row.Attributes["age"] = values["plan"][i], values["age"][i]
			row.Attributes["renewal"] = values["renewal"][i%8]
		}
		if i%5 == 0 {
			row.Tags = []string{"press", "R&D"}
		} else if i%5 == 1 {
			row.Tags = []string{`"press`, "Press"}
		}
		when := now.AddDate(0, 0, -i)
		list := []string{"harbour", "daily", "tides"}[i%3]
		_, err := s.ImportRows(ctx(), list, []string{"form", "Import old.csv"}[i%2], []audience.Row{row}, false, when)
		must(t, err)
		if i%4 == 0 { // on two lists
			_, err := s.ImportRows(ctx(), "daily", "again", []audience.Row{row}, false, when)
			must(t, err)
		}
		who := id(t, s, row.Key)
		switch i % 11 {
		case 3:
			must(t, s.LeaveList(ctx(), who, list, "by hand", now))
		case 5:
			must(t, s.Leave(ctx(), who, "harbour", []string{"harbour"}, "by hand", now))
		case 7:
			must(t, s.Suppress(ctx(), audience.Suppression{Address: row.Address, Reason: "by-hand", At: now}))
		}
	}
	publish(t, s, "ed1", now)
	mailed := map[int64]bool{}
	for _, d := range claim(t, s, "ed1", 8, now).Deliveries {
		report(t, s, "ed1", sent(d))
		mailed[d.Subscriber] = true
	}
	var people []segment.Person
	for i := range n {
		key := reader(i).Key
		domain := "averne.example"
		if i%3 == 0 {
			key, domain = fmt.Sprintf("r%d@quay.example", i), "quay.example"
		}
		one, err := s.Person(ctx(), key)
		must(t, err)
		p := segment.Person{Person: one, Domain: domain}
		if mailed[one.ID] {
			p.Mailed = now
		}
		people = append(people, p)
	}
	return people
}

// conditions are one of each kind, and what is special about it.
var conditions = []string{
	`plan = "paid"`, `plan != "paid"`, `plan in ("paid", "R&D", "<b>")`, `plan not in ("free", "")`, `plan = ""`, `plan = "re:paid"`, `plan = "paid\""`,
	`plan = "\\"`, `plan = "5"`, `plan = "true"`, `plan = "null"`, `plan = "Äö"`, `plan = "paid\":\"x"`, `plan is set`, `plan is not set`, `nothing is set`, `nothing != "x"`,
	`plan contains "AID"`, `plan contains "ä"`, `plan contains "Ö"`, `plan contains "k"`, `plan contains "\u212a"`, `plan contains "%"`, `plan contains ""`, `plan contains "ß"`,
	`plan starts with "PA"`, `plan starts with "ÄÖ"`, `plan starts with ("re", "\\")`, `plan ends with "D"`, `plan ends with "paid"`, `plan ends with "öss"`, `plan ends with ""`,
	`age > 40`, `age = 41`, `age != 41`, `age <= -3.5`, `age < 0.0`, `age >= 123456789012345`, `age = 0`, `age < 5`,
	`renewal on 2027-03-01`, `renewal before today`, `renewal since today`, `renewal after 2027-02-28`, `renewal until 2027-02-28`, `renewal in the last 3 days`, `renewal in the next 100 years`, `age since 2000-01-01`,
	`attribute "home port" contains "averne"`, `attribute "home port" = "Port Averne"`, `attribute "home port" is not set`,
	`tag "press"`, `not tag "press"`, `tag "R&D"`, `tag "\"press"`, `tag in ("Press", "none")`,
	`list "daily"`, `list in ("harbour", "tides")`, `list "daily" unsubscribed`, `list "harbour" pending`, `not list "daily"`,
	`language "de"`, `language "de-at"`, `language in ("pt", "de-CH")`, `not language "de"`,
	`zone = "Europe/Berlin"`, `zone != "Europe/Berlin"`, `zone in ("Europe/Vienna", "Europe/Lisbon")`, `zone = ""`, `zone is set`, `zone is not set`,
	`email contains "READER1"`, `email = "R3@quay.example"`, `domain = "quay.example"`, `domain ends with "QUAY.example"`, `name contains "ök"`, `name starts with "İ"`, `name ends with "'hara"`, `name is set`, `name = ""`, `name != "ÖKA"`,
	`consent contains "IMPORT"`, `consent = "form, line 4"`, `consent is set`, `consent is not set`, `consent starts with "again"`, `not consent contains "form"`,
	`subscribed since 30 days ago`, `subscribed before 30 days ago`, `subscribed on today`, `subscribed in the last 2 weeks`, `subscribed after 2027-02-20`, `subscribed until yesterday`, `subscribed is set`,
	`mailed on today`, `mailed is set`, `mailed is not set`, `mailed before today`, `not mailed in the last month`,
	`suppressed`, `not suppressed`, `left "harbour"`, `left in ("x", "harbour")`, `not left "harbour"`,
}

// The database finds those whom Match finds, on both engines.
func TestSegmentsAsMatch(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		people := crowd(t, s)
		same := func(t interface {
			Helper()
			Fatalf(string, ...any)
		}, source string,
		) int {
			t.Helper()
			e, err := segment.Parse(source)
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			var want, got []string
			for _, p := range people {
				if e.Match(p, now) {
					want = append(want, p.Address)
				}
			}
			found, err := s.SegmentPeople(ctx(), e, "", len(people), now)
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			for _, p := range found {
				got = append(got, p.Address)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s\n%s", source, diff)
			}
			n, err := s.CountSegment(ctx(), e, "", now)
			if err != nil || n != len(want) {
				t.Fatalf("%s: counted %d, want %d; %v", source, n, len(want), err)
			}
			return n
		}
		for _, source := range conditions {
			source = strings.ReplaceAll(source, `\u212a`, "\u212a")
			t.Run(source, func(t *testing.T) { same(t, source) })
		}
		t.Run("together", func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				source := together(t, 2)
				same(t, source)
			})
		})
	})
}

// together joins conditions at random.
func together(t *rapid.T, depth int) string {
	if depth == 0 {
		return strings.ReplaceAll(rapid.SampledFrom(conditions).Draw(t, "condition"), `\u212a`, "\u212a")
	}
	parts := make([]string, rapid.IntRange(1, 3).Draw(t, "terms"))
	for i := range parts {
		parts[i] = together(t, depth-1)
		if rapid.Bool().Draw(t, "not") {
			parts[i] = "not " + parts[i]
		}
	}
	return "(" + strings.Join(parts, rapid.SampledFrom([]string{" and ", " or "}).Draw(t, "joint")) + ")"
}

// With a list, only those count who get its mail.
func TestSegmentOfList(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		subscribe(t, s, "harbour", readers(0, 5)...)
		subscribe(t, s, "daily", reader(9))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(1).Address, Reason: "by-hand", At: now}))
		must(t, s.LeaveAll(ctx(), id(t, s, reader(2).Key), []string{"harbour"}, "by hand", now))
		e := expression(t, `name starts with "reader" and not email contains "reader3"`)
		all, err := s.CountSegment(ctx(), e, "", now)
		must(t, err)
		some, err := s.CountSegment(ctx(), e, "harbour", now)
		must(t, err)
		if all != 5 || some != 2 {
			t.Errorf("%d of all, %d of the list", all, some)
		}
	})
}

// An edition goes to its segment, and to nobody whom consent keeps out.
func TestSnapshotOfSegment(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		rows := readers(0, 6)
		for i := range rows {
			rows[i].Attributes = map[string]string{"plan": []string{"paid", "free"}[i%2], "timezone": []string{"Europe/Lisbon", "Asia/Tokyo"}[i/3]}
		}
		rows[4].Tags = []string{"press"}
		subscribe(t, s, "harbour", rows...)
		subscribe(t, s, "daily", reader(7))
		must(t, s.Suppress(ctx(), audience.Suppression{Address: reader(2).Address, Reason: "by-hand", At: now}))
		editions := 0
		press, paid := expression(t, `tag "press"`), expression(t, `plan = "paid"`)
		for name, c := range map[string]struct {
			choice segment.Choice
			local  bool
			want   int
		}{
			"everybody":       {want: 5},
			"a segment":       {choice: segment.Choose("paid", paid, nil, nil), want: 2},
			"without another": {choice: segment.Choose("paid", paid, []string{"press"}, []*segment.Expression{press}), want: 1},
			"only without":    {choice: segment.Choose("", nil, []string{"press"}, []*segment.Expression{press}), want: 4},
			"at local time":   {choice: segment.Choose("paid", paid, nil, nil), local: true, want: 2},
			"nobody":          {choice: segment.Choose("x", expression(t, `plan = "gold"`), nil, nil)},
		} {
			t.Run(name, func(t *testing.T) {
				edition := strings.ReplaceAll(name, " ", "-")
				editions++
				slot := now.Add(time.Duration(editions) * time.Hour)
				n, err := s.Reach(ctx(), newsroom.Aim{Newsletter: "harbour", Lists: []string{"harbour"}, Choice: c.choice}, now)
				if err != nil || n != c.want {
					t.Errorf("audience %d, want %d; %v", n, c.want, err)
				}
				assemble(t, s, edition, slot)
				content := content("Boats")
				content.Choice = c.choice
				if c.local {
					content.Local = func(string) time.Time { return slot.Add(time.Hour) }
				}
				n, err = s.Commit(ctx(), edition, content, newsroom.Sending, slot)
				if err != nil || n != c.want {
					t.Errorf("snapshot %d, want %d; %v", n, c.want, err)
				}
				r, err := s.Edition(ctx(), edition)
				must(t, err)
				if diff := cmp.Diff(c.choice, r.Choice); diff != "" {
					t.Errorf("remembered: %s", diff)
				}
				must(t, s.Move(ctx(), edition, []newsroom.State{newsroom.Sending}, newsroom.Cancelled, "desk", "test", time.Time{}, slot))
			})
		}
	})
}

// Who has no time zone of their own gets it from an attribute that is declared to
// hold one, or from a country that lies in one.
func TestZoneOfCountry(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		s := db.open(t)
		s.Places = segment.PlacesOf(audience.Attributes{{Name: "home_zone", Type: audience.TypeTimezone}, {Name: "land", Type: audience.TypeCountry}})
		rows := readers(0, 8)
		for i, attributes := range []map[string]string{
			{"timezone": "Asia/Tokyo", "country": "DE"},
			{"country": "DE"},
			{"country": "US"},
			{"country": "nowhere"},
			{},
			{"home_zone": "Asia/Tokyo", "land": "DE"},
			{"land": "DE", "country": "AT"},
			{"timezone": "Asia/Tokyo", "home_zone": "Europe/Berlin"},
		} {
			rows[i].Attributes = attributes
		}
		subscribe(t, s, "harbour", rows...)
		assemble(t, s, "ed1", now)
		c := content("Boats")
		asked := map[string]bool{}
		c.Local = func(zone string) time.Time {
			asked[zone] = true
			if zone == "Europe/Berlin" {
				return now.Add(time.Hour)
			}
			return now
		}
		_, err := s.Commit(ctx(), "ed1", c, newsroom.Sending, now)
		must(t, err)
		if diff := cmp.Diff(map[string]bool{"Asia/Tokyo": true, "Europe/Berlin": true, "": true}, asked); diff != "" {
			t.Error(diff)
		}
		if first := len(claim(t, s, "ed1", 9, now).Deliveries); first != 6 {
			t.Errorf("%d are due at once, want all but the two in Berlin", first)
		}
		later := claim(t, s, "ed1", 9, now.Add(time.Hour)).Deliveries
		if len(later) != 2 || later[0].Subscriber != id(t, s, reader(1).Key) || later[1].Subscriber != id(t, s, reader(6).Key) {
			t.Errorf("%+v", later)
		}
		n, err := s.CountSegment(ctx(), expression(t, `zone = "Europe/Berlin"`), "", now)
		if err != nil || n != 2 {
			t.Errorf("%d in Berlin, %v", n, err)
		}
	})
}

// BenchmarkSegment counts segments of five conditions among a million people.
func BenchmarkSegment(b *testing.B) {
	const people = 1_000_000
	for name, make := range onDisk {
		b.Run(name, func(b *testing.B) {
			s := database{dsn: make(b)}.open(b)
			countries, languages := []string{"DE", "AT", "CH", "PT", "NL"}, []string{"de", "en", "pt"}
			for from := 0; from < people; from += 5000 {
				rows := readers(from, from+5000)
				for i := range rows {
					n := from + i
					rows[i].Attributes = map[string]string{"country": countries[n%5], "language": languages[n%3], "plan": "free", "town": "Port Averne"}
					if n%10 < 3 {
						rows[i].Attributes["plan"] = "paid"
					}
					if n%50 == 0 {
						rows[i].Tags = []string{"press"}
					}
				}
				// A year of sign-ups, so that a month is a twelfth.
				_, err := s.ImportRows(ctx(), []string{"daily", "weekly"}[from/5000%2], "import readers.csv", rows, false, now.AddDate(0, 0, -365+365*from/people))
				must(b, err)
			}
			for what, source := range map[string]string{
				"recent":  `plan = "paid" and country in ("DE", "AT") and not tag "press" and subscribed since 30 days ago and list "daily"`,
				"wide":    `plan = "paid" and country in ("DE", "AT") and not tag "press" and subscribed since 10 years ago and list "daily"`,
				"tag":     `tag "press" and country in ("DE", "AT") and plan = "paid" and language "de" and list "daily"`,
				"most":    `plan != "gold" and country not in ("PT", "NL") and not tag "press" and not suppressed and list in ("daily", "weekly")`,
				"one":     `plan = "paid"`,
				"texts":   `town contains "averne" and plan starts with "p" and language "de" and country != "PT" and name is set`,
				"numbers": `plan > 3`,
			} {
				e := expression(b, source)
				b.Run(what, func(b *testing.B) {
					n, cpu := 0, cpuTime(b)
					for b.Loop() {
						var err error
						n, err = s.CountSegment(context.Background(), e, "", now)
						must(b, err)
					}
					b.ReportMetric(float64(n), "found")
					b.ReportMetric(us(cpuTime(b)-cpu)/1000/float64(b.N), "cpu-ms/op")
				})
			}
		})
	}
}
