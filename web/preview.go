package web

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"lede/compose"
	"lede/compose/lint"
	"lede/source"
	"lede/web/tool"
)

//go:embed pages/preview.html pages/preview.css pages/preview.js
var previewFiles embed.FS

// PreviewNewsletter is a newsletter that can be previewed.
type PreviewNewsletter struct{ ID, Name string }

// PreviewReader is a subscriber as whom a letter can be seen.
type PreviewReader struct {
	Address string `json:"address"`
	Name    string `json:"name"`
}

// Request says what to draw.
type Request struct {
	Newsletter string // id
	// As is whose letter it is: an address (it holds an @), the name of a
	// made-up reader, or empty for a made-up reader without a name.
	As string
	// Variant is the number of the letter's variant; negative (Own): the reader's
	// own.
	Variant int
	// Subject is which subject of a test the letter has, from 1; 0 is the first.
	Subject int
	// Fetch asks for the sources to be read again, even if they were a moment
	// ago.
	Fetch bool
}

// Own asks for the variant that the reader gets.
const Own = -1

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
	Variant  int       // which of Variants it is
	Own      int       // which of Variants its reader gets
	Variants []Variant // all that there are; empty: one letter for all
	Subjects []string  // of a test, fields filled; empty: none is tested
	Min      int       // fewer stories than this and nothing is sent
	Slot     time.Time // in the newsletter's zone; zero when no slot follows
	BaseURL  string    // where the letter's pictures are served for its readers
	Earlier  *Earlier  // the last edition that readers got; nil: there is none
	Drawn    time.Time
	Took     time.Duration
	// Error says that a template does not work: file, line, what. The last good
	// letter then stays, and nothing else of this Proof is looked at.
	Error string
}

// Variant is one of the letters of an edition whose readers don't all get the
// same.
type Variant struct {
	Name    string // for whom it is: "plan paid"
	Readers int    // who would get it now; negative: not known
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
	// Find lists subscribers whose address or name holds a text, a few of them;
	// nil: nobody can be found.
	Find func(ctx context.Context, text string) ([]PreviewReader, error)
	// Send sends the letter to an address as a proof and returns the relay's
	// answer: "250 2.0.0 OK".
	Send func(ctx context.Context, r Request, to string) (string, error)
	// Version grows with every change of a story, a template or the
	// configuration. It is asked many times a second while a page is open; nil: nothing changes.
	Version func() int64
	Picture func(ctx context.Context, name string) (source.Picture, error)
	ProofTo string   // address that the proof form starts with; may be empty
	Hosts   []string // names beside localhost under which the page may be reached
	Now     func() time.Time
	Log     *slog.Logger
}

const (
	renderTime = 2 * time.Minute // sources have their own, shorter limits
	// The version is asked for so often that a save is told at once, and so
	// rarely that asking takes a tenth of the time at most.
	shortestGap, longestGap, gapShare = 10 * time.Millisecond, time.Second, 10
	findTime                          = 5 * time.Second
	// An event stream says something at least so often, so that a browser
	// knows that the preview lives.
	streamBeat  = 15 * time.Second
	maxDrawings = 128 // kept: newsletters, readers and variants that were looked at
	maxNotices  = 32
)

// Handler serves
//
//	GET  /           the page; ?newsletter=, ?as=, ?variant=, ?subject=,
//	                 ?view=desktop|phone|dark|inverted|noimages|nostyle|word|text|source|headers|difference|variants
//	GET  /frame      the letter alone, for the page's frame
//	GET  /p/{name}   its pictures
//	GET  /readers    subscribers whose address or name holds ?q=, as JSON
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
	h := &preview{Preview: p, drawings: map[Request]*drawing{}, notices: map[int][]notice{}, proofTo: p.ProofTo}
	h.page = template.Must(template.New("preview.html").Funcs(template.FuncMap{
		"mark": func() template.HTML { return tool.Mark }, "shape": tool.Shape, "code": code,
	}).Parse(string(read("preview.html"))))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.show)
	mux.HandleFunc("GET /frame", h.frame)
	mux.HandleFunc("GET /live", h.live)
	mux.HandleFunc("GET /readers", h.readers)
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
	notices  map[int][]notice     // of proofs, by number
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
	q := Request{Newsletter: r.FormValue("newsletter"), As: strings.TrimSpace(r.FormValue("as")), Variant: Own}
	if n, err := strconv.Atoi(r.FormValue("variant")); err == nil && n >= 0 && n < compose.MostVariants {
		q.Variant = n
	}
	if n, err := strconv.Atoi(r.FormValue("subject")); err == nil && n > 0 && n <= compose.MostVariants {
		q.Subject = n
	}
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
	images, scheme, letter := "'self' data: https: http:", "light", s.HTML
	view := r.FormValue("view")
	switch view {
	case "noimages":
		images = "'none'"
	case "dark":
		scheme = "dark"
	case "word":
		letter = tool.Word(letter)
	}
	pictures := s.BaseURL + "/p/"
	var anchors []tool.Anchor
	for _, story := range stories(s.Edition) {
		anchors = append(anchors, tool.Anchor{ID: story.ID, URL: story.URL, Title: story.Title})
	}
	var pins []tool.Pin
	if r.FormValue("marks") == "on" && view != "word" {
		for i, f := range numbered(s.Findings) {
			if pin, placed := pinOf(f, i+1, s.Edition); placed {
				pins = append(pins, pin)
			}
		}
	}
	framed := tool.Frame(letter, tool.Framing{
		Pins:    pins,
		Scheme:  scheme,
		Invert:  view == "inverted",
		NoStyle: view == "nostyle",
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
	told, said := int64(-1), p.Now()
	for {
		began := time.Now()
		version, now := p.version(), p.Now()
		gap := time.NewTimer(min(longestGap, max(shortestGap, gapShare*time.Since(began))))
		if version != told || now.Sub(said) > streamBeat {
			told, said = version, now
			// The server's own limit is for pages; the stream lives on as long
			// as somebody reads it.
			_ = out.SetWriteDeadline(time.Now().Add(2 * streamBeat)) // where it can't be set, the server's own holds
			if _, err := fmt.Fprintf(w, "data: %d\n\n", version); err != nil || out.Flush() != nil {
				gap.Stop()
				return
			}
		}
		select {
		case <-r.Context().Done():
			gap.Stop()
			return
		case <-gap.C:
		}
	}
}

// find lists subscribers for what an editor typed. One letter finds everybody,
// so it finds nobody.
func (p *preview) find(ctx context.Context, text string) []PreviewReader {
	text = strings.TrimSpace(text)
	if p.Find == nil || utf8.RuneCountInString(text) < 2 || len(text) > 320 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	found, err := p.Find(ctx, text)
	if err != nil {
		p.Log.Warn("preview: looking for a subscriber", "err", err)
		return nil
	}
	return found
}

// readers answers the page's script while an editor types.
func (p *preview) readers(w http.ResponseWriter, r *http.Request) {
	found := p.find(r.Context(), r.FormValue("q"))
	if found == nil {
		found = []PreviewReader{}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if err := json.NewEncoder(w).Encode(found); err != nil {
		p.Log.Debug("preview: readers", "err", err)
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
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), renderTime)
	defer cancel()
	told, failed := p.prove(ctx, q, r.PostForm.Get("to"))
	p.mu.Lock()
	p.last++
	number := p.last
	p.notices[number] = told
	delete(p.notices, number-maxNotices)
	if !failed {
		p.proofTo = strings.TrimSpace(r.PostForm.Get("to"))
	}
	p.mu.Unlock()
	http.Redirect(w, r, address(q, r.PostForm.Get("view"), url.Values{"proof": {strconv.Itoa(number)}}), http.StatusSeeOther)
}

// maxProofs is how many addresses a proof goes to at once.
const maxProofs = 10

// prove sends a proof to each of the addresses that an editor typed, with commas
// between them. One that fails keeps it from no other.
func (p *preview) prove(ctx context.Context, q Request, typed string) (told []notice, failed bool) {
	to := strings.FieldsFunc(typed, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
	slices.Sort(to)
	to = slices.Compact(to)
	if len(to) == 0 {
		return []notice{{To: "nobody", Word: "write an address", At: p.Now(), Failed: true}}, true
	}
	if len(to) > maxProofs {
		return []notice{{
			To: strconv.Itoa(len(to)) + " addresses", Word: "at most " + strconv.Itoa(maxProofs) + " at once", At: p.Now(), Failed: true,
		}}, true
	}
	for _, address := range to {
		n := notice{To: address, At: p.Now()}
		var err error
		if n.Word, err = p.Send(ctx, q, address); err != nil {
			n.Word, n.Failed, failed = err.Error(), true, true
		}
		told = append(told, n)
	}
	return told, failed
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
	if q.Variant >= 0 {
		v.Set("variant", strconv.Itoa(q.Variant))
	}
	if q.Subject > 0 {
		v.Set("subject", strconv.Itoa(q.Subject))
	}
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
	v := p.layOut(q, s, r.FormValue("view"), r.FormValue("marks") != "off")
	if v.View == variantsView {
		v.Side = p.sideBySide(r.Context(), q, s, r.Form["with"])
	}
	for _, reader := range p.find(r.Context(), q.As) {
		if reader.Address != q.As {
			v.Found = append(v.Found, tab{Name: reader.Address, Key: reader.Name, Link: address(Request{Newsletter: q.Newsletter, As: reader.Address, Variant: Own, Subject: q.Subject}, v.View, nil)})
		}
	}
	p.mu.Lock()
	v.ProofTo = p.proofTo
	if number, err := strconv.Atoi(r.FormValue("proof")); err == nil {
		v.Notices = p.notices[number]
		var again []string // who got none stands in the form
		for _, n := range v.Notices {
			if n.Failed && strings.Contains(n.To, "@") {
				again = append(again, n.To)
			}
		}
		if len(again) > 0 {
			v.ProofTo = strings.Join(again, ", ")
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
