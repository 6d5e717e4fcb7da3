package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lede/internal/config"
	"lede/newsroom"
	"lede/store"
)

func newWebhooksCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Programs that are told of what happens to people: how that goes, tell again",
		Long: `Webhooks of the configuration are told when people come, change or leave: by the
daemon, signed, again and again until they take it. docs/webhooks.md has what is
told.`,
		Example: `  lede webhooks secret
  lede webhooks test crm
  lede webhooks log --failed
  lede webhooks replay --since 24h --failed`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWebhooksListCommand(a), newWebhooksLogCommand(a), newWebhooksReplayCommand(a),
		newWebhooksTestCommand(a), newWebhooksEnableCommand(a), newWebhooksSecretCommand(a))
	return cmd
}

// webhookLine is a webhook as `webhooks list` shows it.
type webhookLine struct {
	ID          string   `json:"id"`
	Host        string   `json:"host"`
	State       string   `json:"state"` // on, disabled, or not yet known to a daemon
	Why         string   `json:"why,omitempty"`
	Events      []string `json:"events"`
	Lists       []string `json:"lists"`
	Newsletters []string `json:"newsletters"`
	Open        int      `json:"open"`
	Delivered   int      `json:"delivered"`
	Failed      int      `json:"failed"`
}

func newWebhooksListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "The webhooks of the configuration, with what is still to be told",
		Long: `List the webhooks of the configuration. OPEN is what is still to be told,
DELIVERED and FAILED are those of the last 30 days.`,
		Example: "  lede webhooks list",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				states, err := st.WebhookStates(cmd.Context())
				if err != nil {
					return err
				}
				lines := webhookLines(cfg, states)
				if a.json {
					return a.printJSON(lines)
				}
				if len(lines) == 0 {
					a.say("no webhooks; they stand in %s: webhooks: [{id: …, url: …, secret: …}]", cfg.Path)
					return nil
				}
				w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(w, "WEBHOOK\tHOST\tSTATE\tOPEN\tDELIVERED\tFAILED")
				for _, l := range lines {
					state := l.State
					if l.Why != "" {
						state += ": " + l.Why
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\n", l.ID, l.Host, state, l.Open, l.Delivered, l.Failed)
				}
				return w.Flush()
			})
		},
	}
}

func webhookLines(cfg *config.Config, states []newsroom.WebhookState) []webhookLine {
	lines := []webhookLine{}
	for _, w := range cfg.Webhooks {
		l := webhookLine{ID: w.ID, State: "new, restart the daemon", Events: w.Events, Lists: none(w.Lists), Newsletters: none(w.Newsletters)}
		if u, err := url.Parse(string(w.URL)); err == nil {
			l.Host = u.Host
		}
		if i := slices.IndexFunc(states, func(s newsroom.WebhookState) bool { return s.ID == w.ID }); i >= 0 {
			s := states[i]
			l.State, l.Why, l.Open, l.Delivered, l.Failed = "on", s.Disabled, s.Open, s.Delivered, s.Failed
			if s.Disabled != "" {
				l.State = "disabled"
			}
		}
		lines = append(lines, l)
	}
	return lines
}

// none makes of no list an empty one, for JSON.
func none(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func newWebhooksReplayCommand(a *app) *cobra.Command {
	var since time.Duration
	f := newsroom.WebhookFilter{}
	cmd := &cobra.Command{
		Use:   "replay [MESSAGE]",
		Short: "Tell again what was told, or given up",
		Long: `Tell again: one event, by its webhook-id (lede webhooks log), or all since a time.
They keep their webhook-id, so that a receiver that had one already knows it. The
daemon tells them. Nothing is told again of people who were erased.`,
		Example: `  lede webhooks replay msg_5d0c9f0e7a1b4c62
  lede webhooks replay --since 24h --failed
  lede webhooks replay --since 7d --webhook crm`,
		Args: arguments(0, 1, "one webhook-id, or --since"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 == cmd.Flags().Changed("since") {
				return usageError("expected one webhook-id (lede webhooks log lists them), or --since")
			}
			if len(args) == 1 {
				f.Message = args[0]
			} else {
				f.Since = a.now().Add(-since)
			}
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				if err := knownWebhook(cfg, f.Endpoint); err != nil {
					return err
				}
				n, err := st.ReplayWebhooks(cmd.Context(), f)
				if err != nil {
					return err
				}
				if n == 0 && f.Message != "" {
					return fmt.Errorf("nothing to tell again under %s: it is not in the log, its person was erased, or its webhook is disabled or gone", f.Message)
				}
				if a.json {
					return a.printJSON(map[string]int{"replayed": n})
				}
				a.say("%d to be told again by the daemon", n)
				return nil
			})
		},
	}
	cmd.Flags().Var((*lastTime)(&since), "since", "all of the last `TIME` (24h, 7d)")
	cmd.Flags().StringVar(&f.Endpoint, "webhook", "", "only those of this `ID`")
	cmd.Flags().BoolVar(&f.Failed, "failed", false, "only those that were given up, dropped, or tried in vain so far")
	return cmd
}

// lastTime is a flag for a time as the configuration writes it.
type lastTime time.Duration

func (s *lastTime) String() string {
	if *s == 0 {
		return ""
	}
	return time.Duration(*s).String()
}
func (s *lastTime) Type() string { return "time" }

func (s *lastTime) Set(text string) error {
	var d config.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return err
	}
	*s = lastTime(d)
	return nil
}

func newWebhooksTestCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "test ID",
		Short: "Send a test event to a webhook now, and show what it answers",
		Long: `Send an event of the type "test" to a webhook, signed like all others, once and
now; nothing of it is kept. Exit status 1 when it is not taken.`,
		Example: "  lede webhooks test crm",
		Args:    arguments(1, 1, "one ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.load()
			if err != nil {
				return err
			}
			if err := knownWebhook(cfg, args[0]); err != nil {
				return err
			}
			hooks := cfg.Hooks()
			w := hooks[slices.IndexFunc(hooks, func(w newsroom.Webhook) bool { return w.ID == args[0] })]
			got := a.courier(cfg).Test(cmd.Context(), w, "msg_"+randomHex(16))
			if a.json {
				if err := a.printJSON(attemptOf(got)); err != nil {
					return err
				}
			}
			if got.Status < 200 || got.Status > 299 {
				return fmt.Errorf("webhook %s did not take it: %s", w.ID, answerOf(got))
			}
			a.say("webhook %s took it: %s", w.ID, answerOf(got))
			return nil
		},
	}
}

func newWebhooksEnableCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "enable ID",
		Short: "Tell a webhook again that was disabled (410 Gone)",
		Long: `Tell a webhook again that was disabled because it answered 410 Gone. What
happened meanwhile was not written down for it; what was open then is told by
lede webhooks replay.`,
		Example: "  lede webhooks enable crm",
		Args:    arguments(1, 1, "one ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				if err := knownWebhook(cfg, args[0]); err != nil {
					return err
				}
				was, err := st.EnableWebhook(cmd.Context(), args[0])
				switch {
				case err != nil:
					return err
				case !was:
					a.say("webhook %s was not disabled", args[0])
				default:
					a.say("webhook %s is told again from now on", args[0])
				}
				return nil
			})
		},
	}
}

func newWebhooksSecretCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "secret",
		Short:   "Make a secret for a webhook",
		Long:    `Print a new secret: 32 random bytes. Both sides need it; keep it in the environment.`,
		Example: "  WEBHOOK_SECRET=$(lede webhooks secret)",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(*cobra.Command, []string) error {
			secret := newsroom.NewWebhookSecret()
			if a.json {
				return a.printJSON(map[string]string{"secret": secret})
			}
			fmt.Fprintln(a.stdout, secret)
			return nil
		},
	}
}

// knownWebhook refuses a webhook that is not in the configuration; an empty id
// names none.
func knownWebhook(cfg *config.Config, id string) error {
	var ids []string
	for _, w := range cfg.Webhooks {
		ids = append(ids, w.ID)
	}
	if id == "" || slices.Contains(ids, id) {
		return nil
	}
	if len(ids) == 0 {
		return usageError("no webhook %q; the configuration has none: webhooks: [{id: …, url: …, secret: …}]", id)
	}
	return usageError("no webhook %q; there is: %s", id, strings.Join(ids, ", "))
}

// mostLogged is how much of the log is shown unless more is asked for.
const mostLogged = 50

func newWebhooksLogCommand(a *app) *cobra.Command {
	var since time.Duration
	f, most := newsroom.WebhookFilter{}, mostLogged
	cmd := &cobra.Command{
		Use:   "log [MESSAGE]",
		Short: "What was told, to whom, and what they answered; the latest first",
		Long: `Show what was told and what is still to be told, the latest first, with every
attempt. It goes back 30 days. Addresses are shown masked; --json has no more.`,
		Example: `  lede webhooks log
  lede webhooks log --failed --webhook crm
  lede webhooks log msg_5d0c9f0e7a1b4c62 --json`,
		Args: arguments(0, 1, "at most one webhook-id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				f.Message = args[0]
			}
			if since > 0 {
				f.Since = a.now().Add(-since)
			}
			return a.withStore(cmd.Context(), func(cfg *config.Config, st *store.Store) error {
				if err := knownWebhook(cfg, f.Endpoint); err != nil {
					return err
				}
				return showWebhooks(cmd.Context(), a, st, f, most)
			})
		},
	}
	cmd.Flags().Var((*lastTime)(&since), "since", "only of the last `TIME` (24h, 7d)")
	cmd.Flags().StringVar(&f.Endpoint, "webhook", "", "only those of this `ID`")
	cmd.Flags().BoolVar(&f.Failed, "failed", false, "only those that were given up, dropped, or tried in vain so far")
	cmd.Flags().IntVarP(&most, "number", "n", mostLogged, "at most `N` events")
	return cmd
}

func showWebhooks(ctx context.Context, a *app, st *store.Store, f newsroom.WebhookFilter, most int) error {
	events, err := st.WebhookEvents(ctx, f, max(1, most))
	if err != nil {
		return err
	}
	if a.json {
		lines := []loggedWebhook{}
		for _, e := range events {
			lines = append(lines, loggedOf(e))
		}
		return a.printJSON(lines)
	}
	for _, e := range events {
		l := loggedOf(e)
		about := strings.TrimSpace(l.List + l.Newsletter + " " + l.Subscriber)
		a.say("%s  %s  %s  %s  %s  %s", e.At.UTC().Format("2006-01-02 15:04:05"), l.Message, l.Webhook, l.Event, l.State, about)
		for _, t := range e.Attempts {
			a.say("    %s  %s", t.At.UTC().Format("2006-01-02 15:04:05"), answerOf(t))
		}
	}
	if len(events) == 0 {
		a.say("nothing in the log")
	}
	return nil
}
