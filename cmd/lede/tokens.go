package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/internal/config"
	"lede/store"
	"lede/web/api"
)

func newTokensCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "Who may use the HTTP API: make tokens, list them, end them",
		Long: `Tokens let programs use the HTTP API (docs/api.md), each for what its scopes say.
While there is none, the API answers nobody.`,
		Example: `  lede tokens create shop --scope subscribers:write --expires 90d
  lede tokens list
  lede tokens revoke shop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokensCreateCommand(a), newTokensListCommand(a), newTokensRevokeCommand(a))
	return cmd
}

// tokenJSON is a token as other programs read it.
type tokenJSON struct {
	Name    string    `json:"name"`
	Scopes  []string  `json:"scopes"`
	State   string    `json:"state"` // valid, expired or revoked
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Used    time.Time `json:"used,omitzero"` // the hour of the last use
	Revoked time.Time `json:"revoked,omitzero"`
	Token   string    `json:"token,omitempty"` // the secret, when it was just made
}

func tokenLine(t api.Token, now time.Time) tokenJSON {
	state := "valid"
	switch {
	case !t.Revoked.IsZero():
		state = "revoked"
	case !t.Valid(now):
		state = "expired"
	}
	return tokenJSON{t.Name, t.Scopes, state, t.By, t.Created, t.Expires, t.Used, t.Revoked, ""}
}

func newTokensCreateCommand(a *app) *cobra.Command {
	var scopes []string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "create NAME --scope SCOPE…",
		Short: "Make a token, and show it this once",
		Long: `Make a token and print it. It is shown this once: what is kept is a hash of it.
NAME stands in the histories of the people whom its program changes.

Scopes: ` + strings.Join(api.Scopes(), ", ") + `.`,
		Example: `  lede tokens create shop --scope subscribers:read --scope subscribers:write
  lede tokens create report --scope lists:read,editions:read --expires 90d --json`,
		Args: arguments(1, 1, "a NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := api.CheckTokenName(args[0]); err != nil {
				return usageError("%w", err)
			}
			if len(scopes) == 0 {
				return usageError("what may it do? --scope %s", strings.Join(api.Scopes(), ", "))
			}
			for _, s := range scopes {
				if !slices.Contains(api.Scopes(), s) {
					return usageError("--scope %s: expected %s", s, strings.Join(api.Scopes(), ", "))
				}
			}
			slices.Sort(scopes)
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				text := api.NewToken()
				hash, err := api.HashToken(text)
				if err != nil {
					return err
				}
				t := api.Token{Name: args[0], Scopes: slices.Compact(scopes), By: a.person(), Created: a.now()}
				if life > 0 {
					t.Expires = a.now().Add(life)
				}
				if err := st.AddAPIToken(cmd.Context(), t, hash); errors.Is(err, api.ErrTokenName) {
					return fmt.Errorf("there is a token %s; lede tokens revoke %s ends it", args[0], args[0])
				} else if err != nil {
					return err
				}
				if a.json {
					line := tokenLine(t, a.now())
					line.Token = text
					return a.printJSON(line)
				}
				a.note("The token of %s; it is not shown again:", args[0])
				a.say("%s", text)
				return nil
			})
		},
	}
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, "what it may do: `SCOPE` (repeat as needed, or with commas)")
	cmd.Flags().Var((*lastTime)(&life), "expires", "after which `TIME` it ends (24h, 90d); without it never")
	return cmd
}

func newTokensListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "All tokens, with what they may do and when they were last used",
		Example: "  lede tokens list --json",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				tokens, err := st.APITokens(cmd.Context())
				if err != nil {
					return err
				}
				lines := []tokenJSON{}
				for _, t := range tokens {
					lines = append(lines, tokenLine(t, a.now()))
				}
				if a.json {
					return a.printJSON(lines)
				}
				if len(lines) == 0 {
					a.say("no tokens; lede tokens create NAME --scope … makes one")
					return nil
				}
				w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "TOKEN\tSTATE\tCREATED\tBY\tEXPIRES\tUSED\tSCOPES")
				for _, l := range lines {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.State, dayOr(l.Created, ""), shown(l.By), dayOr(l.Expires, "never"), hourOr(l.Used, "never"), strings.Join(l.Scopes, " "))
				}
				return w.Flush()
			})
		},
	}
}

// dayOr writes a day, or a word for none.
func dayOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format(time.DateOnly)
}

// hourOr writes an hour, or a word for none.
func hourOr(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15h")
}

func newTokensRevokeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "End a token at once, for good",
		Example: "  lede tokens revoke shop",
		Args:    arguments(1, 1, "a NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(_ *config.Config, st *store.Store) error {
				err := st.RevokeAPIToken(cmd.Context(), args[0], a.now())
				if errors.Is(err, api.ErrNoToken) {
					return fmt.Errorf("no token %s is left to revoke; lede tokens list shows them", shown(args[0]))
				}
				if err != nil {
					return err
				}
				if a.json {
					return a.printJSON(map[string]string{"revoked": args[0]})
				}
				a.say("%s is revoked", args[0])
				return nil
			})
		},
	}
}
