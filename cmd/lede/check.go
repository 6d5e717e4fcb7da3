package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lede/compose/lint"
	"lede/internal/config"
	"lede/newsroom"
	"lede/send"
	"lede/source"
	"lede/templates"
)

func newCheckCommand(a *app) *cobra.Command {
	offline := false
	var to, file string
	cmd := &cobra.Command{
		Use:   "check [NEWSLETTER]",
		Short: "All that can be known to be wrong before a send",
		Long: `Test the configuration, the sources, the theme, the relays (connect, TLS, login)
and the sender domains' SPF, DKIM and DMARC records. Each line is ok, a warning
or a failure with what to do. The exit status is 1 when something failed.

--probe mails a proof of the next letter, signed as an edition is. Save it as it
arrived, with its headers, and --read judges it: whether SPF, DKIM and DMARC hold
for the address that readers see, what the signature covers, whether somebody on
the way rewrote links or added pictures. Any other mail of ours does, too.`,
		Example: `  lede check --offline
  lede check --probe me@example.org
  lede check --read arrived.eml`,
		Args: arguments(0, 1, "at most one NEWSLETTER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case to != "" && file != "" || offline && to+file != "":
				return usageError("--offline, --probe and --read are three different checks: choose")
			case to != "":
				return probe(cmd.Context(), a, args, to)
			case file != "":
				return readArrived(cmd.Context(), a, file)
			}
			return runCheck(cmd.Context(), a, args, offline)
		},
	}
	cmd.Flags().BoolVar(&offline, "offline", false, "leave out the relays and DNS")
	cmd.Flags().StringVar(&to, "probe", "", "mail a proof to this `ADDRESS`")
	cmd.Flags().StringVar(&file, "read", "", "judge this `FILE`, a mail of ours as it arrived; - for standard input")
	return cmd
}

type checkLine struct {
	Check  string `json:"check"`
	State  string `json:"state"` // ok | warning | failure
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
}

// checks collects the lines and says each as it comes.
type checks struct {
	a     *app
	done  string // said when nothing failed
	lines []checkLine
}

func (c *checks) add(state, check, text, remedy string) {
	c.lines = append(c.lines, checkLine{check, state, text, remedy})
	if c.a.json {
		return
	}
	c.a.say("%-8s %s: %s", state, check, text)
	if remedy != "" {
		c.a.say("         %s", remedy)
	}
}

func (c *checks) ok(check, format string, args ...any) {
	c.add("ok", check, fmt.Sprintf(format, args...), "")
}

func runCheck(ctx context.Context, a *app, args []string, offline bool) error {
	c := &checks{a: a, done: "Nothing stops a send"}
	cfg, err := a.read()
	if err != nil {
		var problems config.Problems
		if !errors.As(err, &problems) || !a.json {
			return err
		}
		c.add("failure", "configuration", err.Error(), "")
		return c.finish()
	}
	c.ok("configuration", "%s, %s, %s", cfg.Path, counted(len(cfg.Newsletters), "newsletter"), counted(len(cfg.Relays), "relay"))
	for _, w := range cfg.Warnings {
		c.add("warning", "configuration", w, "")
	}
	h, err := a.openWith(ctx, cfg, wiring{by: "check", quiet: true})
	if err != nil {
		c.add("failure", "store", err.Error(), "")
		return c.finish()
	}
	defer h.close()
	c.ok("store", "%s", h.cfg.Store())
	c.plan(h)
	newsletters := h.newsletters
	if len(args) > 0 {
		n, err := h.newsletter(args)
		if err != nil {
			return err
		}
		newsletters = []newsroom.Newsletter{n}
	}
	for _, n := range newsletters {
		c.newsletter(ctx, h, n)
	}
	if !offline {
		for _, r := range h.plan.Relays {
			c.relay(ctx, h, r.ID, fmt.Sprintf("%s:%d", r.Host, r.Port))
		}
		done := map[string]bool{}
		for _, n := range newsletters {
			domain := domainOf(n.Sender.From.Address)
			if !h.room.Local(n) && !done[domain] {
				done[domain] = true
				c.dns(ctx, net.DefaultResolver, n, domain)
			}
		}
	}
	return c.finish()
}

func (c *checks) finish() error {
	if c.a.json {
		if err := c.a.printJSON(c.lines); err != nil {
			return err
		}
	}
	failures, warnings := 0, 0
	for _, l := range c.lines {
		switch l.State {
		case "failure":
			failures++
		case "warning":
			warnings++
		}
	}
	if failures > 0 {
		return fmt.Errorf("%s, %s", counted(failures, "failure"), counted(warnings, "warning"))
	}
	c.a.say("%s (%s).", c.done, counted(warnings, "warning"))
	return nil
}

func counted(n int, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "y") && !strings.HasSuffix(what, "ay"):
		what = strings.TrimSuffix(what, "y") + "ies"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// newsletter checks sources, theme and the next letter.
func (c *checks) newsletter(ctx context.Context, h *house, n newsroom.Newsletter) {
	for _, r := range h.room.Gatherer.Gather(ctx, n.Sources, n.Recipe.Zone) {
		name := n.ID + ", source " + r.Source
		switch {
		case r.Err != nil:
			c.add("failure", name, r.Err.Error(), "Editions go on without it until it answers.")
		case len(r.Stories) == 0:
			c.add("warning", name, "has no stories", "")
		default:
			c.ok(name, "%s", counted(len(r.Stories), "story"))
		}
		for _, p := range r.Passed {
			if p.File != "" && !passedOver(p) {
				c.add("warning", name, p.File+" is passed over: "+p.Why, "")
			}
		}
	}
	if words := n.Recipe.Words; words != nil {
		if lack := words.PagesLack(); len(lack) > 0 {
			c.add("warning", n.ID+", words", "its pages on the web are in English: under pages its words lack "+strings.Join(lack, ", "),
				"Write them into "+filepath.Join(n.WordsDir, n.Recipe.Language+".yaml")+"; docs/languages.md has them all.")
		}
		if lack := words.MailsLack(); len(lack) > 0 {
			c.add("warning", n.ID+", words", "its mails to one person are in English: under mails its words lack "+strings.Join(lack, ", "),
				"Write them into "+filepath.Join(n.WordsDir, n.Recipe.Language+".yaml")+"; docs/languages.md has them all.")
		}
	}
	if _, err := templates.Load(n.Recipe.Theme, n.ThemeDir, n.Tokens); err != nil {
		c.add("failure", n.ID+", theme", err.Error(), "No letter is made until this is right, and the newsletter's pages have Lede's own colours and fonts.")
		return
	}
	c.ok(n.ID+", theme", "%s", n.Recipe.Theme)
	d, err := h.room.Draft(ctx, n, newsroom.Order{Slot: h.app.now().UTC()})
	switch {
	case err != nil:
		c.add("failure", n.ID+", letter", err.Error(), "")
	case d.Edition.Empty != "":
		c.add("warning", n.ID+", letter", d.Edition.Empty, "A slot now would be skipped.")
	default:
		bad := false
		for _, f := range d.Findings {
			if state := map[string]string{lint.Error: "failure", lint.Warning: "warning"}[f.Severity]; state != "" {
				c.add(state, n.ID+", letter", f.Message, f.Remedy)
				bad = true
			}
		}
		if !bad {
			c.ok(n.ID+", letter", "“%s”, %d bytes of HTML", d.Edition.Subject, len(d.Letter.HTML))
		}
	}
	if err == nil {
		c.variants(ctx, h, n, d)
	}
	count, err := h.store.Reach(ctx, n.Aim(newsroom.Order{}), c.a.now())
	switch {
	case err != nil:
		c.add("failure", n.ID+", audience", err.Error(), "")
	case count == 0:
		c.add("warning", n.ID+", audience", "nobody is active on "+n.Aim(newsroom.Order{}).String(), "lede import brings readers in.")
	default:
		c.ok(n.ID+", audience", "%s", counted(count, "reader"))
	}
}

// passedOver says whether a file was passed over on purpose.
func passedOver(p source.Passed) bool { return p.Why == "draft" }

func (c *checks) relay(ctx context.Context, h *house, id, address string) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	found, err := h.dispatcher.Check(ctx, id)
	if err != nil {
		c.add("failure", "relay "+id, strings.TrimPrefix(err.Error(), "relay "+id+": "), relayRemedy(err, h.room.LocalRelay[id]))
		return
	}
	c.ok("relay "+id, "%s: %s", address, strings.Join(found, ", "))
}

// relayRemedy says what to do about a relay that can't be used.
func relayRemedy(err error, local bool) string {
	var name *net.DNSError
	var refused *textproto.Error
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &name):
		return "See that host is spelt right, and that this machine can ask DNS."
	case errors.Is(err, syscall.ECONNREFUSED) && local:
		return "Nothing listens there; for a try `lede inbox` does."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Nothing listens there: see host and port."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "No answer: see host and port, and whether a firewall is between (many networks close port 25)."
	case errors.As(err, &record):
		return "The port does not speak TLS from the start: tls: starttls, mostly on port 587."
	case strings.Contains(err.Error(), "certificate"):
		return "host must be the name in the relay's certificate, and the certificate one that this machine trusts."
	case errors.As(err, &refused) && refused.Code/10 == 53, strings.Contains(err.Error(), "login"):
		return "See username and password; LEDE_RELAYS_<ID>_PASSWORD sets it from the environment."
	}
	return "See the relay's settings: host, port, tls, username, password."
}

// resolver is the part of net.Resolver that is needed.
type resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupNS(ctx context.Context, name string) ([]*net.NS, error)
}

// dns checks what receivers look up: SPF of the envelope's domain (RFC 7208),
// the DKIM key (RFC 6376) and DMARC (RFC 7489).
func (c *checks) dns(ctx context.Context, r resolver, n newsroom.Newsletter, domain string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	envelope := domainOf(n.Sender.Envelope())
	if envelope != domain && !strings.HasSuffix(envelope, "."+domain) && !strings.HasSuffix(domain, "."+envelope) {
		c.add("failure", "bounce_address", envelope+" is not aligned with From's domain "+domain, "Use an address in the same domain, else SPF does not count for DMARC.")
	}
	// Some networks answer every name with "no such name": then even the
	// top-level domain is not there, and nothing can be said of the rest.
	top := domain[strings.LastIndexByte(domain, '.')+1:]
	if _, err := r.LookupNS(ctx, top+"."); err != nil {
		c.add("warning", "DNS "+domain, "DNS as seen from here does not know ."+top+": "+err.Error(), "Ask again where DNS can be reached; MX, SPF, DKIM and DMARC were not looked up.")
		return
	}
	if mx, err := r.LookupMX(ctx, envelope); err != nil || len(mx) == 0 {
		c.unknown("MX "+envelope, err, "No mail server is published, so bounces are lost.", "Publish an MX record for "+envelope+".")
	} else {
		c.ok("MX "+envelope, "%s", strings.TrimSuffix(mx[0].Host, "."))
	}
	c.txt(ctx, r, "SPF "+envelope, envelope, "v=spf1", "Publish a TXT record at "+envelope+`, such as "v=spf1 include:RELAY -all".`)
	c.txt(ctx, r, "DMARC "+domain, "_dmarc."+domain, "v=DMARC1", `Publish a TXT record at _dmarc.`+domain+`, such as "v=DMARC1; p=none; rua=mailto:…".`)
	if len(n.Sender.DKIM) == 0 {
		c.add("warning", "DKIM "+domain, "mails are not signed", "Set dkim: {domain, selector, key}; large receivers and one-click unsubscribe want it.")
		return
	}
	for _, d := range n.Sender.DKIM {
		c.dkim(ctx, r, d)
	}
}

// dkim compares a published key with ours. White space in a record and the order
// of its tags mean nothing.
func (c *checks) dkim(ctx context.Context, r resolver, d send.DKIM) {
	name := d.Selector + "._domainkey." + d.Domain
	ours, err := dkimRecord(d.Key)
	if err != nil {
		c.add("failure", "DKIM "+name, err.Error(), "")
		return
	}
	remedy := "Publish a TXT record at " + name + `: "` + ours + `"`
	records, err := r.LookupTXT(ctx, name)
	if err != nil || len(records) == 0 {
		c.unknown("DKIM "+name, err, "No key is published.", remedy)
		return
	}
	if len(records) > 1 {
		c.add("failure", "DKIM "+name, "more than one record is published, and receivers choose as they like", remedy)
		return
	}
	published := recordTags(records[0])
	switch ours := recordTags(ours); {
	case published["p"] == "":
		c.add("failure", "DKIM "+name, "the published key is revoked: its p= is empty", remedy)
	case published["p"] != ours["p"]:
		c.add("failure", "DKIM "+name, "the published key is another one than ours", remedy)
	case published["k"] != ours["k"] && (published["k"] != "" || ours["k"] != "rsa"):
		c.add("failure", "DKIM "+name, "the record names another kind of key than ours ("+ours["k"]+")", remedy)
	case published["h"] != "" && !strings.Contains(published["h"], "sha256"):
		c.add("failure", "DKIM "+name, "the record does not allow sha256 (h="+published["h"]+")", remedy)
	case slices.Contains(strings.Split(published["t"], ":"), "y"):
		c.add("warning", "DKIM "+name, "the published key is ours, marked as a test (t=y): receivers may treat the mail as unsigned", "Take t=y out of the record.")
	default:
		c.ok("DKIM "+name, "the published key is ours")
	}
}

// recordTags reads the tags of a DKIM record (RFC 6376, 3.6.1).
func recordTags(record string) map[string]string {
	tags := map[string]string{}
	for _, tag := range strings.Split(record, ";") {
		name, value, _ := strings.Cut(tag, "=")
		tags[strings.TrimSpace(name)] = strings.Join(strings.Fields(value), "")
	}
	return tags
}

func (c *checks) txt(ctx context.Context, r resolver, check, name, prefix, remedy string) {
	records, err := r.LookupTXT(ctx, name)
	for _, record := range records {
		if strings.HasPrefix(strings.ToLower(record), strings.ToLower(prefix)) {
			c.ok(check, "%s", record)
			return
		}
	}
	c.unknown(check, err, "No such record is published.", remedy)
}

// unknown is a failure when DNS says that there is no record, and a warning
// when DNS could not be asked.
func (c *checks) unknown(check string, err error, missing, remedy string) {
	var e *net.DNSError
	if err != nil && (!errors.As(err, &e) || !e.IsNotFound) {
		c.add("warning", check, "DNS could not be asked: "+err.Error(), "Ask again where DNS can be reached.")
		return
	}
	c.add("failure", check, missing, remedy)
}

func domainOf(address string) string {
	if a, err := mail.ParseAddress(address); err == nil {
		address = a.Address
	}
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
