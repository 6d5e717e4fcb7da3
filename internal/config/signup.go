package config

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// SignUp says how people come to a newsletter by themselves.
type SignUp struct {
	Open        bool     `mapstructure:"open"`                        // the subscribe page takes people
	DoubleOptIn bool     `mapstructure:"double_opt_in"`               // who is new confirms by mail first
	TokenLife   Duration `mapstructure:"token_life"`                  // how long a sign-up can be confirmed
	RemindAfter Duration `mapstructure:"remind_after"`                // 0: nobody is reminded
	MailsADay   int      `mapstructure:"mails_a_day" range:"1..50"`   // that an address gets in 24 hours
	List        string   `mapstructure:"list"`                        // that people come to; empty: the first of lists
	Agreement   string   `mapstructure:"agreement"`                   // the text that they agree to
	Title       string   `mapstructure:"title"`                       // over the form; empty: "Subscribe to …"
	Text        string   `mapstructure:"text"`                        // under the title; empty: the newsletter's place
	Origins     []string `mapstructure:"origins"`                     // sites whose forms and scripts may post here
	ProofOfWork int      `mapstructure:"proof_of_work" range:"0..22"` // zero bits that a browser looks for; 0: none
	Captcha     Captcha  `mapstructure:"captcha"`
}

// Captcha is a check of who signs up by somebody else.
type Captcha struct {
	Provider  string `mapstructure:"provider" oneof:"hcaptcha|turnstile|recaptcha"` // empty: there is none
	SiteKey   string `mapstructure:"site_key"`
	Secret    Secret `mapstructure:"secret"`
	WhenDown  string `mapstructure:"when_down" oneof:"refuse|accept"` // the provider can't be asked
	ScriptURL string `mapstructure:"script_url"`                      // instead of the provider's
	VerifyURL Secret `mapstructure:"verify_url"`                      // instead of the provider's; may hold a token
	Private   bool   `mapstructure:"private"`                         // VerifyURL may be at an address that is not public
}

// The bounds of signup.token_life.
const (
	shortestTokenLife = Duration(time.Hour)
	longestTokenLife  = Duration(30 * 24 * time.Hour)
)

func (c *checker) signUp(at string, n *Newsletter) {
	s := n.SignUp
	switch path := at + ".token_life"; {
	case !c.sound(path):
	case s.TokenLife < shortestTokenLife || s.TokenLife > longestTokenLife:
		c.complain(path, "token_life: 72h", "%s is not from 1h to 720h", s.TokenLife)
	case c.sound(at+".remind_after") && s.RemindAfter > 0 && s.RemindAfter >= s.TokenLife:
		c.complain(c.oneGiven(at+".remind_after", path), "", "remind_after (%s) is no less than token_life (%s): nothing is left to confirm then", s.RemindAfter, s.TokenLife)
	}
	if path := at + ".list"; c.given(path) && s.List != "" && len(n.Lists) > 0 && !slices.Contains(n.Lists, s.List) {
		c.complain(path, "", "the newsletter does not go to list %q%s", s.List, didYouMean(s.List, n.Lists))
	}
	for i, o := range s.Origins {
		path := fmt.Sprintf("%s.origins[%d]", at, i)
		if err := new(http.CrossOriginProtection).AddTrustedOrigin(o); err != nil || strings.ToLower(o) != o || !strings.HasPrefix(o, "http") {
			c.complain(path, "https://www.example.org", "%q is no origin: a scheme and a host in lower case, without a path", o)
		}
	}
	c.captcha(at+".captcha", s.Captcha)
	if path := at + ".agreement"; c.given(path) && len(s.Agreement) > mostAgreement {
		c.complain(path, "", "is longer than %d bytes", mostAgreement)
	}
}

var siteKeyForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,200}$`)

// captcha checks what a captcha needs: all of it, or nothing.
func (c *checker) captcha(at string, s Captcha) {
	if s.Provider == "" && c.sound(at+".provider") {
		if s.SiteKey != "" || s.Secret != "" || s.ScriptURL != "" || s.VerifyURL != "" {
			c.complain(at, "provider: hcaptcha, turnstile or recaptcha", "the captcha has no provider")
		}
		return
	}
	switch path := at + ".site_key"; {
	case !c.sound(path):
	case s.SiteKey == "":
		c.complain(at, "the provider shows it beside the secret", "the captcha has no site_key")
	case !siteKeyForm.MatchString(s.SiteKey):
		c.complain(path, "the provider shows it beside the secret", "%q is no key of a site", s.SiteKey)
	}
	if path := at + ".secret"; c.sound(path) && s.Secret == "" {
		c.complain(at, "keep it in the environment: secret: ${CAPTCHA_SECRET}", "the captcha has no secret")
	}
	if path := at + ".script_url"; c.given(path) && s.ScriptURL != "" {
		if u, err := url.Parse(s.ScriptURL); err != nil || u.Host == "" || strings.ContainsAny(s.ScriptURL, "; ,'\"") ||
			u.Scheme != "https" && (u.Scheme != "http" || !s.Private) {
			c.complain(path, "", "%q is no address of a script: it starts with https:// and a host", s.ScriptURL)
		}
	}
	if path := at + ".verify_url"; c.given(path) && s.VerifyURL != "" {
		c.webhookURL(path, string(s.VerifyURL), s.Private)
	}
}

// mostAgreement bounds a text that is kept with each consent.
const mostAgreement = 4000
