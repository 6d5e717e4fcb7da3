package templates

import (
	"bytes"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestNames(t *testing.T) {
	if got := strings.Join(Names(), " "); got != "broadsheet bulletin letter" {
		t.Errorf("got %q", got)
	}
	for _, name := range Names() {
		if _, err := Load(name, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// folder makes a folder of template files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func set(t *testing.T, dir string, letter *Letter) (html, text string) {
	t.Helper()
	theme, err := Load("broadsheet", dir)
	if err != nil {
		t.Fatal(err)
	}
	var h, x bytes.Buffer
	if err := theme.HTML.ExecuteTemplate(&h, "layout", letter); err != nil {
		t.Fatal(err)
	}
	if err := theme.Text.ExecuteTemplate(&x, "text", letter); err != nil {
		t.Fatal(err)
	}
	return h.String(), x.String()
}

func TestOverrides(t *testing.T) {
	for _, test := range []struct {
		name     string
		files    map[string]string
		has, not []string
	}{
		{
			"one partial",
			map[string]string{"footer.html": "<tr><td>Our own foot, {{.Newsletter}}: <a href=\"{{.Unsubscribe}}\">leave</a></td></tr>\n"},
			[]string{"Our own foot, Newsletter: <a href=\"https://example.org/u\">leave</a>", "Standfirst"},
			[]string{"Reason"},
		},
		{
			"as a define",
			map[string]string{"footer.html": "{{define \"footer\"}}<tr><td>Defined</td></tr>{{end}}\n"},
			[]string{"Defined"},
			[]string{"Reason"},
		},
		{
			"with a helper of its own",
			map[string]string{"footer.html": "{{define \"dot\"}} · {{end}}<tr><td>A{{template \"dot\"}}B</td></tr>"},
			[]string{"A · B"},
			nil,
		},
		{
			"conditional comments",
			map[string]string{"footer.html": "<!--[if mso]><tr><td>Outlook &amp; {{.Address}}</td></tr><![endif]-->\n<!--[if !mso]><!--><tr><td>Others</td></tr><!--<![endif]-->\n<!-- gone -->"},
			[]string{"<!--[if mso]><tr><td>Outlook &amp; Address</td></tr><![endif]-->", "<!--[if !mso]><!--><tr><td>Others</td></tr><!--<![endif]-->"},
			[]string{"gone"},
		},
		{
			"Windows line ends",
			map[string]string{"footer.html": "<tr>\r\n<td>Windows</td>\r\n</tr>\r\n"},
			[]string{"Windows"},
			[]string{"\r"},
		},
		{
			"editors' own files",
			map[string]string{".footer.html.swp": "{{", "footer.html~": "{{", "#footer.html#": "{{"},
			[]string{"Reason"},
			nil,
		},
		{
			"the text part",
			map[string]string{"text.txt": "{{.Subject}}\n{{rule \"-\"}}\n{{upper .Lang \"straße\"}}\n"},
			[]string{"Subject\n" + strings.Repeat("-", 72) + "\nSTRASSE"},
			nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			html, text := set(t, folder(t, test.files), fullSample())
			for _, want := range test.has {
				if !strings.Contains(html+text, want) {
					t.Errorf("no %q in\n%s\n%s", want, html, text)
				}
			}
			for _, not := range test.not {
				if strings.Contains(html, not) {
					t.Errorf("%q stands in\n%s", not, html)
				}
			}
		})
	}
}

func TestOverrideErrors(t *testing.T) {
	lines := func(n int, text string) string { return strings.Repeat("<!-- -->\n", n-1) + text }
	for _, test := range []struct {
		name, file, text, want string
	}{
		{"a field", "lead.html", lines(14, `{{.Bylin}}`), "lead.html:14: undefined field .Bylin"},
		{"a field that is near another", "lead.html", lines(14, `{{.Auther}}`), "lead.html:14: undefined field .Auther, did you mean .Author?"},
		{"a field of every partial", "lead.html", `{{.Newsleter}}`, "lead.html:1: undefined field .Newsleter, did you mean .Newsletter?"},
		{"a field in a branch that no sample takes", "lead.html", `{{if eq .Title "never"}}{{.Titel}}{{end}}`, "lead.html:1: undefined field .Titel, did you mean .Title?"},
		{"deeper", "lead.html", `{{with .Picture}}{{.Captoin}}{{end}}`, "undefined field .Captoin, did you mean .Caption?"},
		{"in a chain", "lead.html", "\n{{.Picture.Hieght}}", "lead.html:2: undefined field .Hieght, did you mean .Height?"},
		{"in a range", "section.html", `{{range .Briefs}}{{.Tilte}}{{end}}`, "section.html:1: undefined field .Tilte, did you mean .Title?"},
		{"in a range with variables", "section.html", `{{range $i, $b := .Briefs}}{{$b.Tilte}}{{end}}`, "did you mean .Title?"},
		{"of a variable", "lead.html", `{{$p := .Picture}}{{if $p}}{{$p.Atl}}{{end}}`, "did you mean .Alt?"},
		{"of the whole", "lead.html", `{{with .Picture}}{{$.Standfrist}}{{end}}`, "did you mean .Standfirst?"},
		{"as an argument", "lead.html", `{{printf "%s" .Standfrist}}`, "did you mean .Standfirst?"},
		{"in a pipeline", "lead.html", `{{if and .Title (not .Cutt)}}x{{end}}`, "did you mean .Cut?"},
		{"in a list", "prose.html", `{{range .Items}}{{.HTLM}}{{end}}`, "prose.html:1: undefined field .HTLM, did you mean .HTML?"},
		{"a recipient without a value", "lead.html", "\n" + `{{if recipient "plan"}}x{{end}}`, `lead.html:2: recipient wants an attribute and its values: recipient "plan" "paid"`},
		{"a recipient of no name", "lead.html", `{{if not (recipient "pl|an" "paid")}}x{{end}}`, `lead.html:1: recipient: "pl|an" is no name of an attribute`},
		{"a recipient's empty value", "text.txt", `{{if recipient "plan" ""}}x{{end}}`, `text.txt:1: recipient: an empty value of plan`},
		{"a recipient misspelt", "lead.html", `{{if recipent "plan" "paid"}}x{{end}}`, `there is no function "recipent", did you mean recipient?`},
		{"a recipient where none is known", "lead.html", `{{define "own"}}{{if recipient "plan" "paid"}}x{{end}}{{end}}{{template "own" .Title}}`, `lead.html:1: recipient is not known here: the partial is given a plain string`},
		{"a tag left open for some recipients", "lead.html", `{{if recipient "plan" "paid"}}<p>{{end}}`, ""},
		{"of a text", "lead.html", `{{.Title.Length}}`, "undefined field .Length: what stands before it is a plain string"},
		{"of a word", "footer.html", `{{.Words.Unsubscripe}}`, "did you mean .Unsubscribe?"},
		{"in a partial of its own", "footer.html", `{{define "own"}}{{.Adress}}{{end}}{{template "own" .}}`, "footer.html:1: undefined field .Adress, did you mean .Address?"},
		{"in the text part", "text.txt", "\n\n{{.Datelin}}", "text.txt:3: undefined field .Datelin, did you mean .Dateline?"},
		{"a hidden field", "layout.html", `{{.Words.calendar}}`, "layout.html:1: undefined field .calendar"},
		{"a partial", "layout.html", `<p>{{template "foter" .Footer}}</p>`, `layout.html:1: there is no partial "foter", did you mean footer?`},
		{"a function", "lead.html", "\n{{link .Title}}", `lead.html:2: there is no function "link", did you mean links?`},
		{"no function of the world outside", "lead.html", `{{env "HOME"}}`, `lead.html:1: there is no function "env"`},
		{"a function of the text part", "text.txt", `{{warp .Subject}}`, `text.txt:1: there is no function "warp", did you mean wrap?`},
		{"not closed", "lead.html", "\n\n{{if .Title}}", "lead.html:3: unexpected EOF"},
		{"not an action", "lead.html", "\n{{ .Title", "lead.html:2: "},
		{"an open attribute", "lead.html", `<p title="{{.Title}}>`, "lead.html"},
		{"two contexts", "lead.html", "<p>\n{{if .Title}}<a href=\"{{end}}x</p>", "lead.html:2: "},
		{"a paragraph left open", "lead.html", `<tr><td><p>{{.Title}}</td></tr>`, "</td> stands where </p> is expected"},
		{"a lead taken for granted", "layout.html", "\n{{.Lead.Title}}", "layout.html:2: "},
		{"a forged marker", "lead.html", `{{conditional .Title}}`, "is not the marker of a conditional comment"},
		{"an unknown file", "leed.html", "x", "leed.html: the theme has no file of this name, did you mean lead.html?"},
		{"a far file", "README.md", "x", "README.md: the theme has no file of this name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, map[string]string{test.file: test.text})
			_, err := Load("broadsheet", dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v\nwant an error with %q", err, test.want)
			}
			if !strings.Contains(err.Error(), filepath.Join(dir, test.file)) {
				t.Errorf("%v does not name the file %s", err, filepath.Join(dir, test.file))
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, err := Load("broadsheet", folder(t, map[string]string{"lead.html": "{{.Auther}}\n{{.Titel}}", "footer.html": "{{.Adress}}", "text.txt": "{{.Subjekt}}"}))
	if err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want four lines", err)
	}
}

func TestFoldersThatCanNotBeRead(t *testing.T) {
	outside := folder(t, map[string]string{"lead.html": "secret"})
	for _, test := range []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"a link out of the folder", func(dir string) error {
			return os.Symlink(filepath.Join(outside, "lead.html"), filepath.Join(dir, "lead.html"))
		}, "escapes"},
		{"a link that climbs", func(dir string) error { return os.Symlink("../../etc/passwd", filepath.Join(dir, "lead.html")) }, "lead.html"},
		{"a pipe", func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "lead.html"), 0o600) }, "not a plain file"},
		{"a folder", func(dir string) error { return os.Mkdir(filepath.Join(dir, "lead.html"), 0o700) }, "not a plain file"},
		{"a huge file", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "lead.html"), bytes.Repeat([]byte("x"), maxFile+1), 0o600)
		}, "larger than"},
		{"no folder", os.Remove, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := test.spoil(dir); err != nil {
				t.Fatal(err)
			}
			_, err := Load("broadsheet", dir)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
	if _, err := Load("broadshet", ""); err == nil || err.Error() != `unknown theme "broadshet", did you mean broadsheet?: there are broadsheet, bulletin, letter` {
		t.Errorf("got %v", err)
	}
}

// What stands between the markers is a template like any other: escaped.
func TestConditionalCommentsStayEscaped(t *testing.T) {
	dir := folder(t, map[string]string{"footer.html": `<!--[if mso]><tr><td title="{{.Address}}">{{.Address}}<a href="{{.View}}">x</a></td></tr><![endif]-->`})
	letter := fullSample()
	letter.Footer.Address = `"--><![endif]--><script>`
	letter.Footer.View = `javascript:alert(1)//--><![endif]-->`
	html, _ := set(t, dir, letter)
	_, foot, _ := strings.Cut(html, `<tr><td title=`)
	if strings.Count(foot, "<![endif]-->") != 2 || strings.Contains(foot, "<script") || strings.Contains(foot, "javascript") {
		t.Errorf("got %s", foot)
	}
}

func TestMarkers(t *testing.T) {
	for _, marker := range []string{
		"<!--[if mso]>", "<!--[if !mso]><!-->", "<!--[if !mso]> <!-->", "<!--[if !mso]>-->", "<!--[if gte mso 9]>", "<!--[if (gte mso 9)|(IE)]>", "<!--[if mso | IE]>",
		"<![endif]-->", "<!--<![endif]-->", "<!-- <![endif]-->", "<![if !mso]>", "<![endif]>",
	} {
		if got := keepConditionals("a" + marker + "b"); got != "a{{conditional `"+marker+"`}}b" {
			t.Errorf("%s: got %s", marker, got)
		}
		if got, err := conditional(marker); err != nil || string(got) != marker {
			t.Errorf("%s: got %s, %v", marker, got, err)
		}
	}
	for _, other := range []string{"<!-- [if mso] -->", "<!--[if mso", "<!--[if `x`]>", "<!--[if {{.Title}}]>", "<!-- x -->", "<![CDATA["} {
		if got := keepConditionals(other); got != other {
			t.Errorf("%s: got %s", other, got)
		}
		if _, err := conditional(other); err == nil {
			t.Errorf("%s was let through", other)
		}
	}
}

func TestLinks(t *testing.T) {
	got := links("a", `color:#911;font:"x"`, template.HTML(`See <a href="https://example.org/">this</a> and <em>that</em>`))
	if want := template.HTML(`See <a class="a" style="color:#911;font:&#34;x&#34;" href="https://example.org/">this</a> and <em>that</em>`); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
