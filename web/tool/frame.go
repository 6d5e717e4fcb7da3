package tool

import (
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// Sandbox is the value of an iframe's sandbox attribute, and of the CSP
// directive of the same name, under which a letter is shown: no script, no
// form, no origin. Its links open in a tab of their own, and that tab is an
// ordinary one, else the buttons of the page behind it would be dead.
const Sandbox = "allow-popups allow-popups-to-escape-sandbox"

// SandboxScrolled is Sandbox for a frame whose page must know how far it is
// scrolled, to show a changed letter at the same place. A browser tells that
// to a page of the same origin alone. The letter gains nothing by its origin:
// only a script could use one, and both the sandbox and the policy forbid all.
const SandboxScrolled = Sandbox + " allow-same-origin"

// FrameCSP is the Content-Security-Policy of a letter in a frame; sandbox is
// the frame's own, images its img-src ("'none'" for a view without pictures).
func FrameCSP(sandbox, images string) string {
	return "sandbox " + sandbox + "; default-src 'none'; style-src 'unsafe-inline'; img-src " + images +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
}

// Framing says how a letter is changed so that it can be looked at inside a
// page. Every byte that need not change stays as it is.
type Framing struct {
	Scheme  string              // light or dark: the letter is shown as in that scheme, whatever the browser's is; empty: the browser's
	Invert  bool                // colours turned over but for pictures, about as programs do that know no dark letter
	NoStyle bool                // without its style elements, as programs show it that drop them
	Source  func(string) string // gives the address to load a picture from; nil: as it stands
	Anchors []Anchor
	Pins    []Pin
}

// Anchor is a place that a link from outside can move the frame to: where the
// story's link or its headline, alone in its element, stands first.
type Anchor struct {
	ID    string // fragment
	URL   string // of the link; may be empty
	Title string // headline
}

var schemeQuery = regexp.MustCompile(`(?i)\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)`)

// Frame returns the copy of a letter's HTML that is shown in a frame: its
// links open outside of it, its pictures come from where Source says, and its
// stories have fragments to jump to.
func Frame(doc string, f Framing) string {
	if f.Scheme != "" {
		doc = forceScheme(doc, f.Scheme)
	}
	head := `<base target="_blank">`
	if f.Scheme != "" {
		head += `<style>:root{color-scheme:` + f.Scheme + `!important}</style>`
	}
	if f.Invert {
		// White paper behind it, which turns black: the letter may have no ground.
		head += `<style>html{background:#fff!important;filter:invert(1) hue-rotate(180deg)!important}img,video,[background],[style*="url("]{filter:invert(1) hue-rotate(180deg)!important}</style>`
	}
	w := framer{Framing: f, done: make([]bool, len(f.Anchors)), pins: make([]bool, len(f.Pins))}
	line := 1
	hidden := false // in a title or style, where a tag is only text
	styled := false // in a style
	read := 0       // bytes of doc
	z := html.NewTokenizer(strings.NewReader(doc))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			w.out.WriteString(doc[read:]) // a tag without an end
			break
		}
		raw := string(z.Raw())
		read += len(raw)
		started := line
		line += strings.Count(raw, "\n")
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			hidden = t.Data == "title" || t.Data == "style"
			if styled = f.NoStyle && t.Data == "style"; styled {
				continue
			}
			w.around(w.pinned(started, t.Data), t.Data, func() { w.tag(raw, t) })
			if head != "" && strings.HasPrefix(strings.ToLower(raw), "<head") && len(raw) > 5 && !isLetter(raw[5]) {
				w.out.WriteString(head)
				head = ""
			}
		case html.TextToken:
			if styled {
				continue
			}
			if hidden {
				w.out.WriteString(raw)
				continue
			}
			w.text(raw)
		default:
			if styled && kind == html.EndTagToken {
				styled = false
				continue
			}
			w.out.WriteString(raw)
		}
	}
	out := w.out.String()
	if head == "" {
		return out
	}
	// Without a head the parser makes one for the first base or style. They
	// stand after a doctype, since before it they would switch to quirks mode.
	if at := doctypeEnd(out); at > 0 {
		return out[:at] + head + out[at:]
	}
	return head + out
}

// forceScheme turns the letter's media queries on the colour scheme into ones
// that hold always or never.
func forceScheme(doc, scheme string) string {
	return schemeQuery.ReplaceAllStringFunc(doc, func(q string) string {
		if strings.EqualFold(schemeQuery.FindStringSubmatch(q)[1], scheme) {
			return "(min-width:0px)"
		}
		return "(max-width:0px)"
	})
}

type framer struct {
	Framing
	out     strings.Builder
	done    []bool // anchors that stand
	pins    []bool // pins that stand, or wait
	waiting []Pin  // for the next place where they may stand
}

// tag writes a start tag, with a picture's address changed and with an anchor
// before a story's link.
func (w *framer) tag(raw string, t html.Token) {
	if t.Data == "a" {
		for i, anchor := range w.Anchors {
			if !w.done[i] && anchor.URL != "" && attr(t, "href") == anchor.URL {
				w.anchor(i)
				break
			}
		}
	}
	changed := false
	for i, a := range t.Attr {
		if w.Source != nil && (a.Key == "background" || a.Key == "src") {
			if to := w.Source(a.Val); to != a.Val {
				t.Attr[i].Val, changed = to, true
			}
		}
	}
	if changed {
		raw = t.String()
	}
	w.out.WriteString(raw)
}

// anchor writes an anchor. It is an element of its own: a fragment on the link
// itself would draw the focus into the frame.
func (w *framer) anchor(i int) {
	w.done[i] = true
	w.out.WriteString(`<span id="` + html.EscapeString(w.Anchors[i].ID) + `"></span>`)
	w.atAnchor(i)
}

// text writes text, with an anchor before a story's headline.
func (w *framer) text(raw string) {
	plain := strings.TrimSpace(html.UnescapeString(raw))
	for i, anchor := range w.Anchors {
		if plain != "" && !w.done[i] && plain == anchor.Title {
			w.anchor(i)
			break
		}
	}
	w.out.WriteString(raw)
}

func attr(t html.Token, key string) string {
	for _, a := range t.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// doctypeEnd returns the index after a leading doctype, or 0.
func doctypeEnd(doc string) int {
	lead := len(doc) - len(strings.TrimLeft(doc, "\ufeff \t\r\n"))
	if len(doc) < lead+9 || !strings.EqualFold(doc[lead:lead+9], "<!doctype") {
		return 0
	}
	end := strings.IndexByte(doc[lead:], '>')
	if end < 0 {
		return 0
	}
	return lead + end + 1
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
