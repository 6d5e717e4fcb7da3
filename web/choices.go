package web

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lede/audience"
	"lede/templates"
)

// The options of a pause that are no number of weeks.
const (
	pauseNone  = ""
	pauseKept  = "kept"
	pauseUntil = "until"
)

// longestPause bounds a pause: who wants nothing for longer leaves.
const longestPause = 366 * 24 * time.Hour

// wrongChoices says which fields of the form can't be taken.
type wrongChoices struct{ zone, day bool }

// show tells what is wrong, beside what was typed.
func (wrong wrongChoices) show(v *view, form url.Values) {
	c := v.Choices
	if wrong.zone {
		c.Zone = one(form, "timezone")
		c.ZoneWrong = v.Words.Pages.ZoneWrong.With("zone", "Europe/Lisbon")
	}
	if wrong.day {
		c.DayWrong = v.Words.Pages.DayWrong
	}
	c.Pause, c.Until = one(form, "pause"), one(form, "until")
	for i := range c.Letters {
		c.Letters[i].Gets = slices.Contains(form["get"], c.Letters[i].ID)
	}
	if chosen := one(form, "language"); chosen != "" {
		c.Languages = languageChoices(chosen)
	}
	if c.Data {
		c.Name = one(form, "name")
	}
}

// readChoices reads the form of the page of preferences. What did not stand on
// the page stays as it is: so do newsletters that were published since, and a
// name that a link from a letter does not show.
func (h site) readChoices(form url.Values, a asker) (p audience.Preferences, wrong wrongChoices) {
	p = audience.Preferences{
		Name: a.person.Name, Paused: a.person.Paused,
		Timezone: a.person.Attributes[audience.AttributeTimezone], Language: a.person.Attributes[audience.AttributeLanguage],
	}
	for _, n := range h.letters(form["offered"]) {
		got, wanted := gets(a.person, n), slices.Contains(form["get"], n.ID)
		switch {
		case got && !wanted:
			p.Leave = append(p.Leave, audience.Letters{Newsletter: n.ID, Lists: h.ownLists(n)})
		case wanted && !got && h.joinable(n):
			p.Join = append(p.Join, audience.Letters{Newsletter: n.ID, Lists: n.Lists})
		}
	}
	if a.data() && form.Has("name") {
		e := entered{name: one(form, "name")}
		if r := []rune(e.name); len(r) > maxName {
			e.name = string(r[:maxName])
		}
		if name, err := audience.CleanName(e.name); err == nil {
			p.Name = name
		}
	}
	if form.Has("timezone") {
		p.Timezone = one(form, "timezone")
		wrong.zone = p.Timezone != "" && !knownZone(p.Timezone)
	}
	if form.Has("language") {
		p.Language = ""
		if _, known := languageNames[one(form, "language")]; known {
			p.Language = one(form, "language")
		}
	}
	if form.Has("pause") {
		p.Paused, wrong.day = h.readPause(form, a)
	}
	return p, wrong
}

// readPause reads how long nothing is to come.
func (h site) readPause(form url.Values, a asker) (until time.Time, wrong bool) {
	now := h.now()
	choice := one(form, "pause")
	if one(form, "until") != "" && (choice == pauseNone || choice == pauseKept) {
		choice = pauseUntil // whoever gave a day means it, and so a wrong one is told
	}
	switch choice {
	case pauseKept:
		return a.person.Paused, false
	case pauseUntil:
		day, err := time.ParseInLocation(time.DateOnly, one(form, "until"), h.zoneOf(a))
		return day.UTC(), err != nil || !day.After(now) || day.Sub(now) > longestPause
	case pauseNone:
		if !a.person.Paused.After(now) {
			return a.person.Paused, false // it is over, and nothing changes
		}
		return time.Time{}, false
	default:
		weeks, err := strconv.Atoi(choice)
		return now.AddDate(0, 0, 7*weeks), err != nil || weeks < 1 || weeks > 52
	}
}

// languageOf is the language of the pages that a person chose; empty: none that
// there are words for.
func (h site) languageOf(a asker) string {
	chosen := a.person.Attributes[audience.AttributeLanguage]
	if chosen == "" {
		return ""
	}
	words, known := templates.WordsFor(chosen)
	if !known {
		return ""
	}
	return words.Language()
}

// personalSpeech is how pages speak to the person behind a link: in the language
// that the person chose, else in the newsletter's.
func (h site) personalSpeech(a asker, its speech) speech {
	chosen := h.languageOf(a)
	if chosen == "" {
		return its
	}
	if words, known := templates.WordsFor(its.Lang); known && words.Language() == chosen {
		return its // with the newsletter's own words
	}
	words, _ := templates.WordsFor(chosen)
	return speechIn(words, chosen)
}

// languageNames are the languages that there are words for, as each calls
// itself.
var languageNames = map[string]string{
	"ar": "العربية", "de": "Deutsch", "en": "English", "en-US": "English (US)", "es": "español", "fr": "français", "he": "עברית",
	"hi": "हिन्दी", "it": "italiano", "ja": "日本語", "nl": "Nederlands", "pl": "polski", "pt": "português", "pt-BR": "português (Brasil)",
	"tr": "Türkçe", "zh": "简体中文", "zh-Hant": "繁體中文",
}

// languageChoices are the languages of pages, in the order of their tags.
func languageChoices(chosen string) []languageChoice {
	var all []languageChoice
	for _, tag := range templates.Languages() {
		if name, known := languageNames[tag]; known {
			all = append(all, languageChoice{tag, name, tag == chosen})
		}
	}
	return all
}

// knownZone says whether a time zone is one of the IANA's.
func knownZone(name string) bool {
	if name == "" || name == "Local" || len(name) > 64 {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

// commonZones are offered; any other of the IANA's may be typed.
var commonZones = strings.Fields(`
	Africa/Algiers Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Nairobi
	America/Anchorage America/Argentina/Buenos_Aires America/Bogota America/Caracas America/Chicago America/Denver America/Halifax
	America/Lima America/Los_Angeles America/Mexico_City America/New_York America/Phoenix America/Santiago America/Sao_Paulo
	America/St_Johns America/Toronto America/Vancouver
	Asia/Baghdad Asia/Bangkok Asia/Dhaka Asia/Dubai Asia/Hong_Kong Asia/Jakarta Asia/Jerusalem Asia/Karachi Asia/Kathmandu
	Asia/Kolkata Asia/Manila Asia/Riyadh Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tashkent Asia/Tehran Asia/Tokyo
	Atlantic/Azores Atlantic/Canary Atlantic/Reykjavik
	Australia/Adelaide Australia/Brisbane Australia/Perth Australia/Sydney
	Europe/Amsterdam Europe/Athens Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Copenhagen Europe/Dublin Europe/Helsinki
	Europe/Istanbul Europe/Kyiv Europe/Lisbon Europe/London Europe/Madrid Europe/Moscow Europe/Oslo Europe/Paris Europe/Prague
	Europe/Rome Europe/Stockholm Europe/Vienna Europe/Warsaw Europe/Zurich
	Pacific/Auckland Pacific/Honolulu`)

// zoneOptions are commonZones as a page lists them. They are most of its
// elements and the same for everybody, so they are written once.
var zoneOptions = func() template.HTML {
	var b strings.Builder
	for _, zone := range commonZones {
		b.WriteString(`<option value="` + template.HTMLEscapeString(zone) + `"></option>`)
	}
	return template.HTML(b.String()) //nolint:gosec // escaped
}()
