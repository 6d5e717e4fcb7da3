package web_test

import (
	"fmt"
	"strings"
	"testing"

	"lede/internal/browsertest"
	"lede/web"
)

// variants gives a desk an edition with three variants and a test of two
// subjects; the reader's own is the second.
func variants(d *desk, fresh web.Proof) {
	fresh.Variants = []web.Variant{{Name: "everybody else", Readers: 3120}, {Name: "plan <paid>", Readers: 1}, {Name: "plan trial", Readers: -1}}
	fresh.Variant, fresh.Own = 1, 1
	fresh.Subjects = []string{fresh.Subject, "Eleven days without a ferry"}
	d.set(func(d *desk) { d.proof = fresh })
}

func TestPreviewVariants(t *testing.T) {
	d := newDesk(t)
	_, page := d.get(t, "/")
	if strings.Contains(page, "Variants") {
		t.Error("one letter for all has variants")
	}
	_, page = d.get(t, "/?view=variants")
	contains(t, page, "One letter for all.")

	fresh, _ := proof(t, "")
	variants(d, fresh)
	_, page = d.get(t, "/?view=dark")
	contains(t, page, `Variants <span class="muted">3</span>`, `variant=0&amp;view=dark">Everybody else</a> <span class="muted">3,120 readers</span>`,
		`variant=1&amp;view=dark" aria-current="true">Plan &lt;paid&gt;</a> <span class="muted">1 reader</span>`, `>Plan trial</a></li>`,
		"This is what the reader gets.", "Subjects in the test", `subject=2&amp;view=dark">Eleven days without a ferry</a>`, "3 variants.",
		`href="/?newsletter=harbour&amp;view=variants">Variants side by side`)

	before := len(d.asked)
	_, page = d.get(t, "/?view=variants&with=0&with=2&with=9&with=x")
	contains(t, page, `<h3 id="variant-0">Everybody else`, `<h3 id="variant-2">Plan trial</h3>`, `value="2" checked`, `value="1"> Plan &lt;paid&gt;, 1 reader`, "variant=2")
	if got := strings.Count(page, "<iframe"); got != 2 {
		t.Errorf("%d letters side by side", got)
	}
	var asked []string
	for _, q := range d.asked[before:] {
		asked = append(asked, fmt.Sprint(q.Variant))
	}
	if got := strings.Join(asked, " "); got != "0 2" {
		t.Errorf("drawn: %s", got)
	}
	_, page = d.get(t, "/?view=variants")
	contains(t, page, `value="1" checked`, `value="2" checked`)

	// What a page shows is what its proof is.
	_, page = d.get(t, "/?variant=2&subject=2&as=Odile")
	contains(t, page, `<input type="hidden" name="variant" value="2"><input type="hidden" name="subject" value="2">`)
	if q := d.asked[len(d.asked)-1]; q.Variant != 2 || q.Subject != 2 || q.As != "Odile" {
		t.Errorf("asked for %+v", q)
	}
	for _, path := range []string{"/?variant=-7", "/?variant=64", "/?variant=x", "/?subject=-1", "/?subject=65"} {
		d.get(t, path)
		if q := d.asked[len(d.asked)-1]; strings.Contains(path, "variant") && q.Variant != web.Own && q.Variant != 2 {
			t.Errorf("%s asked for %+v", path, q)
		}
	}
}

// TestPreviewIsAccessible has the judge of accessibility look at what it had not
// seen: each kind of view, in the light and the dark, on a desk and a phone.
func TestPreviewIsAccessible(t *testing.T) {
	b := browsertest.Open(t)
	d := newDesk(t)
	fresh, _ := proof(t, "")
	last, _ := harbour(t)
	last.Subject = "Ferry to Skerrow is late after ten days"
	fresh.Earlier = &web.Earlier{Edition: last, Slot: last.Slot.AddDate(0, 0, -1)}
	variants(d, fresh)
	for _, c := range []struct {
		view   string
		width  int64
		scheme string
	}{
		{"desktop", 1280, "dark"},
		{"difference", 1280, "light"},
		{"difference", 390, "dark"},
		{"dark", 1280, "light"},
		{"phone", 390, "light"},
		{"variants", 1280, "light"},
		{"variants", 390, "dark"},
	} {
		t.Run(fmt.Sprintf("%s at %d, %s", c.view, c.width, c.scheme), func(t *testing.T) {
			b.Window(c.width, 1000, c.scheme)
			b.Visit(d.url + "/?view=" + c.view)
			b.Fits(c.view)
			b.Picture(fmt.Sprintf("pages-preview-%s-%d-%s", c.view, c.width, c.scheme))
			axe(t, b)
		})
	}
	b.Window(1280, 1000, "light")
	b.Visit(d.url + "/")
	browsertest.Eval[bool](b, `document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "v", bubbles: true, cancelable: true}))`)
	b.Wait(`location.search.includes("view=variants") && document.querySelectorAll(".beside iframe").length === 2`)
	b.Wait(`document.getElementById("live").textContent.includes("Live: drawn")`)

	// A save reaches each letter in its frame, and what was ticked stays.
	browsertest.Eval[bool](b, `(() => { document.querySelector("[name=with]:not(:checked)").checked = true; return true })()`)
	changed, _ := proof(t, "Odile")
	changed.Earlier = fresh.Earlier
	variants(d, changed)
	b.Wait(`[0, 1].every((i) => frames[i].document.body?.textContent.includes("Odile"))`)
	if got := browsertest.Eval[int](b, `document.querySelectorAll("[name=with]:checked").length`); got != 3 {
		t.Errorf("%d are ticked after a save", got)
	}
}
