package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"time"

	"lede/newsroom"
)

// Folder is where Files puts pages.
type Folder interface {
	// Has says whether a file is there, whatever is in it.
	Has(name string) bool
	// Put makes a file be there with this content. Its name is a slash-separated
	// path of plain letters, digits, dots and dashes, with no step upwards.
	Put(name string, data []byte) error
}

// safeID is an edition's id that may be a folder's name.
var safeID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

var pictureAddress = regexp.MustCompile(`/p/([0-9a-f]{32}\.(?:jpg|png))`)

// Files writes the pages of some newsletters as files that any web server can
// serve, and a browser open from the disk: of a public one its archive, feeds
// and letters, of an unlisted one its letters alone, of one that is off
// nothing. It returns how many letters they are.
func (s *Site) Files(ctx context.Context, ids []string, out Folder) (int, error) {
	h := site{Site: s, page: readerTemplates(), words: newWordIndex()}
	var chosen []Newsletter
	for _, id := range ids {
		if n := h.newsletter(id); h.known(id) && n.Visibility != Off {
			chosen = append(chosen, n)
		}
	}
	letters := 0
	for _, n := range chosen {
		found, err := h.Archive.Published(ctx, n.ID, time.Time{}, time.Time{}, maxSitemap)
		if err != nil {
			return letters, err
		}
		for _, p := range found {
			if err := h.letterFile(ctx, n, p, out); err != nil {
				return letters, fmt.Errorf("edition %s: %w", p.ID, err)
			}
			letters++
		}
		if n.Visibility == Public {
			if err := h.archiveFiles(ctx, n, found, out); err != nil {
				return letters, fmt.Errorf("newsletter %s: %w", n.ID, err)
			}
		}
	}
	return letters, h.rootFiles(ctx, chosen, out)
}

// letterFile writes an edition's page, its pictures and its events' files.
func (h site) letterFile(ctx context.Context, n Newsletter, p newsroom.Published, out Folder) error {
	if !safeID.MatchString(p.ID) {
		return errors.New("its id can't be the name of a folder")
	}
	record, err := h.Editions.Edition(ctx, p.ID)
	if err != nil || record.Letter == nil || record.Letter.Web == "" {
		return err
	}
	l := links{home: "../../", files: true}
	page, _, err := h.editionPage(ctx, n, record, l)
	if err != nil {
		return err
	}
	if err := h.eventFiles(n, record, out); err != nil {
		return err
	}
	for _, m := range pictureAddress.FindAllSubmatch(page, -1) {
		if err := h.pictureFile(ctx, string(m[1]), out); err != nil {
			return err
		}
	}
	page = bytes.ReplaceAll(page, []byte(`src="`+h.BaseURL+`/p/`), []byte(`src="`+l.home+`p/`))
	return out.Put("e/"+p.ID+"/index.html", page)
}

// pictureFile writes a picture once: its name is made of its content. One that
// is gone from the store is left out, as it is from the page that is served.
func (h site) pictureFile(ctx context.Context, name string, out Folder) error {
	if out.Has("p/" + name) {
		return nil
	}
	picture, err := h.Pictures.Picture(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return out.Put("p/"+name, picture.Data)
}

// archiveFiles writes a public newsletter's lists and feeds.
func (h site) archiveFiles(ctx context.Context, n Newsletter, found []newsroom.Published, out Folder) error {
	folder := "archive/" + n.ID + "/"
	put := func(name string, v view) error {
		var page bytes.Buffer
		if err := h.page.ExecuteTemplate(&page, "archive", v); err != nil {
			return err
		}
		return out.Put(folder+name+"index.html", page.Bytes())
	}
	v, _, err := h.newest(ctx, n, links{home: "../../", files: true})
	if err == nil {
		err = put("", v)
	}
	if err != nil {
		return err
	}
	last := 0
	for _, p := range found {
		year := p.Slot.In(n.zone()).Year()
		if year == last {
			continue
		}
		last = year
		v, _, err := h.ofYear(ctx, n, year, links{home: "../../../", files: true})
		if err == nil && v.Title != "" {
			err = put(fmt.Sprintf("%d/", year), v)
		}
		if err != nil {
			return err
		}
	}
	for _, f := range feeds() {
		body, _, err := h.writeFeed(ctx, n, f)
		if err == nil {
			err = out.Put(folder+f.file, body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rootFiles writes what stands beside the newsletters' folders.
func (h site) rootFiles(ctx context.Context, chosen []Newsletter, out Folder) error {
	styles, err := readerFiles.ReadFile("pages/reader.css")
	if err != nil {
		return err
	}
	words := Newsletter{}.speech()
	if len(chosen) > 0 {
		words = chosen[0].speech()
	}
	var front bytes.Buffer
	if err := h.page.ExecuteTemplate(&front, "front", frontView(chosen, links{home: "./", files: true}, words)); err != nil {
		return err
	}
	sitemap, _, err := h.writeSitemap(ctx, chosen)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"reader.css", styles}, {"index.html", front.Bytes()}, {"sitemap.xml", sitemap}, {"robots.txt", h.writeRobots(chosen)}} {
		if f.data == nil {
			continue
		}
		if err := out.Put(f.name, f.data); err != nil {
			return err
		}
	}
	for _, n := range chosen {
		if n.Look == nil {
			continue
		}
		css, err := lookCSS(*n.Look)
		if err == nil {
			err = out.Put("look/"+n.ID+".css", css)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
