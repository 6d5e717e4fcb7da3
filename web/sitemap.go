package web

import (
	"context"
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxSitemap is how many addresses a sitemap may hold (sitemaps.org).
const maxSitemap = 50_000

// sitemap serves the addresses of all public letters and archives.
func (h site) sitemap(w http.ResponseWriter, r *http.Request) {
	body, updated, err := h.writeSitemap(r.Context(), h.Newsletters)
	if err != nil {
		h.ourFault(w, r, Newsletter{}, err)
		return
	}
	if body == nil {
		h.noEdition(w, r)
		return
	}
	w.Header().Del("X-Robots-Tag")
	serveKept(w, r, "application/xml; charset=utf-8", keepList, body, updated)
}

// writeSitemap writes the sitemap of some newsletters, nil when none is public.
func (h site) writeSitemap(ctx context.Context, newsletters []Newsletter) ([]byte, time.Time, error) {
	type entry struct {
		Location string `xml:"loc"`
		Modified string `xml:"lastmod,omitempty"`
	}
	set := struct {
		XMLName xml.Name `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
		URLs    []entry  `xml:"url"`
	}{}
	var updated time.Time
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	for _, n := range newsletters {
		if n.Visibility != Public {
			continue
		}
		found, err := h.Archive.Published(ctx, n.ID, time.Time{}, time.Time{}, maxSitemap)
		if err != nil {
			return nil, time.Time{}, err
		}
		home := h.BaseURL + "/archive/" + n.ID + "/"
		newest := changed(found)
		if newest.After(updated) {
			updated = newest
		}
		set.URLs = append(set.URLs, entry{home, stamp(newest)})
		year := 0
		for _, p := range found {
			if y := p.Slot.In(n.zone()).Year(); y != year {
				year = y
				set.URLs = append(set.URLs, entry{home + strconv.Itoa(year) + "/", stamp(p.Stored)})
			}
			set.URLs = append(set.URLs, entry{h.BaseURL + "/e/" + p.ID, stamp(p.Stored)})
		}
	}
	if len(set.URLs) == 0 {
		return nil, time.Time{}, nil
	}
	set.URLs = set.URLs[:min(len(set.URLs), maxSitemap)]
	body, err := writeXML(set)
	return body, updated, err
}

// robots serves robots.txt.
func (h site) robots(w http.ResponseWriter, r *http.Request) {
	serveKept(w, r, "text/plain; charset=utf-8", keepList, h.writeRobots(h.Newsletters), time.Time{})
}

// writeRobots tells crawlers to leave readers' own links alone. Pages that are
// not to be found say so themselves (noindex): a page that may not be read
// could not.
func (h site) writeRobots(newsletters []Newsletter) []byte {
	path := ""
	if u, err := url.Parse(h.BaseURL); err == nil {
		path = u.EscapedPath()
	}
	text := "User-agent: *\nDisallow: " + path + "/u/\n"
	for _, n := range newsletters {
		if n.Visibility == Public {
			return []byte(text + "Sitemap: " + h.BaseURL + "/sitemap.xml\n")
		}
	}
	return []byte(text)
}
