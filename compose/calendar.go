package compose

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Calendar is what the calendar files of one edition's events share.
type Calendar struct {
	Newsletter string         // its id: the same event of two newsletters is two entries
	Organizer  mail.Address   // who says so, the newsletter's From; without an address no organizer is named
	Domain     string         // of the events' UIDs; it stays when the mail's own domain changes
	Zone       *time.Location // where an event of whole days has its days; nil: its own
	Stamp      time.Time      // when the edition was made: of two files of one event the later holds
}

// EventFile is the name of an event's calendar file beside its edition's page:
// "event-3f9a1c2b.ics". It is made of the story, not of its place in the
// edition, so that it is the same in each variant of a letter. Empty for a
// brief that says no day.
func EventFile(b Brief) string {
	if b.Starts.IsZero() {
		return ""
	}
	return "event-" + eventID("", b)[:8] + ".ics"
}

// EventNamed finds the event of a calendar file in an edition.
func (e *Edition) EventNamed(file string) (Brief, bool) {
	for _, b := range e.Events() {
		if EventFile(b) == file {
			return b, true
		}
	}
	return Brief{}, false
}

// Events are the events of an edition that have a day, as they stand.
func (e *Edition) Events() []Brief {
	var out []Brief
	for _, section := range e.Sections {
		for _, b := range section.Briefs {
			if section.Kind == sectionEvents && !b.Starts.IsZero() {
				out = append(out, b)
			}
		}
	}
	return out
}

// eventID is the same for one event in each edition that tells of it, also when
// its words or its time have changed. An event that came from no source is
// known by its words and its time.
func eventID(newsletter string, b Brief) string {
	seed := []string{newsletter, b.Source, b.Key}
	if b.Key == "" {
		seed = append(seed, b.Title, b.Opening, b.Starts.UTC().Format(time.RFC3339))
	}
	sum := sha256.Sum256([]byte(strings.Join(seed, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// Forms of a date (RFC 5545, 3.3.4) and of an instant in UTC (3.3.5).
const (
	icsDate = "20060102"
	icsTime = "20060102T150405Z"
)

// File is an event as a calendar file (RFC 5545) that a calendar takes up
// without asking anybody (RFC 5546, 3.2.1: METHOD:PUBLISH). Its times are
// instants in UTC, which each calendar shows in its owner's zone; an event of
// whole days has dates. An event without an end has none here either.
func (c Calendar) File(b Brief) []byte {
	var w icsWriter
	w.line("BEGIN", "VCALENDAR")
	w.line("VERSION", "2.0")
	w.line("PRODID", "-//Lede//Lede//EN")
	w.line("CALSCALE", "GREGORIAN")
	w.line("METHOD", "PUBLISH")
	w.line("BEGIN", "VEVENT")
	w.line("UID", eventID(c.Newsletter, b)+"@"+c.Domain)
	w.line("DTSTAMP", c.Stamp.UTC().Format(icsTime))
	c.times(&w, b)
	title := clean(b.Title)
	if title == "" {
		title = clean(b.Opening)
	}
	w.line("SUMMARY", icsText(title))
	address := link(b.URL)
	w.text("DESCRIPTION", described(b, address))
	w.text("LOCATION", clean(b.Place))
	if address != "" {
		w.line("URL", asciiURI(address))
	}
	if c.Organizer.Address != "" {
		w.line("ORGANIZER"+icsName(clean(c.Organizer.Name)), "mailto:"+mailtoAddress(c.Organizer.Address))
	}
	if b.AllDay {
		w.line("TRANSP", "TRANSPARENT") // whoever notes a fair of a week is not taken all week
	}
	w.line("END", "VEVENT")
	w.line("END", "VCALENDAR")
	return w.out
}

// times writes when an event starts and ends. The end of whole days is the day
// after the last (RFC 5545, 3.6.1: it is not part of the event).
func (c Calendar) times(w *icsWriter, b Brief) {
	if b.AllDay {
		first, last := inZone(b.Starts, c.Zone), inZone(b.Ends, c.Zone)
		if b.Ends.IsZero() || dayNumber(last) < dayNumber(first) {
			last = first
		}
		w.line("DTSTART;VALUE=DATE", first.Format(icsDate))
		w.line("DTEND;VALUE=DATE", last.AddDate(0, 0, 1).Format(icsDate))
		return
	}
	w.line("DTSTART", b.Starts.UTC().Format(icsTime))
	if b.Ends.After(b.Starts) {
		w.line("DTEND", b.Ends.UTC().Format(icsTime))
	}
}

// described is what stands in the note of a calendar's entry: the text, and the
// address, since several calendars show no URL of an entry.
func described(b Brief, address string) string {
	text := clean(b.Teaser)
	if text == "" {
		var blocks []string
		for _, block := range b.Body {
			if words := cleanLines(block.Text); words != "" {
				blocks = append(blocks, words)
			}
		}
		text = strings.Join(blocks, "\n\n")
	}
	if text != "" && address != "" {
		text += "\n\n"
	}
	return text + address
}

// icsWriter writes the lines of a calendar file.
type icsWriter struct{ out []byte }

// longestICS is how many bytes a line has at most, without its end (RFC 5545,
// 3.1).
const longestICS = 75

// line writes a line, folded between characters where it is too long.
func (w *icsWriter) line(name, value string) {
	rest, room := name+":"+value, longestICS
	for len(rest) > room {
		cut := room
		for cut > 1 && !utf8.RuneStart(rest[cut]) {
			cut--
		}
		w.out = append(w.out, rest[:cut]...)
		w.out = append(w.out, "\r\n "...)
		rest, room = rest[cut:], longestICS-1 // the space counts
	}
	w.out = append(w.out, rest...)
	w.out = append(w.out, '\r', '\n')
}

// text writes a line of text; an empty one is left out.
func (w *icsWriter) text(name, value string) {
	if value != "" {
		w.line(name, icsText(value))
	}
}

// icsText escapes a text (RFC 5545, 3.3.11).
func icsText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`).Replace(s)
}

// icsName is the parameter that names a person. A parameter holds no quotation
// mark; RFC 6868 writes it otherwise.
func icsName(name string) string {
	if name == "" {
		return ""
	}
	return `;CN="` + strings.NewReplacer("^", "^^", `"`, "^'").Replace(name) + `"`
}

// asciiURI writes an address in the characters that a URI may have.
func asciiURI(address string) string {
	var out strings.Builder
	for i := 0; i < len(address); i++ {
		if c := address[i]; c > ' ' && c < 0x7f {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// mailtoAddress is an address as it stands in a mailto URI (RFC 6068).
func mailtoAddress(address string) string {
	return strings.ReplaceAll(url.PathEscape(address), "%40", "@")
}
