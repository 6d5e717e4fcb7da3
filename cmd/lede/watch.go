package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
)

const (
	watchEvery = time.Second
	// watchShare is how much of its time watching may keep the store busy:
	// counting a million deliveries takes a while, and the sender needs it more.
	watchShare = 20
	// rateWindow is over how long the rate is taken.
	rateWindow = 15 * time.Second
	// watchRows is how many domains and answers are shown.
	watchRows = 8
)

// newWatchCommand makes `lede editions watch`.
func newWatchCommand(a *app) *cobra.Command {
	once := false
	cmd := &cobra.Command{
		Use:   "watch [ID]",
		Short: "An edition as it is sent: rate, time left, by relay, domain and answer",
		Long: `Show how an edition goes, whichever process sends it, until it is finished or
stopped. Without an ID the one that is being sent is shown. With --json it is a
line of JSON each time. The longer the store takes to count, the rarer it is
asked.`,
		Example: `  lede editions watch
  lede editions watch 3f2a --json
  lede editions watch 3f2a --once`,
		Args: arguments(0, 1, "at most one ID (see `lede editions list`)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRoom(cmd.Context(), func(ctx context.Context, h *house) error {
				id, err := watched(ctx, h, args)
				if err != nil {
					return err
				}
				return (&watch{a: a, h: h, id: id}).run(ctx, once)
			})
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "show it once")
	return cmd
}

// watched is the edition to watch: the named one, or the newest that is sent.
func watched(ctx context.Context, h *house, args []string) (string, error) {
	if len(args) > 0 {
		rec, err := h.store.Edition(ctx, args[0])
		if err != nil {
			return "", noSuchEdition(args[0], err)
		}
		return rec.ID, nil
	}
	recs, err := h.store.List(ctx, "", 1, newsroom.Sending)
	if err != nil {
		return "", err
	}
	if len(recs) == 0 {
		return "", fmt.Errorf("no edition is being sent\nhint: lede editions list; lede editions watch ID shows a finished one")
	}
	return recs[0].ID, nil
}

// view is one look at an edition.
type view struct {
	At         time.Time      `json:"at"`
	Edition    string         `json:"edition"`
	Newsletter string         `json:"newsletter"`
	State      newsroom.State `json:"state"`
	Subject    string         `json:"subject"`
	newsroom.Sums
	Rate float64 `json:"rate"` // mails a second, over the last seconds
	Left float64 `json:"left"` // seconds until nothing is pending, at that rate; 0 when nobody knows
	newsroom.Tallies
}

// watch shows an edition again and again.
type watch struct {
	a     *app
	h     *house
	id    string
	looks []look // of the last seconds
	lines int    // that stand on the terminal
}

// look is how many deliveries were dealt with at an instant.
type look struct {
	at   time.Time
	done int
}

func (w *watch) run(ctx context.Context, once bool) error {
	for {
		began := time.Now()
		v, err := w.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.show(v); err != nil {
			return err
		}
		if once || v.State != newsroom.Sending && v.State != newsroom.Assembling && v.State != newsroom.Waiting {
			return nil
		}
		timer := time.NewTimer(max(watchEvery, watchShare*time.Since(began)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// look reads the edition and works out its rate.
func (w *watch) look(ctx context.Context) (view, error) {
	rec, err := w.h.store.Edition(ctx, w.id)
	if err != nil {
		return view{}, noSuchEdition(w.id, err)
	}
	v := view{At: w.a.now().UTC(), Edition: rec.ID, Newsletter: rec.Newsletter, State: rec.State}
	if rec.Content != nil {
		v.Subject = rec.Content.Subject
	}
	if v.Sums, err = w.h.store.Sums(ctx, w.id); err != nil {
		return v, err
	}
	if v.Tallies, err = w.h.store.Tallies(ctx, w.id); err != nil {
		return v, err
	}
	w.rate(&v)
	return v, nil
}

// rate fills in the rate since the oldest look of the last seconds.
func (w *watch) rate(v *view) {
	done := v.Audience - v.Pending
	w.looks = append(w.looks, look{v.At, done})
	for len(w.looks) > 2 && v.At.Sub(w.looks[0].at) > rateWindow {
		w.looks = w.looks[1:]
	}
	first := w.looks[0]
	if took := v.At.Sub(first.at).Seconds(); took > 0 && done > first.done {
		v.Rate = float64(done-first.done) / took
		v.Left = float64(v.Pending) / v.Rate
	}
}

// show writes a look: over the last one on a terminal, else below it.
func (w *watch) show(v view) error {
	if w.a.json {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.a.stdout, "%s\n", data)
		return err
	}
	var b strings.Builder
	v.write(&b)
	if w.lines > 0 && w.a.terminal() {
		fmt.Fprintf(w.a.stdout, "\x1b[%dA\x1b[J", w.lines) // up, and clear to the end (ECMA-48)
	}
	w.lines = strings.Count(b.String(), "\n")
	_, err := fmt.Fprint(w.a.stdout, b.String())
	return err
}

// write writes a look for a person.
func (v view) write(b *strings.Builder) {
	fmt.Fprintf(b, "Edition %s of %s: %s", v.Edition, v.Newsletter, v.State)
	if v.Subject != "" {
		fmt.Fprintf(b, ", “%s”", v.Subject)
	}
	done := v.Audience - v.Pending
	fmt.Fprintf(b, "\n%d of %d", done, v.Audience)
	if v.Audience > 0 {
		fmt.Fprintf(b, " (%.1f %%)", 100*float64(done)/float64(v.Audience))
	}
	if v.Rate > 0 {
		fmt.Fprintf(b, ", %.0f/s", v.Rate)
	}
	if v.Left > 0 {
		fmt.Fprintf(b, ", %s left", newsroom.Span(time.Duration(v.Left*float64(time.Second))))
	}
	fmt.Fprintf(b, "\n\n")
	table := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	rows := func(what string, tallies []newsroom.Tally) {
		fmt.Fprintf(table, "%s\tsent\tput off\tfailed\tin doubt\tskipped\tpending\t\n", what)
		for i, t := range tallies {
			if i == watchRows {
				break
			}
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", t.Name, t.Sent, t.Deferred, t.Failed, t.InDoubt, t.Skipped, t.Pending)
		}
		table.Flush()
	}
	all := newsroom.Tally{Name: "all", Pending: v.Pending, Sent: v.Sent, Deferred: v.Deferred, Failed: v.Failed, InDoubt: v.InDoubt, Skipped: v.Skipped}
	rows("relay", append(v.Relays, all))
	fmt.Fprintln(b)
	rows("domain", v.Domains)
	fmt.Fprintln(b)
	fmt.Fprintf(table, "answer\tmails\t\n")
	for i, answer := range v.Answers {
		if i == watchRows {
			break
		}
		code := fmt.Sprint(answer.Code)
		if answer.Code == 0 {
			code = "none"
		}
		fmt.Fprintf(table, "%s\t%d\t\n", code, answer.Count)
	}
	table.Flush()
}
