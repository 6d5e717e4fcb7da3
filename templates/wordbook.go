package templates

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gohugoio/locales"
	"github.com/gohugoio/locales/ar"
	"github.com/gohugoio/locales/de"
	"github.com/gohugoio/locales/en"
	"github.com/gohugoio/locales/es"
	"github.com/gohugoio/locales/fr"
	"github.com/gohugoio/locales/he"
	"github.com/gohugoio/locales/hi"
	"github.com/gohugoio/locales/it"
	"github.com/gohugoio/locales/ja"
	"github.com/gohugoio/locales/nl"
	"github.com/gohugoio/locales/pl"
	"github.com/gohugoio/locales/pt"
	"github.com/gohugoio/locales/tr"
	"github.com/gohugoio/locales/zh"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

//go:embed words/*.yaml
var wordFiles embed.FS

// Wordbook holds the fixed words of several languages by their BCP 47 tag.
type Wordbook map[string]Words

// For returns the words of the language, and whether there are any: for a
// language that has none it returns the English ones and false. A region or
// script without words of its own gets its language's; "zh-TW" is written in
// the script of "zh-Hant".
func (b Wordbook) For(tag string) (Words, bool) {
	parsed, err := language.Parse(tag)
	if err != nil {
		return b["en"], false
	}
	base, _, region := parsed.Raw()
	script, _ := parsed.Script()
	for _, name := range []string{base.String() + "-" + region.String(), base.String() + "-" + script.String(), base.String()} {
		if w, ok := b[name]; ok {
			return w, true
		}
	}
	return b["en"], false
}

// LoadWords returns the built-in words with those of the folder dir laid over
// them: LANGUAGE.yaml changes a language that is built in, key by key, or adds
// one, which then has to have every key. Every problem is named with its file
// and line.
func LoadWords(dir string) (Wordbook, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("words folder: %w", err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("words folder %s: %w", dir, err)
	}
	var files []wordFile
	var problems []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "#") || strings.HasSuffix(e.Name(), "~") {
			continue // an editor's or the system's own files
		}
		at := filepath.Join(dir, e.Name())
		tag, found := strings.CutSuffix(e.Name(), ".yaml")
		parsed, err := language.Parse(tag)
		if !found || err != nil || parsed == language.Und {
			problems = append(problems, fmt.Errorf("%s: name the file after its language, like da.yaml or fr-CA.yaml", at))
			continue
		}
		text, err := readFile(root, e.Name())
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", at, err))
			continue
		}
		files = append(files, wordFile{path: at, tag: parsed.String(), text: text})
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return builtIn().with(files)
}

// wordFile is one file of words.
type wordFile struct {
	path string // for messages
	tag  string
	text string
}

// builtIn reads the embedded files once. They are part of the program: one that
// can't be read is a mistake that no test lets through.
var builtIn = sync.OnceValue(func() Wordbook {
	all, err := readWords(wordFiles)
	if err != nil {
		panic(err)
	}
	return all
})

// readWords reads words/*.yaml.
func readWords(source fs.FS) (Wordbook, error) {
	paths, err := fs.Glob(source, "words/*.yaml")
	if err != nil {
		return nil, err
	}
	var files []wordFile
	for _, p := range paths {
		data, err := fs.ReadFile(source, p)
		if err != nil {
			return nil, err
		}
		files = append(files, wordFile{path: p, tag: strings.TrimSuffix(path.Base(p), ".yaml"), text: string(data)})
	}
	all, err := Wordbook{}.with(files)
	if err != nil {
		return nil, err
	}
	if _, ok := all["en"]; !ok {
		return nil, errors.New("words/en.yaml is missing")
	}
	for _, tag := range names(all) {
		if lack := all[tag].PagesLack(); len(lack) > 0 {
			return nil, fmt.Errorf("words/%s.yaml: pages lacks %s", tag, strings.Join(lack, ", "))
		}
		if lack := all[tag].MailsLack(); len(lack) > 0 {
			return nil, fmt.Errorf("words/%s.yaml: mails lacks %s", tag, strings.Join(lack, ", "))
		}
	}
	return all, nil
}

// with returns the words with the files laid over them, languages first, then
// their regions and scripts, each of which stands on what there is for it then.
func (b Wordbook) with(files []wordFile) (Wordbook, error) {
	all := maps.Clone(b)
	slices.SortFunc(files, func(x, y wordFile) int {
		return cmp.Or(strings.Count(x.tag, "-")-strings.Count(y.tag, "-"), strings.Compare(x.tag, y.tag))
	})
	var problems []error
	for _, f := range files {
		w, known := all.For(f.tag)
		if !known {
			w = fresh(f.tag)
		}
		if err := w.read(f); err != nil {
			problems = append(problems, err)
			continue
		}
		all[f.tag] = w
		// What a built-in region does not say otherwise follows a change of its
		// language: its own words are laid over the changed ones.
		for _, tag := range names(b) {
			if !strings.HasPrefix(tag, f.tag+"-") {
				continue
			}
			data, err := fs.ReadFile(wordFiles, "words/"+tag+".yaml")
			if err != nil {
				return nil, err
			}
			regional := w
			if err := regional.read(wordFile{path: "words/" + tag + ".yaml", tag: tag, text: string(data)}); err != nil {
				return nil, err
			}
			all[tag] = regional
		}
	}
	return all, errors.Join(problems...)
}

// fresh returns the words that a language has without any file: the names of
// its days and months, where its calendar is built in.
func fresh(tag string) Words {
	w := Words{}
	c := calendarOf(tag)
	if c == nil {
		return w
	}
	w.Weekdays, w.WeekdaysShort = c.WeekdaysWide(), c.WeekdaysAbbreviated()
	w.Months, w.MonthsShort = c.MonthsWide(), c.MonthsAbbreviated()
	if len(w.WeekdaysShort) == 0 { // a language without abbreviations
		w.WeekdaysShort = w.Weekdays
	}
	if len(w.MonthsShort) == 0 {
		w.MonthsShort = w.Months
	}
	return w
}

// calendarOf returns the CLDR's calendar of a language, nil where it is not
// built in. Regional data is not used: in the library it holds only what
// differs, with gaps.
func calendarOf(tag string) locales.Translator {
	switch tag {
	case "ar":
		return ar.New()
	case "de":
		return de.New()
	case "en":
		return en.New()
	case "es":
		return es.New()
	case "fr":
		return fr.New()
	case "he":
		return he.New()
	case "hi":
		return hi.New()
	case "it":
		return it.New()
	case "ja":
		return ja.New()
	case "nl":
		return nl.New()
	case "pl":
		return pl.New()
	case "pt":
		return pt.New()
	case "tr":
		return tr.New()
	case "zh":
		return zh.New()
	}
	return nil
}

// read lays a file over the words and holds the whole to its rules.
func (w *Words) read(f wordFile) error {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(f.text), &doc); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("%s: holds no words: write lines like `by: By`", f.path)
	}
	lines := map[string]int{}
	if err := w.start(reflect.ValueOf(w).Elem(), doc.Content[0], f.path, "", lines); err != nil {
		return err
	}
	if err := doc.Content[0].Decode(w); err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	w.language = language.Make(f.tag)
	var problems []error
	for _, p := range w.problems() {
		if line := lines[p.key]; line > 0 {
			problems = append(problems, fmt.Errorf("%s:%d: %s: %s", f.path, line, p.key, p.what))
		} else {
			problems = append(problems, fmt.Errorf("%s: %s: %s", f.path, p.key, p.what))
		}
	}
	for under, lack := range map[string][]string{"pages.": w.PagesLack(), "mails.": w.MailsLack()} {
		for _, key := range lack {
			if line := lines[under+key]; line > 0 {
				problems = append(problems, fmt.Errorf("%s:%d: %s%s: %s", f.path, line, under, key, textFault("")))
			}
		}
	}
	return errors.Join(problems...)
}

// start makes words ready for a file's mapping: each of its keys must be a
// field of the struct, its line is noted, and a plural of the file is that
// file's alone, not mixed with the one before.
func (w *Words) start(words reflect.Value, mapping *yaml.Node, path, under string, lines map[string]int) error {
	fields, known := map[string]reflect.Value{}, []string{}
	for _, f := range reflect.VisibleFields(words.Type()) {
		if f.IsExported() {
			fields[yamlKey(f)] = words.FieldByIndex(f.Index)
			known = append(known, yamlKey(f))
		}
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		field, found := fields[key.Value]
		if !found {
			return fmt.Errorf("%s:%d: unknown word %q%s", path, key.Line, under+key.Value, didYouMean("", key.Value, known))
		}
		lines[under+key.Value] = key.Line
		switch field.Interface().(type) {
		case Plural, CalendarNames:
			field.SetZero()
		case PageWords, MailWords:
			if value.Kind != yaml.MappingNode {
				return fmt.Errorf("%s:%d: %s: holds no words: write indented lines under it", path, key.Line, key.Value)
			}
			if err := w.start(field, value, path, key.Value+".", lines); err != nil {
				return err
			}
		}
	}
	return nil
}

// yamlKey is a field's key in a file of words.
func yamlKey(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return key
}
