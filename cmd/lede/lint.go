package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"lede/compose/lint"
	"lede/internal/config"
	"lede/internal/fetch"
	"lede/newsroom"
)

type lintOptions struct {
	clients    string
	links      bool
	spamd      string
	newsletter string
}

// listClients is what --clients is when it stands alone.
const listClients = "\x00"

func newLintCommand(a *app) *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use:   "lint FILE.html|FILE.eml",
		Short: "What would go wrong with any HTML or .eml in an inbox",
		Long: `Hold a file of HTML or a mail, of whatever program, against all rules: what mail
programs support (data of caniemail.com), size, dark mode, contrast, pictures,
links, subject, text part, headers. Each finding says where, in which program,
why, and what to do; docs/lint.md tells all rules. Nothing is asked over the
network but with --links and --spamd.

--clients names the programs whose support counts: families (gmail) or one of
their platforms (gmail.ios), parted by commas; alone it lists all that are known.

With --newsletter the levels of its setting ` + "`lint`" + ` hold. The exit status is 1
when there is an error among the findings.`,
		Example: `  lede lint letter.html
  lede lint arrived.eml --links --spamd 127.0.0.1:783
  lede lint letter.html --clients gmail,outlook.windows --json
  lede lint --clients`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.clients == listClients && len(args) == 0 {
				return printClients(a)
			}
			args, err := o.settle(args)
			if err != nil {
				return err
			}
			return runLint(cmd.Context(), a, args, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.clients, "clients", "", "the `PROGRAMS` whose support counts; alone: list them")
	f.Lookup("clients").NoOptDefVal = listClients
	f.BoolVar(&o.links, "links", false, "ask for each link and picture over the network")
	f.StringVar(&o.spamd, "spamd", "", "ask SpamAssassin's spamd at `HOST:PORT` or the path of its socket")
	f.StringVar(&o.newsletter, "newsletter", "", "with the levels that this `NEWSLETTER` sets")
	return cmd
}

// settle finds the clients where they stand behind a space: cobra takes the
// value of a flag that may stand alone only behind an =.
func (o *lintOptions) settle(args []string) ([]string, error) {
	if o.clients == listClients {
		o.clients = ""
		for i, arg := range args {
			if _, unknown := lint.PickClients(strings.Split(arg, ",")); unknown == "" {
				o.clients = arg
				args = append(args[:i:i], args[i+1:]...)
				break
			}
		}
		if o.clients == "" {
			return nil, usageError("lede lint --clients: no such program: %s\nhint: `lede lint --clients` lists them", strings.Join(args, " "))
		}
	}
	if len(args) != 1 {
		return nil, usageError("lede lint: expected FILE.html or FILE.eml (- for standard input), got %d arguments\nhint: lede lint --help", len(args))
	}
	return args, nil
}

func printClients(a *app) error {
	clients := lint.Clients()
	if a.json {
		return a.printJSON(clients)
	}
	for _, c := range clients {
		a.say("%-28s %s", c.ID, c.Name)
	}
	a.say("Data of caniemail.com, %s (MIT).", lint.ClientsDate())
	return nil
}

func runLint(ctx context.Context, a *app, args []string, o lintOptions) error {
	var facts lint.Facts
	if o.clients != "" {
		ids, unknown := lint.PickClients(strings.Split(o.clients, ","))
		if unknown != "" {
			return usageError("lede lint --clients: no such program: %s\nhint: `lede lint --clients` lists them", unknown)
		}
		facts.Clients = ids
	}
	if o.newsletter != "" {
		levels, spamd, err := a.lintLevels(o.newsletter)
		if err != nil {
			return err
		}
		facts.Levels = levels
		if o.spamd == "" {
			o.spamd = spamd
		}
	}
	mail, err := readMail(a, args[0])
	if err != nil {
		return err
	}
	if o.links {
		facts.Links = newsroom.FollowLinks(ctx, fetch.New(fetch.Options{Version: version}), mail.HTML)
	}
	if o.spamd != "" {
		if mail.Raw == nil {
			return usageError("lede lint --spamd: a spam filter judges mails; give it the .eml")
		}
		verdict := newsroom.AskSpamd(ctx, o.spamd, mail.Raw)
		facts.Spam = &verdict
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return a.printFindings(args[0], lint.CheckMail(mail, facts))
}

func readMail(a *app, file string) (lint.Mail, error) {
	in, name, size, err := a.openInput(file)
	if err != nil {
		return lint.Mail{}, err
	}
	defer in.Close()
	if size > lint.Longest {
		return lint.Mail{}, fmt.Errorf("%s %w", name, lint.ErrTooLarge)
	}
	data, err := io.ReadAll(io.LimitReader(in, lint.Longest+1))
	if err != nil {
		return lint.Mail{}, fmt.Errorf("reading %s: %w", name, err)
	}
	return lint.Read(name, data)
}

// lintLevels reads the levels that a newsletter of the configuration sets.
func (a *app) lintLevels(id string) (levels map[string]string, spamd string, err error) {
	cfg, err := a.load()
	if err != nil {
		return nil, "", err
	}
	var ids []string
	for _, n := range cfg.Newsletters {
		if n.ID == id {
			return levelsOf(n), cfg.Spamd, nil
		}
		ids = append(ids, n.ID)
	}
	return nil, "", usageError("there is no newsletter %q; there are %s", id, strings.Join(ids, ", "))
}

// levelsOf are the levels of rules that a newsletter sets.
func levelsOf(n config.Newsletter) map[string]string {
	levels := map[string]string{}
	for _, p := range n.Lint {
		levels[p.Name] = p.Value
	}
	return levels
}

// printFindings prints what was found; an error among it fails the command.
func (a *app) printFindings(name string, findings []lint.Finding) error {
	if a.json {
		if err := a.printJSON(findings); err != nil {
			return err
		}
	}
	counts := map[string]int{}
	for _, f := range findings {
		counts[f.Severity]++
		if !a.json {
			a.say("%-8s %s: %s", f.Severity, f.Place, f.Message)
			a.say("         %s. %s (%s)", strings.TrimSuffix(f.Clients, "."), f.Remedy, f.Rule)
		}
	}
	sum := fmt.Sprintf("%s: %s, %s, %s", name, counted(counts[lint.Error], "error"), counted(counts[lint.Warning], "warning"), counted(counts[lint.Note], "note"))
	if counts[lint.Error] > 0 {
		return fmt.Errorf("%s", sum)
	}
	a.say("%s.", sum)
	return nil
}
