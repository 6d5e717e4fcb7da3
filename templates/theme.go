// Package templates holds the look of letters: themes as plain .html and .txt
// templates, embedded in the program, each of whose files a newsletter's own
// folder may replace.
//
// A theme is a set of partials. The file lead.html is the partial "lead":
// {{template "lead" .Lead}} calls it. layout.html is the whole of a letter's
// HTML, text.txt the whole of its text part. What a partial is given is
// described by the types Letter, Lead, Section, Brief and Footer; a theme that
// asks for more does not load. Themes are escaped by html/template and have no
// functions beyond Go's own and a few of ours: what a story says can't run.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	texttemplate "text/template"
	"text/template/parse"
)

// maxFile is how large a template may be. The largest of ours has 4 KB.
const maxFile = 1 << 20

// base is the folder of the partials that all themes have in common; a theme's
// file of the same name replaces one.
const base = "base"

//go:embed base broadsheet bulletin letter
var themes embed.FS

// Theme is a set of templates that a letter is set with. It may be used by
// several goroutines at the same time.
type Theme struct {
	Name   string
	Tokens Tokens                 // what the letter is set with
	Look   Look                   // the same as templates see it: a Page's
	HTML   *template.Template     // entries "layout", given a *Letter, and "message", given a *Message
	Text   *texttemplate.Template // entries "text", given a *Letter, and "message", given a *Message
}

// Names lists the themes there are.
func Names() []string {
	entries, err := themes.ReadDir(".")
	if err != nil {
		return nil // an embedded folder can be read
	}
	var out []string
	for _, e := range entries {
		if e.Name() != base {
			out = append(out, e.Name())
		}
	}
	return out
}

// file is one template's source.
type file struct {
	path string // for messages
	text string
}

// Load reads a theme and lays the files of the folder dir over it, file by
// file (tokens.yaml key by key), and the tokens over that; dir is empty for
// the theme as it is. Every problem of a template is named with its file and
// line: what can't be parsed, a field or partial that does not exist (with the
// nearest one that does), a place where html/template can't make a value safe,
// a file that is no partial of the theme, a colour that can't be read on
// another.
func Load(name, dir string, tokens ...Tokens) (*Theme, error) {
	files, err := embedded(name)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return build(name, files, tokens)
	}
	own, err := overrides(files, dir)
	if err != nil {
		return nil, err
	}
	if f, ok := own[tokensFile]; ok {
		t, err := tokensOf(f)
		if err != nil {
			return nil, err
		}
		tokens = append([]Tokens{t}, tokens...)
		delete(own, tokensFile)
	}
	whole := maps.Clone(files)
	maps.Copy(whole, own)
	theme, err := build(name, whole, tokens)
	if err != nil {
		return nil, blame(name, files, own, err)
	}
	return theme, nil
}

// blame names the file of the user's that an error comes from, where the error
// names another: a partial that leaves an attribute open breaks the one that
// calls it. It tries the files one by one.
func blame(name string, files, own map[string]file, err error) error {
	for _, f := range own {
		if strings.Contains(err.Error(), f.path+":") {
			return err
		}
	}
	for _, n := range names(own) {
		with := maps.Clone(files)
		with[n] = own[n]
		if _, alone := build(name, with, nil); alone != nil {
			return fmt.Errorf("%s does not fit into the theme: %w", own[n].path, alone)
		}
	}
	return err
}

func embedded(name string) (map[string]file, error) {
	known := false
	for _, n := range Names() {
		known = known || n == name
	}
	if !known {
		return nil, fmt.Errorf("unknown theme %q%s: there are %s", name, didYouMean("", name, Names()), strings.Join(Names(), ", "))
	}
	files := map[string]file{}
	for _, folder := range []string{base, name} {
		entries, err := themes.ReadDir(folder)
		if err != nil {
			return nil, fmt.Errorf("theme %s: %w", name, err)
		}
		for _, e := range entries {
			path := folder + "/" + e.Name()
			data, err := themes.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("theme %s: %w", name, err)
			}
			files[e.Name()] = file{path: path, text: string(data)}
		}
	}
	return files, nil
}

// overrides reads the files in dir, each of which replaces one of files.
// Nothing outside of dir is read, wherever a link in it leads.
func overrides(files map[string]file, dir string) (map[string]file, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("theme folder: %w", err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, fmt.Errorf("theme folder %s: %w", dir, err)
	}
	own := map[string]file{}
	var problems []error
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "#") || strings.HasSuffix(name, "~") {
			continue // an editor's or the system's own files
		}
		path := filepath.Join(dir, name)
		if _, ok := files[name]; !ok {
			problems = append(problems, fmt.Errorf("%s: the theme has no file of this name%s", path, didYouMean("", name, names(files))))
			continue
		}
		text, err := readFile(root, name)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", path, err))
			continue
		}
		own[name] = file{path: path, text: text}
	}
	return own, errors.Join(problems...)
}

func readFile(root *os.Root, name string) (string, error) {
	// Opening a pipe would wait for its other end: look before.
	info, err := root.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("is not a plain file")
	}
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(data) > maxFile {
		return "", fmt.Errorf("is larger than %d bytes", maxFile)
	}
	return string(data), nil
}

// build parses and checks a theme's files, with its own tokens and others laid
// over them.
func build(name string, files map[string]file, over []Tokens) (*Theme, error) {
	tokens, err := tokensOf(files[tokensFile])
	if err != nil {
		return nil, err
	}
	for _, o := range over {
		tokens = tokens.over(o)
	}
	look, err := tokens.look()
	if err != nil {
		return nil, err
	}
	t := &Theme{
		Tokens: tokens, Look: look,
		Name: name,
		HTML: template.New(name).Funcs(htmlFuncs()).Option("missingkey=error"),
		Text: texttemplate.New(name).Funcs(textFuncs()).Option("missingkey=error"),
	}
	w := where(files)
	var problems []error
	for _, name := range names(files) {
		partial, extension, _ := strings.Cut(name, ".")
		if name == tokensFile {
			continue
		}
		text := strings.TrimSuffix(strings.ReplaceAll(files[name].text, "\r\n", "\n"), "\n")
		var err error
		if extension == "html" {
			_, err = t.HTML.New(partial).Parse(keepConditionals(text))
		} else {
			_, err = t.Text.New(partial).Parse(text)
		}
		if err != nil {
			problems = append(problems, w.rewrite(err))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	asksHTML, err := w.askData(".html", htmlTrees(t.HTML))
	if err != nil {
		return nil, err
	}
	asksText, err := w.askData(".txt", textTrees(t.Text))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(
		w.check("layout", reflect.TypeFor[*Letter](), ".html", htmlTrees(t.HTML), htmlFuncs()),
		w.check("text", reflect.TypeFor[*Letter](), ".txt", textTrees(t.Text), textFuncs()),
		w.check("message", reflect.TypeFor[*Message](), ".html", htmlTrees(t.HTML), htmlFuncs()),
		w.check("message", reflect.TypeFor[*Message](), ".txt", textTrees(t.Text), textFuncs()),
	); err != nil {
		return nil, err
	}
	// html/template decides how to escape at the first execution: have it now.
	var pages []string
	samples := []*Letter{fullSample(), bareSample()}
	if asksHTML || asksText {
		all := fullSample()
		all.AskRecipient(func(string, []string) bool { return true })
		samples = append(samples, all)
	}
	for _, letter := range samples {
		letter.Look = look
		var page strings.Builder
		if err := t.HTML.ExecuteTemplate(&page, "layout", letter); err != nil {
			return nil, w.rewrite(err)
		}
		if err := t.Text.ExecuteTemplate(io.Discard, "text", letter); err != nil {
			return nil, w.rewrite(err)
		}
		pages = append(pages, page.String())
	}
	message := messageSample()
	message.Look = look
	var page strings.Builder
	if err := t.HTML.ExecuteTemplate(&page, "message", message); err != nil {
		return nil, w.rewrite(err)
	}
	if err := t.Text.ExecuteTemplate(io.Discard, "message", message); err != nil {
		return nil, w.rewrite(err)
	}
	pages = append(pages, page.String())
	for _, page := range pages {
		if err := WellFormed(page); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// where finds the file of a template again.
type where map[string]file

func (w where) path(partial, extension string) string {
	if f, ok := w[partial+extension]; ok {
		return f.path
	}
	return partial + extension
}

// check holds the templates against the type of their data.
func (w where) check(entry string, data reflect.Type, extension string, trees map[string]*parse.Tree, funcs map[string]any) error {
	c := &checker{
		trees: trees, funcs: funcs, seen: map[string]bool{},
		locate: func(tree *parse.Tree, n parse.Node) string { return w.locate(extension, tree, n) },
	}
	return c.check(entry, data)
}

// locate says where a node stands: FILE:LINE.
func (w where) locate(extension string, tree *parse.Tree, n parse.Node) string {
	location, _ := tree.ErrorContext(n) // NAME:LINE:COLUMN
	parts := strings.Split(location, ":")
	if len(parts) < 2 {
		return location
	}
	return w.path(parts[0], extension) + ":" + parts[1]
}

// askData lets templates ask their data about the recipient, and says whether
// any does.
func (w where) askData(extension string, trees map[string]*parse.Tree) (asks bool, err error) {
	for _, name := range names(trees) {
		does, at, wrong := askData(trees[name])
		asks = asks || does
		if wrong != nil && err == nil {
			err = fmt.Errorf("%s: %w", w.locate(extension, trees[name], at), wrong)
		}
	}
	return asks, err
}

// templateError matches the errors of the template packages:
// "template: NAME:LINE:COLUMN: what" and "html/template:NAME:LINE:COLUMN: what".
var templateError = regexp.MustCompile(`^(html/)?template: ?([^:]+):(\d+)(?::\d+)?: (?s:(.*))$`)

// derived matches the suffix of the copies that html/template makes of a
// template for the places where it is called.
var derived = regexp.MustCompile(`\$htmltemplate_[A-Za-z0-9_]+`)

// rewrite turns a template package's error into "FILE:LINE: what".
func (w where) rewrite(err error) error {
	m := templateError.FindStringSubmatch(derived.ReplaceAllString(err.Error(), ""))
	if m == nil {
		return err
	}
	path := w.path(m[2], ".html")
	if _, isHTML := w[m[2]+".html"]; !isHTML {
		path = w.path(m[2], ".txt")
	}
	what := m[4]
	if unknown, ok := strings.CutPrefix(what, `function "`); ok {
		if word, ok := strings.CutSuffix(unknown, `" not defined`); ok {
			known := append(names(htmlFuncs()), "if", "range", "with", "template", "end", "else", "define", "printf", "print", "index", "len", "eq", "ne", "and", "or", "not")
			if strings.HasSuffix(path, ".txt") {
				known = append(names(textFuncs()), known[len(htmlFuncs()):]...)
			}
			what = fmt.Sprintf("there is no function %q%s", word, didYouMean("", word, known))
		}
	}
	// html/template adds its own state, which helps nobody.
	if before, _, ok := strings.Cut(what, " end in different contexts: "); ok {
		what = before + " end in different contexts: a tag, an attribute or a quotation mark stays open in one of them"
	}
	return fmt.Errorf("%s:%s: %s", path, m[3], what)
}

func htmlTrees(t *template.Template) map[string]*parse.Tree {
	trees := map[string]*parse.Tree{}
	for _, d := range t.Templates() {
		if d.Tree != nil {
			trees[d.Name()] = d.Tree
		}
	}
	return trees
}

func textTrees(t *texttemplate.Template) map[string]*parse.Tree {
	trees := map[string]*parse.Tree{}
	for _, d := range t.Templates() {
		if d.Tree != nil {
			trees[d.Name()] = d.Tree
		}
	}
	return trees
}
