package config

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"lede/compose"
	"lede/newsroom"
	"lede/templates"
)

func (c *checker) newsletter(at string, n *Newsletter, relays []string) {
	c.schedule(at, n)
	c.times(at, n)
	c.approval(at, n)
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
	reader := func(string, string) string { return "" }
	c.words(at+".subject", n.Subject, compose.SubjectWords(), reader)
	c.words(at+".editor.greeting", n.Editor.Greeting, compose.SubjectWords(), reader)
	c.words(at+".preheader", n.Preheader, compose.PreheaderWords(), nil)
	c.subjectTest(at, n)
	c.signUp(at+".signup", n)
	c.links(at, n)
	c.lint(at, n)
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
	if path := at + ".lead.max_words"; c.given(path) && n.Lead.MaxWords > 0 && n.Lead.MinWords > n.Lead.MaxWords {
		c.complain(path, "", "%d is less than min_words (%d)", n.Lead.MaxWords, n.Lead.MinWords)
	}
	for i, section := range n.Sections {
		path := fmt.Sprintf("%s.sections[%d]", at, i)
		c.from(path+".from", section.From, sources)
		if c.sound(path) {
			c.section(path, section)
		}
	}
	c.correctionsOnce(at, n.Sections)
	c.conditions(at, n.Sections)
	if path := at + ".theme"; c.given(path) && !idForm.MatchString(n.Theme) {
		c.complain(path, "your own templates go into theme_dir", "%q is no name of a theme", n.Theme)
	} else if known := templates.Names(); c.given(path) && !slices.Contains(known, n.Theme) {
		c.complain(path, "there are "+strings.Join(known, ", "), "unknown theme %q%s", n.Theme, didYouMean(n.Theme, known))
	}
	for _, problem := range n.Tokens.Problems() {
		if path := at + ".tokens." + problem.Key; c.sound(path) {
			c.complain(path, "", "%s", problem.What)
		}
	}
	if c.given(at+".theme_dir") && n.ThemeDir != "" {
		n.ThemeDir = c.path(n.ThemeDir)
	}
	if c.given(at+".words_dir") && n.WordsDir != "" {
		n.WordsDir = c.path(n.WordsDir)
	}
}

// words checks the {words} of a text that is filled in for each edition, and
// for each reader where there are fields.
func (c *checker) words(path, text string, known []string, fields func(string, string) string) {
	if !c.given(path) {
		return
	}
	values := map[string]string{}
	for _, word := range known {
		values[word] = ""
	}
	if _, err := compose.Expand(text, values, fields); err != nil {
		c.complain(path, "", "%v", err)
	}
}

func (c *checker) schedule(at string, n *Newsletter) {
	c.slots(at+".schedule", n.Schedule)
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

// slots complains of what is no schedule.
func (c *checker) slots(path, spec string) {
	if !c.given(path) || spec == "" {
		return
	}
	if _, err := newsroom.ParseSchedule(spec); err != nil {
		hint := ""
		if se, ok := errors.AsType[*newsroom.ScheduleError](err); ok {
			hint = se.Hint
		}
		c.complain(path, hint, "%v", err)
	}
}

// times checks when the mails of an edition leave.
func (c *checker) times(at string, n *Newsletter) {
	spread, local := at+".spread", at+".local_time"
	if !c.sound(spread) || !c.sound(local) || !c.sound(at+".stale_after") {
		return
	}
	switch {
	case n.Spread > 0 && n.LocalTime:
		c.complain(c.oneGiven(local, spread), "", "not together with spread: each reader has a time of their own")
		return
	case n.Spread > Duration(24*time.Hour):
		c.complain(spread, "", "%s is more than 24h", n.Spread)
	case n.StaleAfter > 0 && n.Spread > n.StaleAfter:
		c.complain(spread, "", "%s is longer than stale_after (%s): the last mails would be old news", n.Spread, n.StaleAfter)
	}
	if (n.Spread > 0 || n.LocalTime) && n.Schedule == "" && c.sound(at+".schedule") {
		key := "spread"
		if n.LocalTime {
			key = "local_time"
		}
		c.warn("%s: %s holds for slots, and there is no schedule; lede send has --%s", at, key, strings.ReplaceAll(key, "_", "-"))
	}
}

// longestProof is how long ahead of its slot an edition may be made: earlier it
// would be none of that day.
const longestProof = Duration(24 * time.Hour)

// approval checks who reads an edition before it goes, and what becomes of one
// that nobody approved.
func (c *checker) approval(at string, n *Newsletter) {
	for i, value := range n.Proof.To {
		if path := fmt.Sprintf("%s.proof.to[%d]", at, i); c.given(path) {
			c.address(path, value)
		}
	}
	switch path := at + ".proof.before"; {
	case !c.sound(path):
	case n.Proof.Before > longestProof:
		c.complain(path, "", "%s is more than 24h", n.Proof.Before)
	case n.Proof.Before > 0 && n.Schedule == "" && c.sound(at+".schedule"):
		c.warn("%s: proof.before holds for slots, and there is no schedule", at)
	case n.Proof.Before > 0 && len(n.Proof.To) == 0 && c.sound(at+".proof.to"):
		c.complain(path, "proof: {to: [desk@example.org], before: 30m}", "nobody gets the proof: proof.to is missing")
	}
	switch path := at + ".approval_deadline"; {
	case !c.sound(path) || n.ApprovalDeadline == 0:
	case n.Approval != "required" && c.sound(at+".approval"):
		c.complain(path, "", "this is for approval: required")
	case n.ApprovalDeadline > longestProof:
		c.complain(path, "", "%s is more than 24h", n.ApprovalDeadline)
	case n.StaleAfter > 0 && n.ApprovalDeadline >= n.StaleAfter && c.sound(at+".stale_after"):
		c.complain(path, "", "%s is no less than stale_after (%s): the edition is paused before", n.ApprovalDeadline, n.StaleAfter)
	}
	if path := at + ".at_deadline"; c.sound(path) && n.AtDeadline != "remind" && n.ApprovalDeadline == 0 && c.sound(at+".approval_deadline") {
		c.complain(path, "approval_deadline: 1h", "approval_deadline is missing: there is no deadline at which to %s", n.AtDeadline)
	}
	if n.Changed == "hold" && n.Approval == "none" && n.Proof.Before == 0 && c.sound(at+".changed") && c.sound(at+".approval") && c.sound(at+".proof.before") {
		c.warn("%s: changed: hold is for editions that wait, and none does: it has neither approval: required nor proof.before", at)
	}
}

// longestVERP is how long the local part of bounce_address may be, so that a
// plus and the mail's token fit behind it: 64 characters in all (RFC 5321,
// section 4.5.3.1.1).
const longestVERP = 64 - len("+") - 42

// verp checks that a token fits into bounce_address.
func (c *checker) verp(at string, n *Newsletter) {
	path := at + ".verp"
	if !n.VERP || !c.given(path) || !c.sound(at+".bounce_address") {
		return
	}
	local, _, _ := strings.Cut(n.BounceAddress, "@")
	switch {
	case n.BounceAddress == "":
		c.complain(path, "", "this needs a bounce_address: bounces+TOKEN@example.org is made of it")
	case len(local) > longestVERP:
		c.complain(at+".bounce_address", "", "%q is too long for verp: before the @ at most %d characters, as +TOKEN goes behind them", n.BounceAddress, longestVERP)
	case strings.ContainsFunc(n.BounceAddress, func(r rune) bool { return r > '~' || r == '"' }):
		c.complain(at+".bounce_address", "", "%q does not serve for verp: plain letters and digits are wanted", n.BounceAddress)
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
	c.verp(at, n)
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
		if s.Full {
			c.complain(at+".full", "", "this is for feeds: a folder has its stories whole")
		}
		return
	}
	if s.Full && !s.Own {
		c.complain(at+".full", "set own: true if the stories are yours", "only your own stories are taken whole from their pages; others' are a headline, a short teaser and a link")
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
