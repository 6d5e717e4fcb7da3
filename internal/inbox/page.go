package inbox

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lede/web/tool"
)

const (
	rowsShown  = 200     // rows of the list on one page
	sourceSize = 1 << 20 // bytes of a mail's source, text and HTML that a page shows
)

var (
	//go:embed inbox.html
	pageHTML string
	//go:embed inbox.css
	pageCSS []byte
	//go:embed inbox.js
	pageJS []byte
)

// Handler serves the inbox's page.
//
//	GET  /                    the list; ?q= finds, ?from=ID starts the list there
//	GET  /mail/{id}           the list and a mail; ?view=html|text|source|headers, ?look=desktop|phone|off
//	GET  /mail/{id}/html      its HTML alone, sandboxed; ?look=off without pictures
//	GET  /mail/{id}/inline/…  a picture inside it, by Content-ID
//	GET  /mail/{id}/raw       the mail as a file
//	POST /mail/{id}/delete, /delete
//	GET  /mails.json          what is kept, newest first
//	GET  /state.json          a version that grows with every change
//
// The only thing that a GET changes is that a mail was read.
func (b *Inbox) Handler() http.Handler {
	page := template.Must(template.New("inbox").Funcs(template.FuncMap{
		"mark": func() template.HTML { return tool.Mark }, "shape": tool.Shape, "kilobytes": kilobytes,
	}).Parse(pageHTML))
	p := pages{b, page}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.list)
	mux.HandleFunc("GET /mail/{id}", p.mail)
	mux.HandleFunc("GET /mail/{id}/html", p.html)
	mux.HandleFunc("GET /mail/{id}/inline/{cid}", p.inline)
	mux.HandleFunc("GET /mail/{id}/raw", p.raw)
	mux.HandleFunc("POST /mail/{id}/delete", p.delete)
	mux.HandleFunc("POST /delete", p.deleteAll)
	mux.HandleFunc("GET /mails.json", p.mails)
	mux.HandleFunc("GET /state.json", p.state)
	mux.Handle("GET /tool.css", tool.CSS())
	mux.Handle("GET /inbox.css", tool.Asset("text/css; charset=utf-8", pageCSS))
	mux.Handle("GET /inbox.js", tool.Asset("text/javascript; charset=utf-8", pageJS))
	return tool.Guard(mux, b.o.Hosts...)
}

type pages struct {
	*Inbox
	page *template.Template
}

// view is what the page's template gets.
type view struct {
	Status status
	Query  string
	Rows   []row
	Older  string // address of the rest of the list; empty when this is all
	Mail   *shown
	Found  int // mails that the search found
}

// row is a line of the list.
type row struct {
	ID                     int64
	To, More, Time         string
	Subject, Link          string
	Unread, Chosen, Broken bool
}

// shown is the mail on the right.
type shown struct {
	*Mail
	P        *Parsed
	View     string // html, text, source, headers
	Look     string // desktop, phone, off
	From     string
	FromMail string
	Date     string
	Zone     string
	Taken    string
	Size     int64
	Text     string
	Source   string
	Cut      bool
	Views    []tab
	Looks    []tab
}

type tab struct {
	Name, Link string
	Count      int
	Current    bool
}

func (p pages) list(w http.ResponseWriter, r *http.Request) { p.show(w, r, nil) }

func (p pages) mail(w http.ResponseWriter, r *http.Request) {
	if m, ok := p.asked(w, r, true); ok {
		p.show(w, r, m)
	}
}

// asked finds the mail that a request names, or answers that there is none.
func (p pages) asked(w http.ResponseWriter, r *http.Request, read bool) (*Mail, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err == nil {
		if m, ok := p.Inbox.mail(id, read); ok {
			return m, true
		}
	}
	http.Error(w, "This mail is not here any more.", http.StatusNotFound)
	return nil, false
}

func (p pages) show(w http.ResponseWriter, r *http.Request, m *Mail) {
	v := view{Status: p.status(), Query: strings.TrimSpace(r.FormValue("q"))}
	if m != nil {
		v.Mail = p.shown(m, r)
	}
	from, _ := strconv.ParseInt(r.FormValue("from"), 10, 64)
	mails := p.Mails()
	for i := len(mails) - 1; i >= 0; i-- {
		k := mails[i]
		if from > 0 && k.ID > from || v.Query != "" && !k.matches(v.Query) {
			continue
		}
		v.Found++
		if len(v.Rows) == rowsShown {
			v.Older = "/?" + url.Values{"q": {v.Query}, "from": {strconv.FormatInt(k.ID, 10)}}.Encode()
			break
		}
		v.Rows = append(v.Rows, p.row(k, v.Query, m))
	}
	var out bytes.Buffer
	if err := p.page.Execute(&out, v); err != nil {
		p.o.Log.Error("inbox: page", "err", err)
		http.Error(w, "This page could not be drawn.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(out.Bytes())
}

func (p pages) row(m Mail, query string, chosen *Mail) row {
	parsed := m.Parsed()
	line := row{
		ID: m.ID, Time: m.Taken.In(p.o.Zone).Format("15:04:05"), Subject: parsed.Subject,
		Unread: m.Unread, Chosen: chosen != nil && chosen.ID == m.ID, Broken: len(parsed.Problems) > 0,
		Link: link(m.ID, query, "", ""),
	}
	if len(m.To) > 0 {
		line.To = m.To[0]
	}
	if n := len(m.To) - 1; n > 0 {
		line.More = fmt.Sprintf("and %d more", n)
	}
	if line.Subject == "" {
		line.Subject = "(no subject)"
	}
	return line
}

// link is the address of a mail's page.
func link(id int64, query, view, look string) string {
	q := url.Values{}
	for key, value := range map[string]string{"q": query, "view": view, "look": look} {
		if value != "" {
			q.Set(key, value)
		}
	}
	address := "/mail/" + strconv.FormatInt(id, 10)
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	return address
}

func (p pages) shown(m *Mail, r *http.Request) *shown {
	parsed := m.Parsed()
	s := &shown{Mail: m, P: parsed, Size: int64(len(m.Raw)), From: parsed.From.Name, FromMail: parsed.From.Address}
	if s.From == "" && s.FromMail == "" {
		s.From = parsed.FromRaw
	}
	s.Date, s.Taken = parsed.Date, m.Taken.In(p.o.Zone).Format("15:04:05")
	if !parsed.When.IsZero() {
		s.Date, s.Zone = parsed.When.Format("Mon 2 Jan 2006, 15:04:05"), parsed.When.Format("-0700")
	}
	s.View = choose(r.FormValue("view"), first(parsed), "html", "text", "source", "headers")
	s.Look = choose(r.FormValue("look"), "desktop", "phone", "off")
	s.Text, s.Cut = shorten(parsed.Text)
	if s.View == "source" {
		s.Source, s.Cut = shorten(printable(m.Raw))
	}
	query := strings.TrimSpace(r.FormValue("q"))
	for _, t := range []tab{{Name: "HTML"}, {Name: "Text"}, {Name: "Source"}, {Name: "Headers", Count: len(parsed.Header)}} {
		name := strings.ToLower(t.Name)
		t.Link, t.Current = link(m.ID, query, name, ""), s.View == name
		s.Views = append(s.Views, t)
	}
	if s.View == "html" && parsed.HTML != "" {
		for _, t := range []tab{{Name: "Desktop", Link: "desktop"}, {Name: "Phone", Link: "phone"}, {Name: "Pictures off", Link: "off"}} {
			t.Current = s.Look == t.Link
			t.Link = link(m.ID, query, "html", t.Link)
			s.Looks = append(s.Looks, t)
		}
	}
	return s
}

// first is the view that a mail opens with.
func first(p *Parsed) string {
	switch {
	case p.HTML != "":
		return "html"
	case p.Text != "":
		return "text"
	}
	return "source"
}

// choose returns the value if it is a known one, else the default.
func choose(value, otherwise string, known ...string) string {
	for _, k := range known {
		if value == k {
			return k
		}
	}
	return otherwise
}

func shorten(s string) (string, bool) {
	if len(s) <= sourceSize {
		return s, false
	}
	return strings.ToValidUTF8(s[:sourceSize], ""), true
}

// html serves a mail's HTML for the frame. Pictures are loaded from the mail
// itself and from this machine, where the demo serves them, never from
// elsewhere: looking at a mail tells nobody.
func (p pages) html(w http.ResponseWriter, r *http.Request) {
	m, ok := p.asked(w, r, false)
	if !ok {
		return
	}
	images := "'self' data: http://127.0.0.1:* http://localhost:*"
	if r.FormValue("look") == "off" {
		images = "'none'"
	}
	base := "/mail/" + strconv.FormatInt(m.ID, 10) + "/inline/"
	framed := tool.Frame(m.Parsed().HTML, tool.Framing{Source: func(address string) string {
		if id, found := strings.CutPrefix(address, "cid:"); found {
			return base + url.PathEscape(id)
		}
		return address
	}})
	h := w.Header()
	h.Set("Content-Security-Policy", tool.FrameCSP(tool.Sandbox, images))
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(framed))
}

func (p pages) inline(w http.ResponseWriter, r *http.Request) {
	m, ok := p.asked(w, r, false)
	if !ok {
		return
	}
	part, found := inline(m.Raw, r.PathValue("cid"))
	if !found {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", part.ContentType)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the sandboxed frame has no origin
	w.Write(part.Content)
}

func (p pages) raw(w http.ResponseWriter, r *http.Request) {
	m, ok := p.asked(w, r, false)
	if !ok {
		return
	}
	h := w.Header()
	h.Set("Content-Type", "message/rfc822")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fmt.Sprintf("mail-%d.eml", m.ID)}))
	h.Set("Content-Length", strconv.Itoa(len(m.Raw)))
	w.Write(m.Raw)
}

func (p pages) delete(w http.ResponseWriter, r *http.Request) {
	if m, ok := p.asked(w, r, false); ok {
		p.remove(m.ID)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

func (p pages) deleteAll(w http.ResponseWriter, r *http.Request) {
	p.clear()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// listed is a mail in /mails.json.
type listed struct {
	ID      int64     `json:"id"`
	From    string    `json:"from"`
	To      []string  `json:"to"`
	Taken   time.Time `json:"taken"`
	TLS     bool      `json:"tls"`
	Size    int       `json:"size"`
	Unread  bool      `json:"unread"`
	Subject string    `json:"subject"`
}

func (p pages) mails(w http.ResponseWriter, _ *http.Request) {
	mails := p.Mails()
	list := make([]listed, 0, len(mails))
	for i := len(mails) - 1; i >= 0; i-- {
		m := mails[i]
		list = append(list, listed{m.ID, m.From, m.To, m.Taken.UTC(), m.TLS, len(m.Raw), m.Unread, m.Parsed().Subject})
	}
	answer(w, list)
}

func (p pages) state(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]int64{"version": p.status().Version})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a reader that went away is not our fault
}

// kilobytes writes a size as people read it, 1 KB being 1024 bytes.
func kilobytes(n int64) string {
	switch {
	case n < 100<<10:
		return strconv.FormatFloat(float64(n)/1024, 'f', 1, 64) + " KB"
	case n < 10<<20:
		return strconv.FormatInt(n/1024, 10) + " KB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
}
