package compose_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lede/compose"
	"lede/internal/browsertest"
	"lede/templates"
)

// eachTheme runs a test for every theme there is.
func eachTheme(t *testing.T, test func(t *testing.T, th *templates.Theme)) {
	t.Helper()
	for _, name := range templates.Names() {
		t.Run(name, func(t *testing.T) {
			th, err := templates.Load(name, "")
			if err != nil {
				t.Fatal(err)
			}
			test(t, th)
		})
	}
}

func setIn(t testing.TB, th *templates.Theme, r compose.Recipe, e compose.Edition) compose.Letter {
	t.Helper()
	l, err := compose.Render(r, e, th, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// arranged is the edition in the order that the theme is drawn in.
func arranged(theme string) compose.Edition {
	e := harbourEdition()
	harbour, sponsor, town, quay, editor := e.Sections[0], e.Sections[1], e.Sections[2], e.Sections[3], e.Sections[4]
	switch theme {
	case "bulletin":
		e.Lead.Body = e.Lead.Body[:2]
		e.Lead.Image.Caption, e.Lead.Image.Credit = "", ""
		e.Sections = []compose.Section{harbour, town, sponsor, quay, editor}
	case "letter":
		also := harbour
		also.Title, also.Briefs = "Also this week", append(slices.Clone(harbour.Briefs), town.Briefs...)
		editor.Title = ""
		e.Sections = []compose.Section{also, quay, editor, sponsor}
	}
	return e
}

// measured is the edition that letters are measured with: a lead of five
// paragraphs, six briefs, a sponsor and two events.
func measured() compose.Edition {
	e := harbourEdition()
	e.Lead.Body = append(e.Lead.Body, e.Lead.Body[2])
	e.Sections = e.Sections[:4]
	e.Sections[3].Briefs = e.Sections[3].Briefs[:2]
	return e
}

func TestThemes(t *testing.T) {
	eachTheme(t, func(t *testing.T, th *templates.Theme) {
		e := measured()
		l := setIn(t, th, harbourRecipe(), e)
		if th.Name != "broadsheet" { // its letter is harbour.html
			drawn := setIn(t, th, harbourRecipe(), arranged(th.Name))
			golden(t, th.Name+".html", drawn.HTML)
			golden(t, th.Name+".txt", drawn.Text)
		}
		if len(l.HTML) > 13_000 {
			t.Errorf("the letter has %d bytes, its budget is 13,000", len(l.HTML))
		}
		dearest := 0
		for i, b := range e.Sections[0].Briefs {
			more := measured()
			more.Sections[0].Briefs = append(more.Sections[0].Briefs, b)
			cost := len(setIn(t, th, harbourRecipe(), more).HTML) - len(l.HTML)
			if dearest = max(dearest, cost); cost > 600 {
				t.Errorf("one more brief like number %d costs %d bytes, its budget is 600", i+1, cost)
			}
		}
		t.Logf("%d bytes, a further brief at most %d", len(l.HTML), dearest)
		if n, deep := tables(l.HTML); n != 2 || deep != 2 {
			t.Errorf("Outlook sees %d tables, %d deep: want 2 and 2", n, deep)
		}
		for _, small := range regexp.MustCompile(`font(?:-size)?:[^;"]*?(\d+)px`).FindAllStringSubmatch(l.HTML, -1) {
			if small[1] < "14" {
				t.Errorf("text of %s px", small[1])
			}
		}
		for part, whole := range map[string]string{"HTML": l.HTML, "text part": l.Text} {
			whole = strings.ReplaceAll(spaced(whole), "\u00a0", " ")
			for _, section := range e.Sections {
				for _, b := range section.Briefs {
					for _, want := range []string{b.Title, b.Opening, b.URL, b.Publication} {
						if want = strings.ReplaceAll(want, "&", "&amp;"); part == "text part" {
							want = strings.ReplaceAll(want, "&amp;", "&")
						}
						if !strings.Contains(whole, want) {
							t.Errorf("the %s has no %q", part, want)
						}
					}
				}
			}
		}
	})
}

// tables counts the tables that Outlook for Windows sees, and how deep they
// stand in one another.
func tables(html string) (n, deepest int) {
	depth := 0
	for _, tag := range regexp.MustCompile(`</?table`).FindAllString(html, -1) {
		if tag == "</table" {
			depth--
			continue
		}
		n, depth = n+1, depth+1
		deepest = max(deepest, depth)
	}
	return n, deepest
}

func TestThemesRightToLeft(t *testing.T) {
	eachTheme(t, func(t *testing.T, th *templates.Theme) {
		for _, language := range []string{"ar", "he"} {
			r := harbourRecipe()
			r.Language = language
			l := setIn(t, th, r, arranged(th.Name))
			if !strings.Contains(l.HTML, `dir="rtl"`) || !strings.Contains(l.HTML, "Tahoma,Arial,sans-serif") {
				t.Errorf("%s: no dir, or not Tahoma", language)
			}
			for _, not := range []string{"italic", "<i>", "letter-spacing", "Georgia", "Times", "Palatino", "text-align:left", "text-align:right", "padding-left", "margin-left", "float"} {
				if strings.Contains(l.HTML, not) {
					t.Errorf("%s: the letter holds %q", language, not)
				}
			}
		}
	})
}

// everyKind is an edition with a section of each kind, and one that is empty
// and says so.
func everyKind() compose.Edition {
	e := harbourEdition()
	briefs, note := e.Sections[0].Briefs, e.Sections[4].Briefs
	known := map[string][]compose.Brief{
		"sponsor": e.Sections[1].Briefs, "events": e.Sections[3].Briefs, "note": note[:1], "corrections": note[1:],
		"numbers":   {{Number: "164 steps", Title: "to the lamp", URL: "https://harbour.example/steps", Teaser: "Counted twice.", Publication: "Averne Courier"}},
		"quotation": {{Author: "Tomas Reyl", Title: "Nine nights", URL: "https://harbour.example/q", Body: []compose.Block{{Kind: "paragraph", HTML: "What we can’t run is habit.", Text: "What we can’t run is habit."}}}},
	}
	e.Sections = []compose.Section{{Title: "Nothing today", Kind: "events", Text: "The quay is quiet."}}
	for _, kind := range compose.SectionKinds() {
		section := compose.Section{Title: kind, Kind: kind, Briefs: known[kind]}
		if section.Briefs == nil {
			section.Briefs = briefs
		}
		e.Sections = append(e.Sections, section)
	}
	return e
}

// variants are the letters of a theme that the checkers judge.
func variants(t *testing.T, th *templates.Theme) map[string]string {
	t.Helper()
	arabic, e := harbourRecipe(), arranged(th.Name)
	arabic.Language = "ar"
	noLead, noPicture := arranged(th.Name), arranged(th.Name)
	noLead.Lead, noPicture.Lead.Image = nil, nil
	drawn := setIn(t, th, harbourRecipe(), e)
	return map[string]string{
		"letter": drawn.HTML, "web": drawn.Web, "measured": setIn(t, th, harbourRecipe(), measured()).HTML,
		"arabic": setIn(t, th, arabic, e).HTML, "no-lead": setIn(t, th, harbourRecipe(), noLead).HTML,
		"no-picture": setIn(t, th, harbourRecipe(), noPicture).HTML, "kinds": setIn(t, th, harbourRecipe(), everyKind()).HTML,
	}
}

// What html-validate asks of pages and mails can't do: the layout of a mail is
// inline styles, conditional comments and a table, and <article> is dropped by
// some clients where a role stays.
const pageRules = `{"root":true,"extends":["html-validate:recommended"],"rules":{"doctype-style":"off","no-conditional-comment":"off","no-inline-style":"off","prefer-native-element":"off","prefer-tbody":"off","long-title":"off"}}`

// No complaint by the Nu checker and html-validate, in any of the variants.
func TestThemesByCheckers(t *testing.T) {
	judges, dir := browsertest.Checkers(t), t.TempDir()
	var files []string
	for _, name := range templates.Names() {
		th, err := templates.Load(name, "")
		if err != nil {
			t.Fatal(err)
		}
		for variant, page := range variants(t, th) {
			file := filepath.Join(dir, name+"-"+variant+".html")
			// The token of a field is filled in before anybody sees the letter.
			page = regexp.MustCompile(`LF[0-9a-f]{16}x\d+Z`).ReplaceAllString(page, "https://news.example.org/x")
			if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	nu, err := exec.Command("java", append([]string{"-jar", filepath.Join(judges, "vnu-jar", "build", "dist", "vnu.jar"), "--format", "json", "--stdout"}, files...)...).Output()
	var said struct {
		Messages []struct {
			URL, Type, SubType, Message string
			LastLine                    int
		}
	}
	if jsonErr := json.Unmarshal(nu, &said); jsonErr != nil {
		t.Fatalf("the Nu checker: %v, %v: %.2000s", err, jsonErr, nu)
	}
	for _, m := range said.Messages {
		t.Errorf("Nu: %s:%d: %s: %s", filepath.Base(m.URL), m.LastLine, m.Type, m.Message)
	}
	if err := os.WriteFile(filepath.Join(dir, ".htmlvalidate.json"), []byte(pageRules), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", append([]string{filepath.Join(judges, "html-validate", "bin", "html-validate.mjs"), "--formatter", "text", "--max-warnings", "0"}, files...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("html-validate: %v\n%s", err, out)
	}
}

// leastContrastScript measures the text of a page: the least contrast, what
// has it, and the smallest letters.
const leastContrastScript = `(() => {
  const lum = c => { const f = c.map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2] }
  const parse = s => s.match(/[\d.]+/g).map(Number)
  let least = 99, what = '', small = 99
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    const n = walk.currentNode, e = n.parentElement
    if (!n.data.trim() || !e.getClientRects().length) continue
    const style = getComputedStyle(e)
    small = Math.min(small, parseFloat(style.fontSize))
    let b = e, behind = [0, 0, 0, 0]
    for (; b && behind[3] === 0; b = b.parentElement) { behind = parse(getComputedStyle(b).backgroundColor); if (behind.length === 3) behind.push(1) }
    const x = lum(parse(style.color)), y = lum(behind), ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05)
    if (ratio < least) { least = ratio; what = n.data.trim().slice(0, 40) }
  }
  return JSON.stringify({least, what, small})
})()`

// In a browser, light and dark: no complaint by axe, contrast, sizes, and
// nothing wider than a phone. axe's two rules about landmarks are for whole
// pages: a letter is an article in the page of a mail program, which has them.
func TestThemesInABrowser(t *testing.T) {
	axe, err := os.ReadFile(filepath.Join(browsertest.Checkers(t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	browser := browsertest.Open(t)
	eachTheme(t, func(t *testing.T, th *templates.Theme) {
		pages := variants(t, th)
		pages["stripped"] = stripped(pages["letter"])
		address := served(t, pages)
		for _, name := range slices.Sorted(maps.Keys(pages)) {
			for _, scheme := range []string{"light", "dark"} {
				browser.Window(375, 800, scheme)
				browser.Visit(address + name)
				if over := browsertest.Eval[int](browser, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
					t.Errorf("%s, %s: %d px wider than a phone", name, scheme, over)
				}
				if name == "stripped" {
					continue // its dark is the light
				}
				var seen struct {
					Least, Small float64
					What         string
				}
				if err := json.Unmarshal([]byte(browsertest.Eval[string](browser, leastContrastScript)), &seen); err != nil {
					t.Fatal(err)
				}
				least := map[string]float64{"light": 6, "dark": 7}[scheme]
				if seen.Least < least || seen.Small < 14 {
					t.Errorf("%s, %s: contrast %.1f (%q), want %.0f; smallest text %.0f px, want 14", name, scheme, seen.Least, seen.What, least, seen.Small)
				}
				browsertest.Eval[bool](browser, string(axe)+`;true`)
				browsertest.Eval[bool](browser, `window.judged = '', axe.run(document, {rules: {'landmark-one-main': {enabled: false}, region: {enabled: false}}}).then(r => { window.judged = JSON.stringify(r.violations.map(v => v.id + ': ' + v.nodes[0].html)) }), true`)
				browser.Wait(`window.judged !== ''`)
				if complaints := browsertest.Eval[string](browser, `window.judged`); complaints != "[]" {
					t.Errorf("%s, %s: axe: %s", name, scheme, complaints)
				}
			}
		}
	})
}
