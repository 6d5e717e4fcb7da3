package templates

import (
	"math"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"none", "", ""},
		{"a comment", "# nothing yet\n", ""},
		{"one colour", `light: {accent: "#154"}`, ""},
		{"of six digits", `dark: {accent: "#9ed3b7"}`, ""},
		{"a font", "fonts: {reading: Charter, Georgia}", "tokens.yaml:1: "},
		{"fonts", `fonts: {reading: "Charter, Source Serif 4, Georgia, serif"}`, "is no list of fonts"},
		{"fonts of letters", `fonts: {reading: "Charter, Georgia, serif"}`, ""},
		{"unknown", "\nlight:\n  acent: \"#154\"", `tokens.yaml:3: there is no token "acent", did you mean accent?`},
		{"no colour", "dark:\n  ink: red", `tokens.yaml:2: dark.ink: "red" is no colour`},
		{"a colour without quotation marks is a comment", "light:\n  ink: #111", "tokens.yaml:2: has no value"},
		{"code in a colour", `light: {ink: "#111;background:url(https://example.org/)"}`, "is no colour"},
		{"an end of the style", `light: {ink: "#111\"><script>"}`, "is no colour"},
		{"code in a font", `fonts: {small: "Arial;}</style><script>"}`, "is no list of fonts"},
		{"quotation marks in a font", `fonts: {small: "'Arial'"}`, "is no list of fonts"},
		{"a long font", `fonts: {small: "` + strings.Repeat("a", 300) + `"}`, "is no list of fonts"},
		{"too wide", "width: 5000", "tokens.yaml:1: width: 5000: 320 to 680"},
		{"a text for a number", "width: wide", "tokens.yaml:1: cannot unmarshal"},
		{"a picture wider than the column", "width: 400\npicture: 500", "tokens.yaml:2: picture: 500"},
		{"a logo without https", "logo: {url: http://example.org/l.png, width: 100, height: 20}", "needs an https address"},
		{"a logo of a script", "logo: {url: 'javascript:alert(1)', width: 100, height: 20}", "needs an https address"},
		{"a logo without a size", "logo: {url: https://example.org/l.png}", "logo.width: 0"},
		{"a logo", "logo: {url: https://example.org/l.png, width: 100, height: 20}", ""},
		{"a list", "- light", "tokens.yaml:1: "},
		{"two documents", "width: 500\n---\nwidth: 400", "more than one document"},
		{"not YAML", "light: {", "tokens.yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load("broadsheet", folder(t, map[string]string{"tokens.yaml": test.file}))
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// The theme's tokens, the folder's over them, the newsletter's over both.
func TestTokensLieOverEachOther(t *testing.T) {
	dir := folder(t, map[string]string{"tokens.yaml": "light: {accent: \"#154\", ink: \"#222\"}\nwidth: 500\npicture: 500\n"})
	newsletter := Tokens{Light: Palette[string]{Accent: "#225"}, Footer: "Ours  &\nyours", Logo: Logo{URL: "https://example.org/l.png", Width: 200, Height: 40}}
	theme, err := Load("broadsheet", dir, newsletter)
	if err != nil {
		t.Fatal(err)
	}
	l := theme.Look
	if l.Accent != "#225" || l.Ink != "#222" || l.Muted != "#554" || l.Width != 500 || l.PictureWidth != 500 || l.Dark.Accent != "#f2a89d" {
		t.Errorf("got %+v", l)
	}
	letter := fullSample()
	letter.Look = l
	var page, text strings.Builder
	if err := theme.HTML.ExecuteTemplate(&page, "layout", letter); err != nil {
		t.Fatal(err)
	}
	if err := theme.Text.ExecuteTemplate(&text, "text", letter); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"color:#225", "max-width:500px", `width="500"`, "Ours &amp; yours", "font:48px/52px Times New Roman,serif",
		`<img class="t i" src="https://example.org/l.png" alt="Newsletter" width="200"`,
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the letter has no %s", want)
		}
	}
	if !strings.Contains(text.String(), "Ours & yours") {
		t.Error("the text part has no footer text")
	}
	if strings.Contains(page.String(), "#911") {
		t.Error("the theme's own accent is still there")
	}
}

func TestColoursThatCanNotBeRead(t *testing.T) {
	for _, test := range []struct {
		name   string
		tokens Tokens
		want   string
	}{
		{"pale", Tokens{Light: Palette[string]{Muted: "#bbb"}}, "light: muted on paper can't be read: contrast 1.9, it needs 4.5 (better 6)"},
		{"in the dark", Tokens{Dark: Palette[string]{Accent: "#911"}}, "dark: accent on paper can't be read"},
		{"of one scheme alone", Tokens{Light: Palette[string]{Paper: "#fff"}}, "light.paper needs a dark.paper beside it"},
		{"on a tint", Tokens{Light: Palette[string]{Tint: "#666"}}, "light: muted on tint can't be read"},
	} {
		if _, err := Load("letter", "", test.tokens); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

// The figures of WCAG 2.2's own definition.
func TestContrast(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want float64
	}{
		{"#000", "#fff", 21},
		{"#ffffff", "#fff", 1},
		{"#777", "#fff", 4.48},
		{"#139", "#ffffff", 10.7},
	} {
		if got := contrast(test.a, test.b); math.Abs(got-test.want) > 0.05 {
			t.Errorf("%s on %s: got %.2f, want %.2f", test.a, test.b, got, test.want)
		}
	}
}

// Our own themes keep more than they ask of others.
func TestInspectThemes(t *testing.T) {
	for _, name := range Names() {
		theme, err := Load(name, "")
		if err != nil {
			t.Fatal(err)
		}
		in := theme.Inspect()
		if len(in.Remarks) > 0 || in.Bytes < 5000 || in.Brief < 100 || in.Brief > 600 || in.Tables != 2 {
			t.Errorf("got %+v", in)
		}
		if About(name) == "" {
			t.Errorf("%s does not say what it is", name)
		}
	}
	dir := folder(t, map[string]string{"footer.html": `<tr><td style="font:12px/16px Arial"><h1>{{.Address}}</h1><table><tr><td><table><tr><td>x</td></tr></table></td></tr></table></td></tr>`})
	theme, err := Load("letter", dir)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	for _, r := range theme.Inspect().Remarks {
		said.WriteString(r.Severity + ": " + r.What + "\n")
	}
	for _, want := range []string{"error: letter: no unsubscribe link", "warning: letter: 2 h1", "warning: text of 12 px", "warning: tables stand 4 deep"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("no %q in\n%s", want, said.String())
		}
	}
}

// FuzzTokens: whatever stands in a tokens.yaml, nothing but colours and names
// of fonts becomes CSS.
func FuzzTokens(f *testing.F) {
	for _, seed := range []string{
		`light: {accent: "#154"}`, `fonts: {reading: "Charter, Georgia, serif"}`, "width: 500\npicture: 300", "a: &a [*a, *a]",
		`light: {ink: "#111;}</style>"}`, "logo: {url: https://example.org/l.png, width: 100, height: 20}",
	} {
		f.Add(seed)
	}
	files, err := embedded("letter")
	if err != nil {
		f.Fatal(err)
	}
	own, err := tokensOf(files[tokensFile])
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := tokensOf(file{path: tokensFile, text: text})
		if err != nil {
			return
		}
		look, err := own.over(tokens).look()
		if err != nil {
			return
		}
		for _, of := range []any{look.Palette, look.Dark, look.Fonts} {
			eachToken(of, func(key, value string) {
				if strings.ContainsAny(value, `;:{}<>()"'\/@&!`) {
					t.Errorf("%s: %q", key, value)
				}
			})
		}
	})
}
