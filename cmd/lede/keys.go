package main

import (
	"crypto/rand"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/internal/config"
	"lede/store"
)

func newKeysCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "The keys that sign links in letters: list them, begin a new one",
		Long: `Every link to leave, to choose and to confirm is signed by a key in the database.
It needs no care. Begin a new one when a copy of the database may be in somebody
else's hands, or where a rule of yours asks for it from time to time.`,
		Example: `  lede keys list
  lede keys rotate`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysListCommand(a), newKeysRotateCommand(a))
	return cmd
}

// keyJSON is a key as other programs read it.
type keyJSON struct {
	ID      uint32    `json:"id"`
	Created time.Time `json:"created"`
	Signs   bool      `json:"signs"`
}

func newKeysListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "All keys by their ids, and which one signs",
		Example: "  lede keys list --json",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				keys, err := st.SigningKeys(cmd.Context())
				if err != nil {
					return err
				}
				lines := []keyJSON{}
				for i, k := range keys {
					lines = append(lines, keyJSON{k.ID, k.Created, i == len(keys)-1})
				}
				if a.json {
					return a.printJSON(lines)
				}
				w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "KEY\tCREATED\tUSE")
				for _, l := range lines {
					use := "reads"
					if l.Signs {
						use = "signs"
					}
					fmt.Fprintf(w, "%d\t%s\t%s\n", l.ID, dayOr(l.Created, ""), use)
				}
				return w.Flush()
			})
		},
	}
}

func newKeysRotateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Begin a new key; links that are out stay good",
		Long: `Make a new key, which signs all links from now on. Links that older keys signed
stay good: nobody's link to leave may end. Restart ` + "`lede serve`" + ` afterwards: until
then it signs with the key before, and does not know links that other commands
sign, as those of ` + "`lede subscribers invite`" + `.`,
		Example: "  lede keys rotate",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				secret := make([]byte, 32)
				if _, err := rand.Read(secret); err != nil {
					return fmt.Errorf("making a key: %w", err)
				}
				key, err := st.AddSigningKey(cmd.Context(), secret, a.now())
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(keyJSON{key.ID, key.Created, true})
				}
				a.say("key %d signs from now on; restart lede serve if it runs", key.ID)
				return nil
			})
		},
	}
}
