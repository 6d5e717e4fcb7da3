package web_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"lede/audience"
	"lede/internal/fetch"
	"lede/newsroom"
	"lede/web"
)

const odile = "odile@northpost.example"

var challengeField = regexp.MustCompile(`name="challenge" value="([^"]+)"`)

func challengeOf(t *testing.T, page string) string {
	t.Helper()
	m := challengeField.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no challenge in %s", page)
	}
	return m[1]
}

// solve does the work as docs/forms.md describes it.
func solve(challenge string, zeros int) string {
	for n := 0; ; n++ {
		proof := fmt.Sprintf("%08x", n)
		sum := sha256.Sum256([]byte(challenge + "." + proof))
		if bits.LeadingZeros32(uint32(sum[0])<<24|uint32(sum[1])<<16|uint32(sum[2])<<8|uint32(sum[3])) >= zeros {
			return proof
		}
	}
}

// unsolved is a proof that does not answer a challenge.
func unsolved(challenge string, zeros int) string {
	for n := 0; ; n++ {
		proof := fmt.Sprintf("%08x", n)
		if sum := sha256.Sum256([]byte(challenge + "." + proof)); bits.LeadingZeros16(uint16(sum[0])<<8|uint16(sum[1])) < zeros {
			return proof
		}
	}
}

const workBits = 10

// workSite is a site that asks for work.
func workSite(t *testing.T) (*site, *signUps) {
	s, fake := openSite(t)
	s.Newsletters[0].SignUp.ProofOfWork = workBits
	return s, fake
}

// workForm is the page's form with an address, and the work done.
func (s *site) workForm(t *testing.T, address string) url.Values {
	t.Helper()
	_, _, page := s.do(t, "GET", "/subscribe/harbour", "", "")
	challenge := challengeOf(t, page)
	s.clock = s.clock.Add(20 * time.Second)
	return url.Values{"stamp": {stampOf(t, page)}, "address": {address}, "challenge": {challenge}, "proof": {solve(challenge, workBits)}}
}

func TestProofOfWork(t *testing.T) {
	s, fake := workSite(t)
	_, header, page := s.do(t, "GET", "/subscribe/harbour", "", "")
	contains(t, page, `data-bits="10"`, `<script src="../work.js" defer></script>`)
	if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for _, path := range []string{"/", "/u/broken", "/archive/harbour/"} {
		if _, header, _ := s.do(t, "GET", path, "", ""); strings.Contains(header.Get("Content-Security-Policy"), "script-src") {
			t.Errorf("%s allows scripts: %s", path, header.Get("Content-Security-Policy"))
		}
	}
	form := s.workForm(t, odile)
	status, page := s.form(t, "/subscribe/harbour", form.Encode())
	if status != 200 || len(fake.asked) != 1 {
		t.Fatalf("%d, %d sign-ups: %s", status, len(fake.asked), page)
	}
	contains(t, page, "Now check your mail")
	form.Set("address", "ada@northpost.example")
	_, page = s.form(t, "/subscribe/harbour", form.Encode())
	contains(t, page, "<h1>One more press</h1>")
	if len(fake.asked) != 1 {
		t.Error("the same work counted twice")
	}
}

// What is no good answer leads to one more press, and signs nobody up.
func TestProofOfWorkRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, s *site, form url.Values)
	}{
		{"none", func(_ *testing.T, _ *site, f url.Values) { f.Del("challenge"); f.Del("proof") }},
		{"no proof", func(_ *testing.T, _ *site, f url.Values) { f.Set("proof", "") }},
		{"a wrong proof", func(_ *testing.T, _ *site, f url.Values) { f.Set("proof", unsolved(f.Get("challenge"), workBits)) }},
		{"a long proof", func(_ *testing.T, _ *site, f url.Values) { f.Set("proof", "0"+f.Get("proof")) }},
		{"a forged challenge", func(_ *testing.T, _ *site, f url.Values) {
			forged := []byte(f.Get("challenge"))
			forged[20] ^= 1
			f.Set("challenge", string(forged))
			f.Set("proof", solve(string(forged), workBits))
		}},
		{"a challenge of the visitor's own", func(_ *testing.T, _ *site, f url.Values) {
			f.Set("challenge", "x")
			f.Set("proof", solve("x", workBits))
		}},
		{"another newsletter's", func(t *testing.T, s *site, f url.Values) {
			s.Newsletters[1].SignUp = &web.SignUp{Good: time.Hour, ProofOfWork: workBits}
			_, _, page := s.do(t, "GET", "/subscribe/tide", "", "")
			f.Set("challenge", challengeOf(t, page))
			f.Set("proof", solve(f.Get("challenge"), workBits))
		}},
		{"a token for something else", func(t *testing.T, s *site, f url.Values) {
			f.Set("challenge", s.token(t, 1, audience.PurposeUnsubscribe))
			f.Set("proof", solve(f.Get("challenge"), workBits))
		}},
		{"its own stamp", func(_ *testing.T, _ *site, f url.Values) {
			f.Set("challenge", f.Get("stamp"))
			f.Set("proof", solve(f.Get("challenge"), workBits))
		}},
		{"too old", func(_ *testing.T, s *site, _ url.Values) { s.clock = s.clock.Add(61 * time.Minute) }},
		{"less work than now", func(_ *testing.T, s *site, f url.Values) {
			s.Newsletters[0].SignUp.ProofOfWork = 16
			f.Set("proof", unsolved(f.Get("challenge"), 16))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, fake := workSite(t)
			form := s.workForm(t, odile)
			c.spoil(t, s, form)
			status, page := s.form(t, "/subscribe/harbour", form.Encode())
			if status != 200 || len(fake.asked) > 0 {
				t.Fatalf("%d, %d sign-ups", status, len(fake.asked))
			}
			contains(t, page, "<h1>One more press</h1>", "Press Subscribe, and we write to", odile, "data-now")
			// With the work done there, it goes through at once.
			again := url.Values{"stamp": {stampOf(t, page)}, "address": {odile}, "challenge": {challengeOf(t, page)}}
			again.Set("proof", solve(again.Get("challenge"), s.Newsletters[0].SignUp.ProofOfWork))
			if status, page = s.form(t, "/subscribe/harbour", again.Encode()); status != 200 || len(fake.asked) != 1 {
				t.Errorf("one more press: %d, %d sign-ups: %s", status, len(fake.asked), page)
			}
		})
	}
}

// Work that was done is not asked for again when something else was wrong.
func TestProofOfWorkIsKept(t *testing.T) {
	s, fake := workSite(t)
	form := s.workForm(t, "odile@gmial.com")
	status, page := s.form(t, "/subscribe/harbour", form.Encode())
	if status != 422 || challengeOf(t, page) != form.Get("challenge") || !strings.Contains(page, `name="proof" value="`+form.Get("proof")+`"`) {
		t.Fatalf("%d: the work is gone: %s", status, page)
	}
	form.Set("meant", "no")
	if status, _ = s.form(t, "/subscribe/harbour", form.Encode()); status != 200 || len(fake.asked) != 1 {
		t.Errorf("%d, %d sign-ups", status, len(fake.asked))
	}
}

// A browser without script comes through by one more press, but few of them do.
func TestProofOfWorkWithoutScript(t *testing.T) {
	s, fake := workSite(t)
	s.clock = s.clock.Add(time.Hour)
	press := func(address string) (int, string) {
		t.Helper()
		_, _, page := s.do(t, "GET", "/subscribe/harbour", "", "")
		s.clock = s.clock.Add(20 * time.Second)
		_, page = s.form(t, "/subscribe/harbour", url.Values{"stamp": {stampOf(t, page)}, "address": {address}, "name": {"Odile"}, "challenge": {challengeOf(t, page)}, "proof": {""}}.Encode())
		contains(t, page, "<h1>One more press</h1>", `name="name" value="Odile"`)
		again := url.Values{"stamp": {stampOf(t, page)}, "address": {address}, "name": {"Odile"}, "challenge": {challengeOf(t, page)}, "proof": {""}}
		status, quick := s.form(t, "/subscribe/harbour", again.Encode())
		if status != 422 || !strings.Contains(quick, "That was quick.") {
			t.Errorf("pressed at once: %d", status)
		}
		again.Set("stamp", stampOf(t, quick))
		again.Set("challenge", challengeOf(t, quick))
		s.clock = s.clock.Add(5 * time.Second)
		return s.form(t, "/subscribe/harbour", again.Encode())
	}
	for i := range 2 {
		if status, page := press(fmt.Sprintf("p%d@northpost.example", i)); status != 200 || len(fake.asked) != i+1 || !strings.Contains(page, "Now check your mail") {
			t.Fatalf("%d: %d, %d sign-ups", i, status, len(fake.asked))
		}
		s.clock = s.clock.Add(3 * time.Minute)
	}
	status, page := press("p3@northpost.example")
	if status != 429 || len(fake.asked) != 2 {
		t.Errorf("the third: %d, %d sign-ups", status, len(fake.asked))
	}
	contains(t, page, "Too many tries. Try again in")
	if fake.asked[0].Name != "Odile" {
		t.Errorf("the name got lost: %+v", fake.asked[0])
	}
	// Who does the work is not held up by that.
	s.clock = s.clock.Add(time.Minute)
	if status, _ := s.form(t, "/subscribe/harbour", s.workForm(t, "p4@northpost.example").Encode()); status != 200 || len(fake.asked) != 3 {
		t.Errorf("with work: %d, %d sign-ups", status, len(fake.asked))
	}
	// Nor can the first form pass itself off as the second page's.
	form := s.workForm(t, "p5@northpost.example")
	form.Set("proof", "")
	for range 2 {
		if _, page := s.form(t, "/subscribe/harbour", form.Encode()); len(fake.asked) != 3 || !strings.Contains(page, "One more press") {
			t.Error("the first form counts as the second")
		}
	}
}

// A form on another site lands on our page, which does the work.
func TestProofOfWorkFromOtherSites(t *testing.T) {
	s, fake := workSite(t)
	status, _, page := s.send(t, "POST", "/subscribe/harbour", "application/x-www-form-urlencoded", "address="+odile, "Origin", shop, "Sec-Fetch-Site", "cross-site")
	if status != 200 || len(fake.asked) > 0 {
		t.Fatalf("%d, %d sign-ups", status, len(fake.asked))
	}
	form := url.Values{"stamp": {stampOf(t, page)}, "address": {odile}, "challenge": {challengeOf(t, page)}, "proof": {solve(challengeOf(t, page), workBits)}}
	status, _, page = s.send(t, "POST", "/subscribe/harbour", "application/x-www-form-urlencoded", form.Encode(), "Origin", s.url, "Sec-Fetch-Site", "same-origin")
	if status != 200 || len(fake.asked) != 1 || fake.asked[0].Way.How != "form on another site" {
		t.Errorf("%d, %+v: %s", status, fake.asked, page)
	}
}

func TestProofOfWorkJSON(t *testing.T) {
	s, fake := workSite(t)
	post := func(more string) (int, map[string]any) {
		t.Helper()
		status, _, text := s.send(t, "POST", "/subscribe/harbour", "application/json", `{"address": "`+odile+`"`+more+`}`)
		var answer map[string]any
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err, text)
		}
		return status, answer
	}
	status, answer := post("")
	challenge, _ := answer["challenge"].(string)
	if status != 422 || answer["field"] != "proof" || answer["bits"] != float64(workBits) || challenge == "" {
		t.Fatalf("%d %v", status, answer)
	}
	good := `, "challenge": "` + challenge + `", "proof": "` + solve(challenge, workBits) + `"`
	if status, _ = post(`, "challenge": "` + challenge + `", "proof": "` + unsolved(challenge, workBits) + `"`); status != 422 || len(fake.asked) > 0 {
		t.Errorf("a wrong proof: %d", status)
	}
	if status, _ = post(good); status != 202 || len(fake.asked) != 1 {
		t.Errorf("%d", status)
	}
	if status, _ = post(good); status != 422 || len(fake.asked) != 1 {
		t.Errorf("again: %d", status)
	}
}

// Two that send the same work at the same time are one.
func TestProofOfWorkIsSpentOnce(t *testing.T) {
	s, fake := workSite(t)
	form := s.workForm(t, odile).Encode()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { s.form(t, "/subscribe/harbour", form) })
	}
	all.Wait()
	if len(fake.asked) != 1 {
		t.Errorf("%d sign-ups", len(fake.asked))
	}
}

// provider is a server that speaks siteverify.
type provider struct {
	mu     sync.Mutex
	asked  []url.Values
	answer func(url.Values) (int, string)
	url    string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	used := map[string]bool{}
	p.answer = func(form url.Values) (int, string) {
		switch token := form.Get("response"); {
		case form.Get("secret") != "hunter2":
			return 200, `{"success": false, "error-codes": ["invalid-input-secret"]}`
		case !strings.HasPrefix(token, "good") || used[token]:
			return 200, `{"success": false, "error-codes": ["timeout-or-duplicate"]}`
		default:
			used[token] = true
			return 200, `{"success": true, "challenge_ts": "2026-11-24T06:00:00Z", "hostname": "news.example.org", "error-codes": []}`
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "POST" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.ParseForm() != nil {
			w.WriteHeader(400)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked = append(p.asked, r.PostForm)
		status, text := p.answer(r.PostForm)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// captchaSite is a site that asks for a captcha of a provider.
func captchaSite(t *testing.T, name string) (*site, *signUps, *provider) {
	t.Helper()
	s, fake := openSite(t)
	p := newProvider(t)
	known := newsroom.CaptchaProviders()[name]
	asked := &newsroom.Captcha{URL: p.url, Secret: "hunter2", Private: true, Client: fetch.New(fetch.Options{})}
	s.Newsletters[0].SignUp.Captcha = &web.Captcha{
		Script: known.Script, Class: known.Class, Field: known.Field, SiteKey: "our-site",
		Scripts: known.Scripts, Frames: known.Frames, Styles: known.Styles, Calls: known.Calls, Check: asked.Check,
	}
	return s, fake, p
}

func TestCaptcha(t *testing.T) {
	for name, want := range map[string]struct{ widget, script, policy, field string }{
		"hcaptcha":  {`class="check h-captcha" data-sitekey="our-site"`, "https://js.hcaptcha.com/1/api.js", "script-src https://hcaptcha.com https://*.hcaptcha.com; frame-src https://hcaptcha.com https://*.hcaptcha.com; connect-src", "h-captcha-response"},
		"turnstile": {`class="check cf-turnstile" data-sitekey="our-site"`, "https://challenges.cloudflare.com/turnstile/v0/api.js", "script-src https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com", "cf-turnstile-response"},
		"recaptcha": {`class="check g-recaptcha" data-sitekey="our-site"`, "https://www.google.com/recaptcha/api.js", "script-src https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/; frame-src", "g-recaptcha-response"},
	} {
		t.Run(name, func(t *testing.T) {
			s, fake, p := captchaSite(t, name)
			_, header, page := s.do(t, "GET", "/subscribe/harbour", "", "")
			contains(t, page, want.widget, `src="`+want.script+`"`, "<noscript>", "This check needs a browser that runs scripts.")
			if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, want.policy) || strings.Contains(policy, "unsafe") {
				t.Errorf("policy %q", policy)
			}
			if _, header, _ := s.do(t, "GET", "/", "", ""); strings.Contains(header.Get("Content-Security-Policy"), "script-src") {
				t.Error("the front page allows scripts")
			}
			status, page := s.form(t, "/subscribe/harbour", s.filled(t, "address", odile, want.field, "good 1").Encode())
			if status != 200 || len(fake.asked) != 1 {
				t.Fatalf("%d, %d sign-ups: %s", status, len(fake.asked), page)
			}
			if got := p.asked[0]; got.Get("secret") != "hunter2" || got.Get("response") != "good 1" || got.Get("remoteip") != "127.0.0.1" || len(got) != 3 {
				t.Errorf("the provider was told %v", got)
			}
			// The same response once more, and one that is no good.
			for _, response := range []string{"good 1", "bad"} {
				status, page = s.form(t, "/subscribe/harbour", s.filled(t, "address", odile, want.field, response).Encode())
				if status != 422 || len(fake.asked) != 1 {
					t.Errorf("%s: %d, %d sign-ups", response, status, len(fake.asked))
				}
				contains(t, page, "The check was not passed. Do it once more.", want.widget, "<title>Error: ")
			}
		})
	}
}

// Without a response the provider is not asked, and the page has the widget.
func TestCaptchaMissing(t *testing.T) {
	s, fake, p := captchaSite(t, "turnstile")
	status, _, page := s.send(t, "POST", "/subscribe/harbour", "application/x-www-form-urlencoded", "address="+odile, "Origin", shop, "Sec-Fetch-Site", "cross-site")
	if status != 200 || len(fake.asked) > 0 || len(p.asked) > 0 {
		t.Fatalf("%d", status)
	}
	contains(t, page, "<h1>One more press</h1>", "cf-turnstile")
	form := url.Values{"stamp": {stampOf(t, page)}, "address": {odile}, "challenge": {challengeOf(t, page)}}
	if status, page := s.form(t, "/subscribe/harbour", form.Encode()); status != 422 || len(fake.asked) > 0 || len(p.asked) > 0 {
		t.Errorf("still none: %d %s", status, page)
	}
	form.Set("cf-turnstile-response", strings.Repeat("a", 9000))
	if status, _ := s.form(t, "/subscribe/harbour", form.Encode()); status != 422 || len(p.asked) > 0 {
		t.Errorf("a long one: %d", status)
	}
	form.Set("cf-turnstile-response", "good")
	if status, page := s.form(t, "/subscribe/harbour", form.Encode()); status != 200 || len(fake.asked) != 1 || fake.asked[0].Way.How != "form on another site" {
		t.Errorf("%d %s", status, page)
	}
}

func TestCaptchaDown(t *testing.T) {
	for name, answer := range map[string]func(url.Values) (int, string){
		"a fault":        func(url.Values) (int, string) { return 500, `{"success": true}` },
		"no JSON":        func(url.Values) (int, string) { return 200, "<html>" },
		"no verdict":     func(url.Values) (int, string) { return 200, "{}" },
		"another secret": func(url.Values) (int, string) { return 200, `{"success":false,"error-codes":["invalid-input-secret"]}` },
		"its own fault":  func(url.Values) (int, string) { return 200, `{"success":false,"error-codes":["internal-error"]}` },
		"a long answer": func(url.Values) (int, string) {
			return 200, `{"success":true,"x":"` + strings.Repeat("x", 1<<20) + `"}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, fake, p := captchaSite(t, "hcaptcha")
			p.answer = answer
			form := s.filled(t, "address", odile, "h-captcha-response", "good-token")
			status, page := s.form(t, "/subscribe/harbour", form.Encode())
			if status != 503 || len(fake.asked) > 0 {
				t.Errorf("%d, %d sign-ups", status, len(fake.asked))
			}
			contains(t, page, "The check can’t be done right now. Try again in a few minutes. Nothing was changed.")
			if log := s.log.String(); strings.Contains(log, "hunter2") || strings.Contains(log, "good-token") || !strings.Contains(log, "captcha") {
				t.Errorf("the log: %s", log)
			}
			status, _, text := s.send(t, "POST", "/subscribe/harbour", "application/json", `{"address": "`+odile+`", "captcha": "good-token"}`)
			if status != 503 || !strings.Contains(text, `"field":"captcha"`) {
				t.Errorf("JSON: %d %s", status, text)
			}
			// Where the newsletter says so, few are taken.
			s.Newsletters[0].SignUp.Captcha.TakeWhenDown = true
			for i := range 3 {
				want := 200
				if i == 2 {
					want = 429
				}
				if status, _ = s.form(t, "/subscribe/harbour", form.Encode()); status != want {
					t.Errorf("try %d: %d", i, status)
				}
			}
		})
	}
	// Nobody answers, and the guard lets no request into our own network.
	s, fake, p := captchaSite(t, "hcaptcha")
	guarded := &newsroom.Captcha{URL: p.url, Secret: "hunter2", Client: fetch.New(fetch.Options{})}
	s.Newsletters[0].SignUp.Captcha.Check = guarded.Check
	if status, _ := s.form(t, "/subscribe/harbour", s.filled(t, "address", odile, "h-captcha-response", "good").Encode()); status != 503 || len(fake.asked)+len(p.asked) > 0 {
		t.Errorf("%d", status)
	}
	s.Newsletters[0].SignUp.Captcha.Check = func(context.Context, string, string) error { return newsroom.ErrCaptcha }
	if status, _, text := s.send(t, "POST", "/subscribe/harbour", "application/json", `{"address": "`+odile+`"}`); status != 422 || !strings.Contains(text, `"field":"captcha"`) {
		t.Errorf("JSON: %d %s", status, text)
	}
}

// With both, a browser without script has no way past the captcha.
func TestWorkAndCaptcha(t *testing.T) {
	s, fake, _ := captchaSite(t, "turnstile")
	s.Newsletters[0].SignUp.ProofOfWork = workBits
	form := s.workForm(t, odile)
	_, page := s.form(t, "/subscribe/harbour", form.Encode())
	again := url.Values{"stamp": {stampOf(t, page)}, "address": {odile}, "challenge": {challengeOf(t, page)}, "cf-turnstile-response": {"good"}}
	if _, page := s.form(t, "/subscribe/harbour", again.Encode()); len(fake.asked) > 0 || !strings.Contains(page, "One more press") {
		t.Error("the captcha alone is enough")
	}
	again.Set("proof", solve(again.Get("challenge"), workBits))
	if status, page := s.form(t, "/subscribe/harbour", again.Encode()); status != 200 || len(fake.asked) != 1 {
		t.Errorf("both: %d %s", status, page)
	}
}
