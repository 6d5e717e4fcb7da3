package config

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// SignUp says how people come to a newsletter by themselves.
type SignUp struct {
	Open        bool     `mapstructure:"open"`                      // the subscribe page takes people
	DoubleOptIn bool     `mapstructure:"double_opt_in"`             // who is new confirms by mail first
	TokenLife   Duration `mapstructure:"token_life"`                // how long a sign-up can be confirmed
	RemindAfter Duration `mapstructure:"remind_after"`              // 0: nobody is reminded
	MailsADay   int      `mapstructure:"mails_a_day" range:"1..50"` // that an address gets in 24 hours
	List        string   `mapstructure:"list"`                      // that people come to; empty: the first of lists
	Agreement   string   `mapstructure:"agreement"`                 // the text that they agree to
	Title       string   `mapstructure:"title"`                     // over the form; empty: "Subscribe to …"
	Text        string   `mapstructure:"text"`                      // under the title; empty: the newsletter's place
	Origins     []string `mapstructure:"origins"`                   // sites whose forms and scripts may post here
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
	if path := at + ".agreement"; c.given(path) && len(s.Agreement) > mostAgreement {
		c.complain(path, "", "is longer than %d bytes", mostAgreement)
	}
}

// mostAgreement bounds a text that is kept with each consent.
const mostAgreement = 4000
