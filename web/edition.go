package web

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/html"

	"lede/audience"
	"lede/newsroom"
	"lede/web/tool"
)

// edition serves an edition as its readers got it, nobody's links in it. Its
// HTML was made of other people's stories, so it stands under a policy without
// script, form and origin.
func (h site) edition(w http.ResponseWriter, r *http.Request) {
	record, n, own, ok := h.openEdition(w, r)
	if !ok {
		return
	}
	page, changed, err := h.editionPage(r.Context(), n, record, links{home: home(r)})
	if err != nil {
		h.ourFault(w, r, n, err)
		return
	}
	page = eventLinks(page, r.PathValue("id"))
	images := "'self' data:"
	if o := Origin(h.BaseURL); o != "" {
		images += " " + o
	}
	head := w.Header()
	// allow-downloads: an event's file is taken up by following its link.
	head.Set("Content-Security-Policy", "sandbox "+tool.Sandbox+" allow-downloads; default-src 'none'; style-src 'unsafe-inline'; img-src "+images+
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	keep := "public, max-age=60"
	if own {
		keep = "private, no-store" // the address is one person's
	}
	if n.Visibility == Public && !own {
		head.Del("X-Robots-Tag")
	}
	serveKept(w, r, "text/html; charset=utf-8", keep, page, changed)
}

// openEdition finds the edition that an address names, by its id or by a
// reader's own token (own), and answers itself where it may not be read.
func (h site) openEdition(w http.ResponseWriter, r *http.Request) (record newsroom.Record, n Newsletter, own, ok bool) {
	id := r.PathValue("id")
	token, err := h.Keys.Open(id)
	own = err == nil && token.Purpose == audience.PurposeView
	switch {
	case err == nil && token.Purpose == audience.PurposeProof:
		n = h.newsletter(token.Newsletter)
		words := h.speech(w, r, n)
		h.show(w, http.StatusOK, "proof", view{Title: words.Pages.ProofTitle, Home: home(r), Newsletter: n, Words: words})
		return record, n, own, false
	case own:
		person, err := h.People.PersonByID(r.Context(), token.Subscriber)
		if err != nil && !errors.Is(err, audience.ErrNobody) {
			h.ourFault(w, r, Newsletter{}, err)
			return record, n, own, false
		}
		if err != nil || person.Salt != token.Salt {
			h.brokenLink(w, r)
			return record, n, own, false
		}
		id = token.Edition
	}
	record, err = h.Editions.Edition(r.Context(), id)
	switch {
	case errors.Is(err, newsroom.ErrNotFound):
		h.noEdition(w, r)
		return record, n, own, false
	case err != nil:
		h.ourFault(w, r, Newsletter{}, err)
		return record, n, own, false
	}
	out, err := h.isOut(r, record, id)
	if err != nil {
		h.ourFault(w, r, Newsletter{}, err)
		return record, n, own, false
	}
	if !out {
		h.noEdition(w, r)
		return record, n, own, false
	}
	n = h.newsletter(record.Newsletter)
	if n.Visibility == Off && !own {
		words := h.speech(w, r, n)
		h.show(w, http.StatusNotFound, "off", view{Title: words.Pages.OffTitle, Home: home(r), Newsletter: n, Words: words})
		return record, n, own, false
	}
	return record, n, own, true
}

// isOut says whether an edition may be read by who has its address: it is on
// its way or was sent, to anybody at all. The store finds editions by the
// start of their id too, which would make them guessable; here it must be all
// of it.
func (h site) isOut(r *http.Request, record newsroom.Record, id string) (bool, error) {
	if record.ID != id || record.Letter == nil || record.Letter.Web == "" {
		return false, nil
	}
	switch record.State {
	case newsroom.Sending, newsroom.Paused, newsroom.Done:
		return true, nil
	case newsroom.Cancelled, newsroom.Failed:
		sums, err := h.Editions.Sums(r.Context(), id)
		return sums.Sent+sums.InDoubt > 0, err
	}
	return false, nil
}

func (h site) noEdition(w http.ResponseWriter, r *http.Request) {
	words := h.speech(w, r, Newsletter{})
	h.show(w, http.StatusNotFound, "gone", view{Title: words.Pages.NoLetterTitle, Home: home(r), Words: words})
}

// editionView is what is said of an edition in its page's head, for search
// engines and for those who show a link to it.
type editionView struct {
	Title, Description, URL, Name, Date, Robots, Locale string
	Picture                                             *editionPicture
	Feeds                                               []feedLink
	Archive                                             string // address of the newsletter's archive
}

type editionPicture struct {
	URL, Alt      string
	Width, Height int
}

// editionPage is the web page of an edition: its letter's, with a head that
// tells others about it, what was corrected since and, where there is an
// archive, a way there. It comes with the time of its last change.
func (h site) editionPage(ctx context.Context, n Newsletter, record newsroom.Record, l links) ([]byte, time.Time, error) {
	v := editionView{
		Description: record.Letter.Preheader, URL: h.BaseURL + "/e/" + record.ID,
		Date: record.Slot.In(n.zone()).Format(time.RFC3339), Locale: locale(n.language()),
	}
	if h.known(n.ID) {
		v.Name = n.Name
	}
	p := newsroom.Published{ID: record.ID, Slot: record.Slot, Subject: record.Letter.Subject}
	if e := record.Content; e != nil {
		p.Subject = e.Subject
		if lead := e.OnTheWeb().Lead; lead != nil && lead.Image != nil && pictureName.MatchString(lead.Image.Name) {
			i := lead.Image
			v.Picture = &editionPicture{URL: h.BaseURL + "/p/" + i.Name, Alt: i.Alt, Width: i.Width, Height: i.Height}
		}
	}
	v.Title = titleOf(p, n)
	if n.Visibility == Public {
		v.Feeds, v.Archive = h.feedLinks(n, l), l.Archive(n.ID)
	} else {
		v.Robots = "noindex, nofollow"
	}
	var head, foot bytes.Buffer
	if err := h.page.ExecuteTemplate(&head, "editionhead", v); err != nil {
		return nil, time.Time{}, err
	}
	if v.Archive != "" {
		if err := h.page.ExecuteTemplate(&foot, "editionfoot", v); err != nil {
			return nil, time.Time{}, err
		}
	}
	top, changed, err := h.corrected(ctx, n, record, l)
	if err != nil {
		return nil, time.Time{}, err
	}
	if record.Stored.After(changed) {
		changed = record.Stored
	}
	return []byte(dressed(record.Letter.Web, head.String(), top, foot.String())), changed, nil
}

// known says whether a newsletter is still published.
func (h site) known(id string) bool {
	for _, n := range h.Newsletters {
		if n.ID == id {
			return true
		}
	}
	return false
}

// dressed puts text at the end of a page's head, and at the beginning and the
// end of its body. A page without those tags stays as it is.
func dressed(page, head, top, foot string) string {
	headEnd, bodyStart, bodyEnd := -1, -1, -1
	read := 0
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		if kind == html.StartTagToken && bodyStart < 0 {
			if name, _ := z.TagName(); string(name) == "body" {
				bodyStart = read + len(z.Raw())
			}
		}
		if kind == html.EndTagToken {
			switch name, _ := z.TagName(); string(name) {
			case "head":
				if headEnd < 0 {
					headEnd = read
				}
			case "body":
				bodyEnd = read
			}
		}
		read += len(z.Raw())
	}
	if bodyEnd > headEnd && foot != "" {
		page = page[:bodyEnd] + foot + page[bodyEnd:]
	}
	if bodyStart > headEnd {
		page = page[:bodyStart] + top + page[bodyStart:]
	}
	if headEnd >= 0 {
		page = page[:headEnd] + head + page[headEnd:]
	}
	return page
}
