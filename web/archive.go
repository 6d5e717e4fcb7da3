package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lede/newsroom"
)

const (
	firstPage = 50 // letters on the archive's first page
	// maxYear bounds the letters on a year's page: more than one an hour.
	maxYear = 10_000
	// How long a browser or a proxy may keep a page without asking again.
	keepList = "public, max-age=300"
	// soon is when a day of the week says which day is meant.
	soon = 6 * 24 * time.Hour
)

// archiveView is what the page of an archive shows.
type archiveView struct {
	Name        string
	Heading     string
	Description string
	Canonical   string // empty: the page is not for search engines
	Count       string // "412 letters since March 2025"
	Empty       string
	Lang, Dir   string // of the letters' titles
	Locale      string // of the page, as Open Graph writes it
	Months      []month
	Older       string // addresses
	Newer       string
	Newest      string
	Feeds       []feedLink
	Search      bool
	Query       string
	Searched    bool
}

type month struct {
	Name    string
	Letters []letterLine
}

// letterLine is one edition in the list.
type letterLine struct {
	Title, Line, Link string
	Day, Date         string
}

// feedLink is a feed of the newsletter, for people and for programs.
type feedLink struct{ Name, Title, Type, Link, URL string }

// publicNewsletter returns the newsletter of an id when it has an archive.
func (h site) publicNewsletter(id string) (Newsletter, bool) {
	for _, n := range h.Newsletters {
		if n.ID == id && n.Visibility == Public {
			return n, true
		}
	}
	return Newsletter{}, false
}

func (n Newsletter) zone() *time.Location {
	if n.Zone == nil {
		return time.UTC
	}
	return n.Zone
}

// archive serves the newest letters of a newsletter, or those with a word.
func (h site) archive(w http.ResponseWriter, r *http.Request) {
	h.archivePage(w, r, func(ctx context.Context, n Newsletter, l links) (view, time.Time, error) {
		if words := strings.TrimSpace(r.URL.Query().Get("q")); words != "" {
			return h.found(ctx, n, words, l)
		}
		return h.newest(ctx, n, l)
	})
}

// archiveYear serves the letters of one year.
func (h site) archiveYear(w http.ResponseWriter, r *http.Request) {
	year, err := strconv.Atoi(r.PathValue("year"))
	if err != nil || year < 1970 || year > 9998 || strconv.Itoa(year) != r.PathValue("year") {
		h.noEdition(w, r)
		return
	}
	h.archivePage(w, r, func(ctx context.Context, n Newsletter, l links) (view, time.Time, error) {
		return h.ofYear(ctx, n, year, l)
	})
}

// archivePage serves a page of an archive that make lays out; one without a
// title does not exist.
func (h site) archivePage(w http.ResponseWriter, r *http.Request, lay func(context.Context, Newsletter, links) (view, time.Time, error)) {
	n, public := h.publicNewsletter(r.PathValue("newsletter"))
	if !public {
		h.noEdition(w, r)
		return
	}
	v, changed, err := lay(r.Context(), n, links{home: home(r)})
	if err != nil {
		h.ourFault(w, r, n, err)
		return
	}
	if v.Title == "" {
		h.noEdition(w, r)
		return
	}
	var out bytes.Buffer
	if err := h.page.ExecuteTemplate(&out, "archive", v); err != nil {
		h.ourFault(w, r, n, err)
		return
	}
	if v.Robots() == "" {
		w.Header().Del("X-Robots-Tag")
	}
	serveKept(w, r, "text/html; charset=utf-8", keepList, out.Bytes(), changed)
}

// serveKept serves what may be kept: with a validator made of its content, so
// that who has it already is told so (304), whole for GET, parts for Range.
func serveKept(w http.ResponseWriter, r *http.Request, kind, keep string, body []byte, changed time.Time) {
	sum := sha256.Sum256(body)
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Cache-Control", keep)
	head.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(w, r, "", changed, bytes.NewReader(body))
}

// newest lays out the archive's first page.
func (h site) newest(ctx context.Context, n Newsletter, l links) (view, time.Time, error) {
	extent, err := h.Archive.Extent(ctx, n.ID, time.Time{}, time.Time{})
	if err != nil {
		return view{}, time.Time{}, err
	}
	found, err := h.Archive.Published(ctx, n.ID, time.Time{}, time.Time{}, firstPage+1)
	if err != nil {
		return view{}, time.Time{}, err
	}
	v := h.archiveView(n, l, found[:min(len(found), firstPage)])
	v.Archive.Heading = v.Words.Pages.Archive
	v.Archive.Canonical = h.BaseURL + "/archive/" + n.ID + "/"
	v.Archive.Search = extent.Count > 0 && !l.files
	if len(found) > firstPage {
		v.Archive.Older = l.year(n.ID, found[firstPage].Slot.In(n.zone()).Year())
	}
	switch {
	case extent.Count == 0:
		v.Archive.Empty = h.firstLetter(n)
	case extent.Count == 1:
		v.Archive.Count = v.Words.Pages.LettersOf.With("letters", v.Words.CountLetters(1), "date", v.Words.ShortDate(extent.First.In(n.zone())))
	default:
		v.Archive.Count = v.Words.Pages.LettersSince.With("letters", v.Words.CountLetters(extent.Count), "month", v.Words.InMonth(extent.First.In(n.zone())))
	}
	return v, changed(found), nil
}

// firstLetter says when the first letter comes.
func (h site) firstLetter(n Newsletter) string {
	now, words := h.Now(), n.speech()
	if n.Next != nil {
		if next := n.Next(now); !next.IsZero() {
			day := words.FirstDay(next.In(n.zone()), next.Sub(now) <= soon)
			return words.Pages.FirstLetter.With("day", day)
		}
	}
	return words.Pages.NothingSent
}

// ofYear lays out the page of a year. The zero view when it has no letter.
func (h site) ofYear(ctx context.Context, n Newsletter, year int, l links) (view, time.Time, error) {
	from, to := yearOf(year, n.zone())
	found, err := h.Archive.Published(ctx, n.ID, from, to, maxYear)
	if err != nil || len(found) == 0 {
		return view{}, time.Time{}, err
	}
	v := h.archiveView(n, l, found)
	v.Title = strconv.Itoa(year) + " – " + n.Name
	v.Archive.Heading = strconv.Itoa(year)
	v.Archive.Canonical = h.BaseURL + "/archive/" + n.ID + "/" + strconv.Itoa(year) + "/"
	v.Archive.Count = v.Words.CountLetters(len(found))
	v.Archive.Newest = l.Archive(n.ID)
	older, err := h.Archive.Extent(ctx, n.ID, time.Time{}, from)
	if err != nil {
		return view{}, time.Time{}, err
	}
	newer, err := h.Archive.Extent(ctx, n.ID, to, time.Time{})
	if err != nil {
		return view{}, time.Time{}, err
	}
	if older.Count > 0 {
		v.Archive.Older = l.year(n.ID, older.Last.In(n.zone()).Year())
	}
	if newer.Count > 0 {
		v.Archive.Newer = l.year(n.ID, newer.First.In(n.zone()).Year())
	}
	return v, changed(found), nil
}

// yearOf is a year where the newsletter is.
func yearOf(year int, zone *time.Location) (from, to time.Time) {
	return time.Date(year, 1, 1, 0, 0, 0, 0, zone), time.Date(year+1, 1, 1, 0, 0, 0, 0, zone)
}

// archiveView lists letters, newest first, by month.
func (h site) archiveView(n Newsletter, l links, found []newsroom.Published) view {
	a := &archiveView{
		Name: n.Name, Description: description(n), Lang: n.language(), Dir: direction(n.language()),
		Feeds: h.feedLinks(n, l),
	}
	words := n.speech()
	a.Locale = locale(words.Lang)
	for _, p := range found {
		slot := p.Slot.In(n.zone())
		name := words.MonthHeading(slot)
		if len(a.Months) == 0 || a.Months[len(a.Months)-1].Name != name {
			a.Months = append(a.Months, month{Name: name})
		}
		m := &a.Months[len(a.Months)-1]
		m.Letters = append(m.Letters, letterLine{
			Title: titleOf(p, n), Line: p.Preheader, Link: l.edition(p.ID),
			Day: words.ListDay(slot), Date: slot.Format(time.DateOnly),
		})
	}
	return view{Title: words.Pages.Archive + " – " + n.Name, Home: l.home, Newsletter: n, Archive: a, Links: l, Words: words}
}

// titleOf is how an edition is called; one without a subject by its day.
func titleOf(p newsroom.Published, n Newsletter) string {
	if subject := strings.TrimSpace(p.Subject); subject != "" {
		return subject
	}
	words := n.speech()
	return words.name(n) + words.Comma + words.ShortDate(p.Slot.In(n.zone()))
}

// description is the newsletter in a line, for those who list its archive.
func description(n Newsletter) string {
	words := n.speech().Pages
	if n.Line == "" {
		return words.Description.With("newsletter", n.Name)
	}
	return words.DescriptionLine.With("newsletter", n.Name, "line", n.Line)
}

func (h site) feedLinks(n Newsletter, l links) []feedLink {
	var all []feedLink
	for _, f := range feeds() {
		all = append(all, feedLink{
			Name: f.name, Title: n.Name + " (" + f.name + ")", Type: f.kind,
			Link: l.feed(n.ID, f.file), URL: h.feedURL(n, f.file),
		})
	}
	return all
}

func (h site) feedURL(n Newsletter, file string) string {
	return h.BaseURL + "/archive/" + url.PathEscape(n.ID) + "/" + file
}

// changed is when the newest of some editions was made.
func changed(found []newsroom.Published) time.Time {
	var at time.Time
	for _, p := range found {
		if p.Stored.After(at) {
			at = p.Stored
		}
	}
	return at
}
