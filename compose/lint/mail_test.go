package lint_test

import (
	"errors"
	"fmt"
	"mime"
	"strings"
	"testing"
	"time"

	"lede/compose/lint"
)

// goodHTML is a page in which nothing is found but notes on what programs lack.
const goodHTML = `<!doctype html>
<html lang="en"><head><title>Tides</title></head>
<body><div style="display:none">The tide turns at nine, the ferry sails at ten.</div>
<p>The tide turns at nine, the ferry sails at ten, and the lamp on the mole is lit again after eleven days of work by the harbour office.</p>
<p><a href="https://averne.example/tides">Tonight's tides</a></p>
<p>14 Chandler Row, Port Averne. <a href="https://averne.example/leave">Unsubscribe</a></p></body></html>
`

const goodText = "The tide turns at nine, the ferry sails at ten, and the lamp on the mole is lit again after eleven days of work by the harbour office.\n" +
	"Tonight's tides: https://averne.example/tides\n14 Chandler Row, Port Averne. Unsubscribe: https://averne.example/leave\n"

const goodHeader = "From: The Harbour Letter <letter@example.org>\nTo: reader@example.org\nSubject: Tides and a lamp\n" +
	"Date: Tue, 24 Nov 2026 06:30:00 +0000\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\n" +
	"List-Unsubscribe: <https://averne.example/leave>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n"

func goodMail() string {
	return goodHeader + "Content-Type: multipart/alternative; boundary=b\n\n" +
		"--b\nContent-Type: text/plain; charset=utf-8\n\n" + goodText +
		"--b\nContent-Type: text/html; charset=utf-8\n\n" + goodHTML + "--b--\n"
}

// found lists "severity rule" of what is found in a file, each once, but the
// notes on what programs lack.
func found(t *testing.T, name, data string, facts lint.Facts) string {
	t.Helper()
	m, err := lint.Read(name, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range lint.CheckMail(m, facts) {
		if f.Place == "" || f.Clients == "" || f.Message == "" || f.Remedy == "" {
			t.Errorf("%+v: something is left empty", f)
		}
		word := f.Severity + " " + f.Rule
		if word != "note client-support" && !strings.Contains(strings.Join(out, ",")+",", word+",") {
			out = append(out, word)
		}
	}
	return strings.Join(out, ",")
}

func TestMail(t *testing.T) {
	if got := found(t, "a.eml", goodMail(), lint.Facts{}); got != "" {
		t.Fatalf("a good mail: %s", got)
	}
	replace := func(old, new string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				panic("nothing to replace: " + old)
			}
			return strings.Replace(s, old, new, 1)
		}
	}
	field := func(name string) func(string) string {
		return func(s string) string {
			at := strings.Index(s, name+":")
			return s[:at] + s[at+strings.IndexByte(s[at:], '\n')+1:]
		}
	}
	for _, test := range []struct {
		name   string
		change func(string) string
		want   string
	}{
		{"no From", field("From"), "error header-from"},
		{"no Date", field("Date"), "warning header-date"},
		{"a date that is none", replace("Tue, 24 Nov 2026", "Someday"), "warning header-date"},
		{"no Message-ID", field("Message-ID"), "warning header-message-id"},
		{"no MIME-Version", field("MIME-Version"), "warning header-mime"},
		{"two subjects", replace("Subject:", "Subject: One\nSubject:"), "error header-repeated"},
		{"no List-Unsubscribe", field("List-Unsubscribe"), "warning list-unsubscribe"},
		{"no one-click", field("List-Unsubscribe-Post"), "warning list-unsubscribe-post"},
		{"by mail alone", replace("<https://averne.example/leave>", "<mailto:leave@example.org>"), "warning list-unsubscribe-post"},
		{"raw letters in a header", replace("Tides and a lamp", "Tides — and a lamp"), "warning header-raw"},
		{"an empty subject", replace("Tides and a lamp", ""), "error subject-empty"},
		{"shouting", replace("Tides and a lamp", "LAST CHANCE TO SEE THE LAMP"), "warning subject-shouting"},
		{"only emoji", replace("Tides and a lamp", "=?utf-8?q?=F0=9F=8C=8A=F0=9F=8C=8A?="), "warning subject-wordless"},
		{"a hidden character", replace("Tides and a lamp", "=?utf-8?q?Ti=E2=80=8Bdes and a lamp?="), "warning subject-control"},
		{"a wide subject", replace("Tides and a lamp", mime.BEncoding.Encode("utf-8", strings.Repeat("渡", 31))), "note subject-length"},
		{"an unknown character set", replace("text/html; charset=utf-8", "text/html; charset=klingon"), "error mime-charset"},
		{"not what it says", replace("turns at nine, the ferry sails at ten, and the lamp on the mole is lit again after eleven days of work by the harbour office.</p>", "turns\xff at nine, the ferry sails at ten, and the lamp on the mole is lit again after eleven days of work by the harbour office.</p>"), "error mime-charset"},
		{"a long line", replace("</body>", "<!--"+strings.Repeat("x", 1200)+"--></body>"), "error line-length"},
		{"an unknown encoding", replace("text/html; charset=utf-8\n", "text/html; charset=utf-8\nContent-Transfer-Encoding: x-own\n"), "error mime-encoding"},
		{"no boundary", replace("; boundary=b", ""), "warning mime-structure"},
		{"a word is missing in the text", replace(goodText, "Only this: https://averne.example/tides https://averne.example/leave of the harbour office, tide nine ferry ten lamp mole lit\n"), "warning text-differs"},
		{"a link is missing in the text", replace("Tonight's tides: https://averne.example/tides", "Tonight's tides"), "warning text-links"},
		{"no lang", replace(` lang="en"`, ""), "warning html-lang"},
		{"Arabic from left to right", replace(`lang="en"`, `lang="ar"`), "warning html-dir"},
		{"no title", replace("<title>Tides</title>", ""), "note html-title"},
		{"a field left", replace("Tonight's tides</a>", "Tonight's tides, {name|friend}</a>"), "warning placeholder-left"},
		{"another program's field", replace("<p>The tide", "<p>Dear *|FNAME|*, the tide"), "warning placeholder-left"},
		{"a script", replace("</body>", "<script>1</script></body>"), "warning active-content"},
		{"a handler", replace("<p>The", `<p onclick="x()">The`), "warning active-content"},
		{"a table for layout", replace("<p>The", "<table><tr><td>x</td></tr></table><p>The"), "warning table-role"},
		{"no way to leave", func(s string) string {
			return strings.ReplaceAll(strings.ReplaceAll(s, "averne.example/leave>", "averne.example/other>"), "Unsubscribe</a>", "Away</a>")
		}, "warning unsubscribe-missing"},
		{"small print", replace("<p>14 Chandler", `<p style="font-size:9px">14 Chandler`), "warning font-size"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := found(t, "a.eml", test.change(goodMail()), lint.Facts{}); !strings.Contains(","+got+",", ","+test.want+",") {
				t.Errorf("got %q, want %q among it", got, test.want)
			}
		})
	}
}

func TestHTMLRules(t *testing.T) {
	body := func(s string) string { return strings.Replace(goodHTML, "</body>", s+"</body>", 1) }
	head := func(s string) string { return strings.Replace(goodHTML, "</head>", s+"</head>", 1) }
	for _, test := range []struct{ name, html, want string }{
		{"plain", goodHTML, ""},
		{"a shortened link", body(`<a href="https://bit.ly/x">The lamp</a>`), "warning link-shortened"},
		{"Cyrillic in a Latin name", body(`<a href="https://xn--pple-43d.example/">The lamp</a>`), "warning link-lookalike"},
		{"all Cyrillic twins", body(`<a href="https://xn--80ak6aa92e.example/">The lamp</a>`), "warning link-lookalike"},
		{"an honest foreign name", body(`<a href="https://xn--bcher-kva.example/">Books</a>`), ""},
		{"a Japanese name", body(`<a href="https://xn--wgv71a119e.example/">Japan</a>`), ""},
		{"shows another site", body(`<a href="https://evil.example/">https://averne.example.org/login</a>`), "warning link-mismatch"},
		{"shows its own site", body(`<a href="https://www.averne.example/x">averne.example</a>`), ""},
		{"no scheme", body(`<a href="www.averne.example">Averne</a>`), "error link-scheme"},
		{"a script as link", body(`<a href=" JavaScript:x()">Averne</a>`), "error dead-link"},
		{"an anchor that is there", body(`<a href="#top">Up</a><p id="top">x</p>`), ""},
		{"an anchor that is not", body(`<a href="#top">Up</a>`), "error dead-link"},
		{"an IP address", body(`<a href="https://203.0.113.9/x">The lamp</a>`), "warning link-address"},
		{"click here", body(`<a href="https://averne.example/x">Click here</a>`), "note link-text"},
		{"no text in a link", body(`<a href="https://averne.example/x"><img src="https://averne.example/a.png" width="9" alt=""></a>`), "warning link-text"},
		{"no alt", body(`<img src="https://averne.example/a.png" width="9">`), "warning image-alt"},
		{"no width", body(`<img src="https://averne.example/a.png" alt="A lamp">`), "note image-width"},
		{"a picture by path", body(`<img src="a.png" alt="A lamp" width="9">`), "warning image-address"},
		{"pale text", body(`<p style="color:#999;background:#fff">pale words</p>`), "warning contrast-light"},
		{"pale by class, in a cell", strings.Replace(body(`<table role="presentation" bgcolor="#336699"><tr><td class="a">words</td></tr></table>`), "</head>", "<style>.a{color:#447799}</style></head>", 1), "warning contrast-light"},
		{"large may be paler", body(`<p style="color:#888;background:#fff;font-size:24px">large words</p>`), ""},
		{"pale in dark mode", strings.Replace(head("<style>@media (prefers-color-scheme: dark){.b{background:#222!important}}</style>"), "<body>", `<body class="b" style="background:#fff;color:#333">`, 1), "warning contrast-dark"},
		{"blue on green, turned around", body(`<p style="color:#007;background:#393">middle</p>`), "warning contrast-inverted"},
		{"over a picture", body(`<p style="background:url(https://averne.example/a.png)">words</p>`), "note contrast-unknown"},
		{"hidden text is no text", body(`<p style="color:#fff;background:#fff;display:none">words</p>`), ""},
		{"nested at-rules", head("<style>@supports (color:red){@media (max-width:9px){a{color:#111}}}</style>"), "warning style-nested"},
		{"a style in the body", body("<style>p{margin:0}</style>"), "note style-place"},
		{"an open brace", head("<style>p{color:#111}/* </style>"), "warning style-broken"},
		{"too much style", head(strings.Repeat("<style>"+strings.Repeat("p{margin:0}", 700)+"</style>", 3)), "warning style-total"},
		{"columns by flex", body(`<div style="display:flex">x</div>`), "warning client-support"},
		{"six tables deep", body(strings.Repeat(`<table role="presentation"><tr><td>`, 6) + "x" + strings.Repeat("</td></tr></table>", 6)), "warning tables-nested"},
		{"six tables deep for Outlook alone", body("<!--[if mso]>" + strings.Repeat(`<table role="presentation"><tr><td>`, 6) + "<![endif]-->x"), "warning tables-nested"},
		{"six tables deep for all others", body("<!--[if !mso]><!-->" + strings.Repeat(`<table role="presentation"><tr><td>`, 6) + "x" + strings.Repeat("</td></tr></table>", 6) + "<!--<![endif]-->"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := found(t, "a.html", test.html, lint.Facts{}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	link := "https://averne.example/tides"
	html := strings.Replace(goodHTML, "</body>", `<img src="https://averne.example/a.png" width="9" alt="A lamp"></body>`, 1)
	for _, test := range []struct {
		name  string
		facts lint.Facts
		want  string
	}{
		{"gone", lint.Facts{Links: map[string]lint.Visit{link: {Status: 404}}}, "error link-broken"},
		{"failing", lint.Facts{Links: map[string]lint.Visit{link: {Status: 502}}}, "warning link-broken"},
		{"silent", lint.Facts{Links: map[string]lint.Visit{link: {Err: "no such host"}}}, "warning link-broken"},
		{"inside", lint.Facts{Links: map[string]lint.Visit{link: {Inside: true}}}, "warning link-broken"},
		{"for browsers", lint.Facts{Links: map[string]lint.Visit{link: {Status: 403}}}, "note link-unsure"},
		{"moved", lint.Facts{Links: map[string]lint.Visit{link: {Status: 200, Final: link + "/"}}}, "note link-redirects"},
		{"moved away", lint.Facts{Links: map[string]lint.Visit{link: {Status: 200, Final: "https://other.example/"}}}, "warning link-redirects"},
		{"there", lint.Facts{Links: map[string]lint.Visit{link: {Status: 200}}}, ""},
		{"heavy", lint.Facts{Links: map[string]lint.Visit{"https://averne.example/a.png": {Status: 200, Bytes: 900 << 10}}}, "warning image-heavy"},
		{"spam", lint.Facts{Spam: &lint.Spam{Score: 6, Required: 5, Rules: []lint.SpamRule{{"X", 6, "x"}}}}, "error spam-score"},
		{"half spam", lint.Facts{Spam: &lint.Spam{Score: 2.5, Required: 5}}, "warning spam-score"},
		{"ham", lint.Facts{Spam: &lint.Spam{Score: -1, Required: 5}}, ""},
		{"nobody answers", lint.Facts{Spam: &lint.Spam{Err: "refused"}}, "warning spam-unknown"},
		{"a level", lint.Facts{Links: map[string]lint.Visit{link: {Status: 404}}, Levels: map[string]string{"link-broken": lint.Note}}, "note link-broken"},
		{"off", lint.Facts{Links: map[string]lint.Visit{link: {Status: 404}}, Levels: map[string]string{"link-broken": lint.Off}}, ""},
	} {
		if got := found(t, "a.html", html, test.facts); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestClients(t *testing.T) {
	ids, unknown := lint.PickClients([]string{"gmail.ios", " Outlook "})
	if unknown != "" || len(ids) != 7 || ids[0] != "gmail.ios" {
		t.Errorf("got %v, %q", ids, unknown)
	}
	if _, unknown := lint.PickClients([]string{"gmail", "pigeon"}); unknown != "pigeon" {
		t.Errorf("got %q", unknown)
	}
	if len(lint.Clients()) < 30 || lint.ClientsDate() == "" {
		t.Error("the table is not read")
	}
	m, err := lint.Read("a.html", []byte(goodHTML))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range lint.CheckMail(m, lint.Facts{Clients: []string{"gmail.mobile-webmail"}}) {
		if f.Rule == "client-support" && f.Clients != "Gmail (Mobile Webmail)" {
			t.Errorf("%+v: another client was asked for", f)
		}
	}
}

// TestCharsets reads parts in what sets and encodings there are.
func TestCharsets(t *testing.T) {
	for name, part := range map[string]string{
		"quoted-printable": "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n<p>K=C3=BCste=\n und</p>\n",
		"base64":           "Content-Type: text/html; charset=UTF-8\nContent-Transfer-Encoding: base64\n\nPHA+S8O8c3RlIHVu\nZDwvcD4K\n",
		"latin-1":          "Content-Type: text/html; charset=iso-8859-1\n\n<p>K\xfcste und</p>\n",
		"within a mixed":   "Content-Type: multipart/mixed; boundary=c\n\n--c\nContent-Type: text/html; charset=utf-8\n\n<p>Küste und</p>\n--c--\n",
	} {
		m, err := lint.Read("a.eml", []byte(goodHeader+part))
		if err != nil || !strings.Contains(m.HTML, "<p>Küste und</p>") {
			t.Errorf("%s: got %q, %v", name, m.HTML, err)
		}
	}
}

// TestHostileFiles: what is too large is refused, all else ends soon.
func TestHostileFiles(t *testing.T) {
	if _, err := lint.Read("a.html", make([]byte, lint.Longest+1)); !errors.Is(err, lint.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	const n = 100_000
	for name, data := range map[string]string{
		"elements nested":    strings.Repeat("<div>", n),
		"tables nested":      strings.Repeat("<table><tr><td>", n),
		"lists without ends": "<ul>" + strings.Repeat("<li>x", n),
		"links":              strings.Repeat(`<a href="x">`, n),
		"braces":             "<style>" + strings.Repeat("a{", n) + "</style>",
		"media":              "<style>" + strings.Repeat("@media x{", n) + "</style>",
		"rules and elements": "<style>" + strings.Repeat(".a .b .c{color:#111}", 4000) + "</style>" + strings.Repeat(`<p class="a b c">x</p>`, 20_000),
		"comments":           strings.Repeat("<!--[if mso]>", n),
		"open comments":      strings.Repeat("<!--", n),
		"entities":           strings.Repeat("&amp;&#0;&nosuch;", n),
		"attributes":         "<p " + strings.Repeat("a=1 ", n) + ">",
		"a long style":       `<p style="` + strings.Repeat("color:rgb(1,2,3);", n) + `">x`,
		"anchors":            strings.Repeat(`<a href="#nowhere">x</a>`, 3000),
	} {
		start := time.Now()
		m, err := lint.Read(name+".html", []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		lint.CheckMail(m, lint.Facts{})
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s: took %s", name, took)
		} else if took > time.Second {
			t.Logf("%s: took %s", name, took)
		}
	}
	var deep strings.Builder
	for i := range 200 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	if got := found(t, "a.eml", deep.String(), lint.Facts{}); !strings.Contains(got, "mime-structure") {
		t.Errorf("parts in parts: got %s", got)
	}
	found(t, "a.eml", "A: b\n"+strings.Repeat(" folded\n", n)+"\nx", lint.Facts{})
}
