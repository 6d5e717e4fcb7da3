package web_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"lede/audience"
	"lede/internal/browsertest"
)

// heard is what a screen reader gets of the page: a line a node, "role: name".
func heard(b *browsertest.Browser) string {
	var lines []string
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		tree, err := chromedp.Call(ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		if err != nil {
			return err
		}
		for _, n := range tree.Nodes {
			if n.Ignored || n.Role == nil || n.Name == nil {
				continue
			}
			line := text(n.Role) + ": " + text(n.Name)
			if n.Description != nil && text(n.Description) != "" {
				line += " (" + text(n.Description) + ")"
			}
			for _, p := range n.Properties {
				if v := text(p.Value); p.Name == "invalid" && v == "true" || p.Name == "required" && v == "true" || p.Name == "focused" && v == "true" {
					line += ", " + string(p.Name)
				}
			}
			lines = append(lines, line)
		}
		return nil
	}))
	return strings.Join(lines, "\n")
}

// text is a value of the tree as it reads.
func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

// scripts turns the scripts of pages on or off.
func scripts(b *browsertest.Browser, on bool) {
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}

func TestSubscribeInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s, fake := openSite(t)
	page := s.url + "/subscribe/harbour"
	token := s.Keys.Sign(audience.Token{Purpose: audience.PurposeConfirm, Newsletter: "harbour", Edition: "code"})
	confirm := s.url + "/c/" + token

	for _, lang := range []string{"en", "de", "ar"} {
		s.Newsletters[0].Language = lang
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"320", 320, 900}, {"desktop", 1280, 1000}} {
			for _, scheme := range []string{"light", "dark"} {
				b.Window(size.width, size.height, scheme)
				name := lang + "-" + size.name + "-" + scheme
				b.Visit(page)
				b.Fits("subscribe " + name)
				axe(t, b)
				b.Do(chromedp.SetValue(chromedp.CSS("#address"), "odile.northpost"))
				b.Click(".give > button")
				b.Wait(`document.querySelector(".wrong") !== null`)
				b.Fits("wrong address " + name)
				axe(t, b)
				b.Picture("pages-subscribe-wrong-" + name)
				s.clock = s.clock.Add(time.Hour)
				if size.name == "320" {
					b.Visit(confirm)
					b.Fits("confirm " + name)
					axe(t, b)
					b.Picture("pages-confirm-" + name)
					b.Visit(s.url + "/c/broken")
					b.Fits("broken link " + name)
					axe(t, b)
				}
			}
		}
	}
	b.Picture("pages-broken")
	if fake.confirmed > 0 || len(fake.asked) > 0 {
		t.Fatalf("looking confirmed %d, asked %d", fake.confirmed, len(fake.asked))
	}

	// The whole way, without script.
	s.Newsletters[0].Language = "en"
	b.Window(390, 844, "light")
	scripts(b, false)
	b.Visit(page)
	hear := heard(b)
	for _, want := range []string{"heading: The harbour, before breakfast", "textbox: Your mail address, required", "textbox: Name (if you like)", "button: Subscribe"} {
		if !strings.Contains(strings.ReplaceAll(hear, ", invalid", ""), want) {
			t.Errorf("a screen reader does not get %q of\n%s", want, hear)
		}
	}
	if strings.Contains(hear, "empty") {
		t.Errorf("a screen reader reads the trap:\n%s", hear)
	}
	s.clock = s.clock.Add(time.Hour)
	b.Do(chromedp.SetValue(chromedp.CSS("#address"), "odile@gmial.com"))
	b.Click(".give > button")
	b.Wait(`document.querySelector(".choose") !== null`)
	b.Picture("pages-subscribe-meant")
	hear = heard(b)
	for _, want := range []string{"RootWebArea: Error: Subscribe to The Harbour Letter", "link: Did you mean gmail.com?", "(Did you mean gmail.com?)", "invalid", "button: Yes", "button: No, it is right"} {
		if !strings.Contains(hear, want) {
			t.Errorf("a screen reader does not get %q of\n%s", want, hear)
		}
	}
	b.Click(".wrong a")
	b.Wait(`document.activeElement.id === "address"`)
	b.Click(`button[value="no"]`)
	b.Wait(`document.querySelector("h1").textContent === "Now check your mail"`)
	b.Fits("check")
	b.Picture("pages-check")
	if len(fake.asked) != 1 || fake.asked[0].Address != "odile@gmial.com" {
		t.Fatalf("asked: %+v", fake.asked)
	}
	b.Visit(confirm)
	b.Click("button")
	b.Wait(`document.querySelector("h1").textContent === "You are in"`)
	b.Picture("pages-in")
	if fake.confirmed != 1 {
		t.Errorf("confirmed %d times", fake.confirmed)
	}
	fake.over = true
	b.Visit(confirm)
	b.Picture("pages-old")
	b.Visit(s.url + "/u/broken")
	s.clock = s.clock.Add(time.Minute)
	b.Do(chromedp.SetValue(chromedp.CSS("#address"), "odile@northpost.example"))
	b.Click(".give > button")
	b.Wait(`document.querySelector("h1").textContent === "Now check your mail"`)
	if len(fake.links) != 1 {
		t.Errorf("links: %v", fake.links)
	}
}

// A form of another site, in a page without script, reaches us where that site
// is named, and nowhere else.
func TestEmbeddedFormInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s, fake := openSite(t)
	shopURL := other(t, s)
	b.Visit(shopURL)
	b.Do(chromedp.SetValue(chromedp.CSS(`input[name="address"]`), "odile@northpost.example"))
	b.Click("button")
	b.Wait(`document.body.textContent.includes("does not name that site")`)
	if len(fake.asked) > 0 {
		t.Fatal("a site that is not named signed somebody up")
	}
	s.Newsletters[0].SignUp.Origins = []string{shopURL}
	b.Visit(shopURL)
	axe(t, b)
	b.Fits("a form on another site")
	b.Do(chromedp.SetValue(chromedp.CSS(`input[name="address"]`), "odile@northpost.example"))
	b.Click("button")
	b.Wait(`document.querySelector("h1")?.textContent === "Now check your mail"`)
	if len(fake.asked) != 1 || fake.asked[0].Way.How != "form on another site" {
		t.Errorf("asked: %+v", fake.asked)
	}
}

// The work is done by our own script, in a page of ours after a form of another
// site too, and a browser without script is asked for one more press.
func TestProofOfWorkInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s, fake := openSite(t)
	const zeros = 14
	s.Newsletters[0].SignUp.ProofOfWork = zeros
	page := s.url + "/subscribe/harbour"

	b.Visit(page)
	if browsertest.Eval[string](b, `document.querySelector("[name=proof]").value`) != "" {
		t.Error("who only looks at the page works already")
	}
	axe(t, b)
	s.clock = s.clock.Add(time.Minute)
	b.Do(chromedp.SetValue(chromedp.CSS("#address"), "odile@northpost.example"))
	b.Click(".give > button") // before any work was done: the form waits
	b.Wait(`document.querySelector("h1").textContent === "Now check your mail"`)
	if len(fake.asked) != 1 {
		t.Fatalf("%d sign-ups", len(fake.asked))
	}

	shopURL := other(t, s)
	s.Newsletters[0].SignUp.Origins = []string{shopURL}
	for _, scheme := range []string{"light", "dark"} {
		b.Window(320, 800, scheme)
		b.Visit(shopURL)
		b.Do(chromedp.SetValue(chromedp.CSS(`input[name="address"]`), "odile@northpost.example"))
		b.Click("button")
		b.Wait(`document.querySelector("h1")?.textContent === "One more press"`)
		b.Wait(`document.querySelector("[name=proof]").value !== ""`)
		b.Fits("one more press")
		axe(t, b)
		b.Picture("pages-again-" + scheme)
	}
	b.Click(".give > button")
	b.Wait(`document.querySelector("h1").textContent === "Now check your mail"`)
	if len(fake.asked) != 2 || fake.asked[1].Way.How != "form on another site" {
		t.Fatalf("asked: %+v", fake.asked)
	}

	scripts(b, false)
	b.Visit(page)
	s.clock = s.clock.Add(time.Minute)
	b.Do(chromedp.SetValue(chromedp.CSS("#address"), "odile@northpost.example"))
	b.Click(".give > button")
	b.Wait(`document.querySelector("h1").textContent === "One more press"`)
	s.clock = s.clock.Add(time.Minute)
	b.Click(".give > button")
	b.Wait(`document.querySelector("h1").textContent === "Now check your mail"`)
	if len(fake.asked) != 3 {
		t.Errorf("without script: %d sign-ups", len(fake.asked))
	}
	scripts(b, true)

	for _, zeros := range []int{16, 18, 20} {
		s.Newsletters[0].SignUp.ProofOfWork = zeros
		took, tries := 0, 0
		for range 5 {
			b.Visit(page)
			b.Do(chromedp.Focus(chromedp.CSS("#address")))
			b.Wait(`document.querySelector("[name=proof]").value !== ""`)
			took += browsertest.Eval[int](b, `Number(document.querySelector(".give").dataset.took)`)
			tries += browsertest.Eval[int](b, `Number(document.querySelector(".give").dataset.tries)`)
		}
		t.Logf("%d bits: %d ms and %d tries on average of 5", zeros, took/5, tries/5)
	}
}

// A widget's script fills in the form under a policy that lets nobody else in.
func TestCaptchaInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	s, fake, p := captchaSite(t, "hcaptcha")
	widget := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/frame" {
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<!doctype html><html lang=en><title>Check</title><p>I am a person")
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		io.WriteString(w, `const box = document.querySelector(".h-captcha[data-sitekey=our-site]");
const frame = document.createElement("iframe");
frame.src = new URL("/frame", document.currentScript.src); frame.title = "Check"; frame.width = 300; frame.height = 78;
const field = document.createElement("input");
field.type = "hidden"; field.name = "h-captcha-response"; field.value = "good " + Math.random();
frame.addEventListener("load", () => box.append(field));
box.append(frame);`)
	}))
	defer widget.Close()
	from := strings.Replace(widget.URL, "127.0.0.1", "localhost", 1)
	c := s.Newsletters[0].SignUp.Captcha
	c.Script, c.Scripts, c.Frames, c.Styles, c.Calls = from+"/api.js", []string{from}, []string{from}, nil, nil
	b.Visit(s.url + "/subscribe/harbour")
	b.Wait(`document.querySelector("[name=h-captcha-response]") !== null`)
	axe(t, b)
	s.clock = s.clock.Add(time.Minute)
	b.Do(chromedp.SetValue(chromedp.CSS("#address"), "odile@northpost.example"))
	b.Picture("pages-captcha")
	b.Click(".give > button")
	b.Wait(`document.querySelector("h1").textContent === "Now check your mail"`)
	if len(fake.asked) != 1 || len(p.asked) != 1 {
		t.Errorf("%d sign-ups, %d checks", len(fake.asked), len(p.asked))
	}
	// A script that the policy does not name does not run.
	c.Scripts = []string{"https://captcha.example"}
	b.Visit(s.url + "/subscribe/harbour")
	if browsertest.Eval[int](b, `document.querySelectorAll("iframe").length`) != 0 {
		t.Error("any script runs")
	}
	scripts(b, false)
	b.Visit(s.url + "/subscribe/harbour")
	b.Picture("pages-captcha-noscript")
	if hear := heard(b); !strings.Contains(hear, "This check needs a browser that runs scripts.") {
		t.Errorf("without script nothing is said:\n%s", hear)
	}
}
