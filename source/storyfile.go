package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"go.abhg.dev/goldmark/frontmatter"
	"go.yaml.in/yaml/v3"
)

var errDraft = errors.New("draft")

// markdown reads CommonMark with tables, bare links and strikethrough, and
// front matter in YAML. Raw HTML passes it, since everything passes the
// sanitiser afterwards.
var markdown = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(
			extension.Table, extension.Linkify, extension.Strikethrough,
			&frontmatter.Extender{Formats: []frontmatter.Format{{Name: "YAML", Delim: '-', Unmarshal: yaml.Unmarshal}}},
		),
		goldmark.WithRendererOptions(html.WithUnsafe()),
	)
})

// story reads the content of a story file. Its error is one line that starts
// with file and line; a draft gives errDraft.
func (f *folder) story(name string, src []byte, modified time.Time) (Story, error) {
	s := Story{Key: name, File: f.shown(name), Kind: KindStory}
	at := func(line int, err error) error { return fmt.Errorf("%s:%d: %w", s.File, line, err) }

	src, line, err := checkText(src)
	if err != nil {
		return s, at(line, err)
	}
	pc := parser.NewContext()
	doc := markdown().Parser().Parse(text.NewReader(src), parser.WithContext(pc))

	r := &frontReader{story: &s, zone: f.zone, dir: path.Dir(name), exist: f.pictureExists}
	if data := frontmatter.Get(pc); data != nil {
		var node yaml.Node
		if err := data.Decode(&node); err != nil {
			line, err := yamlError(err)
			return s, at(line+1, err)
		}
		bad := r.read(&node, 1)
		if r.draft {
			return s, errDraft
		}
		if len(bad) > 0 {
			return s, f.complaints(s.File, bad)
		}
	}
	body, title, err := f.body(doc, src, s)
	if err != nil {
		return s, at(1, err)
	}
	s.Title = firstOf(s.Title, title)
	s.Body = render(body.blocks)
	if r.pic.Path == "" && r.pic.URL == "" {
		r.firstImage(body.images)
	}
	if r.pic.Path != "" || r.pic.URL != "" {
		s.Image = &r.pic
	}
	if s.Title == "" && s.Body == "" && s.Summary == "" {
		return s, at(1, errors.New("holds no story: neither a headline nor a text"))
	}
	s.Published = r.date
	if s.Published.IsZero() {
		s.Published = modified.UTC()
	}
	if s.From.After(s.Published) {
		s.Published = s.From
	}
	return s, nil
}

// body renders a document. Its first heading is the title if the front matter
// has none, and is not said again if it has the same.
func (f *folder) body(doc ast.Node, src []byte, s Story) (body document, title string, err error) {
	var out bytes.Buffer
	if h, ok := doc.FirstChild().(*ast.Heading); ok && h.Level == 1 {
		if err := markdown().Renderer().Render(&out, src, h); err != nil {
			return body, "", fmt.Errorf("rendering: %w", err)
		}
		title = strings.Join(paragraphs(parseHTML(out.String(), nil).blocks), " ")
		if s.Title == "" || title == s.Title {
			doc.RemoveChild(doc, h)
		}
		title = oneLineOf(title)
		out.Reset()
	}
	if err := markdown().Renderer().Render(&out, src, doc); err != nil {
		return body, "", fmt.Errorf("rendering: %w", err)
	}
	return parseHTML(out.String(), baseURL(s.URL)), title, nil
}

// oneLineOf shortens what is plain text already to a headline's length.
func oneLineOf(s string) string {
	if utf8.RuneCountInString(s) <= maxTitle {
		return s
	}
	return strings.TrimSpace(beginning(s, maxTitle-1)) + "…"
}

// firstImage takes the first picture of the text that there is.
func (r *frontReader) firstImage(images []htmlImage) {
	for _, img := range images {
		if webAddress(img.url) {
			r.pic.URL = absolute(img.url, nil)
		} else if !strings.Contains(img.url, ":") {
			name, err := unescapePath(img.url)
			if err != nil || r.file(name) != nil {
				continue
			}
		}
		if r.pic.URL == "" && r.pic.Path == "" {
			continue
		}
		if !r.pic.HasAlt {
			r.pic.Alt, r.pic.HasAlt = img.alt, img.hasAlt
		}
		r.pic.Caption = firstOf(r.pic.Caption, img.caption)
		return
	}
}

// pictureExists says what is wrong with a path as a picture's.
func (f *folder) pictureExists(name string) error {
	local := filepath.FromSlash(name)
	info, err := f.root.Stat(local)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("does not exist")
	case err != nil:
		return errors.New("leads out of the source's folder")
	case !info.Mode().IsRegular():
		return errors.New("is not a file")
	case info.Size() > maxPictureBytes:
		return fmt.Errorf("is larger than %d MB", maxPictureBytes>>20)
	}
	return nil
}

// complaints puts what is wrong with a file into one line.
func (f *folder) complaints(file string, bad []error) error {
	var all []string
	for _, err := range bad {
		var le lineError
		if errors.As(err, &le) {
			all = append(all, fmt.Sprintf("%s:%d: %s", file, le.line, le))
		}
	}
	return errors.New(strings.Join(all, "; "))
}

// checkText refuses what is no UTF-8 text, front matter that does not end, and
// nesting that only a machine writes; it returns the text without byte order
// mark and carriage returns.
func checkText(src []byte) (checked []byte, line int, err error) {
	if enc, _ := byteOrderMark(src); enc != nil {
		return nil, 1, errors.New("is UTF-16 or UTF-32; save it as UTF-8")
	}
	if i := invalidUTF8(src); i >= 0 {
		return nil, 1 + bytes.Count(src[:i], []byte("\n")), fmt.Errorf("is not UTF-8 (byte %d is 0x%02x); save it as UTF-8", i, src[i])
	}
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return nil, 1 + bytes.Count(src[:i], []byte("\n")), errors.New("holds a NUL byte; it is no text")
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	src = bytes.ReplaceAll(src, []byte("\r"), []byte("\n"))

	if lead := len(src) - len(bytes.TrimLeft(src, " \t\n")); lead > 0 && fence.Match(src[lead:]) && bytes.Count(src, []byte("\n---")) > 1 {
		return nil, 1, errors.New("the front matter has to start on the first line")
	}
	if open := fence.FindSubmatch(src); open != nil && !bytes.Contains(append(src[len(open[0])-1:len(src):len(src)], '\n'), []byte("\n"+string(open[1])+"\n")) {
		return nil, 1, fmt.Errorf("the front matter that starts here is not closed by a line %s", open[1])
	}
	// Both are looked through once for each other, so that a small file could
	// keep the parser busy for minutes.
	if bytes.Count(src, []byte("]:")) > 2000 {
		return nil, 1, errors.New("defines more than 2,000 links")
	}
	n, columns := 0, 1
	for l := range bytes.Lines(src) {
		n++
		columns = max(columns, bytes.Count(l, []byte("|")))
		if n*(columns-1) > 100_000 {
			return nil, n, errors.New("holds a table that is too large")
		}
		if nesting(l) > 60 {
			return nil, n, errors.New("lists or quotations are nested too deeply")
		}
		if len(l) > 100_000 {
			return nil, n, errors.New("the line is longer than 100,000 characters")
		}
	}
	return src, 0, nil
}

var fence = regexp.MustCompile(`^(-{3,})[ \t]*\n`)

func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// nesting counts the markers of quotations and lists before a line's text, and
// the brackets in a row anywhere in it: the parser recurses into all of them.
func nesting(l []byte) int {
	n, brackets, most := 0, 0, 0
	start := true
	for i, c := range l {
		switch c {
		case ' ', '\t':
			continue
		case '>':
			if start {
				n++
			}
		case '-', '*', '+':
			if start && (i+1 >= len(l) || l[i+1] != ' ') {
				start = false
			} else if start {
				n++
			}
		case '[', '!', '(':
			start = false
			brackets++
			most = max(most, brackets)
			continue
		default:
			if start && c >= '0' && c <= '9' || start && (c == '.' || c == ')') {
				break
			}
			start = false
		}
		brackets = 0
	}
	return max(n, most)
}

var yamlLine = regexp.MustCompile(`(?s)^yaml: (?:line (\d+): )?(.*)$`)

// yamlError takes the line out of a YAML error.
func yamlError(err error) (line int, _ error) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, err
	}
	line = 1
	_, _ = fmt.Sscan(m[1], &line)
	return line, fmt.Errorf("the front matter is not valid YAML: %s", fold(m[2]))
}
