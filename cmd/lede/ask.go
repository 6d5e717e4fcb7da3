package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lede/compose/lint"
	"lede/newsroom"
	"lede/send"
)

// What a send would do, said beforehand: --dry-run, and the question on a
// terminal.

// rest is what is left of an unfinished edition.
type rest struct {
	newsroom.Record
	left, of int // readers
}

// unfinished finds the stored edition that this send goes on with; nil when it
// makes one. One that only a person may go on with is the error, unless --resume
// says so.
func unfinished(ctx context.Context, h *house, n newsroom.Newsletter, order newsroom.Order) (*rest, error) {
	if order.New {
		return nil, nil
	}
	rec, old, err := h.room.Unfinished(ctx, n)
	if err == nil && !order.Resume {
		err = old
	}
	if err != nil || rec.ID == "" || rec.State == newsroom.Assembling {
		return nil, err
	}
	if rec, err = h.store.Edition(ctx, rec.ID); err != nil {
		return nil, err
	}
	sums, err := h.store.Sums(ctx, rec.ID)
	return &rest{rec, sums.Pending + sums.Deferred, sums.Audience}, err
}

// dryRunRest says what a send would do that goes on with an unfinished edition.
func dryRunRest(ctx context.Context, a *app, h *house, n newsroom.Newsletter, r *rest) error {
	if a.json {
		return a.printJSON(struct {
			Newsletter string `json:"newsletter"`
			Audience   int    `json:"audience"`
			Relay      string `json:"relay"`
			Unfinished string `json:"unfinished"`
			Edition    any    `json:"edition"`
		}{n.ID, r.left, h.relayName(n), r.ID, r.Content})
	}
	for _, line := range r.words(h, n) {
		a.say("%s", line)
	}
	return nil
}

// words tells a person what would go on.
func (r *rest) words(h *house, n newsroom.Newsletter) []string {
	lines := []string{
		fmt.Sprintf("Edition   %s of %s is unfinished and goes on", r.ID, h.local(n.ID, r.Slot)),
		"Subject   " + r.Content.Subject,
	}
	if r.Content.Lead != nil {
		lines = append(lines, "Lead      "+orUntitled(r.Content.Lead.Title))
	}
	return append(lines, fmt.Sprintf("Readers   %d left of %d", r.left, r.of), "Relay     "+h.relayName(n))
}

// dryRun says what a send would do.
func dryRun(ctx context.Context, a *app, h *house, n newsroom.Newsletter, order newsroom.Order) error {
	d, err := h.room.Draft(ctx, n, order)
	if err != nil {
		return err
	}
	aim := n.Aim(order)
	count, err := h.store.Reach(ctx, aim, a.now())
	if err != nil {
		return err
	}
	last, leaves, err := h.leaving(ctx, n, order, count)
	if err != nil {
		return err
	}
	if a.json {
		if err := a.printJSON(struct {
			Newsletter string `json:"newsletter"`
			Audience   int    `json:"audience"`
			Relay      string `json:"relay"`
			Last       string `json:"last"` // when the last mail leaves, about
			Edition    any    `json:"edition"`
		}{n.ID, count, h.relayName(n), last.In(n.Recipe.Zone).Format(time.RFC3339), d.Edition}); err != nil {
			return err
		}
	} else {
		printDraft(a, h, n, d, aim, count)
		a.say("Leaves    %s", leaves)
	}
	if stops := d.Stops(); stops != "" {
		return fmt.Errorf("this letter must not be sent: %s", stops)
	}
	return nil
}

func printDraft(a *app, h *house, n newsroom.Newsletter, d newsroom.Draft, aim newsroom.Aim, count int) {
	if d.Edition.Empty != "" {
		a.say("Nothing new to send: %s.", strings.TrimSuffix(d.Edition.Empty, "."))
	} else {
		a.say("Subject   %s", d.Edition.Subject)
		if l := d.Edition.Lead; l != nil {
			a.say("Lead      %s (%s)", orUntitled(l.Title), l.Why)
		}
		for _, s := range d.Edition.Sections {
			for _, b := range s.Briefs {
				a.say("%-9s %s (%s)", s.Kind, orUntitled(b.Title), b.Why)
			}
		}
	}
	for _, l := range d.Edition.LeftOut {
		a.say("left out  %s (%s: %s)", orUntitled(l.Title), l.Source, l.Why)
	}
	for _, s := range d.Edition.Sources {
		if s.Error != "" {
			a.say("source    %s failed: %s", s.ID, s.Error)
		}
	}
	for _, f := range d.Findings {
		if f.Severity != lint.Note {
			a.say("%-9s %s: %s %s", f.Severity, f.Place, f.Message, f.Remedy)
		}
	}
	a.say("Readers   %d on %s", count, aim)
	a.say("Relay     %s", h.relayName(n))
}

func orUntitled(title string) string {
	if title == "" {
		return "(no headline)"
	}
	return title
}

// ask shows what would be sent and wants a yes. What was shown is then what the
// order sends, whatever is saved while the question stands.
func ask(ctx context.Context, a *app, h *house, n newsroom.Newsletter, order *newsroom.Order, r *rest) (bool, error) {
	if r != nil {
		for _, line := range r.words(h, n) {
			a.note("%s", line)
		}
		return sure(a, "Send the rest now?"), nil
	}
	d, err := h.room.Draft(ctx, n, *order)
	if err != nil {
		return false, err
	}
	order.Draft = &d
	if d.Edition.Empty != "" {
		return true, nil // the send says so
	}
	aim := n.Aim(*order)
	count, err := h.store.Reach(ctx, aim, a.now())
	if err != nil {
		return false, err
	}
	a.note("Subject   %s", d.Edition.Subject)
	if d.Edition.Lead != nil {
		a.note("Lead      %s", orUntitled(d.Edition.Lead.Title))
	}
	a.note("Readers   %d on %s", count, aim)
	a.note("Relay     %s", h.relayName(n))
	_, leaves, err := h.leaving(ctx, n, *order, count)
	if err != nil {
		return false, err
	}
	a.note("Leaves    %s", leaves)
	return sure(a, "Send it now?"), nil
}

// leaving says when the mails of an edition that is sent now leave, as far as
// the settings tell: last is about when the last one does.
func (h *house) leaving(ctx context.Context, n newsroom.Newsletter, order newsroom.Order, count int) (last time.Time, words string, err error) {
	now := h.app.now()
	_, last = order.Timing.Window(now, now, n.Recipe.Zone)
	words = timing(order.Timing, now, n.Recipe.Zone)
	if words == "" {
		words = "now"
	}
	if len(n.Relays) != 1 { // several share the mails: their rates don't tell how long it takes
		return last, words, nil
	}
	i := slices.IndexFunc(h.plan.Relays, func(r send.Relay) bool { return r.ID == n.Relays[0] })
	relay := h.plan.Relays[i]
	if relay.Rate.Count > 0 {
		takes := time.Duration(float64(max(0, count-relay.Burst)) / float64(relay.Rate.Count) * float64(relay.Rate.Per))
		if end := now.Add(takes); takes >= time.Second && end.After(last) {
			last = end
			words += fmt.Sprintf(", in about %s at the relay's rate", newsroom.Span(takes))
		}
	}
	if ceiling := relay.Ceiling(now); ceiling > 0 {
		taken, err := h.store.Ledger().Accepted(ctx, relay.ID, now)
		if err != nil {
			return last, words, err
		}
		if left := max(0, ceiling-taken); left < count {
			words += fmt.Sprintf("; the relay takes %d more today (UTC), the rest goes on the next days", left)
			for day := now.UTC(); left < count; left += relay.Ceiling(day) {
				day = day.Truncate(24*time.Hour).AddDate(0, 0, 1)
				last = later(last, day)
				if relay.Ceiling(day) == 0 {
					break
				}
			}
		}
	}
	return last, words, nil
}

// sure asks a question that only a yes answers with yes.
func sure(a *app, question string) bool {
	fmt.Fprint(a.stderr, question+" [y/N] ")
	line, _ := bufio.NewReader(a.stdin).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	a.note("Nothing was sent.")
	return false
}
