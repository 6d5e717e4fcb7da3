package lint

import (
	"fmt"
	"net/url"
	"strings"
)

// How heavy pictures may be, in bytes.
const (
	heavyPicture  = 200 << 10
	heavyPictures = 1 << 20 // all together
)

// imageRules judges pictures: their text, width, address, weight.
func imageRules(in letter) []Finding {
	var out []Finding
	p := &in.page
	say := func(rule string, i int, clients, message, remedy string) {
		out = append(out, Finding{Rule: rule, Place: p.place(i), Clients: clients, Message: message, Remedy: remedy})
	}
	var total int64
	shown, noAlt, noWidth := 0, 0, 0
	firstAlt, firstWidth := -1, -1
	heavy := map[string]bool{}
	for i := range p.elements {
		e := &p.elements[i]
		if e.tag != "img" || e.hidden {
			continue
		}
		src := strings.TrimSpace(e.value("src"))
		pixel := e.value("width") == "1" || e.value("height") == "1" || e.value("width") == "0"
		if !pixel {
			shown++
		}
		if _, ok := e.attribute("alt"); !ok && !pixel {
			if noAlt++; firstAlt < 0 {
				firstAlt = i
			}
		}
		if _, ok := e.attribute("width"); !ok {
			if noWidth++; firstWidth < 0 {
				firstWidth = i
			}
		}
		lower := strings.ToLower(src)
		switch {
		case src == "":
			say("image-address", i, "all", "The picture has no address.", "Write src, or take the picture out.")
		case strings.HasPrefix(lower, "http://"):
			say("image-address", i, "Gmail, Apple Mail", cut(src, 80)+" is not encrypted: programs don't load it, or warn.", "Serve it by https.")
		case strings.HasPrefix(lower, "https://"), strings.HasPrefix(lower, "data:"):
		case strings.HasPrefix(lower, "cid:"):
			id, err := url.PathUnescape(src[4:])
			if _, there := in.pictures(id); in.mail != nil && (err != nil || !there) {
				say("image-address", i, "all", fmt.Sprintf("No part of the mail has the Content-ID %q.", cut(id, 60)), "Attach the picture, or serve it.")
			}
		default:
			say("image-address", i, "all", fmt.Sprintf("%q is no address that a mail program can load from.", cut(src, 60)), "Write the whole address with https://.")
		}
		size := max(in.facts.Links[src].Bytes, in.facts.Pictures[src])
		if n, ok := in.pictures(strings.TrimPrefix(src, "cid:")); ok && strings.HasPrefix(lower, "cid:") {
			size = n
		}
		if strings.HasPrefix(lower, "data:") {
			size = int64(len(src))
		}
		if heavy[src] {
			continue
		}
		heavy[src] = true
		total += size
		if size > heavyPicture {
			say("image-heavy", i, "phones", fmt.Sprintf("The picture has %d kB; on a phone the letter stands empty until it is there.", size>>10), fmt.Sprintf("Scale it to what the letter shows, twice at most; stay under %d kB.", heavyPicture>>10))
		}
	}
	if total > heavyPictures {
		out = append(out, Finding{
			Rule: "image-heavy", Place: "pictures", Clients: "phones",
			Message: fmt.Sprintf("All pictures together have %d kB.", total>>10),
			Remedy:  fmt.Sprintf("Stay under %d kB.", heavyPictures>>10),
		})
	}
	if noAlt > 0 {
		say("image-alt", firstAlt, "all, with images off or a screen reader",
			fmt.Sprintf("%s no alt: where pictures are off nothing stands there, and a screen reader reads the file's name.", counted(noAlt, "picture has", "pictures have")),
			`Say in alt what the picture shows; alt="" where it only decorates.`)
	}
	if noWidth > 0 {
		say("image-width", firstWidth, "Outlook (Windows)",
			fmt.Sprintf("%s no width attribute: Outlook shows the file's own size, whatever the style says.", counted(noWidth, "picture has", "pictures have")),
			"Write width in pixels on each <img>.")
	}
	if shown > 0 && p.words < 20 {
		out = append(out, Finding{
			Rule: "image-only", Place: "HTML", Clients: "all, with images off; spam filters",
			Message: fmt.Sprintf("%s and only %s: with images off there is no letter, and filters take it for a disguise.", counted(shown, "picture", "pictures"), counted(p.words, "word", "words")),
			Remedy:  "Write the letter as text; set pictures beside it.",
		})
	}
	return out
}

// pictures looks a picture up that the mail itself holds.
func (in letter) pictures(id string) (bytes int64, ok bool) {
	if in.mail == nil {
		return 0, false
	}
	bytes, ok = in.mail.Pictures[id]
	return bytes, ok
}
