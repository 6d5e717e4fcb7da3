package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
)

func newChooseCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "choose ID N",
		Short: "End a test of subjects: the other readers get subject N",
		Long: `End a test of subjects (subject_test): the readers who are not in the test get
subject N. They get it now, or, by local time or with spread, when they are due.
An edition that is paused because nobody chose goes on.

Before the test's mails are all sent a choice is taken with a warning.`,
		Example: `  lede editions show 3f2a         # lists the subjects, and how many got each
  lede editions choose 3f2a 2`,
		Args: arguments(2, 2, "an ID (see `lede editions list`) and the number of a subject"),
		RunE: func(cmd *cobra.Command, args []string) error {
			subject, err := strconv.Atoi(args[1])
			if err != nil {
				return usageError("%s: %q is no number of a subject\nhint: `lede editions show %s` lists them", cmd.CommandPath(), args[1], args[0])
			}
			return a.withRoom(cmd.Context(), func(ctx context.Context, h *house) error {
				return noSuchEdition(args[0], chooseSubject(ctx, a, h, args[0], subject))
			})
		},
	}
}

func chooseSubject(ctx context.Context, a *app, h *house, id string, subject int) error {
	rec, err := h.store.Edition(ctx, id)
	if err != nil {
		return err
	}
	n, err := h.newsletter([]string{rec.Newsletter})
	if err != nil {
		return err
	}
	warning, err := h.room.Choose(ctx, n, rec.ID, subject)
	if warning != "" {
		fmt.Fprintf(a.stderr, "warning: %s\n", warning)
	}
	if err != nil {
		return err
	}
	return said(ctx, a, h, rec.ID, "Chosen for %s: “"+strings.ReplaceAll(rec.SubjectAsRead(subject), "%", "%%")+"”. The daemon sends it to the others, or `lede send "+n.ID+"`.")
}

// sayGroups prints an edition's variants and how a test of its subjects stands,
// by a clock.
func sayGroups(a *app, clock func(time.Time) string, variants []newsroom.VariantSums, test *newsroom.TestReport) {
	if len(variants) > 0 {
		a.say("\nVariants")
	}
	for _, v := range variants {
		a.say("%8d sent of %d  %s", v.Sent, v.Audience, v.Name)
	}
	if test == nil {
		return
	}
	a.say("\nTest of subjects, to %d%% of the readers", test.Share)
	for _, s := range test.Subjects {
		mark := ""
		if s.Number == test.Chosen {
			mark = " (chosen)"
		}
		a.say("%8d sent of %d  %d. %s%s", s.Sent, s.Audience, s.Number, s.Subject, mark)
	}
	a.say("%8d sent of %d  the others", test.Rest.Sent, test.Rest.Audience)
	switch {
	case test.Chosen > 0 || test.Rest.Audience == 0 || test.Until == nil:
	case test.Otherwise == newsroom.OtherwiseHold:
		a.say("Nobody chose yet; at %s the edition is paused. To choose: lede editions choose ID N", clock(*test.Until))
	default:
		a.say("Nobody chose yet; at %s the others get subject 1. To choose: lede editions choose ID N", clock(*test.Until))
	}
}
