package source

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"lede/internal/spelling"
)

// field is one key of a story file's front matter. A set function reads the
// value; its error is told with file, line and key.
type field struct {
	key string
	set func(r *frontReader, v *yaml.Node) error
}

var fields = []field{
	{"title", func(r *frontReader, v *yaml.Node) error { return line(v, &r.story.Title, maxTitle) }},
	{"url", (*frontReader).url},
	{"author", func(r *frontReader, v *yaml.Node) error { return names(v, &r.story.Author) }},
	{"date", func(r *frontReader, v *yaml.Node) error { return r.instant(v, &r.date, nil) }},
	{"image", (*frontReader).image},
	{"image_alt", func(r *frontReader, v *yaml.Node) error { r.pic.HasAlt = true; return line(v, &r.pic.Alt, 2*maxTitle) }},
	{"image_caption", func(r *frontReader, v *yaml.Node) error { return line(v, &r.pic.Caption, 2*maxTitle) }},
	{"image_credit", func(r *frontReader, v *yaml.Node) error { return line(v, &r.pic.Credit, maxName) }},
	{"summary", (*frontReader).summary},
	{"lead", func(r *frontReader, v *yaml.Node) error { return truth(v, &r.story.Lead) }},
	{"section", func(r *frontReader, v *yaml.Node) error { return line(v, &r.story.Section, maxName) }},
	{"kind", (*frontReader).kind},
	{"label", (*frontReader).label},
	{"lang", (*frontReader).lang},
	{"starts", func(r *frontReader, v *yaml.Node) error { return r.instant(v, &r.story.Starts, &r.story.AllDay) }},
	{"ends", func(r *frontReader, v *yaml.Node) error { return r.instant(v, &r.story.Ends, nil) }},
	{"number", func(r *frontReader, v *yaml.Node) error { return line(v, &r.story.Number, maxNumber) }},
	{"corrects", (*frontReader).corrects},
	{"place", func(r *frontReader, v *yaml.Node) error { return line(v, &r.story.Place, maxName) }},
	{"draft", func(r *frontReader, v *yaml.Node) error { return truth(v, &r.draft) }},
	{"from", func(r *frontReader, v *yaml.Node) error { return r.instant(v, &r.story.From, nil) }},
	{"until", func(r *frontReader, v *yaml.Node) error { return r.instant(v, &r.story.Until, nil) }},
	{"tags", func(r *frontReader, v *yaml.Node) error { return list(v, &r.story.Tags) }},
	{"weight", (*frontReader).weight},
	{"when", (*frontReader).when},
	{"repeat", func(r *frontReader, v *yaml.Node) error { return truth(v, &r.story.Repeat) }},
}

// frontReader fills a story from its front matter.
type frontReader struct {
	story *Story
	pic   Image
	date  time.Time
	draft bool
	zone  *time.Location
	dir   string // of the story file, inside the folder
	exist func(name string) error
	lines map[string]int // of the keys that were given, counted from the file's start
}

// read takes the values of a YAML mapping. before is the number of lines above
// it. All that is wrong is returned, each with its line.
func (r *frontReader) read(doc *yaml.Node, before int) []error {
	r.lines = map[string]int{}
	if doc.Kind == 0 || len(doc.Content) == 0 { // nothing but comments
		return nil
	}
	top := doc.Content[0]
	if top.Kind == yaml.ScalarNode && top.Tag == "!!null" {
		return nil
	}
	if top.Kind != yaml.MappingNode {
		return []error{lineError{before + top.Line, errors.New("the front matter holds no `key: value` lines")}}
	}
	var bad []error
	for i := 0; i+1 < len(top.Content); i += 2 {
		k, v := top.Content[i], top.Content[i+1]
		at := before + k.Line
		switch f := slices.IndexFunc(fields, func(f field) bool { return f.key == k.Value }); {
		case f < 0:
			bad = append(bad, lineError{at, fmt.Errorf("%s: unknown key%s", short(k.Value), didYouMean(k.Value))})
		case r.lines[k.Value] > 0:
			bad = append(bad, lineError{at, fmt.Errorf("%s: stands here twice, first at line %d", k.Value, r.lines[k.Value])})
		default:
			r.lines[k.Value] = at
			if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
				continue // a key without a value says nothing
			}
			if err := fields[f].set(r, v); err != nil {
				bad = append(bad, lineError{at, fmt.Errorf("%s: %w", k.Value, err)})
			}
		}
	}
	return append(bad, r.agree()...)
}

// agree checks what only several keys together tell.
func (r *frontReader) agree() []error {
	var bad []error
	wrong := func(key, format string, args ...any) {
		bad = append(bad, lineError{r.lines[key], fmt.Errorf(key+": "+format, args...)})
	}
	s := r.story
	if s.Kind == KindEvent && r.lines["starts"] == 0 {
		wrong("kind", "an event needs `starts`")
	}
	if !s.Starts.IsZero() && s.Kind != KindEvent {
		wrong("starts", "belongs to `kind: event`")
	}
	switch {
	case s.Ends.IsZero():
	case s.Kind != KindEvent:
		wrong("ends", "belongs to `kind: event`")
	case s.Ends.Before(s.Starts):
		wrong("ends", "is before `starts`")
	}
	if s.Kind == KindNumber && s.Number == "" {
		wrong("kind", "a number needs `number`, such as number: 164 steps")
	}
	if s.Number != "" && s.Kind != KindNumber {
		wrong("number", "belongs to `kind: number`")
	}
	if s.Corrects != "" && s.Kind != KindCorrection {
		wrong("corrects", "belongs to `kind: correction`")
	}
	if !s.From.IsZero() && !s.Until.IsZero() && !s.Until.After(s.From) {
		wrong("until", "is not after `from`")
	}
	if s.Lead && s.Kind != KindStory {
		wrong("lead", "only a story can be the lead, and this is of `kind: %s`", s.Kind)
	}
	return bad
}

// lineError is a complaint about a line of a story file.
type lineError struct {
	line int
	err  error
}

func (e lineError) Error() string { return e.err.Error() }

func scalar(v *yaml.Node) (string, error) {
	if v.Kind != yaml.ScalarNode {
		return "", errors.New("wants one value")
	}
	return strings.TrimSpace(v.Value), nil
}

// line reads one line of plain text. Front matter is no HTML: angle brackets
// and ampersands stand for themselves.
func line(v *yaml.Node, to *string, limit int) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	if s = fold(clean(s)); len([]rune(s)) > limit {
		return fmt.Errorf("is longer than %d characters", limit)
	}
	*to = s
	return nil
}

// names reads one name or a list of them.
func names(v *yaml.Node, to *string) error {
	if v.Kind != yaml.SequenceNode {
		return line(v, to, maxName)
	}
	var all []string
	if err := list(v, &all); err != nil {
		return err
	}
	*to = strings.Join(all, ", ")
	return nil
}

// list reads a sequence, or one line parted by commas.
func list(v *yaml.Node, to *[]string) error {
	var parts []string
	switch v.Kind {
	case yaml.SequenceNode:
		for _, e := range v.Content {
			var s string
			if err := line(e, &s, maxName); err != nil {
				return err
			}
			parts = append(parts, s)
		}
	case yaml.ScalarNode:
		parts = strings.Split(v.Value, ",")
	default:
		return errors.New("wants a list, such as [harbour, tides]")
	}
	*to = tags(parts)
	return nil
}

func truth(v *yaml.Node, to *bool) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	switch strings.ToLower(s) {
	case "true", "yes", "on":
		*to = true
	case "false", "no", "off":
		*to = false
	default:
		return fmt.Errorf("%q is neither true nor false", short(s))
	}
	return nil
}

// Layouts of dates and times as people write them, the exact ones first.
var (
	zoned = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04 Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04 -0700"}
	local = []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05"}
)

// instant reads a date with or without a time. Without an offset it is in the
// newsletter's zone; a date alone is its midnight.
func (r *frontReader) instant(v *yaml.Node, to *time.Time, allDay *bool) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	for _, layout := range zoned {
		if t, err := time.Parse(layout, s); err == nil {
			*to = t.UTC()
			return nil
		}
	}
	for _, layout := range local {
		if t, err := time.ParseInLocation(layout, s, r.zone); err == nil {
			*to = t.UTC()
			return nil
		}
	}
	t, err := time.ParseInLocation(time.DateOnly, s, r.zone)
	if err != nil {
		return fmt.Errorf("%q is no date; write 2026-11-23 or 2026-11-23 06:30", short(s))
	}
	*to = t.UTC()
	if allDay != nil {
		*allDay = true
	}
	return nil
}

func (r *frontReader) url(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	if r.story.URL = absolute(s, nil); r.story.URL == "" {
		return fmt.Errorf("%q is no web address; it starts with https://", short(s))
	}
	r.story.Canonical = Canonical(r.story.URL)
	return nil
}

func (r *frontReader) image(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	if s == "" {
		return nil
	}
	if strings.Contains(s, "://") {
		if r.pic.URL = absolute(s, nil); r.pic.URL == "" {
			return fmt.Errorf("%q is no web address", short(s))
		}
		return nil
	}
	if err := r.file(s); err != nil {
		return fmt.Errorf("%q %w", short(s), err)
	}
	return nil
}

// file takes a path beside the story file as the picture's.
func (r *frontReader) file(name string) error {
	if path.IsAbs(name) {
		return errors.New("is an absolute path; name a file beside the story")
	}
	if strings.ContainsAny(name, "\x00\\") {
		return errors.New("is no path; it is written with /")
	}
	name = path.Join(r.dir, name)
	if err := localPath(name); err != nil {
		return err
	}
	if err := r.exist(name); err != nil {
		return err
	}
	r.pic.Path = name
	return nil
}

func (r *frontReader) summary(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	var parts []string
	for _, p := range blankLine.Split(clean(s), -1) {
		if p = fold(p); p != "" {
			parts = append(parts, p)
		}
	}
	r.story.Summary = strings.Join(parts, "\n\n")
	return nil
}

func (r *frontReader) kind(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	if k := Kind(s); slices.Contains(Kinds(), k) {
		r.story.Kind = k
		return nil
	}
	var known []string
	for _, k := range Kinds() {
		known = append(known, string(k))
	}
	return fmt.Errorf("%q is none of %s", short(s), strings.Join(known, ", "))
}

// maxNumber is the length of a number with its unit, in characters: what is
// longer is no figure.
const maxNumber = 24

var editionID = regexp.MustCompile(`^[0-9A-Za-z]{4,64}$`)

// corrects reads the id of an edition, or its beginning.
func (r *frontReader) corrects(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	if s != "" && !editionID.MatchString(s) {
		return fmt.Errorf("%q is no edition; write the id that `lede editions list` shows", short(s))
	}
	r.story.Corrects = s
	return nil
}

func (r *frontReader) label(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	if s != "" && !slices.Contains(labels, s) {
		return fmt.Errorf("%q is none of %s", short(s), strings.Join(labels, ", "))
	}
	r.story.Label = s
	return nil
}

func (r *frontReader) lang(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	if r.story.Lang = languageTag(s); r.story.Lang == "" {
		return fmt.Errorf("%q is no language; write en or pt-BR", short(s))
	}
	return nil
}

func (r *frontReader) weight(v *yaml.Node) error {
	s, err := scalar(v)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < -1000 || n > 1000 {
		return fmt.Errorf("%q is no whole number from -1000 to 1000", short(s))
	}
	r.story.Weight = n
	return nil
}

// short keeps what strangers wrote from filling a message.
func short(s string) string { return oneLine(s, 60) }

// didYouMean names the known key that an unknown one was probably meant to be.
func didYouMean(key string) string {
	var known []string
	for _, f := range fields {
		known = append(known, f.key)
	}
	if near := spelling.Nearest(key, known); near != "" {
		return "; did you mean `" + near + "`?"
	}
	return ""
}
