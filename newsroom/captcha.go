package newsroom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"lede/internal/fetch"
)

// Captcha asks the provider of a CAPTCHA whether a visitor passed it. The
// providers speak the same: the secret, what the widget wrote into the form and
// the visitor's address are posted as a form, and the answer is JSON with
// "success".
type Captcha struct {
	URL     string // of the provider's siteverify
	Secret  string
	Private bool // URL may be at an address that is not public
	Client  *fetch.Client
}

// CaptchaProvider is what a provider's widget needs on a page.
type CaptchaProvider struct {
	Script string // address of the widget's script
	Verify string // address of siteverify
	Class  string // of the element that becomes the widget
	Field  string // that the widget writes into the form
	// Scripts, Frames, Styles and Calls are what the page's policy allows
	// (Content-Security-Policy: script-src, frame-src, style-src, connect-src).
	Scripts, Frames, Styles, Calls []string
}

// CaptchaProviders are the providers by their names, as their documentation has
// them.
func CaptchaProviders() map[string]CaptchaProvider {
	hcaptcha := []string{"https://hcaptcha.com", "https://*.hcaptcha.com"}
	turnstile := []string{"https://challenges.cloudflare.com"}
	return map[string]CaptchaProvider{
		"hcaptcha": {
			Script: "https://js.hcaptcha.com/1/api.js", Verify: "https://api.hcaptcha.com/siteverify",
			Class: "h-captcha", Field: "h-captcha-response",
			Scripts: hcaptcha, Frames: hcaptcha, Styles: hcaptcha, Calls: hcaptcha,
		},
		"turnstile": {
			Script: "https://challenges.cloudflare.com/turnstile/v0/api.js", Verify: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
			Class: "cf-turnstile", Field: "cf-turnstile-response",
			Scripts: turnstile, Frames: turnstile,
		},
		"recaptcha": {
			Script: "https://www.google.com/recaptcha/api.js", Verify: "https://www.google.com/recaptcha/api/siteverify",
			Class: "g-recaptcha", Field: "g-recaptcha-response",
			Scripts: []string{"https://www.google.com/recaptcha/", "https://www.gstatic.com/recaptcha/"},
			Frames:  []string{"https://www.google.com/recaptcha/", "https://recaptcha.google.com/recaptcha/"},
		},
	}
}

var (
	// ErrCaptcha says that a visitor did not pass.
	ErrCaptcha = errors.New("the captcha was not passed")
	// ErrCaptchaDown says that nobody can pass now: the provider does not answer,
	// or does not take our secret.
	ErrCaptchaDown = errors.New("the captcha's provider can't be asked")
)

const (
	// captchaTimeout is how long a visitor waits for the provider.
	captchaTimeout = 5 * time.Second
	// longestResponse bounds what a widget writes: providers stay below 2 to 4 KB.
	longestResponse = 8 << 10
)

// Check asks about what a widget wrote, once: a response counts one time. ip may
// be empty. Errors: ErrCaptcha, ErrCaptchaDown with the cause; neither holds the
// secret or the response.
func (c *Captcha) Check(ctx context.Context, response, ip string) error {
	if response == "" || len(response) > longestResponse {
		return ErrCaptcha
	}
	form := url.Values{"secret": {c.Secret}, "response": {response}}
	if ip != "" {
		form.Set("remoteip", ip)
	}
	answer, err := c.Client.Post(ctx, c.URL, []byte(form.Encode()), fetch.PostOptions{
		Private: c.Private, Timeout: captchaTimeout,
		Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCaptchaDown, err)
	}
	var said struct {
		Success *bool    `json:"success"`
		Codes   []string `json:"error-codes"`
	}
	if err := json.Unmarshal(answer.Body, &said); err != nil || said.Success == nil || answer.Status >= http.StatusInternalServerError {
		return fmt.Errorf("%w: it answered %d, and not with a verdict", ErrCaptchaDown, answer.Status)
	}
	has := func(codes ...string) bool {
		return slices.ContainsFunc(said.Codes, func(code string) bool { return slices.Contains(codes, code) })
	}
	switch {
	case *said.Success:
		return nil
	case has("missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch"):
		return fmt.Errorf("%w: it does not take our secret: look at signup.captcha.secret", ErrCaptchaDown)
	case has("internal-error"):
		return fmt.Errorf("%w: it has a fault of its own", ErrCaptchaDown)
	}
	return ErrCaptcha
}
