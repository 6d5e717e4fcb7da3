package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"lede/newsroom"
)

func newApproveCommand(a *app) *cobra.Command {
	asIs := false
	cmd := a.editionCommand("approve", "Let an edition that waits for approval be sent", func(ctx context.Context, a *app, h *house, id string) error {
		return approveEdition(ctx, a, h, id, asIs)
	})
	cmd.Long = `Let an edition that waits for approval be sent: at its slot, or at once where that
has come.

What changed at its sources since the edition was made is said, at its slot or, from
then on, here. With ` + "`changed: hold`" + ` such an edition is not sent: draft and apply take
the new text in, and --as-is sends it as it was read.`
	cmd.Flags().BoolVar(&asIs, "as-is", false, "send it as it was made, whatever changed at its sources since")
	return cmd
}

func approveEdition(ctx context.Context, a *app, h *house, id string, asIs bool) error {
	rec, err := h.store.Edition(ctx, id)
	if err != nil {
		return err
	}
	n, err := h.newsletter([]string{rec.Newsletter})
	if err != nil {
		return err
	}
	changed, err := h.room.Approve(ctx, n, rec.ID, asIs)
	if held, ok := errors.AsType[*newsroom.ChangedError](err); ok {
		return fmt.Errorf("%w\nhint: `lede editions draft %s` takes in what is there now, `lede editions approve %s --as-is` sends it as it was read", held, n.ID, rec.ID)
	}
	if err != nil {
		return err
	}
	if changed != "" {
		fmt.Fprintln(a.stderr, "lede: "+changed+"; it is sent as it was made")
	}
	if rec, err = h.store.Edition(ctx, rec.ID); err == nil && rec.State == newsroom.Waiting {
		return said(ctx, a, h, rec.ID, "Approved %s. The daemon sends it at its slot, "+h.local(rec.Newsletter, rec.Slot)+".")
	}
	return said(ctx, a, h, rec.ID, "Approved %s. The daemon sends it, or `lede send`.")
}
