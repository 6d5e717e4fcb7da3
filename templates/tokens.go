package templates

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// tokensFile is the file of a theme that holds its tokens.
const tokensFile = "tokens.yaml"

// Tokens are what can be set of a theme without touching a template. A theme
// has them in tokens.yaml; theme_dir and the newsletter's `tokens` are laid
// over it, key by key: what is empty here stays as it was.
type Tokens struct {
	Light   Palette[string] `yaml:"light" mapstructure:"light"`
	Dark    Palette[string] `yaml:"dark" mapstructure:"dark"`
	Fonts   Fonts[string]   `yaml:"fonts" mapstructure:"fonts"`
	Width   int             `yaml:"width" mapstructure:"width"`     // of the column, CSS pixels, 320 to 680
	Picture int             `yaml:"picture" mapstructure:"picture"` // widest picture, CSS pixels, 200 to Width
	Logo    Logo            `yaml:"logo" mapstructure:"logo"`
	Footer  string          `yaml:"footer" mapstructure:"footer"` // a paragraph of the footer
}

// Palette is a theme's colours by role, #rgb or #rrggbb. A role that a theme
// does not have is empty.
type Palette[S ~string] struct {
	Ground   S `yaml:"ground" mapstructure:"ground"`     // behind everything
	Paper    S `yaml:"paper" mapstructure:"paper"`       // behind the column; empty: the ground
	Ink      S `yaml:"ink" mapstructure:"ink"`           // text
	Muted    S `yaml:"muted" mapstructure:"muted"`       // bylines, captions, small print
	Accent   S `yaml:"accent" mapstructure:"accent"`     // labels and links
	Hairline S `yaml:"hairline" mapstructure:"hairline"` // thin rules
	Strong   S `yaml:"strong" mapstructure:"strong"`     // strong rules
	Tint     S `yaml:"tint" mapstructure:"tint"`         // behind sponsors, and where a picture is missing
	Strip    S `yaml:"strip" mapstructure:"strip"`       // behind a section's title
	Band     S `yaml:"band" mapstructure:"band"`         // behind the masthead
	BandInk  S `yaml:"band_ink" mapstructure:"band_ink"` // text on the band
}

// Fonts are stacks of font names, parted by commas, without quotation marks.
type Fonts[S ~string] struct {
	Display S `yaml:"display" mapstructure:"display"` // the name and headlines
	Reading S `yaml:"reading" mapstructure:"reading"` // text
	Small   S `yaml:"small" mapstructure:"small"`     // small print and labels
	RTL     S `yaml:"rtl" mapstructure:"rtl"`         // all of them in Arabic, Hebrew …
}

// Logo stands in the masthead in place of the newsletter's name, which is its
// alternative text.
type Logo struct {
	URL    string `yaml:"url" mapstructure:"url"` // https
	Width  int    `yaml:"width" mapstructure:"width"`
	Height int    `yaml:"height" mapstructure:"height"`
}

// Look is a theme's tokens as its templates see them, checked: {{.Ink}},
// {{.Dark.Ink}}, {{.Width}}. It is part of Page.
type Look struct {
	Palette[template.CSS]
	Dark         Palette[template.CSS]
	Fonts        Fonts[template.CSS]
	Width        int
	PictureWidth int
	Logo         *Logo  // nil for none
	FooterText   string // empty for none
}

// over lays other over t: what other says holds.
func (t Tokens) over(other Tokens) Tokens {
	overlay(reflect.ValueOf(&t).Elem(), reflect.ValueOf(other))
	return t
}

func overlay(base, over reflect.Value) {
	for i := range over.NumField() {
		switch f := over.Field(i); {
		case f.Kind() == reflect.Struct:
			overlay(base.Field(i), f)
		case !f.IsZero():
			base.Field(i).Set(f)
		}
	}
}

// tokensOf reads a tokens.yaml. An unknown key is an error that names the
// nearest one, with file and line.
func tokensOf(f file) (Tokens, error) {
	var t Tokens
	d := yaml.NewDecoder(strings.NewReader(f.text))
	d.KnownFields(true)
	err := d.Decode(&t)
	if err == nil {
		if err = d.Decode(new(yaml.Node)); err == nil {
			return t, fmt.Errorf("%s: holds more than one document", f.path)
		}
	}
	if !errors.Is(err, io.EOF) {
		return t, tokensError(f, err)
	}
	if line := emptyValue(f.text); line > 0 {
		return t, fmt.Errorf("%s:%d: has no value: a colour stands in quotation marks, # begins a comment", f.path, line)
	}
	var problems []error
	for _, p := range t.Problems() {
		problems = append(problems, fmt.Errorf("%s:%d: %s: %s", f.path, lineOf(f.text, p.Key), p.Key, p.What))
	}
	return t, errors.Join(problems...)
}

var (
	yamlLine    = regexp.MustCompile(`line (\d+): (.*)`)
	yamlUnknown = regexp.MustCompile(`field (\S+) not found in type`)
)

// tokensError turns the YAML reader's first complaint into "FILE:LINE: what".
func tokensError(f file, err error) error {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	what := m[2]
	if unknown := yamlUnknown.FindStringSubmatch(what); unknown != nil {
		what = fmt.Sprintf("there is no token %q%s", unknown[1], didYouMean("", unknown[1], tokenKeys(reflect.TypeFor[Tokens]())))
	}
	return fmt.Errorf("%s:%s: %s", f.path, m[1], what)
}

// tokenKeys are all keys of tokens.yaml, without those that they stand under.
func tokenKeys(t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		keys = append(keys, f.Tag.Get("yaml"))
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, tokenKeys(f.Type)...)
		}
	}
	return keys
}

// emptyValue returns the line of the first key without a value, 0 for none.
func emptyValue(text string) int {
	var root yaml.Node
	if yaml.Unmarshal([]byte(text), &root) != nil || len(root.Content) == 0 {
		return 0
	}
	var look func(n *yaml.Node) int
	look = func(n *yaml.Node) int {
		for i, child := range n.Content {
			if child.Tag == "!!null" && n.Kind == yaml.MappingNode && i%2 == 1 {
				return child.Line
			}
			if line := look(child); line > 0 { // an alias has no content of its own
				return line
			}
		}
		return 0
	}
	return look(&root)
}

// lineOf finds the line of a key like dark.ink, or of what stands around it.
func lineOf(text, key string) int {
	var root yaml.Node
	if yaml.Unmarshal([]byte(text), &root) != nil || len(root.Content) == 0 {
		return 1
	}
	node, line := root.Content[0], 1
	for part := range strings.SplitSeq(key, ".") {
		found := false
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == part {
				line, node, found = node.Content[i].Line, node.Content[i+1], true
				break
			}
		}
		if !found {
			break
		}
	}
	return line
}

// TokenProblem is what is wrong with a token.
type TokenProblem struct {
	Key  string // dark.ink
	What string
}

var (
	colour = regexp.MustCompile(`^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
	stack  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*(?: [A-Za-z][A-Za-z0-9-]*)*(?:, ?[A-Za-z][A-Za-z0-9-]*(?: [A-Za-z][A-Za-z0-9-]*)*)*$`)
)

const longestToken = 200

// Problems says what is wrong with the tokens that are set. Only what has none
// becomes CSS.
func (t Tokens) Problems() []TokenProblem {
	var found []TokenProblem
	add := func(key, format string, args ...any) {
		found = append(found, TokenProblem{key, fmt.Sprintf(format, args...)})
	}
	eachToken(t.Light, func(key, value string) {
		if value != "" && !colour.MatchString(value) {
			add("light."+key, "%q is no colour: write #rgb or #rrggbb, in quotation marks", value)
		}
	})
	eachToken(t.Dark, func(key, value string) {
		if value != "" && !colour.MatchString(value) {
			add("dark."+key, "%q is no colour: write #rgb or #rrggbb, in quotation marks", value)
		}
	})
	eachToken(t.Fonts, func(key, value string) {
		if value != "" && (len(value) > longestToken || !stack.MatchString(value)) {
			add("fonts."+key, "%q is no list of fonts: names of letters, digits and -, parted by commas, without quotation marks inside", value)
		}
	})
	if t.Width != 0 && (t.Width < 320 || t.Width > 680) {
		add("width", "%d: 320 to 680 pixels", t.Width)
	}
	if t.Picture != 0 && (t.Picture < 200 || t.Picture > 680 || t.Width != 0 && t.Picture > t.Width) {
		add("picture", "%d: 200 to 680 pixels, and no wider than the column", t.Picture)
	}
	if t.Logo != (Logo{}) {
		u, err := url.Parse(t.Logo.URL)
		switch {
		case err != nil || u.Scheme != "https" || u.Host == "" || strings.ContainsFunc(t.Logo.URL, func(r rune) bool { return r <= ' ' }):
			add("logo.url", "%q: needs an https address", t.Logo.URL)
		case t.Logo.Width < 16 || t.Logo.Width > 600:
			add("logo.width", "%d: 16 to 600 pixels", t.Logo.Width)
		case t.Logo.Height < 8 || t.Logo.Height > 300:
			add("logo.height", "%d: 8 to 300 pixels", t.Logo.Height)
		}
	}
	if len(t.Footer) > 2000 {
		add("footer", "has %d bytes: at most 2000", len(t.Footer))
	}
	return found
}

func eachToken(of any, do func(key, value string)) {
	v := reflect.ValueOf(of)
	for i := range v.NumField() {
		do(v.Type().Field(i).Tag.Get("yaml"), v.Field(i).String())
	}
}

// css turns checked tokens into what html/template takes for CSS as it is.
func css(from, to any) {
	source, target := reflect.ValueOf(from), reflect.ValueOf(to).Elem()
	for i := range source.NumField() {
		target.Field(i).SetString(strings.ReplaceAll(source.Field(i).String(), ", ", ","))
	}
}

// look checks whole tokens, the contrast of their colours too.
func (t Tokens) look() (Look, error) {
	var problems []error
	for _, p := range t.Problems() {
		problems = append(problems, fmt.Errorf("tokens: %s: %s", p.Key, p.What))
	}
	if t.Width == 0 || t.Picture == 0 {
		problems = append(problems, errors.New("tokens: width and picture are missing"))
	}
	for key, value := range map[string]string{
		"light.ground": t.Light.Ground, "light.ink": t.Light.Ink, "light.muted": t.Light.Muted, "light.accent": t.Light.Accent, "light.tint": t.Light.Tint,
		"dark.ground": t.Dark.Ground, "dark.ink": t.Dark.Ink, "dark.muted": t.Dark.Muted, "dark.accent": t.Dark.Accent, "dark.tint": t.Dark.Tint,
		"fonts.display": t.Fonts.Display, "fonts.reading": t.Fonts.Reading, "fonts.small": t.Fonts.Small, "fonts.rtl": t.Fonts.RTL,
	} {
		if value == "" {
			problems = append(problems, fmt.Errorf("tokens: %s is missing", key))
		}
	}
	dark := map[string]string{}
	eachToken(t.Dark, func(key, value string) { dark[key] = value })
	eachToken(t.Light, func(key, value string) {
		if value != "" && dark[key] == "" { // in the dark the light one would stay
			problems = append(problems, fmt.Errorf("tokens: light.%s needs a dark.%s beside it", key, key))
		}
	})
	if err := errors.Join(problems...); err != nil {
		return Look{}, err
	}
	for _, pair := range t.Contrasts() {
		if pair.Ratio < leastContrast {
			problems = append(problems, fmt.Errorf("tokens: %s can't be read: contrast %.1f, it needs %.1f (better %.0f)", pair, pair.Ratio, leastContrast, pair.Good))
		}
	}
	l := Look{Width: t.Width, PictureWidth: t.Picture, FooterText: strings.Join(strings.Fields(t.Footer), " ")}
	if t.Logo.URL != "" {
		l.Logo = &t.Logo
	}
	css(t.Light, &l.Palette)
	css(t.Dark, &l.Dark)
	css(t.Fonts, &l.Fonts)
	return l, errors.Join(problems...)
}

// leastContrast is what WCAG 2.2 asks of text (1.4.3, level AA).
const leastContrast = 4.5

// Contrast is how text of one colour stands out from another behind it.
type Contrast struct {
	Scheme string  // light | dark
	Text   string  // role of the text: ink
	Behind string  // role of what is behind it: tint
	Ratio  float64 // 1 to 21 (WCAG 2.2)
	Good   float64 // what our themes keep: 6 in light, 7 in dark
}

// String is "dark: muted on tint".
func (c Contrast) String() string { return c.Scheme + ": " + c.Text + " on " + c.Behind }

// Contrasts lists what text stands on what in a theme with these tokens.
func (t Tokens) Contrasts() []Contrast {
	var all []Contrast
	for scheme, p := range map[string]Palette[string]{"light": t.Light, "dark": t.Dark} {
		good := 6.0
		if scheme == "dark" {
			good = 7
		}
		paper := cmp.Or(p.Paper, p.Ground)
		for _, pair := range []struct{ text, behind, over, under string }{
			{"ink", "paper", p.Ink, paper},
			{"muted", "paper", p.Muted, paper},
			{"accent", "paper", p.Accent, paper},
			{"ink", "tint", p.Ink, p.Tint},
			{"muted", "tint", p.Muted, p.Tint},
			{"accent", "tint", p.Accent, p.Tint},
			{"accent", "strip", p.Accent, p.Strip},
			{"band_ink", "band", p.BandInk, p.Band},
		} {
			if colour.MatchString(pair.over) && colour.MatchString(pair.under) {
				all = append(all, Contrast{scheme, pair.text, pair.behind, contrast(pair.over, pair.under), good})
			}
		}
	}
	return all
}

// contrast is WCAG 2.2's contrast ratio of two colours.
func contrast(a, b string) float64 {
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is WCAG 2.2's relative luminance of a colour.
func luminance(hex string) float64 {
	hex = hex[1:]
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, _ := strconv.ParseUint(hex, 16, 32) // matched colour
	channel := func(v uint64) float64 {
		c := float64(v&255) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(n>>16) + 0.7152*channel(n>>8) + 0.0722*channel(n)
}
