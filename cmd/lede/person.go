package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/audience"
	"lede/internal/config"
	"lede/newsroom"
	"lede/store"
)

// newShowCommand makes `lede subscribers show`.
func newShowCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show ADDRESS",
		Short:   "All that is known of a person",
		Example: "  lede subscribers show ines@example.org --json",
		Args:    arguments(1, 1, "an ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			const deliveries = 20
			return a.withPerson(cmd.Context(), args[0], func(ctx context.Context, cfg *config.Config, st *store.Store, key string) error {
				p, err := personOf(ctx, st, args[0], key, deliveries)
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(p)
				}
				return printPerson(a, p, cfg.Declared())
			})
		},
	}
}

// personJSON is a person as other programs read it.
type personJSON struct {
	Address    string            `json:"address"`
	Name       string            `json:"name"`
	Suppressed string            `json:"suppressed"`
	Lists      []personList      `json:"lists"`
	OptedOut   []string          `json:"opted_out"`
	Attributes map[string]string `json:"attributes"`
	Tags       []string          `json:"tags"`
	Created    time.Time         `json:"created,omitzero"`
	Deliveries []newsroom.Trace  `json:"deliveries"`
}

type personList struct {
	List    string    `json:"list"`
	State   string    `json:"state"`
	Changed time.Time `json:"changed"`
	Consent string    `json:"consent"`
}

// personOf finds a person, with so many of the letters that were sent there; 0
// for all.
func personOf(ctx context.Context, st *store.Store, address, key string, deliveries int) (personJSON, error) {
	p, err := st.Person(ctx, key)
	var sent []newsroom.Trace
	switch {
	case errors.Is(err, audience.ErrNobody) && p.Suppressed == "":
		return personJSON{}, fmt.Errorf("%s %s", address, nobody)
	case errors.Is(err, audience.ErrNobody):
	case err != nil:
		return personJSON{}, err
	default:
		if sent, err = st.Deliveries(ctx, p.ID, deliveries); err != nil {
			return personJSON{}, err
		}
	}
	out := personJSON{
		Address: p.Address, Name: p.Name, Suppressed: p.Suppressed, Lists: []personList{},
		OptedOut: append([]string{}, p.OptedOut...), Attributes: map[string]string{}, Tags: append([]string{}, p.Tags...),
		Created: p.Created, Deliveries: append([]newsroom.Trace{}, sent...),
	}
	maps.Copy(out.Attributes, p.Attributes)
	for _, s := range p.Subscriptions {
		out.Lists = append(out.Lists, personList{s.List, string(s.State), s.Changed, s.Consent})
	}
	return out, nil
}

// printPerson prints a person for people, with the titles of declared attributes.
func printPerson(a *app, p personJSON, declared audience.Attributes) error {
	const day = "2006-01-02 15:04"
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "Address\t%s\n", p.Address)
	if p.Name != "" {
		fmt.Fprintf(w, "Name\t%s\n", p.Name)
	}
	if p.Suppressed != "" {
		fmt.Fprintf(w, "Suppressed\t%s: no mail goes there\n", p.Suppressed)
	}
	for _, l := range p.Lists {
		fmt.Fprintf(w, "List\t%s: %s since %s UTC (%s)\n", l.List, l.State, l.Changed.UTC().Format(day), l.Consent)
	}
	if len(p.Lists) == 0 {
		fmt.Fprintf(w, "List\tnone\n")
	}
	for _, n := range p.OptedOut {
		fmt.Fprintf(w, "Left\t%s\n", n)
	}
	if len(p.Tags) > 0 {
		fmt.Fprintf(w, "Tags\t%s\n", strings.Join(p.Tags, ", "))
	}
	for _, key := range slices.Sorted(maps.Keys(p.Attributes)) {
		title := key
		if d, ok := declared.Find(key); ok && d.Title != "" {
			title = d.Title + " (" + key + ")"
		}
		fmt.Fprintf(w, "  %s\t%s\n", title, p.Attributes[key])
	}
	for _, d := range p.Deliveries {
		fmt.Fprintf(w, "Letter\t%s %s UTC: %s", d.Newsletter, d.Slot.UTC().Format(day), strings.ReplaceAll(string(d.State), "_", " "))
		if d.Reply != "" {
			fmt.Fprintf(w, " (%s)", d.Reply)
		}
		fmt.Fprintf(w, ", edition %s\n", d.Edition)
	}
	return w.Flush()
}
