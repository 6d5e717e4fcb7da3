package templates

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// longestWords bounds one entry of a file of words, in bytes: all of them
// together must leave a letter its size.
const longestWords = 400

// wordProblem is what is wrong with one entry.
type wordProblem struct{ key, what string }

// problems says what is missing or wrong in the words of a language, in the
// order of the keys. Words of pages and of mails of our own may
// be missing: see PagesLack and MailsLack.
func (w Words) problems() []wordProblem {
	var found []wordProblem
	w.entries(reflect.ValueOf(w), "", func(key, format string, args ...any) {
		found = append(found, wordProblem{key, fmt.Sprintf(format, args...)})
	})
	if at := time.Date(2006, 1, 2, 21, 47, 0, 0, time.UTC).Format(w.Clock); w.Clock != "" && !strings.Contains(at, "47") {
		found = append(found, wordProblem{"clock", fmt.Sprintf("%q shows no minutes: write a time as 15:04 or 3:04 PM", w.Clock)})
	}
	if p := w.DatelinePattern; strings.Index(p, "{place}") > strings.Index(p, "{date}") || strings.Index(p, "{date}") > strings.Index(p, "{number}") {
		found = append(found, wordProblem{"dateline", "{place}, {date} and {number} stand in this order"})
	}
	return found
}

// entries looks at each entry of a struct of words. under is what its keys begin
// with.
func (w Words) entries(v reflect.Value, under string, add func(key, format string, args ...any)) {
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.IsExported() {
			continue
		}
		key, field := under+yamlKey(f), v.FieldByIndex(f.Index)
		switch value := field.Interface().(type) {
		case PageWords, MailWords:
			w.entries(field, key+".", add)
		case Plural:
			if under == "" || value != nil {
				w.pluralProblems(key, value, add)
			}
		case CalendarNames:
			if f.Name != "MonthsAlone" || len(value) > 0 {
				calendarProblems(key, value, add)
			}
		default:
			if text := field.String(); under == "" || text != "" {
				textProblems(key, text, f, add)
			}
		}
	}
}

func calendarProblems(key string, names CalendarNames, add func(string, string, ...any)) {
	want := 7
	if strings.Contains(key, "months") {
		want = 12
	}
	if len(names) != want {
		add(key, "needs %d names, has %d", want, len(names))
		return
	}
	for _, name := range names {
		if fault := textFault(name); fault != "" {
			add(key, "%s", fault)
		}
	}
}

// textProblems holds a text to the places that its field's tag names.
func textProblems(key, text string, f reflect.StructField, add func(string, string, ...any)) {
	if fault := textFault(text); fault != "" {
		add(key, "%s", fault)
		return
	}
	for _, place := range places(f) {
		if !strings.Contains(text, place) && (place != "{month}" || !strings.Contains(text, "{month_number}")) {
			add(key, "%q has no %s", text, place)
		}
	}
	if unknown := strangePlace(places(f), text); unknown != "" {
		add(key, "%q: nothing is filled in for %s", text, unknown)
	}
}

func (w Words) pluralProblems(key string, p Plural, add func(string, string, ...any)) {
	for _, c := range counted(w.language) {
		if p[c] == "" {
			add(key, "has no words for %q, which %s counts in", c, w.language)
		}
	}
	if p["other"] == "" && !slices.Contains(counted(w.language), "other") {
		add(key, "has no words for %q", "other")
	}
	for _, c := range names(p) {
		switch {
		case !slices.Contains(categories, c):
			add(key, "%q is no category of numbers: zero, one, two, few, many, other", c)
		case p[c] != "" && textFault(p[c]) != "":
			add(key, "%s", textFault(p[c]))
		case c == "other" && !strings.Contains(p[c], "{n}"):
			add(key, "%q has no {n}", p[c])
		}
	}
}

// textFault says why a text can't be words of a letter.
func textFault(s string) string {
	switch {
	case strings.TrimSpace(s) == "":
		return "is missing or empty"
	case len(s) > longestWords:
		return fmt.Sprintf("is longer than %d bytes", longestWords)
	case strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' || r >= '\u007f' && r < '\u00a0' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff'
	}):
		return "holds a line break, a control character or a mark that turns the direction of writing"
	}
	return ""
}

// places are what an entry must hold, in braces.
func places(f reflect.StructField) []string {
	var all []string
	for name := range strings.SplitSeq(f.Tag.Get("fills"), ",") {
		if name != "" {
			all = append(all, "{"+name+"}")
		}
	}
	return all
}

// strangePlace returns a {word} that is none of the known places.
func strangePlace(known []string, value string) string {
	if slices.Contains(known, "{month}") {
		known = append(slices.Clone(known), "{month_number}")
	}
	for rest := value; ; {
		from := strings.IndexByte(rest, '{')
		if from < 0 {
			return ""
		}
		to := strings.IndexByte(rest[from:], '}')
		if to < 0 {
			return rest[from:]
		}
		if place := rest[from : from+to+1]; !slices.Contains(known, place) {
			return place
		}
		rest = rest[from+to+1:]
	}
}
