package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
)

// person is who runs a command, for the record: the user's name on this machine.
func (a *app) person() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "by hand"
}

func newDraftCommand(a *app) *cobra.Command {
	slot, out := "", ""
	cmd := &cobra.Command{
		Use:   "draft NEWSLETTER",
		Short: "Write the next edition as a file to edit",
		Long: `Write the edition of a slot as one YAML file that a person edits: reorder, rewrite
a headline or teaser, drop, add, pin, set subject, preheader and greeting. The file
says how. ` + "`lede editions apply`" + ` takes it back.

Without --slot it is the edition that waits for approval or for its slot, else
the next slot's. What editors did before is in it, and what came in since is said.`,
		Example: `  lede editions draft harbour -o tomorrow.yaml
  lede editions draft harbour --slot 2027-03-01T06:30:00Z`,
		Args: arguments(1, 1, "one NEWSLETTER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRoom(cmd.Context(), func(ctx context.Context, h *house) error {
				return draftEdition(ctx, a, h, args, slot, out)
			})
		},
	}
	cmd.Flags().StringVar(&slot, "slot", "", "the slot's `TIME`, such as 2027-03-01T06:30 in the newsletter's zone")
	cmd.Flags().StringVarP(&out, "output", "o", "", "write to this `FILE`, not to standard output")
	return cmd
}

func draftEdition(ctx context.Context, a *app, h *house, args []string, slot, out string) error {
	n, err := h.newsletter(args)
	if err != nil {
		return err
	}
	at, err := h.draftSlot(ctx, n, slot)
	if err != nil {
		return err
	}
	data, d, err := h.room.DraftFile(ctx, n, at)
	if err != nil {
		return err
	}
	for _, remark := range d.Edition.Remarks {
		fmt.Fprintln(a.stderr, "lede: "+remark)
	}
	if out == "" {
		_, err = a.stdout.Write(data)
		return err
	}
	if err := replaceFile(out, data); err != nil {
		return err
	}
	a.say("The edition of %s is in %s. Edit it, then: lede editions apply %s", h.local(n.ID, at), out, out)
	return nil
}

// draftSlot is the slot that an editor means: the one that is named, else that
// of the edition that waits, else the next one.
func (h *house) draftSlot(ctx context.Context, n newsroom.Newsletter, slot string) (time.Time, error) {
	if slot != "" {
		return parseSlot(n, slot)
	}
	waiting, err := h.store.List(ctx, n.ID, 1, newsroom.Waiting)
	if err != nil {
		return time.Time{}, err
	}
	if len(waiting) > 0 {
		return waiting[0].Slot, nil
	}
	if n.Schedule == nil {
		return time.Time{}, usageError("newsletter %s has no schedule, and no edition of it waits\nhint: --slot TIME says for when, and `lede send %s --slot TIME` makes it", n.ID, n.ID)
	}
	return nextSlot(n, h.app.now()), nil
}

// parseSlot reads a time with its zone, or one of the newsletter's zone.
func parseSlot(n newsroom.Newsletter, text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.UTC(), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05"} {
		if at, err := time.ParseInLocation(layout, text, n.Recipe.Zone); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, usageError("--slot %s: expected a time such as 2027-03-01T06:30 or 2027-03-01T06:30:00Z", text)
}

func newApplyCommand(a *app) *cobra.Command {
	dryRun := false
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Take an edited edition back",
		Long: `Take back what ` + "`lede editions draft`" + ` wrote and a person edited. What is wrong is
said with file, line and field, and nothing is changed then. What the editor did
stays when other stories come in until the slot. The file's revision is set anew:
the same file can be edited and applied again.`,
		Example: "  lede editions apply tomorrow.yaml --dry-run",
		Args:    arguments(1, 1, "one FILE (- for standard input)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withRoom(cmd.Context(), func(ctx context.Context, h *house) error {
				return applyEdition(ctx, a, h, args[0], dryRun)
			})
		},
	}
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "say what it would do, and do nothing")
	return cmd
}

// mostFile bounds what is read of an edition file, one byte more than it may have.
const mostFile = 1<<20 + 1

func applyEdition(ctx context.Context, a *app, h *house, path string, dryRun bool) error {
	var in io.Reader = a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return usageError("%v", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, mostFile))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	done, err := h.room.ApplyFile(ctx, func(id string) (newsroom.Newsletter, error) { return h.newsletter([]string{id}) }, path, bytes.NewReader(data), dryRun)
	if err != nil {
		return err
	}
	if path != "-" && !dryRun {
		if err := setRevision(path, data, done.Revision); err != nil {
			return fmt.Errorf("applied, but its new revision is not in the file: %w\nhint: write revision: %d into it before it is applied again", err, done.Revision)
		}
	}
	if a.json {
		return a.printJSON(done)
	}
	for _, remark := range done.Remarks {
		fmt.Fprintln(a.stderr, "lede: "+remark)
	}
	for _, what := range done.Edits {
		a.say("  %s", what)
	}
	slot := h.local(done.Newsletter, done.Slot)
	switch {
	case done.Same:
		a.say("It was applied before as it is; nothing changed.")
	case dryRun:
		a.say("Nothing was changed (--dry-run). Subject: %s", done.Subject)
	case done.Edition != "":
		a.say("Edition %s, for %s, is changed. Subject: %s", done.Edition, slot, done.Subject)
	default:
		a.say("Kept for the slot %s (revision %d). Subject: %s", slot, done.Revision, done.Subject)
	}
	return nil
}

var revisionLine = regexp.MustCompile(`(?m)^revision: *["']?[0-9]+["']?`)

// setRevision sets the revision in a file that was applied, unless somebody
// changed it meanwhile.
func setRevision(path string, was []byte, revision int) error {
	now, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, was) {
		return errors.New("somebody changed " + path + " meanwhile")
	}
	next := revisionLine.ReplaceAll(now, fmt.Appendf(nil, "revision: %d", revision))
	if bytes.Equal(next, now) {
		return nil
	}
	return replaceFile(path, next)
}
