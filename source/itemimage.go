package source

import (
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"
)

// wideEnough is the width from which a larger copy of a picture gains nothing.
const wideEnough = usualWidth * dense

// pickImage finds the item's picture: what the feed declares, best first, else
// the first real one in its texts.
func pickImage(item *gofeed.Item, base *url.URL, texts ...[]htmlImage) *Image {
	var found *Image
	if c := mediaImage(item.Extensions["media"]); c != nil {
		found = c
	}
	if found == nil {
		for _, e := range item.Enclosures {
			if e != nil && strings.HasPrefix(strings.ToLower(e.Type), "image/") && !isTracker(e.URL, "", "") {
				found = &Image{URL: e.URL}
				break
			}
		}
	}
	if found == nil && item.ITunesExt != nil && item.ITunesExt.Image != "" {
		found = &Image{URL: item.ITunesExt.Image}
	}
	if found == nil && item.Image != nil && item.Image.URL != "" {
		found = &Image{URL: item.Image.URL}
	}
	for _, images := range texts {
		for _, img := range images {
			if isTracker(img.url, img.width, img.height) {
				continue
			}
			u := absolute(img.url, base)
			switch {
			case u == "":
			case found == nil:
				return &Image{URL: u, Alt: img.alt, HasAlt: img.hasAlt, Caption: oneLine(img.caption, maxTitle)}
			case u == absolute(found.URL, base) && !found.HasAlt:
				found.Alt, found.HasAlt = img.alt, img.hasAlt
				found.Caption = firstOf(found.Caption, oneLine(img.caption, maxTitle))
			}
		}
	}
	if found == nil {
		return nil
	}
	if found.URL = absolute(found.URL, base); found.URL == "" {
		return nil
	}
	return found
}

// mediaImage reads Media RSS: of several copies of the first picture the
// smallest that is wide enough, else the widest; else the thumbnail.
func mediaImage(media map[string][]ext.Extension) *Image {
	groups := append([]ext.Extension{{Children: media}}, media["group"]...)
	var best *Image
	bestWidth := -1
	for _, g := range groups {
		for _, c := range g.Children["content"] {
			address := c.Attrs["url"]
			if address == "" || !isImage(c) || isTracker(address, c.Attrs["width"], c.Attrs["height"]) {
				continue
			}
			width, _ := strconv.Atoi(c.Attrs["width"])
			better := width > bestWidth
			if bestWidth >= wideEnough {
				better = width >= wideEnough && width < bestWidth
			}
			if better {
				best, bestWidth = withWords(address, c, g), width
			}
		}
	}
	if best != nil {
		return best
	}
	for _, g := range groups {
		for _, t := range g.Children["thumbnail"] {
			if address := t.Attrs["url"]; address != "" && !isTracker(address, t.Attrs["width"], t.Attrs["height"]) {
				return withWords(address, t, g)
			}
		}
	}
	return nil
}

func withWords(address string, places ...ext.Extension) *Image {
	img := &Image{URL: address}
	for _, e := range places {
		for _, credit := range e.Children["credit"] {
			img.Credit = firstOf(img.Credit, oneLine(credit.Value, maxName))
		}
		for _, text := range e.Children["description"] {
			img.Caption = firstOf(img.Caption, oneLine(text.Value, maxTitle))
		}
	}
	return img
}

func isImage(c ext.Extension) bool {
	typ, medium := strings.ToLower(c.Attrs["type"]), strings.ToLower(c.Attrs["medium"])
	if typ != "" || medium != "" {
		return medium == "image" || strings.HasPrefix(typ, "image/")
	}
	u, err := url.Parse(c.Attrs["url"])
	if err != nil {
		return false
	}
	switch strings.ToLower(path.Ext(u.Path)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp":
		return true
	}
	return false
}

// Parts of addresses that count readers, advertise or decorate.
var trackers = []string{
	"feeds.feedburner.com/~", "feedproxy.google.com/~", "/~ff/", "/~r/", "/~4/", "feedsportal.com", "doubleclick.net", "googlesyndication.com",
	"google-analytics.com", "googleadservices.com", "pixel.wp.com", "stats.wordpress.com", "feeds.wordpress.com/1.0/", "pixel.quantserve.com",
	"scorecardresearch.com", "facebook.com/tr", "medium.com/_/stat", "blogger.googleusercontent.com/tracker", "amazon-adsystem.com",
	"pheedo.com", "pheedcontent.com", "gravatar.com/avatar", "s.w.org/images/core/emoji", "/wp-includes/images/smilies/", "assets.pinterest.com",
	"vgwort.de", "ivwbox.de", "ioam.de", "outbrain.com", "taboola.com", "chartbeat", "/pixel.gif", "/pixel.png", "/1x1.", "/blank.gif", "/spacer.gif",
	"counter.theconversation.com", "rss.buysellads.com", "ads.pubmatic.com", "a.fsdn.com/sd/",
}

// isTracker: a picture that is not there to be looked at.
func isTracker(address, width, height string) bool {
	for _, s := range []string{width, height} {
		if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "px")); err == nil && n <= 16 {
			return true
		}
	}
	address = strings.ToLower(address)
	if strings.HasPrefix(address, "data:") {
		return true
	}
	if u, err := url.Parse(address); err == nil && strings.HasSuffix(u.Path, ".svg") {
		return true
	}
	for _, t := range trackers {
		if strings.Contains(address, t) {
			return true
		}
	}
	return false
}
