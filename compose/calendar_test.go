package compose_test

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lede/compose"
)

// calendarEntry is what a calendar reads out of a file: properties with their
// parameters and unescaped values.
type calendarEntry map[string]property

type property struct{ params, value string }

var (
	contentLine = regexp.MustCompile(`^([A-Z][A-Z0-9-]*)((?:;[A-Z-]+=(?:"[^"\x00-\x08\x0a-\x1f\x7f]*"|[^",;:\x00-\x1f\x7f]+))*):(.*)$`)
	icsInstant  = regexp.MustCompile(`^\d{8}T\d{6}Z$`)
	icsDay      = regexp.MustCompile(`^\d{8}$`)
)

// readCalendar reads a file as strictly as RFC 5545 is written, so that what it
// takes any calendar takes.
func readCalendar(file string) (calendarEntry, error) {
	if !strings.HasSuffix(file, "\r\n") || !utf8.ValidString(file) {
		return nil, errors.New("no line end at the end, or not UTF-8")
	}
	var lines []string
	for i, raw := range strings.Split(strings.TrimSuffix(file, "\r\n"), "\r\n") {
		switch {
		case strings.ContainsAny(raw, "\r\n"), raw == "":
			return nil, fmt.Errorf("line %d: a bare CR or LF, or nothing", i+1)
		case len(raw) > 75:
			return nil, fmt.Errorf("line %d has %d octets (3.1)", i+1, len(raw))
		case !utf8.ValidString(raw):
			return nil, fmt.Errorf("line %d is folded within a character", i+1)
		case strings.HasPrefix(raw, " ") && len(lines) > 0:
			lines[len(lines)-1] += raw[1:]
		default:
			lines = append(lines, raw)
		}
	}
	found, inside := calendarEntry{}, []string{}
	for _, line := range lines {
		m := contentLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%q is no content line", line)
		}
		name, params, value := m[1], m[2], m[3]
		switch name {
		case "BEGIN":
			inside = append(inside, value)
			continue
		case "END":
			if len(inside) == 0 || inside[len(inside)-1] != value {
				return nil, fmt.Errorf("END:%s closes nothing", value)
			}
			inside = inside[:len(inside)-1]
			continue
		}
		name = strings.Join(inside, "/") + "/" + name
		if _, twice := found[name]; twice {
			return nil, fmt.Errorf("%s stands twice", name)
		}
		switch name[strings.LastIndex(name, "/")+1:] {
		case "SUMMARY", "DESCRIPTION", "LOCATION":
			var err error
			if value, err = readText(value); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		case "DTSTAMP", "DTSTART", "DTEND":
			form := icsInstant
			if params == ";VALUE=DATE" {
				form = icsDay
			}
			if !form.MatchString(value) {
				return nil, fmt.Errorf("%s is %q", name, value)
			}
		case "URL", "ORGANIZER":
			if u, err := url.Parse(value); err != nil || u.Scheme == "" || strings.Trim(value, "!#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~") != "" {
				return nil, fmt.Errorf("%s is no URI: %q", name, value)
			}
		}
		found[name] = property{params, value}
	}
	if len(inside) > 0 {
		return nil, fmt.Errorf("%v is not closed", inside)
	}
	// What METHOD:PUBLISH must have (RFC 5546, 3.2.1) and what each file must.
	for _, must := range []string{"VERSION", "PRODID", "METHOD", "VEVENT/UID", "VEVENT/DTSTAMP", "VEVENT/DTSTART", "VEVENT/SUMMARY", "VEVENT/ORGANIZER"} {
		if found["VCALENDAR/"+must].value == "" {
			return nil, fmt.Errorf("there is no %s", must)
		}
	}
	return found, nil
}

// readText undoes the escaping of a TEXT (3.3.11).
func readText(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\;,`, s[i+1]) >= 0:
			i++
			out.WriteByte(s[i])
		case c == '\\' && i+1 < len(s) && (s[i+1] == 'n' || s[i+1] == 'N'):
			i++
			out.WriteByte('\n')
		case c == '\\', c == ';', c == ',', c < ' ' && c != '\t', c == 0x7f:
			return "", fmt.Errorf("%q at %d is not escaped", c, i)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

func lisbon(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestCalendarFiles(t *testing.T) {
	zone := lisbon(t)
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, zone)
	}
	calendar := compose.Calendar{
		Newsletter: "harbour", Organizer: mail.Address{Name: `Ines "Nini" Okafor^, desk`, Address: "letter+desk@example.org"},
		Domain: "harbour.example.org", Zone: zone, Stamp: time.Date(2026, 11, 24, 6, 30, 5, 0, time.UTC),
	}
	for _, test := range []struct {
		name  string
		brief compose.Brief
		want  map[string]string // of the event: property → parameters, a space, value; "" for none
	}{
		{"an evening", compose.Brief{Title: "Shanty night", Place: "the Net Loft", Teaser: "Free; bring a chair.", URL: "https://example.org/shanty", Starts: at(11, 27, 19, 0), Ends: at(11, 27, 22, 30)}, map[string]string{
			"DTSTART": " 20261127T190000Z", "DTEND": " 20261127T223000Z", "SUMMARY": " Shanty night", "LOCATION": " the Net Loft",
			"DESCRIPTION": " Free; bring a chair.\n\nhttps://example.org/shanty", "URL": " https://example.org/shanty", "DTSTAMP": " 20261124T063005Z",
			"ORGANIZER": `;CN="Ines ^'Nini^' Okafor^^, desk" mailto:letter+desk@example.org`, "TRANSP": "",
		}},
		{"in summer, without an end or a link", compose.Brief{Title: "Regatta", Starts: at(7, 3, 9, 15)}, map[string]string{
			"DTSTART": " 20260703T081500Z", "DTEND": "", "URL": "", "DESCRIPTION": "", "LOCATION": "",
		}},
		{"an end before the start is none", compose.Brief{Title: "Regatta", Starts: at(7, 3, 9, 15), Ends: at(7, 3, 8, 0)}, map[string]string{"DTEND": ""}},
		{"over the change of clocks", compose.Brief{Title: "Night watch", Starts: at(10, 25, 0, 30), Ends: at(10, 25, 3, 0)}, map[string]string{
			"DTSTART": " 20261024T233000Z", "DTEND": " 20261025T030000Z",
		}},
		{"a whole day", compose.Brief{Title: "Fair", AllDay: true, Starts: at(11, 28, 0, 0)}, map[string]string{
			"DTSTART": ";VALUE=DATE 20261128", "DTEND": ";VALUE=DATE 20261129", "TRANSP": " TRANSPARENT",
		}},
		{"whole days, kept in UTC, over the year's end", compose.Brief{Title: "Fair", AllDay: true, Starts: at(7, 1, 0, 0).UTC(), Ends: at(12, 31, 0, 0).UTC()}, map[string]string{
			"DTSTART": ";VALUE=DATE 20260701", "DTEND": ";VALUE=DATE 20270101",
		}},
		{"without a headline", compose.Brief{Opening: "The bell rings", Body: []compose.Block{{Text: "One."}, {Text: "Two,\nthree."}}, Starts: at(11, 28, 8, 0)}, map[string]string{
			"SUMMARY": " The bell rings", "DESCRIPTION": " One.\n\nTwo,\nthree.",
		}},
		{"hostile", compose.Brief{
			Title:  "Night\r\nEND:VEVENT\r\nBEGIN:VALARM; a\\nb, c\x00\x0b\u2028\u202e" + strings.Repeat("灯台と港の夜", 30) + strings.Repeat("👩🏽‍🚒", 20),
			Place:  "Quay; \"4\", \\ north\nATTACH:x",
			Teaser: "\xff\xfe broken", URL: "https://example.org/\u00e9?q=\u202ea,b;c", Starts: at(11, 28, 8, 0),
		}, map[string]string{
			"LOCATION": " Quay; \"4\", \\ north ATTACH:x", "URL": " https://example.org/%C3%A9?q=%E2%80%AEa,b;c",
		}},
		{"a link that is none", compose.Brief{Title: "Regatta", URL: "javascript:alert(1)", Starts: at(7, 3, 9, 15)}, map[string]string{"URL": "", "DESCRIPTION": ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := string(calendar.File(test.brief))
			found, err := readCalendar(file)
			if err != nil {
				t.Fatalf("%v\n%s", err, file)
			}
			for name, want := range test.want {
				p := found["VCALENDAR/VEVENT/"+name]
				if got := p.params + " " + p.value; got != want && (want != "" || got != " ") {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if len(found) > 15 || found["VCALENDAR/METHOD"].value != "PUBLISH" {
				t.Errorf("%v", found)
			}
			if again := string(calendar.File(test.brief)); again != file {
				t.Error("the same event gives another file")
			}
		})
	}
}

// An event is one entry in a reader's calendar however often it is told.
func TestAnEventIsOneEntry(t *testing.T) {
	calendar := compose.Calendar{Newsletter: "harbour", Domain: "harbour.example.org", Organizer: mail.Address{Address: "a@example.org"}}
	uid := func(c compose.Calendar, b compose.Brief) string {
		found, err := readCalendar(string(c.File(b)))
		if err != nil {
			t.Fatal(err)
		}
		return found["VCALENDAR/VEVENT/UID"].value
	}
	first := compose.Brief{Source: "desk", Key: "shanty.md", Title: "Shanty night", Starts: time.Date(2026, 11, 27, 19, 0, 0, 0, time.UTC)}
	moved := first
	moved.Title, moved.Starts = "Shanty night, now at eight", first.Starts.Add(time.Hour)
	other, another := first, calendar
	other.Source, another.Newsletter = "town", "quay"
	if uid(calendar, first) != uid(calendar, moved) || compose.EventFile(first) != compose.EventFile(moved) {
		t.Error("an event that was moved is another entry")
	}
	if uid(calendar, first) == uid(calendar, other) || uid(calendar, first) == uid(another, first) || compose.EventFile(first) == compose.EventFile(other) {
		t.Error("two events are one entry")
	}
	if name := compose.EventFile(compose.Brief{Title: "No day"}); name != "" {
		t.Errorf("a brief without a day has the file %s", name)
	}
	e := compose.Edition{Sections: []compose.Section{{Kind: "events", Briefs: []compose.Brief{{Title: "No day"}, first}}}}
	if b, ok := e.EventNamed(compose.EventFile(first)); !ok || b.Title != first.Title {
		t.Errorf("%v, %v", b, ok)
	}
	for _, not := range []string{"", "event-.ics", "event-00000000.ics"} {
		if _, ok := e.EventNamed(not); ok {
			t.Errorf("%q names an event", not)
		}
	}
}
