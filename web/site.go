// Package web makes the pages: those that readers reach from a letter (Site),
// and the editor's preview (Preview).
//
// Nothing that a GET or HEAD asks for changes anything: link scanners follow
// every link of a mail. No page submits itself, and no page needs a script.
package web

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"lede/audience"
	"lede/newsroom"
	"lede/source"
	"lede/templates"
	"lede/web/tool"
)

//go:embed pages/reader.html pages/archive.html pages/subscribe.html pages/preferences.html pages/reader.css pages/work.js
var readerFiles embed.FS

// Visibility says who may read a newsletter's letters on the web.
type Visibility string

// The visibilities. A newsletter without one is Unlisted.
const (
	Public   Visibility = "public"   // in an archive with feeds, and search engines may list them
	Unlisted Visibility = "unlisted" // who has a letter's address may read it; it is listed nowhere
	Off      Visibility = "off"      // only by the link in a reader's own mail
)

// Newsletter is what the reader's pages say about a newsletter.
type Newsletter struct {
	ID            string
	Name          string
	Line          string // under the name: "Port Averne, weekdays at half past six"; may be empty
	PostalAddress string
	Imprint       string // address of a page, or empty
	Privacy       string
	Lists         []string
	Visibility    Visibility
	Language      string // of its letters and pages, BCP 47; empty: English
	// Words are the newsletter's own fixed words; nil: those of its language.
	Words  *templates.Words
	Zone   *time.Location // of its dates; nil: UTC
	ListID string         // domain form; names its feeds and their entries for good
	From   mail.Address   // who its events' calendar files say announces them; without an address nobody
	// Next returns the first slot after a time, zero when none follows; nil:
	// there is no schedule.
	Next func(time.Time) time.Time
	// LocalTime says that its letters come at their readers' local time.
	LocalTime bool
	// SignUp says that people sign up for it here; nil: they can't.
	SignUp *SignUp
	// Look is its theme's, for its pages; nil: they look as ours.
	Look *templates.PageLook
}

// People finds readers and lets them leave and come back; see
// audience.Directory.
type People interface {
	PersonByID(ctx context.Context, id int64) (audience.Person, error)
	Leave(ctx context.Context, id int64, newsletter string, lists []string, why string, now time.Time) error
	LeaveAll(ctx context.Context, id int64, newsletters []string, why string, now time.Time) error
	Return(ctx context.Context, id int64, newsletter, why string, left, now time.Time) error
}

// Editions finds editions; see newsroom.Editions.
type Editions interface {
	Edition(ctx context.Context, id string) (newsroom.Record, error)
	Sums(ctx context.Context, id string) (newsroom.Sums, error)
}

// Archive lists the editions that somebody got; see store.Store. A zero time is
// no limit.
type Archive interface {
	Published(ctx context.Context, newsletter string, from, to time.Time, limit int) ([]newsroom.Published, error)
	Extent(ctx context.Context, newsletter string, from, to time.Time) (newsroom.Extent, error)
}

// Pictures finds pictures by the names made of their content. An unknown name
// is fs.ErrNotExist.
type Pictures interface {
	Picture(ctx context.Context, name string) (source.Picture, error)
}

// Site is the readers' pages.
type Site struct {
	BaseURL     string // under which readers reach the pages, without a trailing slash
	Newsletters []Newsletter
	People      People
	Editions    Editions
	Archive     Archive
	// Corrections returns what later editions corrected of one, oldest first;
	// nil: nothing ever is.
	Corrections func(ctx context.Context, edition string) ([]newsroom.Correction, error)
	Pictures    Pictures
	Keys        *audience.Keyring
	SignUps     SignUps                     // nil: nobody signs up here
	Choices     Choices                     // nil: there is no page of preferences
	MailsADay   int                         // of ours that an address gets; 0: 5
	Proxies     []netip.Prefix              // whose X-Forwarded-For is believed
	Ready       func(context.Context) error // nil error: the store answers
	Now         func() time.Time
	Log         *slog.Logger
}

// Handler serves
//
//	GET  /                  the newsletters' names
//	GET  /u/{token}         the unsubscribe page
//	POST /u/{token}         one-click unsubscribe (RFC 8058), or the page's own form
//	POST /u/{token}/undo    undo of the latter
//	GET  /subscribe/{newsletter}        the form to sign up; POST takes it, also as JSON
//	GET  /c/{token}         the page of a confirmation mail; POST confirms
//	GET  /s/{token}         the page of preferences; POST saves it. Below it /leave, /link,
//	                        and of a link that was mailed for it /address, /download, /erase
//	GET  /a/{token}         the page of the mail to a new address; POST confirms it
//	POST /link              mails a new link to whoever has a broken one
//	GET  /e/{edition}       an edition, "view in browser"; also a reader's or a proof's token
//	GET  /e/{edition}/{file}            event-….ics, the calendar file of one of its events
//	GET  /p/{name}          a picture of a letter
//	GET  /archive/{newsletter}/         its newest letters, ?q= those with a word
//	GET  /archive/{newsletter}/{year}/  those of a year
//	GET  /archive/{newsletter}/rss.xml  and atom.xml, feed.json
//	GET  /sitemap.xml
//	GET  /robots.txt
//	GET  /healthz           200: the process lives
//	GET  /readyz            200: it can do its work
//	GET  /instance/{nonce}  proof that this process stands on the same store
func (s *Site) Handler() http.Handler {
	styles, err := readerFiles.ReadFile("pages/reader.css")
	if err != nil {
		panic(err) // embedded: a fault of the build
	}
	work, err := readerFiles.ReadFile("pages/work.js")
	if err != nil {
		panic(err)
	}
	h := site{Site: s, page: readerTemplates(), csp: readerCSP, words: newWordIndex(), guard: newGuard()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.front)
	mux.HandleFunc("GET /u/{token}", h.askToLeave)
	mux.HandleFunc("POST /u/{token}", h.leave)
	mux.HandleFunc("POST /u/{token}/undo", h.undo)
	mux.HandleFunc("GET /subscribe/{newsletter}", h.askToJoin)
	mux.HandleFunc("POST /subscribe/{newsletter}", h.join)
	mux.HandleFunc("OPTIONS /subscribe/{newsletter}", h.preflight)
	mux.HandleFunc("GET /c/{token}", h.askToConfirm)
	mux.HandleFunc("POST /c/{token}", h.confirm)
	mux.HandleFunc("POST /link", h.mailLink)
	mux.HandleFunc("GET /s/{token}", h.choose)
	mux.HandleFunc("POST /s/{token}", h.saveChoices)
	mux.HandleFunc("GET /s/{token}/leave", h.askToLeaveAll)
	mux.HandleFunc("POST /s/{token}/link", h.mailDataLink)
	mux.HandleFunc("GET /s/{token}/address", h.askAddress)
	mux.HandleFunc("POST /s/{token}/address", h.writeToAddress)
	mux.HandleFunc("POST /s/{token}/download", h.download)
	mux.HandleFunc("GET /s/{token}/erase", h.askToErase)
	mux.HandleFunc("POST /s/{token}/erase", h.erase)
	mux.HandleFunc("GET /a/{token}", h.askToMove)
	mux.HandleFunc("POST /a/{token}", h.move)
	mux.HandleFunc("GET /e/{id}", h.edition)
	mux.HandleFunc("GET /e/{id}/{file}", h.event)
	mux.HandleFunc("GET /p/{name}", func(w http.ResponseWriter, r *http.Request) {
		servePicture(w, r, s.Pictures.Picture, s.Log)
	})
	mux.HandleFunc("GET /archive/{newsletter}", func(w http.ResponseWriter, r *http.Request) {
		// Relative, since a proxy may have taken a path of base_url away.
		w.Header().Set("Location", url.PathEscape(r.PathValue("newsletter"))+"/")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	mux.HandleFunc("GET /archive/{newsletter}/{$}", h.archive)
	mux.HandleFunc("GET /archive/{newsletter}/{year}/{$}", h.archiveYear)
	mux.HandleFunc("GET /archive/{newsletter}/{feed}", h.feed)
	mux.HandleFunc("GET /sitemap.xml", h.sitemap)
	mux.HandleFunc("GET /robots.txt", h.robots)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /instance/{nonce}", h.instance)
	mux.Handle("GET /reader.css", tool.Asset("text/css; charset=utf-8", styles))
	mux.HandleFunc("GET /look/{file}", h.look)
	mux.Handle("GET /work.js", tool.Asset("text/javascript; charset=utf-8", work))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		words := h.speech(w, r, Newsletter{})
		h.show(w, http.StatusNotFound, "gone", view{Title: words.Pages.NoPageTitle, Home: home(r), Words: words})
	})
	return h.headers(mux)
}

// readerCSP lets a page load its style sheet and send its own form, no more.
const readerCSP = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type site struct {
	*Site
	page  *template.Template
	csp   string
	words *wordIndex
	guard *guard
}

func readerTemplates() *template.Template {
	return template.Must(template.ParseFS(readerFiles, "pages/reader.html", "pages/archive.html", "pages/subscribe.html", "pages/preferences.html"))
}

// headers sets what every answer carries. Addresses hold tokens, so they are
// told to nobody (Referrer-Policy) and found by no search engine.
func (h site) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", h.csp)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("X-Frame-Options", "DENY")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("X-Robots-Tag", "noindex, nofollow")
		head.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// view is what the page's templates get.
type view struct {
	Title       string
	Words       speech // the page's language
	Home        string // relative address of the pages' root, since base_url may have a path
	Newsletter  Newsletter
	Newsletters []Newsletter
	Reader      string // address of the person
	Others      string // names of the other newsletters that the person gets, "A, B and C"
	All         bool   // everything was left, not this newsletter alone
	Action      string // address that the form posts to
	At          string // when it was left, for the undo
	Proof       bool
	Undo        bool
	Archive     *archiveView // of the archive's pages
	Links       links
	Heading     string       // over a form, where it is not the title
	Text        string       // a paragraph of the page
	Plain       string       // an address as its owner just wrote it
	Form        *formView    // that takes an address
	Read        []letterLine // the newest letters
	Confirms    bool         // the page's button confirms something
	ToChoices   string       // address of the page of preferences; empty: there is none
	Choices     *choicesView // of that page
	Former      string       // the address that Reader is to take the place of
}

// FormerAddress is Former, hidden as Address is.
func (v view) FormerAddress() template.HTML {
	v.Reader = v.Former
	return v.Address()
}

// Referrer is what the page's own requests tell: a form that takes something in
// proves by it where it stood.
func (v view) Referrer() string {
	if v.Form != nil || v.Confirms {
		return "same-origin"
	}
	return "no-referrer"
}

// Address is the reader's address, hidden: nobody who looks on learns it. Its
// dots are for the eye; a screen reader is told the letters that are left.
func (v view) Address() template.HTML {
	spoken := v.Words.Pages.Hidden
	if local, domain, ok := audience.Initials(v.Reader); ok {
		spoken = v.Words.Pages.Spoken.With("local", local, "domain", domain)
	}
	return template.HTML(`<span class="address" dir="ltr" aria-hidden="true">` + template.HTMLEscapeString(audience.Mask(v.Reader)) + //nolint:gosec // escaped
		`</span><span class="unseen">` + template.HTMLEscapeString(spoken) + `</span>`)
}

// Written is an address in full, for who just wrote it.
func (v view) Written() template.HTML {
	return template.HTML(`<bdi class="address" dir="ltr">` + template.HTMLEscapeString(v.Plain) + `</bdi>`) //nolint:gosec // escaped
}

// Join is the address of the page on which people sign up for a newsletter;
// empty: they can't.
func (v view) Join(n Newsletter) string {
	if n.SignUp == nil || v.Links.files {
		return ""
	}
	return v.Links.home + "subscribe/" + n.ID
}

// Robots is what search engines are told.
func (v view) Robots() string {
	if v.Archive != nil && !v.Archive.Searched {
		return ""
	}
	return "noindex, nofollow"
}

// Public says whether the page's newsletter has an archive.
func (v view) Public() bool { return v.Newsletter.Visibility == Public }

// show answers with a page.
func (h site) show(w http.ResponseWriter, status int, name string, v view) {
	var out bytes.Buffer
	v.Links = links{home: v.Home}
	if v.Newsletter.ID != "" {
		v.Newsletter.Name = v.Words.name(v.Newsletter)
	}
	if err := h.page.ExecuteTemplate(&out, name, v); err != nil {
		h.Log.Error("page", "page", name, "err", err)
		plain(w, http.StatusInternalServerError, "This did not work, and it is our fault. Nothing was changed.")
		return
	}
	allowLogo(w, v.Newsletter)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(out.Bytes())
}

// ourFault answers when something of ours failed. The error goes to the log.
func (h site) ourFault(w http.ResponseWriter, r *http.Request, n Newsletter, err error) {
	h.Log.Error("page", "path", pattern(r), "err", err)
	words := h.speech(w, r, n)
	h.show(w, http.StatusInternalServerError, "fault", view{Title: words.Pages.FaultTitle, Home: home(r), Newsletter: n, Words: words})
}

func (h site) front(w http.ResponseWriter, r *http.Request) {
	h.show(w, http.StatusOK, "front", frontView(h.Newsletters, links{home: home(r)}, h.frontSpeech(w, r)))
}

// frontSpeech is how the list of newsletters speaks: as the only one does, or as
// the browser asks.
func (h site) frontSpeech(w http.ResponseWriter, r *http.Request) speech {
	if len(h.Newsletters) == 1 {
		return h.Newsletters[0].speech()
	}
	return h.speech(w, r, Newsletter{})
}

func frontView(newsletters []Newsletter, l links, words speech) view {
	v := view{Title: words.Pages.Newsletters, Home: l.home, Newsletters: newsletters, Links: l, Words: words}
	if len(newsletters) == 1 {
		v.Title, v.Newsletter = newsletters[0].Name, newsletters[0]
	}
	return v
}

func (h site) ready(w http.ResponseWriter, r *http.Request) {
	if h.Ready != nil {
		if err := h.Ready(r.Context()); err != nil {
			h.Log.Warn("not ready", "err", err)
			plain(w, http.StatusServiceUnavailable, "not ready")
			return
		}
	}
	plain(w, http.StatusOK, "ready")
}

// instance answers a nonce so that a sender knows that the pages behind
// base_url are its own before mail with links to them leaves.
func (h site) instance(w http.ResponseWriter, r *http.Request) {
	nonce := r.PathValue("nonce")
	if len(nonce) != 32 || strings.Trim(nonce, "0123456789abcdef") != "" {
		plain(w, http.StatusNotFound, "not found")
		return
	}
	plain(w, http.StatusOK, h.Keys.Answer(nonce))
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// home is the way from a request's path back to the root.
func home(r *http.Request) string {
	if n := strings.Count(r.URL.Path, "/") - 1; n > 0 {
		return strings.Repeat("../", n)
	}
	return "./"
}

// pattern names a request's route for the log, without its token.
func pattern(r *http.Request) string { return r.Pattern }

// Origin is the scheme and host of an address, for a policy; nothing when the
// address has none.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(u.Host, ";, '\"") {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// NewServer returns a server with the limits that a server in the open needs:
// who sends a header or body slowly, or reads the answer slowly, is cut off.
// A handler that streams extends its own deadline.
func NewServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}
