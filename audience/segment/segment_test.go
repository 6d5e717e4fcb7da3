package segment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"lede/audience"
)

var now = time.Date(2027, 3, 31, 6, 30, 0, 0, time.UTC)

func TestCanonical(t *testing.T) {
	for source, want := range map[string]string{
		`plan = "paid"`:                             ``,
		`plan == 'paid'`:                            `plan = "paid"`,
		`PLAN = "paid" AND Not TAG "press"`:         `PLAN = "paid" and not tag "press"`,
		`(plan = "a" and (x = "b" and y = "c"))`:    `plan = "a" and x = "b" and y = "c"`,
		`a = "1" or b = "2" and c = "3"`:            `a = "1" or (b = "2" and c = "3")`,
		`(a = "1" or b = "2") and c = "3"`:          ``,
		`not (a = "1" or b = "2")`:                  ``,
		`not plan = "paid"`:                         `plan != "paid"`,
		`not not plan = "paid"`:                     `not plan != "paid"`,
		`country in ("DE")`:                         `country = "DE"`,
		`country not in ("DE", "AT")`:               ``,
		`not country in ("DE", "AT")`:               `country not in ("DE", "AT")`,
		`name not contains "e"`:                     `not name contains "e"`,
		`name contains ("e", "f")`:                  ``,
		`name STARTS  WITH "I"`:                     `name starts with "I"`,
		`age >= 18 and age != 30 and x = -1.50`:     ``,
		`subscribed < 30 days ago`:                  `subscribed before 30 days ago`,
		`subscribed >= 1 day ago`:                   `subscribed since yesterday`,
		`renewal = 2027-04-01`:                      `renewal on 2027-04-01`,
		`renewal != today`:                          `not renewal on today`,
		`subscribed in the last week`:               `subscribed in the last 1 week`,
		`renewal in the next 2 months`:              ``,
		`renewal until 1 year from now`:             ``,
		`mailed is not set or mailed is set`:        ``,
		`plan is empty`:                             `plan is not set`,
		`tag in ("press", "R&D")`:                   ``,
		`list "daily" and list "weekly" pending`:    ``,
		`list in ("daily", "weekly") unsubscribed`:  ``,
		`language "de" or language in ("pt", "en")`: ``,
		`suppressed or left "harbour"`:              ``,
		`attribute "plan" = "x"`:                    `plan = "x"`,
		`attribute "list" = "x"`:                    ``,
		`attribute "home port" = "a \"b\" \\ c"`:    ``,
		`zone = "Europe/Lisbon"`:                    ``,
		`consent contains "form"`:                   ``,
		"plan\n=\n\"paid\"":                         `plan = "paid"`,
		`größe = "ß"`:                               ``,
	} {
		e, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		if want == "" {
			want = source
		}
		if got := e.String(); got != want {
			t.Errorf("%s is printed\n%s, want\n%s", source, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	deep := strings.Repeat("(", 60) + `a = "b"` + strings.Repeat(")", 60)
	for _, c := range []struct{ source, want, hint string }{
		{``, `column 1: expected a condition, found the end`, `plan = "paid"`},
		{`plan`, `column 5: expected a comparison after plan, found the end`, `plan = "…"`},
		{`plan =`, `column 7: expected a value, found the end`, ``},
		{`plan = paid`, `column 8: expected a value, found paid`, `plan = "paid"`},
		{`plan = "paid`, `column 8: the quotation mark is not closed`, ``},
		{`plan = “paid”`, `column 8: “ is a typographer's quotation mark`, `straight`},
		{`plan = "paid" country = "DE"`, `column 15: expected and, or or the end, found country`, ``},
		{`plan = "paid" andd x = "y"`, `column 15: expected and, or or the end, found andd`, `did you mean and?`},
		{`plan = "paid" && x = "y"`, `column 15: '&' means nothing here`, `write and`},
		{`plan <> "paid"`, `column 7: expected a value, found >`, ``},
		{`plan > "paid"`, `column 6: text has no order`, `quotation marks`},
		{`(plan = "paid"`, `column 1: this bracket is not closed`, ``},
		{`plan = "paid")`, `column 14: this bracket was never opened`, ``},
		{`country in "DE"`, `column 12: expected ( and a list, found the text "DE"`, `in ("DE", "AT")`},
		{`country in ()`, `column 13: expected text in quotation marks, found )`, ``},
		{`country in ("DE" "AT")`, `column 18: expected a comma or ), found the text "AT"`, ``},
		{`tagg "press"`, `column 6: expected a comparison after tagg, found the text "press"`, `did you mean tag?`},
		{`subscribd < 30 days ago and tag press`, `column 33: expected a tag in quotation marks, found press`, `"press"`},
		{`plan contians "x"`, `column 6: expected a comparison after plan, found contians`, `did you mean contains?`},
		{`list "daily" activ`, `column 14: expected active, pending, unsubscribed, and or or, found activ`, `did you mean active?`},
		{`subscribed since 30 dys ago`, `column 21: expected days, weeks, months or years, found dys`, `did you mean days?`},
		{`subscribed since 30 days`, `column 25: expected ago or from now, found the end`, ``},
		{`subscribed since "2026-01-01"`, `column 18: expected a day, found the text "2026-01-01"`, `without quotation marks`},
		{`subscribed = "x"`, `column 14: expected a day, found the text "x"`, ``},
		{`subscribed contains "x"`, `column 12: subscribed is a date`, ``},
		{`name since today`, `column 6: name is no date`, ``},
		{`renewal on 2026-02-30`, `column 12: there is no day 2026-02-30`, `year, month, day`},
		{`age > 1234567890123456`, `column 7: 1234567890123456 is no number`, `15 digits`},
		{`age > 1.2.3`, `column 7: 1.2.3 is no number`, ``},
		{`zone contains "Lisbon"`, `column 6: a zone is compared whole`, ``},
		{`language "not a language"`, `column 10: "not a language" is no language`, ``},
		{`tag = "press"`, `column 5: expected text in quotation marks, found =`, `attribute "tag"`},
		{`"home port" = "x"`, `column 1: expected a condition, found the text "home port"`, `attribute "home port"`},
		{`attribute "a'b" = "x"`, `column 11: "a'b" is no name of an attribute`, ``},
		{`subscribed since 100000 days ago`, `column 18: more than 99999 days`, ``},
		{`subscribed in the last 0 days`, `column 24: no time at all`, ``},
		{deep, `column 41: more than 40 brackets`, ``},
		{strings.Repeat(`not `, 60) + `a = "b"`, `more than 40 brackets and nots`, ``},
		{strings.Repeat(`a="" or `, 101) + `a=""`, `more than 100 conditions`, ``},
		{strings.Repeat(` `, 4001), `longer than 4000`, ``},
		{`a = "` + strings.Repeat("ä", 201) + `"`, `a text of more than 200 characters`, ``},
		{`a in (` + strings.Repeat(`"",`, 100) + `"")`, `more than 100 values`, ``},
		{"a = \"b\nc\"", `line 1, column 5: a line break or control character`, ``},
		{"a = \"b\" and\n  c =", `line 2, column 6: expected a value`, ``},
		{"a = \"\xff\"", `no UTF-8`, ``},
		{`a = "\n"`, `a backslash that stands before no quotation mark`, `\\`},
	} {
		_, err := Parse(c.source)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", c.source, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%q: %s (%s)\nwant %s (%s)", c.source, err, e.Hint, c.want, c.hint)
		}
	}
}

func TestCaret(t *testing.T) {
	for source, want := range map[string]string{
		`plan = paid and x`:              "plan = paid and x\n       ^^^^",
		"plan = \"a\" and\n\tcountry = ": "\u0020country = \n           ^",
		`größe = grün`:                   "größe = grün\n        ^^^^",
	} {
		_, err := Parse(source)
		var e *Error
		if !errors.As(err, &e) {
			t.Fatal(source, err)
		}
		if diff := cmp.Diff(want, e.Caret()); diff != "" {
			t.Error(diff)
		}
	}
	_, err := Parse(strings.Repeat(`a = "b" or `, 50) + "c = d" + strings.Repeat(` or a = "b"`, 30))
	var e *Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	line, mark, _ := strings.Cut(e.Caret(), "\n")
	if at := len(mark) - 1; len([]rune(line)) > 102 || string([]rune(line)[at]) != "d" {
		t.Errorf("%s\n%s", line, mark)
	}
}

func TestCheck(t *testing.T) {
	e, err := Parse(`plann = "paid" and list in ("daily", "wekly") and not left "harbour" and berth > 3`)
	if err != nil {
		t.Fatal(err)
	}
	got := e.Check(Known{Attributes: []string{"plan", "berth"}, Lists: []string{"daily", "weekly"}, Newsletters: []string{"harbour"}})
	want := `column 1: there is no attribute "plann"` + "\n" + `column 38: there is no list "wekly"`
	if got == nil || got.Error() != want {
		t.Errorf("%v", got)
	}
	if err := e.Check(Known{}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"berth", "plann"}, e.Attributes()); diff != "" {
		t.Error(diff)
	}
}

// person has something of everything.
func person() Person {
	return Person{
		Person: audience.Person{
			Subscriber: audience.Subscriber{
				Address: "Ines@NorthPost.example", Name: "Inês Ökafor",
				Attributes: map[string]string{
					"plan": "paid", "age": "41", "price": "-3.50", "renewal": "2027-04-15", "seen": "2027-03-01T10:00:00Z",
					"language": "de_AT", "country": "PL", "home port": "Port Averne", "empty": "",
				},
				Tags: []string{"press", "R&D"}, Created: time.Date(2027, 3, 1, 23, 59, 0, 0, time.UTC),
			},
			Subscriptions: []audience.Subscription{
				{List: "daily", State: audience.Active, Consent: "form on the web"},
				{List: "weekly", State: audience.Unsubscribed, Consent: "import old.csv"},
			},
			OptedOut: []string{"harbour"},
		},
		Domain: "northpost.example", Mailed: time.Date(2027, 3, 30, 6, 0, 0, 0, time.UTC),
	}
}

func TestMatch(t *testing.T) {
	for source, want := range map[string]bool{
		`plan = "paid"`: true, `plan = "Paid"`: false, `plan != "free"`: true, `nothing != "free"`: true, `nothing = ""`: true,
		`plan in ("free", "paid")`: true, `plan not in ("free", "paid")`: false, `plan contains "AI"`: true,
		`age > 40`: true, `age = 41.0`: true, `age < 41`: false, `price <= -3.5`: true, `plan < 5`: false, `plan != 5`: true, `nothing >= 0`: false,
		`renewal after today`: true, `renewal in the next 15 days`: true, `renewal in the next 14 days`: false, `renewal on 2027-04-15`: true,
		`seen on 2027-03-01`: true, `plan before today`: false, `not plan before today`: true, `seen until 2027-03-01`: true, `seen after 2027-03-01`: false,
		`subscribed since 30 days ago`: true, `subscribed since 29 days ago`: false, `subscribed < 30 days ago`: false, `subscribed on 2027-03-01`: true,
		`subscribed since 1 month ago`: true, // the last day of February
		`mailed in the last week`:      true, `mailed on yesterday`: true, `mailed is not set`: false,
		`tag "press"`: true, `tag "Press"`: false, `tag in ("x", "R&D")`: true,
		`list "daily"`: true, `list "weekly"`: false, `list "weekly" unsubscribed`: true, `list in ("a", "daily")`: true,
		`language "de"`: true, `language "de-at"`: true, `language "d"`: false, `language "de-CH"`: false,
		`consent contains "FORM"`: true, `consent contains "import"`: false, `consent is set`: true, `consent != "x"`: true,
		`name contains "ÖKA"`: true, `name contains "êS"`: true, `name starts with "INÊ"`: true, `name ends with "for"`: true, `name ends with "fo"`: false,
		`email ends with "@northpost.example"`: true, `domain = "northpost.example"`: true,
		`zone = "Europe/Warsaw"`: true, `zone is set`: true, `zone = "Europe/Berlin"`: false,
		`attribute "home port" = "Port Averne"`: true, `empty is set`: false, `plan is set`: true,
		`suppressed`: false, `left "harbour"`: true, `left in ("x", "y")`: false,
		`plan = "free" or age > 40 and tag "press"`: true, `(plan = "free" or age > 40) and not tag "press"`: false,
	} {
		e, err := Parse(source)
		if err != nil {
			t.Error(source, err)
			continue
		}
		if got := e.Match(person(), now); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}

func TestChoose(t *testing.T) {
	parse := func(s string) *Expression {
		e, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	got := Choose("regulars", parse(`a = "1" and b = "2"`), []string{"press", "trial"}, []*Expression{parse(`tag "press"`), parse(`x = "1" or y = "2"`)})
	want := Choice{"regulars", []string{"press", "trial"}, `a = "1" and b = "2" and not tag "press" and not (x = "1" or y = "2")`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Choice{}, Choose("", nil, nil, nil)); diff != "" {
		t.Error(diff)
	}
}

func TestZones(t *testing.T) {
	for _, country := range AllCountries() {
		if _, err := time.LoadLocation(ZoneOf(country)); err != nil || country == "" {
			t.Errorf("%s: %v", country, err)
		}
	}
	if ZoneOf("DE") != "Europe/Berlin" || ZoneOf("US") != "" || ZoneOf("PT") != "Europe/Lisbon" || ZoneOf("") != "" {
		t.Error(ZoneOf("DE"), ZoneOf("PT"), ZoneOf("US"))
	}
}

// Whatever is printed is read as the same tree.
func TestPrintedIsParsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Any(3).Draw(t, "expression")
		printed := (&Expression{Root: want}).String()
		got, err := Parse(printed)
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		if diff := cmp.Diff(want, got.Root); diff != "" {
			t.Fatalf("%s\n%s", printed, diff)
		}
	})
}

// seeds are the expressions of the corpus.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.segment")
	if err != nil || len(files) == 0 {
		f.Fatal("no corpus", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(source))
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Parse(source)
		if err != nil {
			var at *Error
			if !errors.As(err, &at) || at.From < 0 || at.To > len(at.Source) || strings.Count(at.Caret(), "\n") != 1 || strings.Contains(at.What, "\n") {
				t.Fatalf("%q: %#v", source, err)
			}
			return
		}
		printed := e.String()
		again, err := Parse(printed)
		if err != nil {
			// Quoting may make the text longer than what may be read.
			if len(printed) <= maxSource {
				t.Fatalf("%q is printed %q: %v", source, printed, err)
			}
			return
		}
		if diff := cmp.Diff(e.Root, again.Root); diff != "" || again.String() != printed {
			t.Fatalf("%q is printed %q:\n%s", source, printed, diff)
		}
		e.Match(person(), now)
		_ = e.Check(Known{Attributes: []string{"plan"}, Lists: []string{"daily"}})
	})
}

func ExampleExpression_String() {
	e, err := Parse(`subscribed < 30 days ago and not (plan='paid')`)
	fmt.Println(e, err)
	// Output: subscribed before 30 days ago and plan != "paid" <nil>
}
