package templates

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gohugoio/locales"
	"github.com/gohugoio/locales/ar"
	"github.com/gohugoio/locales/de"
	"github.com/gohugoio/locales/en"
	"github.com/gohugoio/locales/es"
	"github.com/gohugoio/locales/fr"
	"github.com/gohugoio/locales/he"
	"github.com/gohugoio/locales/it"
	"github.com/gohugoio/locales/nl"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

// Words are the fixed words of a letter in one language, and its way of
// writing dates. They are kept in words/LANGUAGE.yaml; a regional file
// (words/en-US.yaml) says only what differs.
type Words struct {
	DatePattern     string `yaml:"date"`      // {weekday} {day} {month} {year}, in full
	EventDayPattern string `yaml:"event_day"` // {weekday} {day} {month}, abbreviated
	Clock           string `yaml:"clock"`     // a layout of package time
	NumberPattern   string `yaml:"number"`    // {number}
	By              string `yaml:"by"`        // stands before an author's name
	ContinueReading string `yaml:"continue_reading"`
	OnTheWeb        string `yaml:"on_the_web"` // before the link to a lead that was told whole
	Picture         string `yaml:"picture"`    // before a picture's credit
	Sponsored       string `yaml:"sponsored"`
	Opinion         string `yaml:"opinion"`
	Analysis        string `yaml:"analysis"`
	Live            string `yaml:"live"`
	Update          string `yaml:"update"`
	Correction      string `yaml:"correction"`
	Editor          string `yaml:"editor"` // after the name of the editor under a note
	ReasonPattern   string `yaml:"reason"` // {newsletter}
	Unsubscribe     string `yaml:"unsubscribe"`
	View            string `yaml:"view"`
	Imprint         string `yaml:"imprint"`
	Privacy         string `yaml:"privacy"`
	Comma           string `yaml:"comma"` // between the parts of a line, with its space

	calendar locales.Translator
}

//go:embed words/*.yaml
var wordFiles embed.FS

// WordsFor returns the fixed words of the language, a BCP 47 tag, and whether
// there are any: for a language that has none it returns the English ones and
// false. A region or script without words of its own gets its language's.
func WordsFor(tag string) (Words, bool) {
	all := allWords()
	parsed, err := language.Parse(tag)
	if err != nil {
		return all["en"], false
	}
	base, _, region := parsed.Raw()
	if w, ok := all[base.String()+"-"+region.String()]; ok {
		return w, true
	}
	if w, ok := all[base.String()]; ok {
		return w, true
	}
	return all["en"], false
}

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
	return strings.NewReplacer(
		"{weekday}", w.calendar.WeekdayWide(t.Weekday()),
		"{day}", strconv.Itoa(t.Day()),
		"{month}", w.calendar.MonthWide(t.Month()),
		"{year}", strconv.Itoa(t.Year()),
	).Replace(w.DatePattern)
}

// EventTime writes when an event starts: "Fri 27 Nov, 19:00"; without the time
// for one that takes all day. A language without abbreviations has the names in
// full.
func (w Words) EventTime(t time.Time, allDay bool) string {
	day := strings.NewReplacer(
		"{weekday}", cmp.Or(w.calendar.WeekdayAbbreviated(t.Weekday()), w.calendar.WeekdayWide(t.Weekday())),
		"{day}", strconv.Itoa(t.Day()),
		"{month}", cmp.Or(w.calendar.MonthAbbreviated(t.Month()), w.calendar.MonthWide(t.Month())),
	).Replace(w.EventDayPattern)
	if allDay {
		return day
	}
	return day + w.Comma + t.Format(w.Clock)
}

// Number writes an edition's number: "No. 212".
func (w Words) Number(n int) string {
	return strings.ReplaceAll(w.NumberPattern, "{number}", strconv.Itoa(n))
}

// Reason says why a reader gets the newsletter.
func (w Words) Reason(newsletter string) string {
	return strings.ReplaceAll(w.ReasonPattern, "{newsletter}", newsletter)
}

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

// allWords reads the embedded files once. They are part of the program: one
// that can't be read is a mistake that no test lets through.
var allWords = sync.OnceValue(func() map[string]Words {
	all, err := readWords(wordFiles)
	if err != nil {
		panic(err)
	}
	return all
})

// readWords reads words/*.yaml. A regional file is laid over its language's.
func readWords(files fs.FS) (map[string]Words, error) {
	// Names of days and months come from the CLDR. Regional data is not used:
	// in the library it holds only what differs, with gaps.
	calendars := map[string]locales.Translator{
		"ar": ar.New(), "de": de.New(), "en": en.New(), "es": es.New(),
		"fr": fr.New(), "he": he.New(), "it": it.New(), "nl": nl.New(),
	}
	names, err := fs.Glob(files, "words/*.yaml")
	if err != nil {
		return nil, err
	}
	all := map[string]Words{}
	for _, regional := range []bool{false, true} {
		for _, name := range names {
			tag := strings.TrimSuffix(strings.TrimPrefix(name, "words/"), ".yaml")
			base, _, isRegional := strings.Cut(tag, "-")
			if isRegional != regional {
				continue
			}
			w, known := all[base] // for a language itself: nothing yet
			if regional && !known {
				return nil, fmt.Errorf("%s: there is no words/%s.yaml that it could stand on", name, base)
			}
			data, err := fs.ReadFile(files, name)
			if err != nil {
				return nil, err
			}
			decoder := yaml.NewDecoder(bytes.NewReader(data))
			decoder.KnownFields(true)
			if err := decoder.Decode(&w); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if w.calendar = calendars[base]; w.calendar == nil {
				return nil, fmt.Errorf("%s: no calendar is built in for %q", name, base)
			}
			all[tag] = w
		}
	}
	if _, ok := all["en"]; !ok {
		return nil, errors.New("words/en.yaml is missing")
	}
	return all, nil
}
