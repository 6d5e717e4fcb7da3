package templates

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// Words are the fixed words of a letter and of the readers' pages in one
// language, and its way of writing dates and of counting. They are kept in words/LANGUAGE.yaml; a file of a
// region or a script (words/en-US.yaml, words/zh-Hant.yaml) says only what
// differs. What stands in braces is filled in; the tag `fills` names it.
type Words struct {
	DatePattern        string        `yaml:"date" fills:"weekday,day,month,year"` // {weekday} {day} {month} or {month_number} {year}, in full
	EventDayPattern    string        `yaml:"event_day" fills:"weekday,day,month"` // {weekday} {day} {month} or {month_number}, abbreviated
	EventTimePattern   string        `yaml:"event_time" fills:"date,time"`        // {date}, as event_day gives it, and {time}
	Clock              string        `yaml:"clock"`                               // a layout of package time
	NumberPattern      string        `yaml:"number" fills:"number"`               // {number}
	DatelinePattern    string        `yaml:"dateline" fills:"place,date,number"`  // {place}, {date} and {number}, in this order, with what joins them
	By                 string        `yaml:"by"`                                  // stands before an author's name
	ContinueReading    string        `yaml:"continue_reading"`
	OnTheWeb           string        `yaml:"on_the_web"` // before the link to a lead that was told whole
	Picture            string        `yaml:"picture"`    // before a picture's credit
	Sponsored          string        `yaml:"sponsored"`
	SponsoredByPattern string        `yaml:"sponsored_by" fills:"name"` // {name}
	Opinion            string        `yaml:"opinion"`
	Analysis           string        `yaml:"analysis"`
	Live               string        `yaml:"live"`
	Update             string        `yaml:"update"`
	Correction         string        `yaml:"correction"`
	Corrections        string        `yaml:"corrections"`               // over several
	CorrectsPattern    string        `yaml:"corrects" fills:"date"`     // {date}: of the edition that was wrong
	AlsoToday          string        `yaml:"also_today"`                // over links alone
	AlsoInPattern      string        `yaml:"also_in" fills:"names"`     // {names} of publications that tell the same story
	FromTheArchive     string        `yaml:"archive"`                   // over stories of earlier years
	MostRead           string        `yaml:"most_read"`                 // over the stories read most
	AddToCalendar      string        `yaml:"calendar"`                  // the link behind an event
	Links              string        `yaml:"links"`                     // over the addresses at the end of a text part
	Stories            Plural        `yaml:"stories"`                   // {n} stories
	Minutes            Plural        `yaml:"minutes"`                   // {n} minutes of reading
	Editor             string        `yaml:"editor"`                    // after the name of the editor under a note
	ReasonPattern      string        `yaml:"reason" fills:"newsletter"` // {newsletter}
	Unsubscribe        string        `yaml:"unsubscribe"`
	View               string        `yaml:"view"` // the link to the edition's page
	Imprint            string        `yaml:"imprint"`
	Privacy            string        `yaml:"privacy"`
	Comma              string        `yaml:"comma"`         // between the parts of a line, with its space
	Colon              string        `yaml:"colon"`         // between a label and its text, with its spaces
	FullStop           string        `yaml:"full_stop"`     // between two sentences, with its space
	Weekdays           CalendarNames `yaml:"weekdays,flow"` // from Sunday on; in a language of ours as the CLDR has them
	WeekdaysShort      CalendarNames `yaml:"weekdays_short,flow"`
	Months             CalendarNames `yaml:"months,flow"` // as they stand beside a day
	MonthsShort        CalendarNames `yaml:"months_short,flow"`
	Pages              PageWords     `yaml:"pages"`
	Mails              MailWords     `yaml:"mails"`

	language language.Tag // whose rules of counting are followed
}

// CalendarNames are the names of days (seven, from Sunday on) or of months (twelve).
type CalendarNames []string

// WordsFor returns the built-in words of the language, a BCP 47 tag, and
// whether there are any: for a language that has none it returns the English
// ones and false. A region or script without words of its own gets its
// language's.
func WordsFor(tag string) (Words, bool) {
	return builtIn().For(tag)
}

// Languages lists the tags that words are built in for, sorted.
func Languages() []string {
	return names(builtIn())
}

// Language is the tag of the language that the words are in.
func (w Words) Language() string { return w.language.String() }

// RightToLeft says whether the language is written from right to left. An
// unreadable tag is taken for left to right.
func RightToLeft(tag string) bool {
	parsed, err := language.Parse(tag)
	if err != nil {
		return false
	}
	script, _ := parsed.Script()
	switch script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg":
		return true
	}
	return false
}

// Date writes a day in full: "Thursday 26 November 2026".
func (w Words) Date(t time.Time) string {
	return w.day(w.DatePattern, w.Weekdays, w.Months, t)
}

// EventTime writes when an event starts: "Fri 27 Nov, 19:00"; without the time
// for one that takes all day.
func (w Words) EventTime(t time.Time, allDay bool) string {
	if allDay {
		return w.eventDay(t)
	}
	return w.eventTime(t, t.Format(w.Clock))
}

// EventHours writes when an event of one day starts and ends: "Fri 27 Nov,
// 19:00–21:30", in German "Fr., 27. Nov., 19:00–21:30 Uhr".
func (w Words) EventHours(starts, ends time.Time) string {
	return w.eventTime(starts, starts.Format(w.Clock)+"–"+ends.Format(w.Clock))
}

func (w Words) eventTime(t time.Time, hours string) string {
	return strings.NewReplacer("{date}", w.eventDay(t), "{time}", hours).Replace(w.EventTimePattern)
}

func (w Words) eventDay(t time.Time) string {
	return w.day(w.EventDayPattern, w.WeekdaysShort, w.MonthsShort, t)
}

func (w Words) day(pattern string, weekdays, months CalendarNames, t time.Time) string {
	return strings.NewReplacer(
		"{weekday}", weekdays[t.Weekday()],
		"{day}", strconv.Itoa(t.Day()),
		"{month}", months[t.Month()-1],
		"{month_number}", strconv.Itoa(int(t.Month())),
		"{year}", strconv.Itoa(t.Year()),
	).Replace(pattern)
}

// Number writes an edition's number: "No. 212".
func (w Words) Number(n int) string {
	return strings.ReplaceAll(w.NumberPattern, "{number}", strconv.Itoa(n))
}

// Dateline joins place, date and number, each of which may be empty: "Port
// Averne, Thursday 26 November 2026. No. 212".
func (w Words) Dateline(place, date, number string) string {
	_, rest, _ := strings.Cut(w.DatelinePattern, "{place}")
	afterPlace, rest, _ := strings.Cut(rest, "{date}")
	beforeNumber, _, _ := strings.Cut(rest, "{number}")
	line := place
	if line != "" && date != "" {
		line += afterPlace
	}
	line += date
	if line != "" && number != "" {
		line += beforeNumber
	}
	return line + number
}

// Reason says why a reader gets the newsletter.
func (w Words) Reason(newsletter string) string {
	return strings.ReplaceAll(w.ReasonPattern, "{newsletter}", newsletter)
}

// SponsoredBy marks a paid text with who pays; without a name it says Sponsored.
func (w Words) SponsoredBy(name string) string {
	if name == "" {
		return w.Sponsored
	}
	return strings.ReplaceAll(w.SponsoredByPattern, "{name}", name)
}

// AlsoIn names other publications that tell the same story, empty for none.
func (w Words) AlsoIn(publications ...string) string {
	publications = slices.DeleteFunc(slices.Clone(publications), func(p string) bool { return p == "" })
	if len(publications) == 0 {
		return ""
	}
	return strings.ReplaceAll(w.AlsoInPattern, "{names}", strings.Join(publications, w.Comma))
}

// Corrects says which edition a correction belongs to, by its day.
func (w Words) Corrects(edition time.Time) string {
	return strings.ReplaceAll(w.CorrectsPattern, "{date}", w.Date(edition))
}

// CountStories says how many stories there are: "7 stories".
func (w Words) CountStories(n int) string { return w.Stories.with(w.language, n) }

// CountMinutes says how long reading takes: "1 minute".
func (w Words) CountMinutes(n int) string { return w.Minutes.with(w.language, n) }

// Label returns the word for a story's label; a label that is not one of ours
// stays as it is.
func (w Words) Label(label string) string {
	switch label {
	case "sponsored":
		return w.Sponsored
	case "opinion":
		return w.Opinion
	case "analysis":
		return w.Analysis
	case "live":
		return w.Live
	case "update":
		return w.Update
	case "correction":
		return w.Correction
	}
	return label
}
