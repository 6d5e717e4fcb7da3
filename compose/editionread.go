package compose

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"lede/internal/spelling"
)

// The limits of an edition file.
const (
	longestFile  = 1 << 20 // bytes
	longestText  = 20_000  // characters (runes) of one field
	mostSections = 200
	mostEntries  = 2000 // of a section
)

// ReadEditionFile reads what an editor hands back. Every fault is told with the
// file's name, its line and the field; all of them at once, joined.
func ReadEditionFile(name string, r io.Reader) (EditionFile, error) {
	data, err := io.ReadAll(io.LimitReader(r, longestFile+1))
	switch {
	case err != nil:
		return EditionFile{}, fmt.Errorf("%s: %w", name, err)
	case len(data) > longestFile:
		return EditionFile{}, fmt.Errorf("%s: longer than 1 MB: this is no edition file", name)
	case !utf8.Valid(data):
		return EditionFile{}, fmt.Errorf("%s: not in UTF-8", name)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return EditionFile{}, fmt.Errorf("%s: %s", name, strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: "))
	}
	f := fileReader{name: name}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return EditionFile{}, fmt.Errorf("%s: this is no edition file; `lede editions draft` writes one", name)
	}
	file := f.file(doc.Content[0])
	return file, errors.Join(f.faults...)
}

// fileReader gathers what is wrong with a file.
type fileReader struct {
	name   string
	faults []error
}

func (f *fileReader) fault(line int, field, format string, args ...any) {
	if len(f.faults) < 50 {
		f.faults = append(f.faults, fmt.Errorf("%s:%d: %s: %s", f.name, line, field, fmt.Sprintf(format, args...)))
	}
}

// fields returns the values of a mapping by their names, of which it knows some.
func (f *fileReader) fields(at string, node *yaml.Node, known ...string) map[string]*yaml.Node {
	found := map[string]*yaml.Node{}
	if node.Kind != yaml.MappingNode {
		f.fault(node.Line, at, "expected fields such as %s:", known[0])
		return found
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		field := under(at, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
			f.fault(key.Line, at, "expected the name of a field")
		case !slices.Contains(known, key.Value):
			hint := "; known here: " + strings.Join(known, ", ")
			if near := spelling.Nearest(key.Value, known); near != "" {
				hint = fmt.Sprintf("; did you mean %s?", near)
			}
			f.fault(key.Line, firstRunes(field, 80), "unknown field%s", hint)
		case found[key.Value] != nil:
			f.fault(key.Line, field, "given twice, first in line %d", found[key.Value].Line)
		case value.Kind == yaml.AliasNode || value.Anchor != "":
			f.fault(value.Line, field, "anchors and aliases (& and *) are not understood here; put text that begins so in quotation marks")
		default:
			found[key.Value] = value
		}
	}
	return found
}

func under(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func firstRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// text reads a field of text; nil where there is none.
func (f *fileReader) text(at, key string, fields map[string]*yaml.Node) *string {
	node := fields[key]
	if node == nil {
		return nil
	}
	switch {
	case node.Kind != yaml.ScalarNode:
		f.fault(node.Line, under(at, key), "expected text; put it in quotation marks if it holds a colon")
		return nil
	case utf8.RuneCountInString(node.Value) > longestText:
		f.fault(node.Line, under(at, key), "longer than %d characters", longestText)
		return nil
	case node.ShortTag() == "!!null":
		empty := ""
		return &empty
	}
	return &node.Value
}

func (f *fileReader) file(root *yaml.Node) EditionFile {
	fields := f.fields("", root, "newsletter", "slot", "revision", "subject", "preheader", "greeting", "new_stories", "lead", "sections", "left_out")
	need := func(key string) string {
		if fields[key] == nil {
			f.fault(root.Line, key, "missing; `lede editions draft` writes the file anew")
			return ""
		}
		return deref(f.text("", key, fields), "")
	}
	file := EditionFile{Newsletter: need("newsletter"), Subject: need("subject"), Preheader: need("preheader"), Greeting: need("greeting"), lines: map[string]int{}}
	for _, key := range []string{"subject", "greeting"} {
		if node := fields[key]; node != nil {
			file.lines[key] = node.Line
		}
	}
	if slot := need("slot"); slot != "" {
		at, err := time.Parse(time.RFC3339Nano, slot)
		if err != nil {
			f.fault(fields["slot"].Line, "slot", "%q is no time; leave this line as it was written", firstRunes(slot, 40))
		}
		file.Slot = at.UTC()
	}
	if revision := need("revision"); revision != "" {
		n, err := strconv.Atoi(revision)
		if err != nil || n < 1 {
			f.fault(fields["revision"].Line, "revision", "%q is no revision; leave this line as it was written", firstRunes(revision, 40))
		}
		file.Revision = n
	}
	switch word := deref(f.text("", "new_stories", fields), "add"); word {
	case "add":
	case "leave":
		file.LeaveNew = true
	default:
		f.fault(fields["new_stories"].Line, "new_stories", "%q is not add or leave", firstRunes(word, 40))
	}
	switch lead := fields["lead"]; {
	case lead == nil:
		f.fault(root.Line, "lead", "missing; write lead: none for an edition without one")
	case lead.Kind == yaml.ScalarNode && lead.Value == "none":
	case lead.Kind != yaml.MappingNode:
		f.fault(lead.Line, "lead", "expected a story, or none")
	default:
		s := f.story("lead", lead, "standfirst")
		if s.ID == "" {
			f.fault(lead.Line, "lead.story", "missing: a lead is one of the stories")
		}
		file.Lead = &s
	}
	if fields["sections"] == nil {
		f.fault(root.Line, "sections", "missing")
		return file
	}
	for i, node := range f.list("sections", fields["sections"], mostSections) {
		file.Sections = append(file.Sections, f.section(fmt.Sprintf("sections[%d]", i), node))
	}
	return file
}

// list returns the entries of a list.
func (f *fileReader) list(at string, node *yaml.Node, most int) []*yaml.Node {
	switch {
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null":
		return nil
	case node.Kind != yaml.SequenceNode:
		f.fault(node.Line, at, `expected a list: lines that begin with "- "`)
		return nil
	case len(node.Content) > most:
		f.fault(node.Line, at, "more than %d entries", most)
		return nil
	}
	return node.Content
}

func (f *fileReader) section(at string, node *yaml.Node) FileSection {
	fields := f.fields(at, node, "title", "kind", "stories")
	s := FileSection{Title: deref(f.text(at, "title", fields), ""), Kind: deref(f.text(at, "kind", fields), sectionBriefs), line: node.Line}
	if fields["stories"] != nil {
		for i, story := range f.list(under(at, "stories"), fields["stories"], mostEntries) {
			s.Stories = append(s.Stories, f.story(fmt.Sprintf("%s.stories[%d]", at, i), story, "teaser"))
		}
	}
	return s
}

// story reads an entry. short is what its short text is called there.
func (f *fileReader) story(at string, node *yaml.Node, short string) FileStory {
	fields := f.fields(at, node, "story", "headline", "teaser", "text", "standfirst", "link", "pin", "why")
	if fields[short] == nil && short == "standfirst" {
		short = "teaser" // it was a brief
	}
	s := FileStory{
		ID: deref(f.text(at, "story", fields), ""), Headline: f.text(at, "headline", fields), Teaser: f.text(at, short, fields),
		Text: f.text(at, "text", fields), Link: deref(f.text(at, "link", fields), ""), line: node.Line,
	}
	if pin := fields["pin"]; pin != nil {
		switch pin.Value {
		case "true":
			s.Pin = true
		case "false":
		default:
			f.fault(pin.Line, under(at, "pin"), "%q is not true or false", firstRunes(pin.Value, 40))
		}
	}
	switch u, err := url.Parse(s.Link); {
	case s.Link == "":
	case s.ID != "":
		f.fault(node.Line, under(at, "link"), "a story has the link of its source; only a brief of your own has one here")
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		f.fault(fields["link"].Line, under(at, "link"), "%q is no web address (https://…)", firstRunes(s.Link, 80))
	}
	if s.ID == "" && at != "lead" && deref(s.Headline, "") == "" && deref(s.Teaser, "") == "" && deref(s.Text, "") == "" && len(fields) > 0 {
		f.fault(node.Line, under(at, "headline"), "missing: a brief of your own has a headline, a teaser or a text")
	}
	return s
}
