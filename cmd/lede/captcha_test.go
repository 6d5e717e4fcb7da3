package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"lede/internal/config"
	"lede/newsroom"
)

// A captcha of the configuration asks where it says, and the page allows what it
// needs.
func TestCaptchaOfTheConfiguration(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("secret") != "hunter2" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.FormValue("response") == "good" && r.FormValue("remoteip") == "192.0.2.1" {
			io.WriteString(w, `{"success": true}`)
			return
		}
		io.WriteString(w, `{"success": false}`)
	}))
	defer server.Close()

	if captchaOf("", config.Captcha{}) != nil {
		t.Error("there is a captcha without a provider")
	}
	for _, provider := range []string{"hcaptcha", "turnstile", "recaptcha"} {
		own := captchaOf("", config.Captcha{Provider: provider, Secret: "hunter2", WhenDown: "accept", ScriptURL: "https://captcha.example.org/api.js", VerifyURL: config.Secret(server.URL), Private: true})
		if own == nil || own.Script != "https://captcha.example.org/api.js" || own.Scripts[0] != "https://captcha.example.org" || !own.TakeWhenDown {
			t.Fatalf("%s: %+v", provider, own)
		}
		if err := own.Check(t.Context(), "good", "192.0.2.1"); err != nil {
			t.Errorf("%s: %v", provider, err)
		}
		if err := own.Check(t.Context(), "bad", "192.0.2.1"); !errors.Is(err, newsroom.ErrCaptcha) {
			t.Errorf("%s: %v", provider, err)
		}
		guarded := captchaOf("", config.Captcha{Provider: provider, Secret: "hunter2", VerifyURL: config.Secret(server.URL)})
		if err := guarded.Check(t.Context(), "good", ""); !errors.Is(err, newsroom.ErrCaptchaDown) {
			t.Errorf("%s: a request into our own network: %v", provider, err)
		}
		theirs := captchaOf("", config.Captcha{Provider: provider, SiteKey: "k", WhenDown: "refuse"})
		if theirs.Script == "" || len(theirs.Scripts) == 0 || len(theirs.Frames) == 0 || theirs.TakeWhenDown {
			t.Errorf("%s: %+v", provider, theirs)
		}
	}
}
