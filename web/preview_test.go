package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lede/web"
)

// desk is a preview whose letter a test can change.
type desk struct {
	mu      sync.Mutex
	proof   web.Proof
	err     error
	asked   []web.Request
	sent    []string
	sendErr error
	version atomic.Int64
	url     string
}

func (d *desk) set(change func(*desk)) {
	d.mu.Lock()
	change(d)
	d.mu.Unlock()
	d.version.Add(1)
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	drawn, picture := proof(t, "")
	d := &desk{proof: drawn}
	p := &web.Preview{
		Newsletters: func() []web.PreviewNewsletter {
			return []web.PreviewNewsletter{{ID: "harbour", Name: "The Harbour Letter"}, {ID: "tide", Name: "The Tide Table"}}
		},
		Render: func(_ context.Context, q web.Request) (web.Proof, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.asked = append(d.asked, q)
			return d.proof, d.err
		},
		Find: func(_ context.Context, text string) ([]web.PreviewReader, error) {
			if text == "broken" {
				return nil, errors.New("disk is gone")
			}
			return []web.PreviewReader{{Address: "odile@northpost.example", Name: "Odile <b>"}}, nil
		},
		Send: func(_ context.Context, q web.Request, to string) (string, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.sent = append(d.sent, q.Newsletter+" as "+q.As+" to "+to)
			return "250 2.0.0 OK", d.sendErr
		},
		Version: d.version.Load, Picture: only(picture), ProofTo: "desk@example.org",
		Now: func() time.Time { return drawn.Drawn.Add(29 * time.Second) }, Log: slog.New(slog.DiscardHandler),
	}
	server := httptest.NewServer(p.Handler())
	t.Cleanup(func() {
		server.CloseClientConnections() // a browser's event stream would go on
		server.Close()
	})
	d.url = server.URL
	return d
}

func (d *desk) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(d.url + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestPreviewPage(t *testing.T) {
	d := newDesk(t)
	res, page := d.get(t, "/")
	if res.StatusCode != 200 {
		t.Fatalf("%d: %s", res.StatusCode, page)
	}
	contains(t, page, "<h1>The Harbour Letter</h1>", "Tuesday 24 November, 06:30 Lisbon", "In the letter", "8 of 15 stories",
		"desk: marked <code>lead: true</code>", "desk: starts within 7 days", "In brief, 5", "Sponsor", "On the quay", "Left out", "EMBARGOED until 09:00 today",
		"All 7 left out, with why", "Nothing stops this letter", "No errors, 2 warnings, 1 note. To 4,218 readers today at 06:30, in 27 minutes.",
		"Source “ferries” failed:", "timed out after 20 s. Its stories are missing here.", "Try again", "Add <code>image_alt</code> to <code>stories/ferry.md</code>",
		"subject 46, preheader 100", "Ferry to Skerrow sails again after e…", "subject cut at 41", "preheader cut at 50", "of 102 KB",
		`value="desk@example.org"`, "its links work and change nothing", "The Tide Table", "06:02:41", "in 38 ms")
	if got := res.Header.Get("Content-Security-Policy"); !strings.Contains(got, "default-src 'none'") || !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("policy: %s", got)
	}
	if strings.Contains(page, "desk: desk:") {
		t.Error("a source is named twice before its reason")
	}
	if strings.Contains(page, "style=") || strings.Contains(page, "onclick") {
		t.Error("the page has what its policy forbids")
	}
	for view, want := range map[string]string{
		"text": "The Averne Maid left the north quay", "source": "List-Unsubscribe-Post: List-Unsubscribe=One-Click", "headers": `<th scope="row">List-Id</th>`,
		"dark": `class="dark" id="frame"`, "phone": `class="letter phone"`,
	} {
		if _, page := d.get(t, "/?view="+view); !strings.Contains(page, want) {
			t.Errorf("view %s lacks %q", view, want)
		}
	}
	if len(d.asked) != 1 {
		t.Errorf("drawn %d times though nothing changed", len(d.asked))
	}
	if res, _ := d.get(t, "/?newsletter=nowhere"); res.StatusCode != 404 {
		t.Errorf("unknown newsletter: %d", res.StatusCode)
	}
	d.get(t, "/?newsletter=tide&as=odile@northpost.example")
	if q := d.asked[len(d.asked)-1]; q.Newsletter != "tide" || q.As != "odile@northpost.example" || q.Fetch {
		t.Errorf("asked for %+v", q)
	}
}

func TestPreviewFrame(t *testing.T) {
	d := newDesk(t)
	res, framed := d.get(t, "/frame")
	csp := res.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "sandbox allow-popups") || strings.Contains(csp, "allow-scripts") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "script-src") || !strings.Contains(csp, "frame-ancestors 'self'") {
		t.Errorf("policy: %s", csp)
	}
	for _, want := range []string{`src="/p/`, `<base target="_blank">`, `id="story-1"`, `id="story-8"`} {
		if !strings.Contains(framed, want) {
			t.Errorf("the frame lacks %s", want)
		}
	}
	if strings.Contains(framed, "prefers-color-scheme") || strings.Contains(framed, `src="`+base) {
		t.Error("the frame follows the browser's scheme, or loads its pictures from the site")
	}
	if strings.Contains(framed, "<title><span") {
		t.Error("an anchor stands in the title")
	}
	name := framed[strings.Index(framed, `src="/p/`)+5:]
	name = name[:strings.IndexByte(name, '"')]
	if res, _ := d.get(t, name); res.StatusCode != 200 || res.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
		t.Errorf("%s: %d", name, res.StatusCode)
	}
	res, _ = d.get(t, "/frame?view=noimages")
	if !strings.Contains(res.Header.Get("Content-Security-Policy"), "img-src 'none'") {
		t.Error("pictures are not off")
	}
	if _, styled := d.get(t, "/frame?view=nostyle"); strings.Contains(styled, "@media") || !strings.Contains(styled, "Averne Maid") || !strings.Contains(styled, `style="`) {
		t.Error("the view without style has a style sheet, or no letter")
	}
	if _, word := d.get(t, "/frame?view=word"); strings.Contains(word, "max-width") || strings.Contains(word, "[if mso]") || !strings.Contains(word, "Averne Maid") {
		t.Error("the view of Word has what Word passes over, or no letter")
	}
	if _, inverted := d.get(t, "/frame?view=inverted"); !strings.Contains(inverted, "invert(1)") || !strings.Contains(inverted, "Averne Maid") {
		t.Error("the inverted view is not inverted")
	}
	for _, view := range []string{"inverted", "word"} {
		if _, page := d.get(t, "/?view="+view); !strings.Contains(page, "<b>Approximation</b>") {
			t.Errorf("view %s does not say what it is", view)
		}
	}
	// What is changed for the frame is in no other view.
	_, source := d.get(t, "/?view=source")
	_, source, _ = strings.Cut(source, "<pre")
	source, _, _ = strings.Cut(source, "</pre>")
	if source == "" || strings.Contains(source, "story-1") || strings.Contains(source, "target=3D") {
		t.Error("the source is not the pure letter")
	}
}

func TestPreviewPins(t *testing.T) {
	d := newDesk(t)
	_, page := d.get(t, "/")
	contains(t, page, `#pin-1" target="letter" aria-label="Check 1, in the letter">1</a>`, `#pin-2" target="letter"`, `<span class="pin note">3</span>`,
		`<a class="marks" id="marks" href="/?marks=off&amp;newsletter=harbour&amp;view=desktop">Marks off</a>`)
	_, framed := d.get(t, "/frame?marks=on")
	for _, want := range []string{`<span id="pin-1" role="img" aria-label="Check 1"`, `<span id="story-3"></span><span id="pin-2"`} {
		if !strings.Contains(framed, want) {
			t.Errorf("the frame lacks %s", want)
		}
	}
	if strings.Contains(framed, "pin-3") || strings.Index(framed, "pin-1") > strings.Index(framed, "<img") {
		t.Error("a finding without a place has a pin, or the picture's is not before it")
	}
	if _, framed = d.get(t, "/frame"); strings.Contains(framed, "pin-1") {
		t.Error("pins though nobody asked")
	}
	_, page = d.get(t, "/?marks=off&view=phone")
	contains(t, page, `<span class="pin warning">1</span>`, "Marks on", `marks=off&amp;newsletter=harbour&amp;view=dark`)
	if strings.Contains(page, "marks=on") {
		t.Error("marks are off, and in the frame")
	}
}

func TestPreviewVerdicts(t *testing.T) {
	d := newDesk(t)
	for _, c := range []struct {
		name   string
		change func(*web.Proof)
		want   []string
	}{
		{"one error", func(p *web.Proof) { p.Findings[0].Severity = "error" }, []string{"1 error stops this letter", "1 error, 1 warning, 1 note"}},
		{"two errors", func(p *web.Proof) { p.Findings[0].Severity, p.Findings[1].Severity = "error", "error" }, []string{"2 errors stop this letter"}},
		{"nothing to send", func(p *web.Proof) {
			p.Edition.Empty, p.Edition.Lead, p.Edition.Sections, p.Min = "all stories ran before", nil, nil, 2
		}, []string{"Nothing to send: no stories, at least 2 wanted", "All stories ran before.", "No stories to choose from."}},
		{"late", func(p *web.Proof) { p.Slot = p.Drawn.Add(-2 * time.Minute) }, []string{"late by 2 min"}},
		{"tomorrow", func(p *web.Proof) { p.Slot = p.Slot.AddDate(0, 0, 1) }, []string{"tomorrow at 06:30, in 24 hours."}},
		{"later", func(p *web.Proof) { p.Slot = p.Slot.AddDate(0, 0, 3) }, []string{"on Friday 27 November at 06:30, in 3 days."}},
		{"no slot", func(p *web.Proof) { p.Slot = time.Time{} }, []string{"no slot is planned"}},
		{"one reader", func(p *web.Proof) { p.Audience = 1 }, []string{"To 1 reader today"}},
		{"no readers", func(p *web.Proof) { p.Audience = 0 }, []string{"To 0 readers today"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fresh, _ := proof(t, "")
			c.change(&fresh)
			d.set(func(d *desk) { d.proof = fresh })
			_, page := d.get(t, "/")
			contains(t, page, c.want...)
		})
	}
}

func TestPreviewKeepsTheLastGoodLetter(t *testing.T) {
	d := newDesk(t)
	d.get(t, "/")
	good := d.proof
	d.set(func(d *desk) {
		d.proof = web.Proof{Error: "lead.html:14: undefined field .Bylin, did you mean .Byline?"}
	})
	_, page := d.get(t, "/")
	contains(t, page, "This template does not work:", "lead.html:14: undefined field .Bylin", "You see the letter as it was at 06:02:41.", "2 warnings, 1 note")
	if strings.Contains(page, "Nothing stops") {
		t.Error("a broken template stops this letter")
	}
	if _, framed := d.get(t, "/frame"); !strings.Contains(framed, "Averne Maid") {
		t.Error("the last good letter is gone")
	}
	d.set(func(d *desk) { d.err = errors.New("lede.yaml:3: unknown key") })
	_, page = d.get(t, "/")
	contains(t, page, "This letter could not be drawn:", "lede.yaml:3: unknown key", "You see the letter as it was")
	d.set(func(d *desk) { d.proof, d.err = good, nil })
	if _, page = d.get(t, "/"); strings.Contains(page, "does not work") || strings.Contains(page, "could not be drawn") {
		t.Error("the trouble is over, and still told")
	}

	other := newDesk(t)
	other.set(func(d *desk) { d.err = errors.New("no such file") })
	_, page = other.get(t, "/")
	contains(t, page, "could not be drawn", "No letter yet.")
}

func (d *desk) post(t *testing.T, path, origin string, form url.Values) (int, string) {
	t.Helper()
	r, _ := http.NewRequest("POST", d.url+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	res, err := http.DefaultClient.Do(r) // follows the redirect
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// addresses are n addresses.
func addresses(n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, " reader%d@example.org", i)
	}
	return out.String()
}

func TestPreviewFindsReaders(t *testing.T) {
	d := newDesk(t)
	_, page := d.get(t, "/?as=odi&view=dark")
	contains(t, page, "Subscribers with “odi”", `href="/?as=odile%40northpost.example&amp;newsletter=harbour&amp;view=dark">odile@northpost.example</a> <span class="muted">Odile &lt;b&gt;</span>`)
	for path, want := range map[string]string{
		"/readers?q=odi": `[{"address":"odile@northpost.example","name":"Odile \u003cb\u003e"}]`, "/readers?q=x": "[]", "/readers": "[]", "/readers?q=broken": "[]",
		"/readers?q=" + strings.Repeat("a", 400): "[]",
	} {
		if res, body := d.get(t, path); res.StatusCode != 200 || strings.TrimSpace(body) != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	if _, page := d.get(t, "/?as=odile@northpost.example"); strings.Contains(page, "Subscribers with") {
		t.Error("who was found is looked for again")
	}
}

func TestPreviewActions(t *testing.T) {
	d := newDesk(t)
	form := url.Values{"newsletter": {"harbour"}, "as": {"Odile"}, "view": {"dark"}, "to": {"halla@skerrow.example"}}
	_, page := d.post(t, "/proof", d.url, form)
	contains(t, page, "<b>Proof sent</b> to halla@skerrow.example at 06:03:10. The relay said 250 2.0.0 OK.", `value="halla@skerrow.example"`, `class="dark"`)
	if len(d.sent) != 1 || d.sent[0] != "harbour as Odile to halla@skerrow.example" {
		t.Errorf("sent: %q", d.sent)
	}
	d.sendErr = errors.New("relay main: 550 5.1.1 no such user")
	_, page = d.post(t, "/proof", d.url, form)
	contains(t, page, "<b>No proof went</b> to halla@skerrow.example: relay main: 550 5.1.1 no such user")

	d.sent, d.sendErr = nil, nil
	form.Set("to", "halla@skerrow.example, desk@example.org; halla@skerrow.example")
	_, page = d.post(t, "/proof", d.url, form)
	contains(t, page, "<b>Proof sent</b> to desk@example.org", "<b>Proof sent</b> to halla@skerrow.example")
	if len(d.sent) != 2 {
		t.Errorf("sent: %q", d.sent)
	}
	for to, want := range map[string]string{" , ": "to nobody: write an address", "a@b.example,c@d.example e@f.example" + addresses(9): "to 12 addresses: at most 10 at once"} {
		form.Set("to", to)
		_, page = d.post(t, "/proof", d.url, form)
		contains(t, page, "<b>No proof went</b> "+want)
	}
	if len(d.sent) != 2 {
		t.Errorf("sent: %q", d.sent)
	}
	form.Set("to", "halla@skerrow.example")

	before := len(d.asked)
	if status, _ := d.post(t, "/fetch", d.url, form); status != 200 || !d.asked[before].Fetch {
		t.Errorf("fetching again: %d, %+v", status, d.asked[before:])
	}
	sent, asked := len(d.sent), len(d.asked)
	for _, path := range []string{"/proof", "/fetch"} {
		if status, _ := d.post(t, path, "https://evil.example", form); status != http.StatusForbidden {
			t.Errorf("POST %s from another site: %d", path, status)
		}
		if res, _ := d.get(t, path); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("GET %s: %d", path, res.StatusCode)
		}
	}
	if len(d.sent) != sent || len(d.asked) != asked {
		t.Error("another site's page sent or fetched something")
	}
}

// A name that somebody points at 127.0.0.1 is not this page's.
func TestPreviewRefusesForeignHosts(t *testing.T) {
	d := newDesk(t)
	for host, want := range map[string]int{
		"evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example": 421, "localhost.evil.example": 421,
		"localhost": 200, "localhost:9001": 200, "127.0.0.1:9001": 200, "[::1]:9001": 200, "preview.localhost": 200,
	} {
		r, _ := http.NewRequest("GET", d.url, nil)
		r.Host = host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("Host %s: %d, want %d", host, res.StatusCode, want)
		}
	}
}

func TestPreviewTellsVersions(t *testing.T) {
	d := newDesk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, "GET", d.url+"/live", nil)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	next := func() string {
		for lines.Scan() {
			if version, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return version
			}
		}
		return "nothing: " + lines.Err().Error()
	}
	if got := next(); got != "0" {
		t.Fatalf("first %s", got)
	}
	d.version.Add(3)
	if got := next(); got != "3" {
		t.Fatalf("then %s", got)
	}
}
