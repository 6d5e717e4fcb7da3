package config

import (
	"errors"
	"fmt"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"lede/compose"
	"lede/newsroom"
)

func (c *checker) newsletter(at string, n *Newsletter, relays []string) {
	c.schedule(at, n)
	c.addresses(at, n)
	c.dkim(at+".dkim", n)
	for key, value := range map[string]string{"imprint": n.Imprint, "privacy": n.Privacy} {
		if c.given(at+"."+key) && value != "" {
			c.webAddress(at+"."+key, value)
		}
	}

	c.notEmpty(at+".lists", len(n.Lists))
	for i, list := range n.Lists {
		if path := fmt.Sprintf("%s.lists[%d]", at, i); c.given(path) && !idForm.MatchString(list) {
			c.complain(path, "", "%q is no list: up to 40 of a-z, 0-9 and -", list)
		}
	}
	c.words(at+".subject", n.Subject)
	c.words(at+".editor.greeting", n.Editor.Greeting)
	switch path := at + ".relay"; {
	case c.given(path) && relays != nil && !slices.Contains(relays, n.Relay):
		c.complain(path, "", "there is no relay %q%s", n.Relay, didYouMean(n.Relay, relays))
	case !c.given(path) && c.sound(path) && len(relays) == 1:
		n.Relay = relays[0]
	case !c.given(path) && c.sound(path) && len(relays) > 1:
		c.complain(path, "", "missing: there is more than one relay (%s)", strings.Join(relays, ", "))
	}

	c.notEmpty(at+".sources", len(n.Sources))
	sources := c.ids(at+".sources", len(n.Sources), func(i int) string { return n.Sources[i].ID })
	for i := range n.Sources {
		if path := fmt.Sprintf("%s.sources[%d]", at, i); c.sound(path) {
			c.source(path, &n.Sources[i])
		}
	}
	c.from(at+".lead.from", n.Lead.From, sources)
	if lead := at + ".lead"; c.sound(lead+".length") && c.sound(lead+".min_words") && n.Lead.Length < n.Lead.MinWords {
		c.complain(c.oneGiven(lead+".length", lead+".min_words"), "", "length (%d words) is shorter than min_words (%d)", n.Lead.Length, n.Lead.MinWords)
	}
	for i, section := range n.Sections {
		c.from(fmt.Sprintf("%s.sections[%d].from", at, i), section.From, sources)
	}
	if path := at + ".theme"; c.given(path) && !idForm.MatchString(n.Theme) {
		c.complain(path, "your own templates go into theme_dir", "%q is no name of a theme", n.Theme)
	}
	if c.given(at+".theme_dir") && n.ThemeDir != "" {
		n.ThemeDir = c.path(n.ThemeDir)
	}
}

// words checks the {words} of a text that is filled in for each edition.
func (c *checker) words(path, text string) {
	if !c.given(path) {
		return
	}
	values := map[string]string{"lead": "", "newsletter": "", "date": ""}
	if _, err := compose.Expand(text, values, func(string, string) string { return "" }); err != nil {
		c.complain(path, "", "%v", err)
	}
}

func (c *checker) schedule(at string, n *Newsletter) {
	if path := at + ".schedule"; c.given(path) && n.Schedule != "" {
		if _, err := newsroom.ParseSchedule(n.Schedule); err != nil {
			hint := ""
			if se, ok := errors.AsType[*newsroom.ScheduleError](err); ok {
				hint = se.Hint
			}
			c.complain(path, hint, "%v", err)
		}
	}
	for i, day := range n.NotOn {
		if path := fmt.Sprintf("%s.not_on[%d]", at, i); c.given(path) {
			if err := newsroom.CheckDay(day); err != nil {
				c.complain(path, "", "%v", err)
			}
		}
	}
	// News of yesterday is never resumed by itself.
	if path := at + ".stale_after"; c.given(path) && n.StaleAfter > Duration(24*time.Hour) {
		c.complain(path, "", "%s is more than 24h", n.StaleAfter)
	}
}

func (c *checker) addresses(at string, n *Newsletter) {
	for key, value := range map[string]string{
		"reply_to": n.ReplyTo, "bounce_address": n.BounceAddress, "unsubscribe_mailbox": n.UnsubscribeMailbox,
	} {
		if c.given(at+"."+key) && value != "" {
			c.address(at+"."+key, value)
		}
	}
	for i, value := range n.Notify {
		if path := fmt.Sprintf("%s.notify[%d]", at, i); c.given(path) {
			c.address(path, value)
		}
	}
	if path := at + ".notify_command"; c.given(path) && len(n.NotifyCommand) > 0 && n.NotifyCommand[0] == "" {
		c.complain(path, "", "the first of the list is the program")
	}
	switch path := at + ".list_id"; {
	case !c.given(path) || n.ListID == "":
		if c.given(at+".from") && c.given(at+".id") {
			n.ListID = n.ID + "." + n.From.Domain()
		}
	case !listIDForm.MatchString(n.ListID):
		c.complain(path, "", "%q is no List-Id: write it like harbour.example.org, without angle brackets", n.ListID)
	}
	switch path := at + ".feedback_sender"; {
	case !c.given(path) || n.FeedbackSender == "":
		n.FeedbackSender = feedbackSender(n.From.Domain())
	case !feedbackForm.MatchString(n.FeedbackSender):
		c.complain(path, "", "%q is no sender's id: 5 to 15 letters, digits, - or _", n.FeedbackSender)
	}
}

// feedbackSender makes a sender's id of a domain, the same each time: receivers
// sum complaints up by it.
func feedbackSender(domain string) string {
	id := strings.Map(func(r rune) rune {
		if r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, domain)
	if len(id) < 5 {
		id += "-lede"
	}
	return id[:min(len(id), 15)]
}

var (
	listIDForm   = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$`) // RFC 2919, section 2
	feedbackForm = regexp.MustCompile(`^[A-Za-z0-9_-]{5,15}$`)               // as Gmail's feedback loop has it
)

// address checks an address without a name.
func (c *checker) address(path, value string) {
	if a, err := mail.ParseAddress(value); err != nil || a.Name != "" || a.Address != value || !plausible(value) {
		c.complain(path, "", "%q is no address: write it like desk@example.org, without a name", value)
	}
}

func (c *checker) dkim(at string, n *Newsletter) {
	if n.DKIM == nil || !c.sound(at) {
		return
	}
	domain := strings.ToLower(n.DKIM.Domain)
	switch path := at + ".domain"; {
	case !c.given(path):
	case !hostName(domain):
		c.complain(path, "", "%q is no domain", n.DKIM.Domain)
	case n.From.Address != "" && !aligned(domain, n.From.Domain()):
		c.complain(path, "DMARC wants a signature by the domain that readers see", "%q does not belong to %q of from", n.DKIM.Domain, n.From.Domain())
	}
	if path := at + ".selector"; c.given(path) && !hostName(n.DKIM.Selector) {
		c.complain(path, "", "%q is no selector: write it like lede", n.DKIM.Selector)
	}
	if path := at + ".key"; c.given(path) {
		n.DKIM.Key = c.path(n.DKIM.Key)
		c.key(path, n.DKIM.Key)
	}
}

// key checks that a private key can be read, and by whom.
func (c *checker) key(path, file string) {
	key, err := os.Open(file)
	if err != nil {
		why := err
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			why = pe.Err
		}
		c.complain(path, "", "the key file cannot be read: %s: %v", file, why)
		return
	}
	defer key.Close()
	switch info, err := key.Stat(); {
	case err != nil || info.IsDir():
		c.complain(path, "", "no key file: %s", file)
	case readableByAll(info.Mode()):
		c.warn("everybody on this machine can read the DKIM key %s: chmod 600 %s", file, file)
	}
}

// aligned says whether one domain is the other or lies within it, as DMARC's
// relaxed alignment has it for the domains of one sender (RFC 7489, section
// 3.1.1).
func aligned(a, b string) bool {
	return a == b || strings.HasSuffix(a, "."+b) || strings.HasSuffix(b, "."+a)
}

func (c *checker) source(at string, s *Source) {
	folder, feed := at+".folder", at+".feed"
	if !c.sound(folder) || !c.sound(feed) {
		return
	}
	switch {
	case s.Folder != "" && s.Feed != "":
		c.complain(feed, "make two sources of it", "a source is a folder or a feed, not both")
		return
	case s.Folder == "" && s.Feed == "":
		c.complain(at, "", "folder or feed is missing")
		return
	}
	if s.Folder != "" {
		if strings.Contains(s.Folder, "://") {
			c.complain(folder, "feed: takes addresses", "%q is no folder", s.Folder)
			return
		}
		s.Folder = c.path(s.Folder)
		if s.Private {
			c.complain(at+".private", "", "this is for feeds: a folder needs no permission")
		}
		return
	}
	if strings.Contains(s.Feed, "://") {
		c.webAddress(feed, s.Feed)
		return
	}
	s.Feed = c.path(s.Feed)
}

// from checks that the sources that a lead or a section takes from exist.
func (c *checker) from(path string, from, sources []string) {
	if sources == nil {
		return
	}
	for i, id := range from {
		if at := fmt.Sprintf("%s[%d]", path, i); c.given(at) && !slices.Contains(sources, id) {
			c.complain(at, "", "there is no source %q%s", id, didYouMean(id, sources))
		}
	}
}
