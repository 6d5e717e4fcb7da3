package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"os"
	"strings"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/internal/config"
	"lede/internal/fetch"
	"lede/newsroom"
	"lede/send"
	"lede/source"
	"lede/store"
	"lede/templates"
	"lede/web"
)

// wiring says for what the parts are put together.
type wiring struct {
	by             string        // who is at work, for the record
	settle         time.Duration // story files younger than this are passed over
	quiet          bool          // log only what is wrong
	pagesElsewhere bool          // don't ask whether base_url answers as this instance
}

// house is the program put together from a configuration.
type house struct {
	app         *app
	cfg         *config.Config
	store       *store.Store
	keys        *audience.Keyring
	plan        send.Plan
	dispatcher  *send.Dispatcher
	newsletters []newsroom.Newsletter
	room        *newsroom.Room
	log         *slog.Logger
}

// open reads the configuration and puts the parts together. The caller closes
// the house.
func (a *app) open(ctx context.Context, w wiring) (*house, error) {
	cfg, err := a.load()
	if err != nil {
		return nil, err
	}
	return a.openWith(ctx, cfg, w)
}

// openWith puts the parts together from a configuration that is read already.
func (a *app) openWith(ctx context.Context, cfg *config.Config, w wiring) (*house, error) {
	newsletters, err := a.newsletters(cfg)
	if err != nil {
		return nil, err
	}
	plan, err := planOf(cfg)
	if err != nil {
		return nil, err
	}
	st, err := a.openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	h := &house{app: a, cfg: cfg, store: st, plan: plan, newsletters: newsletters, log: a.logger(cfg)}
	if w.quiet {
		h.log = slog.New(warnings{h.log.Handler()})
	}
	if h.keys, err = st.Keyring(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	for i := range h.newsletters {
		h.newsletters[i].Sender.Keys = h.keys
	}
	h.wireRoom(w)
	if h.room.Filled, err = h.lists(); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return h, nil
}

func (h *house) wireRoom(w wiring) {
	client := fetch.New(fetch.Options{Version: version, About: h.cfg.BaseURL})
	local := map[string]bool{}
	for _, r := range h.plan.Relays {
		local[r.ID] = loopback(r.Host)
	}
	h.dispatcher = send.NewDispatcher(h.store.Ledger(), h.plan, h.log)
	h.room = &newsroom.Room{
		Editions: h.store, Drafts: h.store, Memory: h.store, Pictures: h.store, Agenda: h.store, Ledger: h.store.Ledger(),
		SignUps: h.store, Newsletters: h.newsletters,
		Gatherer:   &source.Gatherer{HTTP: client, Cache: h.store, Now: h.app.now, Settle: w.settle},
		Dispatcher: h.dispatcher,
		LocalRelay: local,
		Render:     render,
		Imports:    h.store, Lists: h.store, Attributes: h.cfg.Declared(),
		Retainer: h.store, Retention: retentionOf(h.cfg),
		NewID: func() string { return randomHex(8) },
		Now:   h.app.now,
		By:    w.by,
		Log:   h.log,
	}
	if w.by != "preview" { // a page that redraws at each save does not wait for it
		h.room.Spamd = h.cfg.Spamd
	}
	if !w.pagesElsewhere {
		h.room.Reachable = func(ctx context.Context, n newsroom.Newsletter) error {
			return answersAsUs(ctx, client, h.keys, n.Recipe.BaseURL)
		}
	}
}

func (h *house) close() {
	if err := h.store.Close(); err != nil {
		h.log.Error("closing the store", "err", err)
	}
}

// render loads the newsletter's theme, each time anew so that an edited
// template is seen, and sets the edition in it.
func render(n newsroom.Newsletter, e compose.Edition) (compose.Rendered, error) {
	theme, err := templates.Load(n.Recipe.Theme, n.ThemeDir, n.Tokens)
	if err != nil {
		return compose.Rendered{}, err
	}
	return compose.RenderAll(n.Recipe, e, theme, randomHex(8))
}

// answersAsUs asks whether the pages at base are served from the same store.
func answersAsUs(ctx context.Context, client *fetch.Client, keys *audience.Keyring, base string) error {
	nonce := randomHex(16)
	res, err := client.Get(ctx, base+"/instance/"+nonce, fetch.GetOptions{Private: true, MaxBytes: 4096})
	hint := "\nhint: `lede serve` serves them; --pages-elsewhere when a proxy hides it"
	switch {
	case err != nil:
		return fmt.Errorf("base_url %s: %w%s", base, err, hint)
	case res.Status != http.StatusOK || strings.TrimSpace(string(res.Body)) != keys.Answer(nonce):
		return fmt.Errorf("base_url %s is answered by something else (status %d)%s", base, res.Status, hint)
	}
	return nil
}

// newsletter picks the newsletter that args name, or the only one.
func (h *house) newsletter(args []string) (newsroom.Newsletter, error) {
	return pick(h.newsletters, args)
}

func pick(all []newsroom.Newsletter, args []string) (newsroom.Newsletter, error) {
	var ids []string
	for _, n := range all {
		ids = append(ids, n.ID)
	}
	if len(args) == 0 {
		if len(all) == 1 {
			return all[0], nil
		}
		return newsroom.Newsletter{}, usageError("which newsletter? One of: %s", strings.Join(ids, ", "))
	}
	for _, n := range all {
		if n.ID == args[0] {
			return n, nil
		}
	}
	return newsroom.Newsletter{}, usageError("no newsletter %q; there is: %s", args[0], strings.Join(ids, ", "))
}

// local writes an instant in a newsletter's zone.
func (h *house) local(newsletter string, t time.Time) string {
	for _, n := range h.newsletters {
		if n.ID == newsletter {
			t = t.In(n.Recipe.Zone)
		}
	}
	return t.Format("2006-01-02 15:04")
}

// site is the pages that mails link to.
func (h *house) site() *web.Site {
	site := &web.Site{
		BaseURL: h.cfg.BaseURL,
		People:  h.store, Editions: h.store, Archive: h.store, Corrections: h.store.Corrections, Pictures: h.store, Keys: h.keys, Now: h.app.now, Log: h.log,
		Ready: func(ctx context.Context) error {
			_, err := h.store.List(ctx, "", 1)
			return err
		},
	}
	for _, n := range h.newsletters {
		site.Newsletters = append(site.Newsletters, web.Newsletter{
			ID: n.ID, Name: n.Name, Line: n.Recipe.Place, PostalAddress: n.Recipe.PostalAddress,
			Imprint: n.Recipe.Imprint, Privacy: n.Recipe.Privacy, Lists: n.Lists,
			Visibility: web.Visibility(n.Visibility), Language: n.Recipe.Language, Words: n.Recipe.Words, Zone: n.Recipe.Zone, ListID: n.Sender.ListID, From: n.Sender.From,
			Next: func(now time.Time) time.Time {
				if n.Schedule == nil {
					return time.Time{}
				}
				return newsroom.NextSlot(n.Schedule, now, n.Recipe.Zone, n.NotOn)
			},
		})
	}
	h.openSignUps(site)
	site.Choices = choices{h.store}
	for i, n := range h.newsletters {
		site.Newsletters[i].LocalTime = n.Timing.LocalTime
		site.Newsletters[i].Look = h.pageLook(n)
		site.MailsADay = max(site.MailsADay, n.SignUp.MailsADay)
	}
	return site
}

// pageLook is how a newsletter's pages look. One whose theme can't be used, as
// when its text could not be read, has pages that look as ours.
func (h *house) pageLook(n newsroom.Newsletter) *templates.PageLook {
	theme, err := templates.Load(n.Recipe.Theme, n.ThemeDir, n.Tokens)
	if err != nil {
		h.log.Warn("the pages look as Lede's own: the theme can't be used", "newsletter", n.ID, "err", err)
		return nil
	}
	look := theme.Look.Pages()
	return &look
}

// newsletters builds the newsletters of a configuration; their senders still
// lack the keys for tokens, which are in the store.
func (a *app) newsletters(cfg *config.Config) ([]newsroom.Newsletter, error) {
	var all []newsroom.Newsletter
	for _, c := range cfg.Newsletters {
		n, err := newsletterOf(cfg, c)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func newsletterOf(cfg *config.Config, c config.Newsletter) (newsroom.Newsletter, error) {
	n := newsroom.Newsletter{
		ID: c.ID, Name: c.Name, Relay: c.Relay, Lists: c.Lists, Choice: cfg.Choice(c), Visibility: c.Visibility, Pictures: c.Pictures, ThemeDir: c.ThemeDir, Tokens: c.Tokens, WordsDir: c.WordsDir,
		NotOn: c.NotOn, Missed: c.Missed, Grace: time.Duration(c.Grace), StaleAfter: time.Duration(c.StaleAfter),
		Timing: newsroom.Timing{Spread: time.Duration(c.Spread), LocalTime: c.LocalTime},
		MinGap: time.Duration(c.MinGap), InDoubt: c.InDoubt, Approval: c.Approval, Numbered: c.Numbered,
		Proof:    newsroom.Proof{To: c.Proof.To, Before: time.Duration(c.Proof.Before)},
		Deadline: time.Duration(c.ApprovalDeadline), AtDeadline: c.AtDeadline, Changed: c.Changed,
		Notify: c.Notify, NotifyCommand: c.NotifyCommand, Lint: levelsOf(c),
		Recipe: recipeOf(cfg, c),
		SignUp: newsroom.SignUpRules{
			Open: c.SignUp.Open, DoubleOptIn: c.SignUp.DoubleOptIn, TokenLife: time.Duration(c.SignUp.TokenLife),
			RemindAfter: time.Duration(c.SignUp.RemindAfter), MailsADay: c.SignUp.MailsADay, List: c.SignUp.List, Agreement: c.SignUp.Agreement,
		},
		SubjectTest: newsroom.Test{Share: c.SubjectTest.Share, Wait: time.Duration(c.SubjectTest.Wait), Otherwise: c.SubjectTest.Otherwise},
		Sender:      senderOf(cfg, c),
	}
	if c.WordsDir != "" {
		book, err := templates.LoadWords(c.WordsDir)
		if err != nil {
			return n, fmt.Errorf("newsletter %s: words_dir: %w", c.ID, err)
		}
		if words, known := book.For(string(c.Language)); known {
			n.Recipe.Words = &words
		}
	}
	if c.Schedule != "" {
		schedule, err := newsroom.ParseSchedule(c.Schedule)
		if err != nil {
			return n, fmt.Errorf("newsletter %s: schedule: %w", c.ID, err)
		}
		n.Schedule = schedule
	}
	for _, s := range c.Sources {
		n.Sources = append(n.Sources, source.Spec{ID: s.ID, Folder: s.Folder, Feed: s.Feed, Private: s.Private, Own: s.Own, Full: s.Full})
	}
	for _, d := range c.DKIM {
		key, err := loadDKIM(d.Key)
		if err != nil {
			return n, fmt.Errorf("newsletter %s: dkim.key %s: %w", c.ID, d.Key, err)
		}
		n.Sender.DKIM = append(n.Sender.DKIM, send.DKIM{Domain: d.Domain, Selector: d.Selector, Key: key})
	}
	n.Relays = relaysFor(cfg, c)
	return n, nil
}

func recipeOf(cfg *config.Config, c config.Newsletter) compose.Recipe {
	r := compose.Recipe{
		ID: c.ID, Name: c.Name, Editor: c.Editor.Name, Greeting: c.Editor.Greeting, Subject: c.Subject, Preheader: c.Preheader,
		Language: string(c.Language), Zone: c.Timezone.Location, Place: c.Place, PostalAddress: c.PostalAddress,
		Reason: c.Reason, Imprint: c.Imprint, Privacy: c.Privacy, BaseURL: cfg.BaseURL, Theme: c.Theme, Min: c.Min, PerSource: c.PerSource, OwnHosts: c.OwnHosts, TextLinks: c.TextLinks,
		SubjectTest: c.SubjectTest.Subjects, Segments: cfg.Expressions(),
		Lead: compose.LeadRule{
			From: c.Lead.From, Length: c.Lead.Length, IfNone: c.Lead.IfNone,
			Tags: c.Lead.Tags, Category: c.Lead.Category, Author: c.Lead.Author, Lang: string(c.Lead.Lang),
			MinWords: c.Lead.MinWords, MaxWords: c.Lead.MaxWords, MaxAge: time.Duration(c.Lead.MaxAge),
		},
	}
	for _, s := range c.Sources {
		r.Sources = append(r.Sources, compose.SourceRule{
			ID: s.ID, Own: s.Own, AsGiven: s.Order == "as_given", MaxAge: time.Duration(s.MaxAge), Updates: s.Updates, Leftovers: s.Leftovers,
		})
	}
	for _, s := range c.Sections {
		var when []compose.Condition
		for _, w := range s.When {
			condition := w.Condition()
			condition.Where = r.Segments[condition.Segment]
			when = append(when, condition)
		}
		r.Sections = append(r.Sections, compose.SectionRule{
			Title: s.Title, Kind: s.Kind, From: s.From, Max: s.Max, Teaser: s.Teaser,
			Tags: s.Tags, Category: s.Category, Author: s.Author, Lang: string(s.Lang),
			MinWords: s.MinWords, MaxWords: s.MaxWords, MaxAge: time.Duration(s.MaxAge),
			Order: s.Order, Prefer: s.Prefer, Alternate: s.Alternate, PerSource: s.PerSource,
			Pictures: s.Pictures, When: when, Empty: s.Empty, Say: s.Say, Ago: s.Ago.Ago,
		})
	}
	for _, p := range c.LinkParams {
		r.LinkParams = append(r.LinkParams, compose.LinkParam{Name: p.Name, Value: p.Value})
	}
	return r
}

func senderOf(cfg *config.Config, c config.Newsletter) send.Sender {
	s := send.Sender{
		Newsletter: c.ID, Name: c.Name, From: mail.Address(c.From), ReplyTo: c.ReplyTo, BounceAddress: c.BounceAddress, VERP: c.VERP,
		ListID: c.ListID, UnsubscribeMailbox: c.UnsubscribeMailbox, BaseURL: cfg.BaseURL,
		FeedbackSender: c.FeedbackSender, Lists: c.Lists, OwnView: c.Visibility == string(web.Off),
	}
	if c.Visibility == string(web.Public) {
		s.Archive = cfg.BaseURL + "/archive/" + c.ID + "/"
	}
	if s.ListID == "" {
		s.ListID = c.ID + "." + c.From.Domain()
	}
	return s
}

// loopback says whether a relay's host is this machine.
func loopback(host string) bool {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// warnings passes on warnings and errors alone.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

// loadDKIM reads a private key.
func loadDKIM(path string) (crypto.Signer, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return send.LoadKey(pem)
}
