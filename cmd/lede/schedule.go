package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
)

// mostSlots is how many slots of a newsletter are listed at most.
const mostSlots = 10_000

func newScheduleCommand(a *app) *cobra.Command {
	from, count := "", 5
	cmd := &cobra.Command{
		Use:     "schedule [NEWSLETTER]",
		Short:   "The next slots, local and UTC, and what each will do",
		Example: "  lede schedule harbour --from 2027-03-27T00:00:00Z --count 3",
		Args:    arguments(0, 1, "at most one NEWSLETTER"),
		RunE: func(_ *cobra.Command, args []string) error {
			start := a.now()
			if from != "" {
				t, err := time.Parse(time.RFC3339, from)
				if err != nil {
					return usageError("--from %q: write a time like 2027-03-27T00:00:00Z", from)
				}
				start = t
			}
			if count < 1 || count > mostSlots {
				return usageError("--count %d: 1 to %d", count, mostSlots)
			}
			return runSchedule(a, args, start, count)
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "slots strictly after this `TIME` (RFC 3339); default: now")
	cmd.Flags().IntVar(&count, "count", count, "how many slots of each newsletter")
	return cmd
}

type slotLine struct {
	Newsletter string `json:"newsletter"`
	Slot       string `json:"slot"` // local time with its offset
	UTC        string `json:"utc"`
	Last       string `json:"last"` // local time at which the last mail is due, at the latest
	Does       string `json:"does"`
}

func runSchedule(a *app, args []string, from time.Time, count int) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	all, err := a.newsletters(cfg)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		n, err := pick(all, args)
		if err != nil {
			return err
		}
		all = []newsroom.Newsletter{n}
	}
	lines := []slotLine{}
	for _, n := range all {
		slot := from
		for range count {
			if n.Schedule == nil {
				break
			}
			if slot = newsroom.NextSlot(n.Schedule, slot, n.Recipe.Zone, n.NotOn); slot.IsZero() {
				break
			}
			_, last := n.Timing.Window(slot, slot, n.Recipe.Zone)
			lines = append(lines, slotLine{
				n.ID, slot.In(n.Recipe.Zone).Format(time.RFC3339), slot.UTC().Format(time.RFC3339),
				last.In(n.Recipe.Zone).Format(time.RFC3339), does(n, slot),
			})
		}
	}
	if a.json {
		return a.printJSON(lines)
	}
	if len(lines) == 0 {
		a.say("No slot: no newsletter has a schedule.")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NEWSLETTER\tSLOT\tUTC\tDOES")
	for _, l := range lines {
		t, _ := time.Parse(time.RFC3339, l.Slot)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", l.Newsletter, t.Format("Mon 2006-01-02 15:04 -0700"), l.UTC, l.Does)
	}
	return w.Flush()
}

// does says what a slot of the newsletter sets going.
func does(n newsroom.Newsletter, slot time.Time) string {
	to := "sends to " + n.Aim(newsroom.Order{}).String()
	if times := timing(n.Timing, slot, n.Recipe.Zone); times != "" {
		to += ", " + times
	}
	if n.Approval == "required" {
		return "assembles, waits for approval, then " + to
	}
	return "assembles and " + to
}

// timing says in words when the mails of an edition leave that begins at start;
// nothing when all leave at once.
func timing(t newsroom.Timing, start time.Time, zone *time.Location) string {
	_, last := t.Window(start, start, zone)
	start, last = start.In(zone), last.In(zone)
	until := last.Format("15:04")
	if start.YearDay() != last.YearDay() {
		until = last.Format("15:04 on 2 January")
	}
	switch {
	case t.LocalTime:
		return fmt.Sprintf("at %s where the reader is, the last by %s", start.Format("15:04"), until)
	case t.Spread > 0:
		return "evenly until " + until
	}
	return ""
}
