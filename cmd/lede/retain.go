package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/audience"
	"lede/internal/config"
	"lede/newsroom"
	"lede/store"
)

// retentionOf is what the configuration says of how long things are kept.
func retentionOf(cfg *config.Config) audience.Retention {
	r := cfg.Retention
	return audience.Retention{
		Unsubscribed: time.Duration(r.Unsubscribed), Deliveries: time.Duration(r.Deliveries), IP: time.Duration(r.IP),
	}
}

// newRetainCommand makes `lede subscribers retain`.
func newRetainCommand(a *app) *cobra.Command {
	var dry, yes bool
	cmd := &cobra.Command{
		Use:   "retain --dry-run | --yes",
		Short: "Remove what is past its time, by the rules under retention",
		Long: `Remove what is past its time, by the rules under retention: in the
configuration: people who left long ago are erased (a keyed hash of the address
stays, so that no import brings them back; who is suppressed stays), who got an
old edition is removed, and network addresses are taken out of the history. The
daemon does so once a day by itself.

--dry-run counts what would go. What is removed can't be had back.`,
		Example: `  lede subscribers retain --dry-run
  lede subscribers retain --yes --json`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dry == yes {
				return usageError("%s: --dry-run counts what would go, --yes removes it\nhint: what is removed can't be had back", cmd.CommandPath())
			}
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				rules := retentionOf(cfg)
				do := rules.Remove
				if dry {
					do = rules.Count
				}
				counted, err := do(cmd.Context(), st, a.now())
				return errors.Join(a.sayExpired(rules, counted, dry), err)
			})
		},
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, "count what would go, and change nothing")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "remove it")
	return cmd
}

// sayExpired prints what went, or would.
func (a *app) sayExpired(rules audience.Retention, gone audience.Expired, dry bool) error {
	if a.json {
		return a.printJSON(struct {
			DryRun bool `json:"dry_run"`
			audience.Expired
		}{dry, gone})
	}
	if rules.None() {
		fmt.Fprintln(a.stdout, "retention: says nothing in the configuration: everything is kept")
		return nil
	}
	verb := "removed"
	if dry {
		verb = "would be removed"
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, line := range []struct {
		rule  string
		age   time.Duration
		count string
	}{
		{"unsubscribed", rules.Unsubscribed, numbered(gone.Unsubscribed, "person who left every list", "people who left every list")},
		{"deliveries", rules.Deliveries, numbered(gone.Deliveries, "delivery of an edition that ended", "deliveries of editions that ended")},
		{"ip", rules.IP, numbered(gone.IP, "network address noted", "network addresses noted")},
	} {
		if line.age == 0 {
			fmt.Fprintf(w, "%s\tkept\n", line.rule)
			continue
		}
		fmt.Fprintf(w, "%s\t%s more than %s ago %s\n", line.rule, line.count, newsroom.Span(line.age), verb)
	}
	return w.Flush()
}
