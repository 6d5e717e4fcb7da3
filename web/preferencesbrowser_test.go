package web_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"lede/internal/browsertest"
)

// The whole way in a browser without script, as a reader goes it.
func TestPreferencesInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s := chooses(t)
	before := s.state(t, 1)
	for _, lang := range []string{"en", "de", "ar"} {
		s.speaks(lang)
		mailed := s.mailed(t, 1)
		for name, path := range map[string]string{
			"choices": s.choices(t, 1), "data": mailed, "address": mailed + "/address", "erase": mailed + "/erase", "leave all": mailed + "/leave",
		} {
			for _, size := range sizes[:3] {
				b.Window(size.width, size.height, "light")
				b.Visit(s.url + path)
				b.Fits(lang + " " + name + " at " + size.name)
			}
			axe(t, b)
			b.Window(390, 844, "dark")
			b.Visit(s.url + path)
			axe(t, b)
			b.Picture("pages-preferences-" + lang + "-" + name)
		}
	}
	if got := s.state(t, 1); got != before {
		t.Fatalf("looking at the pages changed %s to %s", before, got)
	}
	s.speaks("en")
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.Window(390, 844, "light")
	b.Visit(s.url + "/u/" + s.token(t, 1, 'u'))
	b.Click(`.links a[href*="/s/"], .links a[href*="s/"]`)
	b.Wait(`document.querySelector("h1").textContent === "Your preferences"`)
	b.Click(`input[name="get"][value="tide"]`)
	b.Click(`form.choices button`)
	b.Wait(`document.querySelector(".saved") !== null`)
	if got, want := s.state(t, 1), "harbour active, tide unsubscribed; out of tide"; got != want {
		t.Errorf("after saving: %s, want %s", got, want)
	}
	b.Click(`form[action$="/link"] button`)
	b.Wait(`document.querySelector("h1").textContent === "Now check your mail"`)
	mails := s.posts(t)
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	b.Visit(s.url + "/s/" + mails[0].Token)
	b.Click(`a[href$="/erase"]`)
	b.Wait(`document.querySelector("#word") !== null`)
}
