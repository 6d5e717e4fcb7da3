package main

import (
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"lede/newsroom"
)

// newInviteCommand makes `lede subscribers invite`.
func newInviteCommand(a *app) *cobra.Command {
	var newsletter string
	var pending, dry bool
	cmd := &cobra.Command{
		Use:   "invite [ADDRESS...] --newsletter NEWSLETTER",
		Short: "Ask pending people by mail whether they want a newsletter",
		Long: `Write the confirmation mail to people who are pending on a list of the
newsletter: those of an import that had not confirmed elsewhere, say. Whoever
presses its link is active from then on. Who left, is suppressed, is active
already or was asked and can still answer gets no mail. The daemon (lede serve)
posts the mails.`,
		Example: `  lede subscribers invite ines@example.org --newsletter harbour
  lede subscribers invite --pending --newsletter harbour --dry-run
  lede subscribers invite --pending --newsletter harbour`,
		Args: func(cmd *cobra.Command, args []string) error {
			if pending == (len(args) > 0) {
				return usageError("%s: ADDRESSES, or --pending for all who are pending\nhint: %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.open(cmd.Context(), wiring{by: "invite", quiet: true, pagesElsewhere: true})
			if err != nil {
				return err
			}
			defer h.close()
			var named []string
			if newsletter != "" {
				named = []string{newsletter}
			}
			n, err := h.newsletter(named)
			if err != nil {
				return err
			}
			asked, err := h.room.Invite(cmd.Context(), n, args, dry)
			if err != nil {
				return err
			}
			return a.saidInvited(n, args, asked, dry)
		},
	}
	cmd.Flags().StringVar(&newsletter, "newsletter", "", "the `NEWSLETTER`; may be left out when there is only one")
	cmd.Flags().BoolVar(&pending, "pending", false, "all who are pending on the newsletter's lists and were not asked yet")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only count them")
	return cmd
}

// saidInvited prints what an invitation did.
func (a *app) saidInvited(n newsroom.Newsletter, addresses []string, asked int, dry bool) error {
	passed := max(0, len(addresses)-asked)
	if a.json {
		err := a.printJSON(struct {
			Newsletter string `json:"newsletter"`
			Asked      int    `json:"asked"`
			Passed     int    `json:"passed"`
			DryRun     bool   `json:"dry_run,omitempty"`
		}{n.ID, asked, passed, dry})
		if err != nil {
			return err
		}
	} else {
		word := "is written to; lede serve posts the mail"
		if asked != 1 {
			word = "are written to; lede serve posts the mails"
		}
		if dry {
			word = "would be written to"
		}
		a.say("%s %s", peopleCount(asked), word)
	}
	if passed == 0 {
		return nil
	}
	err := fmt.Errorf("%d of %d not asked: not pending for %s, or asked already (lede subscribers show ADDRESS)", passed, len(addresses), n.ID)
	if asked == 0 {
		return err
	}
	return &exitError{exitPart, err}
}

// peopleCount writes a number of people.
func peopleCount(n int) string { return numbered(n, "person", "people") }

// numbered writes a number with its noun: "1 delivery", "1,204 deliveries".
func numbered(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return humanize.Comma(int64(n)) + " " + many
}
