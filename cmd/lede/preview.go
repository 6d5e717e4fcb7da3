package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
)

type previewOptions struct {
	out, to, as, variant, edition, listen string
	subject                               int
}

func (o previewOptions) wanted() wanted {
	return wanted{as: o.as, variant: o.variant, subject: o.subject}
}

func newPreviewCommand(a *app) *cobra.Command {
	o := previewOptions{listen: "127.0.0.1:9010"}
	cmd := &cobra.Command{
		Use:   "preview [NEWSLETTER]",
		Short: "The next edition in the browser, live while you edit",
		Long: `Show the edition of the next slot as it would be sent now: on a page on this
machine that redraws when a story, a template or the configuration changes, as
files (--out), or as one mail (--to). An edition with variants writes each of them
too (edition.variant-0.html …), and edition.json says for whom they are. A preview never uses up a story and never
touches a delivery; its links work and change nothing.

The exit status is 1 when there is nothing to send or an error stops the letter.`,
		Example: `  lede preview harbour
  lede preview harbour --out /tmp/letter       # edition.html .txt .eml .json, lint.json
  lede preview harbour --to desk@example.org --as reader@example.org
  lede preview harbour --to desk@example.org --variant "plan paid" --subject 2`,
		Args: arguments(0, 1, "at most one NEWSLETTER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runPreview(cmd.Context(), a, args, o)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.out, "out", "o", "", "write the files to `DIR` and end")
	f.StringVar(&o.to, "to", "", "mail one proof to `ADDRESS` through the relay and end")
	f.StringVar(&o.as, "as", "", "as the subscriber `ADDRESS` sees it")
	f.StringVar(&o.variant, "variant", "", "the variant `NAME` (or number) instead of the one that the reader gets")
	f.IntVar(&o.subject, "subject", 0, "with the `N`th subject of a test (the first)")
	f.StringVar(&o.edition, "edition", "", "the stored edition `ID` instead of the next one")
	f.StringVar(&o.listen, "listen", o.listen, "show the page on this loopback `ADDRESS`")
	return cmd
}

func runPreview(ctx context.Context, a *app, args []string, o previewOptions) error {
	h, err := a.open(ctx, wiring{by: "preview", quiet: true})
	if err != nil {
		return err
	}
	defer h.close()
	if o.out == "" && o.to == "" && !a.json {
		if o.edition != "" {
			return usageError("--edition goes with --out or --to")
		}
		if o.variant != "" || o.subject != 0 {
			return usageError("--variant and --subject go with --out or --to; the page lists them")
		}
		return previewPage(ctx, a, h, args, o)
	}
	h.room.Spamd = h.cfg.Spamd
	n, p, err := chooseProof(ctx, a, h, args, o)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := h.write(ctx, n, p, o.out); err != nil {
			return err
		}
		a.note("Wrote %s", filepath.Join(o.out, "edition.{json,html,txt,eml}"))
	}
	if a.json {
		listed, err := h.listed(ctx, n, p)
		if err != nil {
			return err
		}
		if err := a.printJSON(listed); err != nil {
			return err
		}
	}
	if o.to != "" {
		if err := h.mailProof(ctx, n, p, o.to); err != nil {
			return err
		}
		a.note("Proof sent to %s.", o.to)
	}
	if why := p.stops(); why != "" {
		return fmt.Errorf("this letter would not be sent: %s", why)
	}
	return nil
}

func chooseProof(ctx context.Context, a *app, h *house, args []string, o previewOptions) (newsroom.Newsletter, proof, error) {
	if o.edition != "" {
		return h.storedProof(ctx, o.edition, o.wanted())
	}
	n, err := h.newsletter(args)
	if err != nil {
		return n, proof{}, err
	}
	p, err := h.proof(ctx, n, nextSlot(n, a.now()), o.wanted())
	return n, p, err
}

// nextSlot is the slot that a preview is for; without a schedule it is now.
func nextSlot(n newsroom.Newsletter, now time.Time) time.Time {
	if n.Schedule != nil {
		if slot := newsroom.NextSlot(n.Schedule, now, n.Recipe.Zone, n.NotOn); !slot.IsZero() {
			return slot
		}
	}
	return now.UTC().Truncate(time.Minute)
}
