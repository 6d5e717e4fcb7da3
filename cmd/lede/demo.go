package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lede/audience"
	"lede/internal/inbox"
	"lede/newsroom"
)

//go:embed demo
var demoFiles embed.FS

// demoLimit is when a demo that does not come to its end gives up.
const demoLimit = 50 * time.Second

func newDemoCommand(a *app) *cobra.Command {
	once := false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "The whole job on this machine: nothing to set up, nothing left behind",
		Long: `Do the whole job on loopback, in a temporary folder: a sample newsletter with
its stories and feeds, a list of 240 invented readers, a local inbox that takes
mail over real SMTP, and an edition due in three seconds, made and delivered by
the daemon. The addresses of the pages to look at are printed. Ctrl-C ends it
and takes everything away.`,
		Example: "  lede demo --once --json",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), a, once)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end by itself when the edition is delivered, with a summary")
	return cmd
}

// demoReport is what demo --json prints.
type demoReport struct {
	newsroom.Report
	Inbox int    `json:"inbox"` // mails that the inbox got
	Data  string `json:"data"`  // the folder, removed at the end
}

func runDemo(ctx context.Context, a *app, once bool) (err error) {
	dir, err := os.MkdirTemp("", "lede-demo-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w\nhint: TMPDIR names the folder for such", err)
	}
	var rep demoReport
	defer func() {
		if gone := os.RemoveAll(dir); gone != nil {
			err = errors.Join(err, fmt.Errorf("taking the temporary folder away: %w", gone))
		}
		if err == nil && once {
			err = summarise(a, rep)
		}
	}()
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	var ports [3]net.Listener // mail, inbox page, pages
	for i := range ports {
		if ports[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("listening on loopback: %w", err)
		}
		defer ports[i].Close()
	}
	start := a.now()
	if err := writeDemo(dir, ports[0].Addr(), ports[2].Addr(), start); err != nil {
		return err
	}
	demo := *a
	demo.configFile = filepath.Join(dir, "lede.yaml")
	h, err := demo.open(ctx, wiring{by: "daemon", quiet: !a.verbose})
	if err != nil {
		return err
	}
	defer h.close()
	ctx, release, err := h.store.AcquireSender(ctx)
	if err != nil {
		return err
	}
	defer release()

	people, err := audience.Import(ctx, strings.NewReader(demoReaders()), audience.ImportOptions{
		List: "harbour", Name: "readers.csv", Store: h.store, Now: a.now,
	})
	if err != nil {
		return fmt.Errorf("importing the readers: %w", err)
	}
	a.say("Readers    %d rows: %d new, %d unchanged, %d rejected", people.Rows, people.New, people.Unchanged, people.Rejected)

	box := inbox.New(inbox.Options{Now: a.now})
	over := make(chan error, 2)
	go func() { over <- serveInbox(ctx, box, ports[0], ports[1]) }()
	h.newsletters[0].Schedule = in(start.Add(3*time.Second), h.newsletters[0].Recipe.Zone)
	go func() { over <- h.serve(ctx, ports[2], nil) }()
	defer func() { // nothing may be at work when the folder goes
		stop()
		err = errors.Join(err, <-over, <-over)
	}()
	a.say("Inbox      http://%s", ports[1].Addr())
	a.say("Due        in three seconds")

	limit, cancel := context.WithTimeout(ctx, demoLimit)
	defer cancel()
	id, err := waitForEdition(limit, h)
	switch {
	case ctx.Err() != nil && once:
		return errors.New("stopped before the edition was delivered; nothing is left behind")
	case ctx.Err() != nil:
		return nil // Ctrl-C is how this demo ends
	case limit.Err() != nil:
		return fmt.Errorf("no edition was delivered within %s\nhint: --verbose says what is being done", demoLimit)
	case err != nil:
		return err
	}
	if rep.Report, err = h.room.Report(ctx, id); err != nil {
		return err
	}
	rep.Inbox, rep.Data = box.Count(), dir
	if once {
		return nil
	}
	if a.json {
		if err := a.printJSON(rep); err != nil {
			return err
		}
	}
	printReport(a, rep.Report)
	rec, err := h.store.Edition(ctx, id)
	if err != nil {
		return err
	}
	page, err := demoUnsubscribe(ctx, h, rec)
	if err != nil {
		return err
	}
	a.say(`
%d mails are in the inbox. Look at
  the inbox            http://%s
  the edition          http://%s/e/%s
  signing up for it    http://%s/subscribe/harbour
  leaving it           %s
Ctrl-C ends the demo and takes everything away.`, rep.Inbox, ports[1].Addr(), ports[2].Addr(), id, ports[2].Addr(), page)
	<-ctx.Done()
	return nil
}

// summarise prints how the demo went, and fails when its sums do not add up.
func summarise(a *app, rep demoReport) error {
	if a.json {
		if err := a.printJSON(rep); err != nil {
			return err
		}
	} else {
		printReport(a, rep.Report)
		a.say("%8d in the inbox", rep.Inbox)
	}
	sum := rep.Pending + rep.Sent + rep.Deferred + rep.Failed + rep.InDoubt + rep.Skipped
	if rep.State != newsroom.Done || sum != rep.Audience || rep.Sent != rep.Inbox || rep.Sent == 0 {
		return fmt.Errorf("the demo did not come out right: state %s, %d sent of %d, %d in the inbox", rep.State, rep.Sent, rep.Audience, rep.Inbox)
	}
	return nil
}

// waitForEdition waits until the demo's one edition has ended.
func waitForEdition(ctx context.Context, h *house) (string, error) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-ticker.C:
		}
		recs, err := h.store.List(ctx, "", 1)
		if err != nil {
			return "", err
		}
		if len(recs) == 0 {
			continue
		}
		switch rec := recs[0]; {
		case rec.State == newsroom.Skipped, rec.State == newsroom.Failed:
			return "", fmt.Errorf("the edition was %s: %s", rec.State, rec.Why)
		case rec.State.Ended():
			return rec.ID, nil
		}
	}
}

// writeDemo writes the sample newsroom with the addresses and days of this run.
func writeDemo(dir string, mail, pages net.Addr, now time.Time) error {
	files, err := fs.Sub(demoFiles, "demo")
	if err != nil {
		return err
	}
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	port := strconv.Itoa(mail.(*net.TCPAddr).Port)
	return writeTree(files, dir, strings.NewReplacer(
		"http://PAGES", "http://"+pages.String(), "PAGES", pages.String(), "SMTPPORT", port,
		"DAY1", day(1), "DAY2", day(2), "DAY3", day(3), "EMBARGO", day(1)+"T09:00",
		"TODAY1", now.Add(-2*time.Hour).Format(time.RFC1123Z), "TODAY2", now.Add(-5*time.Hour).Format(time.RFC1123Z),
	))
}

// demoReaders is a list with what lists have: a repeated person and a row that
// is no address.
func demoReaders() string {
	given := []string{"Odile", "Ada", "Halla", "Tomas", "Marit", "Jory", "Zoë", "Bosun", "Ines", "Oda", "Piet", "Runa", "Silas", "Thea", "Ugo", "Vera", "Wim", "Yara", "Nils", "Lotte"}
	domains := []string{"northpost.example", "quaymail.example", "ferrymail.example", "averne-light.example", "skerrow.example", "fjärden.example", "netloft.example", "sluice.example", "carrow.example", "chandler.example", "pilot.example", "tide.example"}
	var b strings.Builder
	b.WriteString("email,name,town\n")
	for _, domain := range domains {
		for _, name := range given {
			fmt.Fprintf(&b, "%s@%s,%s,Port Averne\n", strings.ToLower(strings.ReplaceAll(name, "ë", "e")), domain, name)
		}
	}
	b.WriteString("ODILE@northpost.example,Odile,Skerrow\nnobody at nowhere,,\n")
	return b.String()
}

// in is a schedule with one slot.
func in(at time.Time, zone *time.Location) newsroom.Schedule {
	local := at.In(zone)
	return onceAt(time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), time.UTC))
}

type onceAt time.Time

// Next returns the one time when t is before it.
func (o onceAt) Next(t time.Time) time.Time {
	if at := time.Time(o); t.Before(at) {
		return at
	}
	return time.Time{}
}

// demoUnsubscribe is the address of the first reader's page.
func demoUnsubscribe(ctx context.Context, h *house, rec newsroom.Record) (string, error) {
	_, key, _, err := audience.ParseAddress("odile@northpost.example")
	if err != nil {
		return "", err
	}
	person, err := h.store.Person(ctx, key)
	if err != nil {
		return "", err
	}
	token := h.keys.Sign(audience.Token{
		Purpose: audience.PurposeUnsubscribe, Newsletter: rec.Newsletter, Subscriber: person.ID, Salt: person.Salt, Edition: rec.ID,
	})
	return h.cfg.BaseURL + "/u/" + token, nil
}
