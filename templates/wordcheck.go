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
// order of the keys.
func (w Words) problems() []wordProblem {
	var found []wordProblem
	add := func(key, format string, args ...any) {
		found = append(found, wordProblem{key, fmt.Sprintf(format, args...)})
	}
	v := reflect.ValueOf(w)
	for _, f := range reflect.VisibleFields(v.Type()) {
		if !f.IsExported() {
			continue
		}
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch value := v.FieldByIndex(f.Index).Interface().(type) {
		case string:
			if fault := textFault(value); fault != "" {
				add(key, "%s", fault)
				continue
			}
			for _, place := range places(key) {
				if !strings.Contains(value, place) && (place != "{month}" || !strings.Contains(value, "{month_number}")) {
					add(key, "%q has no %s", value, place)
				}
			}
			if unknown := strangePlace(key, value); unknown != "" {
				add(key, "%q: nothing is filled in for %s", value, unknown)
			}
		case Plural:
			w.pluralProblems(key, value, add)
		case CalendarNames:
			want := 7
			if strings.HasPrefix(key, "months") {
				want = 12
			}
			if len(value) != want {
				add(key, "needs %d names, has %d", want, len(value))
				continue
			}
			for _, name := range value {
				if fault := textFault(name); fault != "" {
					add(key, "%s", fault)
				}
			}
		}
	}
	if at := time.Date(2006, 1, 2, 21, 47, 0, 0, time.UTC).Format(w.Clock); w.Clock != "" && !strings.Contains(at, "47") {
		add("clock", "%q shows no minutes: write a time as 15:04 or 3:04 PM", w.Clock)
	}
	if p := w.DatelinePattern; strings.Index(p, "{place}") > strings.Index(p, "{date}") || strings.Index(p, "{date}") > strings.Index(p, "{number}") {
		add("dateline", "{place}, {date} and {number} stand in this order")
	}
	return found
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

// places are what an entry must hold.
func places(key string) []string {
	switch key {
	case "date":
		return []string{"{weekday}", "{day}", "{month}", "{year}"}
	case "event_day":
		return []string{"{weekday}", "{day}", "{month}"}
	case "event_time":
		return []string{"{date}", "{time}"}
	case "number":
		return []string{"{number}"}
	case "dateline":
		return []string{"{place}", "{date}", "{number}"}
	case "corrects":
		return []string{"{date}"}
	case "also_in":
		return []string{"{names}"}
	case "sponsored_by":
		return []string{"{name}"}
	case "reason":
		return []string{"{newsletter}"}
	}
	return nil
}

// strangePlace returns a {word} that the entry's kind does not fill in.
func strangePlace(key, value string) string {
	known := places(key)
	if slices.Contains(known, "{month}") {
		known = append(known, "{month_number}")
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
