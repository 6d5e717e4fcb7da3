package web

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"lede/compose"
	"lede/compose/lint"
	"lede/source"
	"lede/web/tool"
)

//go:embed pages/preview.html pages/preview.css pages/preview.js
var previewFiles embed.FS

// PreviewNewsletter is a newsletter that can be previewed.
type PreviewNewsletter struct{ ID, Name string }

// Request says what to draw.
type Request struct {
	Newsletter string // id
	// As is whose letter it is: an address (it holds an @), the name of a
	// made-up reader, or empty for a made-up reader without a name.
	As string
	// Fetch asks for the sources to be read again, even if they were a moment
	// ago.
	Fetch bool
}

// Proof is a letter as the preview shows it, drawn for one reader. All its
// links carry tokens of the purpose proof.
type Proof struct {
	Edition  compose.Edition
	Sender   string // who the mail is from, as an inbox shows it
	Subject  string // fields filled
	HTML     string // fields filled
	Text     string // fields filled
	Source   []byte // the whole mail
	Findings []lint.Finding
	Audience int       // readers who would get it now
	Min      int       // fewer stories than this and nothing is sent
	Slot     time.Time // in the newsletter's zone; zero when no slot follows
	BaseURL  string    // where the letter's pictures are served for its readers
	Drawn    time.Time
	Took     time.Duration
	// Error says that a template does not work: file, line, what. The last good
	// letter then stays, and nothing else of this Proof is looked at.
	Error string
}

// Preview is the editor's page, served on loopback. It changes nothing: no
// story is used, no subscriber is touched.
type Preview struct {
	// Newsletters lists what can be previewed, at least one; the first is shown
	// when none is asked for. It is asked at each page: a configuration changes.
	Newsletters func() []PreviewNewsletter
	// Render draws the next edition. An error is shown like Proof.Error, in
	// its own words.
	Render func(context.Context, Request) (Proof, error)
	// Send sends the letter to an address as a proof and returns the relay's
	// answer: "250 2.0.0 OK".
	Send func(ctx context.Context, r Request, to string) (string, error)
	// Version grows with every change of a story, a template or the
	// configuration. It is asked a few times a second; nil: nothing changes.
	Version func() int64
	Picture func(ctx context.Context, name string) (source.Picture, error)
	ProofTo string   // address that the proof form starts with; may be empty
	Hosts   []string // names beside localhost under which the page may be reached
	Now     func() time.Time
	Log     *slog.Logger
}

const (
	renderTime = 2 * time.Minute // sources have their own, shorter limits
	versionGap = 250 * time.Millisecond
	// An event stream says something at least so often, so that a browser
	// knows that the preview lives.
	streamBeat  = 15 * time.Second
	maxDrawings = 32 // kept: newsletters and readers that were looked at
	maxNotices  = 32
)

// Handler serves
//
//	GET  /           the page; ?newsletter=, ?as=, ?view=desktop|phone|dark|noimages|text|source|headers
//	GET  /frame      the letter alone, for the page's frame
//	GET  /p/{name}   its pictures
//	GET  /live       an event stream of versions, for the page's script
//	POST /fetch      reads the sources again
//	POST /proof      sends a proof
func (p *Preview) Handler() http.Handler {
	read := func(name string) []byte {
		b, err := previewFiles.ReadFile("pages/" + name)
		if err != nil {
			panic(err) // embedded: a fault of the build
		}
		return b
	}
	h := &preview{Preview: p, drawings: map[Request]*drawing{}, notices: map[int]notice{}, proofTo: p.ProofTo}
	h.page = template.Must(template.New("preview.html").Funcs(template.FuncMap{
		"mark": func() template.HTML { return tool.Mark }, "shape": tool.Shape, "code": code,
	}).Parse(string(read("preview.html"))))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.show)
	mux.HandleFunc("GET /frame", h.frame)
	mux.HandleFunc("GET /live", h.live)
	mux.HandleFunc("POST /fetch", h.fetch)
	mux.HandleFunc("POST /proof", h.send)
	mux.HandleFunc("GET /p/{name}", func(w http.ResponseWriter, r *http.Request) {
		servePicture(w, r, p.Picture, p.Log)
	})
	mux.Handle("GET /tool.css", tool.CSS())
	mux.Handle("GET /preview.css", tool.Asset("text/css; charset=utf-8", read("preview.css")))
	mux.Handle("GET /preview.js", tool.Asset("text/javascript; charset=utf-8", read("preview.js")))
	return tool.Guard(mux, p.Hosts...)
}

type preview struct {
	*Preview
	page *template.Template

	mu       sync.Mutex
	drawings map[Request]*drawing // by newsletter and reader
	notices  map[int]notice       // of proofs, by number
	last     int                  // number of the newest notice
	proofTo  string               // address that a proof went to last
}

// drawing is the letter for one newsletter and reader. The page and its frame
// ask for it one after the other, and both must show the same.
type drawing struct {
	mu      sync.Mutex
	version int64 // that it was drawn at; only a good or failed attempt counts
	tried   bool
	good    bool  // proof holds a letter
	proof   Proof // the last good one
	trouble string
	broken  bool // trouble is a template's
}

// shown is what a drawing shows now.
type shown struct {
	Proof
	Version int64
	Good    bool
	Trouble string
	Broken  bool
}

// notice tells how a proof fared.
type notice struct {
	To, Word string
	At       time.Time
	Failed   bool
}

// asked reads which letter a request is about.
func (p *preview) asked(r *http.Request) (Request, error) {
	q := Request{Newsletter: r.FormValue("newsletter"), As: strings.TrimSpace(r.FormValue("as"))}
	newsletters := p.Newsletters()
	if q.Newsletter == "" {
		q.Newsletter = newsletters[0].ID
	}
	if len(q.As) > 320 || strings.ContainsAny(q.As, "\r\n") {
		return q, errors.New("that is not a reader")
	}
	for _, n := range newsletters {
		if n.ID == q.Newsletter {
			return q, nil
		}
	}
	return q, fmt.Errorf("there is no newsletter %q", q.Newsletter)
}

func (p *preview) version() int64 {
	if p.Version == nil {
		return 0
	}
	return p.Version()
}

// drawing finds or makes the drawing of a request.
func (p *preview) drawing(q Request) *drawing {
	q.Fetch = false
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.drawings[q]
	if d == nil {
		if len(p.drawings) >= maxDrawings {
			clear(p.drawings)
		}
		d = &drawing{}
		p.drawings[q] = d
	}
	return d
}

// draw returns the letter as of now. It is drawn again when something changed
// since, or with q.Fetch. When that fails the last good letter stays.
func (p *preview) draw(ctx context.Context, q Request) shown {
	d := p.drawing(q)
	d.mu.Lock()
	defer d.mu.Unlock()
	if version := p.version(); !d.tried || version != d.version || q.Fetch {
		// A browser that went away must not leave half a drawing behind.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renderTime)
		defer cancel()
		proof, err := p.Render(ctx, q)
		d.tried, d.version, d.trouble, d.broken = true, version, "", false
		switch {
		case err != nil:
			d.trouble = err.Error()
		case proof.Error != "":
			d.trouble, d.broken = proof.Error, true
		default:
			d.proof, d.good = proof, true
		}
	}
	return shown{Proof: d.proof, Version: d.version, Good: d.good, Trouble: d.trouble, Broken: d.broken}
}

// frame serves the letter for the page's frame. Its pictures are loaded from
// the preview itself, since nothing else may be running yet; that, and that
// its links open outside, is all that differs from the letter.
func (p *preview) frame(w http.ResponseWriter, r *http.Request) {
	q, err := p.asked(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	s := p.draw(r.Context(), q)
	images := "'self' data: https: http:"
	if r.FormValue("view") == "noimages" {
		images = "'none'"
	}
	scheme := "light"
	if r.FormValue("view") == "dark" {
		scheme = "dark"
	}
	pictures := s.BaseURL + "/p/"
	var anchors []tool.Anchor
	for _, story := range stories(s.Edition) {
		anchors = append(anchors, tool.Anchor{ID: story.ID, URL: story.URL, Title: story.Title})
	}
	framed := tool.Frame(s.HTML, tool.Framing{
		Scheme:  scheme,
		Anchors: anchors,
		Source: func(address string) string {
			if name, ours := strings.CutPrefix(address, pictures); ours {
				return "/p/" + name
			}
			return address
		},
	})
	h := w.Header()
	h.Set("Content-Security-Policy", tool.FrameCSP(tool.SandboxScrolled, images))
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(framed))
}

// live tells the page's script each new version, as server-sent events. The
// stream goes on until the browser or the request's context ends: who shuts the
// server down gives it a BaseContext that ends first.
func (p *preview) live(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	gap, told, said := time.NewTicker(versionGap), int64(-1), p.Now()
	defer gap.Stop()
	for {
		version, now := p.version(), p.Now()
		if version != told || now.Sub(said) > streamBeat {
			told, said = version, now
			// The server's own limit is for pages; the stream lives on as long
			// as somebody reads it.
			_ = out.SetWriteDeadline(time.Now().Add(2 * streamBeat)) // where it can't be set, the server's own holds
			if _, err := fmt.Fprintf(w, "data: %d\n\n", version); err != nil || out.Flush() != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-gap.C:
		}
	}
}

// fetch reads the sources again and goes back to the page.
func (p *preview) fetch(w http.ResponseWriter, r *http.Request) {
	q, err := p.form(w, r)
	if err != nil {
		return
	}
	q.Fetch = true
	p.draw(r.Context(), q)
	http.Redirect(w, r, address(q, r.PostForm.Get("view"), nil), http.StatusSeeOther)
}

// send sends a proof and goes back to the page, which then says how it fared.
func (p *preview) send(w http.ResponseWriter, r *http.Request) {
	q, err := p.form(w, r)
	if err != nil {
		return
	}
	to := strings.TrimSpace(r.PostForm.Get("to"))
	n := notice{To: to, At: p.Now()}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), renderTime)
	defer cancel()
	if n.Word, err = p.Send(ctx, q, to); err != nil {
		n.Word, n.Failed = err.Error(), true
	}
	p.mu.Lock()
	p.last++
	number := p.last
	p.notices[number] = n
	delete(p.notices, number-maxNotices)
	if !n.Failed {
		p.proofTo = to
	}
	p.mu.Unlock()
	http.Redirect(w, r, address(q, r.PostForm.Get("view"), url.Values{"proof": {strconv.Itoa(number)}}), http.StatusSeeOther)
}

// form reads a posted form, and answers the request itself when it can't.
func (p *preview) form(w http.ResponseWriter, r *http.Request) (Request, error) {
	if !readForm(w, r) {
		return Request{}, errors.New("no form")
	}
	q, err := p.asked(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
	}
	return q, err
}

// address is that of the page for a letter and a view.
func address(q Request, view string, more url.Values) string {
	v := url.Values{"newsletter": {q.Newsletter}}
	if q.As != "" {
		v.Set("as", q.As)
	}
	if view != "" {
		v.Set("view", view)
	}
	for key, values := range more {
		v[key] = values
	}
	return "/?" + v.Encode()
}

// show draws the page.
func (p *preview) show(w http.ResponseWriter, r *http.Request) {
	q, err := p.asked(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	s := p.draw(r.Context(), q)
	v := p.layOut(q, s, r.FormValue("view"))
	p.mu.Lock()
	v.ProofTo = p.proofTo
	if number, err := strconv.Atoi(r.FormValue("proof")); err == nil {
		if n, known := p.notices[number]; known {
			v.Notice = &n
			if n.Failed {
				v.ProofTo = n.To
			}
		}
	}
	p.mu.Unlock()
	var out bytes.Buffer
	if err := p.page.Execute(&out, v); err != nil {
		p.Log.Error("preview: page", "err", err)
		http.Error(w, "This page could not be drawn.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(out.Bytes())
}
