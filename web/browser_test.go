package web_test

import (
	"bytes"
	"image"
	_ "image/png"
	"reflect"
	"testing"

	"lede/audience"
	"lede/internal/browsertest"
	"lede/web"
)

// sizes are the windows that every page must fit.
var sizes = []struct {
	name          string
	width, height int64
}{{"320", 320, 640}, {"phone", 390, 844}, {"mid", 900, 800}, {"desktop", 1280, 1000}}

func TestReaderPagesInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s := newSite(t)
	path := s.url + "/u/" + s.token(t, 1, audience.PurposeUnsubscribe)
	before := s.person(t, 1)

	// A scanner opens every page in a browser with scripts on.
	for _, size := range sizes {
		for _, scheme := range []string{"light", "dark"} {
			b.Window(size.width, size.height, scheme)
			for _, address := range []string{path, s.url + "/", s.url + "/u/broken", s.url + "/e/nothing", s.url + "/u/" + s.token(t, 1, audience.PurposeProof)} {
				b.Visit(address)
				b.Fits(address + " at " + size.name)
			}
		}
	}
	if after := s.person(t, 1); !reflect.DeepEqual(before, after) {
		t.Fatalf("looking at the pages changed %+v to %+v", before, after)
	}

	b.Window(390, 844, "light")
	b.Visit(path)
	b.Picture("pages-unsubscribe-phone")
	if got := browsertest.Eval[int](b, `document.querySelector("button").offsetHeight`); got < 56 {
		t.Errorf("the button is %d px high", got)
	}
	b.Click("button")
	b.Wait(`document.querySelector("h1").textContent === "You have left The Harbour Letter"`)
	b.Picture("pages-left-phone")
	if got, want := s.state(t, 1), "harbour unsubscribed, tide active; out of harbour"; got != want {
		t.Errorf("after pressing Unsubscribe: %s, want %s", got, want)
	}
	b.Click("button")
	b.Wait(`document.querySelector("h1").textContent === "You are back"`)
	b.Picture("pages-back-phone")
	if got, want := s.state(t, 1), "harbour active, tide active; out of "; got != want {
		t.Errorf("after pressing Undo: %s, want %s", got, want)
	}
	b.Window(390, 844, "dark")
	b.Visit(path)
	b.Picture("pages-unsubscribe-phone-dark")
	b.Window(1280, 900, "light")
	b.Picture("pages-unsubscribe-desktop")
	b.Click(`input[value="all"]`)
	b.Click("button")
	b.Wait(`document.querySelector("h1").textContent.startsWith("You have left")`)
	if got, want := s.state(t, 1), "harbour unsubscribed, tide unsubscribed; out of harbour tide"; got != want {
		t.Errorf("after leaving all: %s, want %s", got, want)
	}
}

// greyAt decodes a picture of the window and returns the grey of one of its
// points, 0 to 255.
func greyAt(t *testing.T, png []byte, x, y int) int {
	t.Helper()
	img, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	r, g, bl, _ := img.At(x, y).RGBA()
	return int(r+g+bl) / 3 >> 8
}

func TestPreviewInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	d := newDesk(t)
	for _, size := range sizes {
		for _, scheme := range []string{"light", "dark"} {
			b.Window(size.width, size.height, scheme)
			for _, view := range []string{"desktop", "phone", "inverted", "word", "text", "source", "headers"} {
				b.Visit(d.url + "/?view=" + view)
				b.Fits("preview, " + view + ", at " + size.name)
			}
		}
	}

	// The frame's scheme is the view's, whatever the tool's is.
	const x, y = 360, 140 // the letter's ground, left of its column
	for _, c := range []struct {
		scheme, view string
		dark         bool
	}{{"light", "desktop", false}, {"light", "dark", true}, {"dark", "desktop", false}, {"dark", "dark", true}} {
		b.Window(1280, 1000, c.scheme)
		b.Visit(d.url + "/?view=" + c.view)
		png := b.Picture("pages-preview-" + c.scheme + "-" + c.view)
		if grey := greyAt(t, png, x, y); (grey < 80) != c.dark {
			t.Errorf("tool %s, view %s: the letter's ground is %d of 255", c.scheme, c.view, grey)
		}
		if grey := greyAt(t, png, 640, 20); (grey < 80) != (c.scheme == "dark") {
			t.Errorf("tool %s, view %s: the bar is %d of 255", c.scheme, c.view, grey)
		}
	}
	b.Window(1280, 1000, "light")
	b.Visit(d.url + "/?view=noimages")
	b.Picture("pages-preview-noimages")
	b.Visit(d.url + "/?view=headers")
	b.Picture("pages-preview-headers")
	for _, view := range []string{"desktop", "nostyle", "word", "inverted"} {
		b.Visit(d.url + "/?view=" + view)
		png := b.Picture("pages-preview-" + view)
		axe(t, b)
		if grey := greyAt(t, png, x, y+40); (grey < 80) != (view == "inverted") {
			t.Errorf("view %s: the letter's ground is %d of 255", view, grey)
		}
	}
	b.Window(900, 1000, "light")
	b.Visit(d.url + "/")
	b.Picture("pages-preview-mid")
	b.Window(390, 1560, "light")
	b.Visit(d.url + "/?view=phone")
	b.Picture("pages-preview-phone")
}

func TestPreviewKeysAndLive(t *testing.T) {
	b := browsertest.Open(t)
	d := newDesk(t)
	b.Window(1280, 1000, "light")
	b.Visit(d.url + "/")
	b.Wait(`document.getElementById("live").textContent.includes("Live: drawn")`)

	press := func(key string) {
		t.Helper()
		browsertest.Eval[bool](b, `document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "`+key+`", bubbles: true, cancelable: true}))`)
	}
	press("j")
	press("j")
	b.Wait(`document.querySelector(".story[aria-current]").textContent.startsWith("Fish market")`)
	press("k")
	b.Wait(`document.querySelector(".story[aria-current]").textContent.startsWith("Ferry to Skerrow")`)
	if d.sent != nil {
		t.Fatal("a key that sends nothing sent a proof")
	}

	press("w")
	b.Wait(`document.querySelector(".checks li[aria-current]")?.textContent.includes("Picture has no description")`)
	b.Wait(`frames[0].location.hash === "#pin-1" && frames[0].document.getElementById("pin-1") !== null`)
	b.Picture("pages-preview-pins")

	// A save redraws the panels; what was typed, the focus and the place stay.
	browsertest.Eval[bool](b, `(() => { const to = document.getElementById("to"); to.value = "half typed"; to.focus(); to.setSelectionRange(2, 2);
		document.getElementById("may").scrollTop = 40; document.getElementById("more").open = true; return true })()`)
	fresh, _ := proof(t, "")
	fresh.Edition.Lead.Why = "the heaviest"
	fresh.Drawn = fresh.Drawn.Add(60e9)
	d.set(func(d *desk) { d.proof = fresh })
	b.Wait(`document.getElementById("stories").textContent.includes("the heaviest")`)
	b.Wait(`document.getElementById("live").textContent.includes("Live: drawn 06:03:41")`)
	if got := browsertest.Eval[string](b, `[document.activeElement.id, document.activeElement.value, document.activeElement.selectionStart, document.getElementById("more").open].join()`); got != "to,half typed,2,true" {
		t.Errorf("after a redraw: %s", got)
	}
	// The letter is loaded anew only when it changed, and then stands where it
	// stood.
	frame := browsertest.Eval[string](b, `(frames[0].scrollTo(0, 300), document.getElementById("frame").src)`)
	again := fresh
	again.Edition.Preheader = "Another"
	again.Drawn = again.Drawn.Add(60e9)
	d.set(func(d *desk) { d.proof = again })
	b.Wait(`document.getElementById("live").textContent.includes("Live: drawn 06:04:41")`)
	if got := browsertest.Eval[string](b, `document.getElementById("frame").src`); got != frame {
		t.Error("a letter that is the same was loaded anew")
	}
	fresh, _ = proof(t, "Odile")
	fresh.Drawn = again.Drawn.Add(60e9)
	d.set(func(d *desk) { d.proof = fresh })
	b.Wait(`frames[0].document.body?.textContent.includes("Odile") && frames[0].document.readyState === "complete"`)
	b.Wait(`frames[0].scrollY === 300`)

	// While typing, keys are text.
	press("3")
	press("p")
	if got := browsertest.Eval[string](b, `location.search`); got != "" || d.sent != nil {
		t.Errorf("typing changed the view to %q, or sent %v", got, d.sent)
	}

	d.set(func(d *desk) {
		d.proof = web.Proof{Error: "lead.html:14: undefined field .Bylin, did you mean .Byline?"}
	})
	b.Wait(`document.querySelector(".notice.bad")?.textContent.includes("lead.html:14")`)
	b.Picture("pages-preview-broken")
	d.set(func(d *desk) { d.proof = fresh })
	b.Wait(`!document.querySelector(".notice.bad")`)

	browsertest.Eval[bool](b, `(document.activeElement.blur(), document.getElementById("to").value = "desk@example.org", true)`)
	press("?")
	b.Wait(`document.getElementById("keys").open`)
	b.Picture("pages-preview-keys")
	browsertest.Eval[bool](b, `(document.getElementById("keys").close(), document.activeElement.blur(), true)`)
	asked := len(d.asked)
	press("r")
	b.Wait(`document.getElementById("live").textContent.includes("Live: drawn")`)
	if d.mu.Lock(); len(d.asked) != asked+1 || !d.asked[asked].Fetch {
		t.Errorf("R asked for %+v", d.asked[asked:])
	}
	d.mu.Unlock()
	press("3")
	b.Wait(`location.search.includes("view=dark")`)
	b.Wait(`document.getElementById("live").textContent.includes("Live: drawn")`)
	press("p")
	b.Wait(`document.getElementById("notice").textContent.includes("Proof sent to desk@example.org")`)
	b.Picture("pages-preview-proof")
}
