package main

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"lede/internal/inbox"
	"lede/web"
)

func newInboxCommand(a *app) *cobra.Command {
	smtp, page := "127.0.0.1:1025", "127.0.0.1:8025"
	cmd := &cobra.Command{
		Use:   "inbox",
		Short: "A local SMTP server that keeps what it gets and shows it on a page",
		Long: `Catch mail on this machine: an SMTP server that takes everything, keeps it in
memory and delivers nothing, with a page to read it on. Point a relay at it:

  relays:
    - {id: main, host: 127.0.0.1, port: 1025, tls: none}`,
		Example: "  lede inbox --smtp 127.0.0.1:2525",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runInbox(cmd.Context(), a, smtp, page)
		},
	}
	cmd.Flags().StringVar(&smtp, "smtp", smtp, "take mail on this `ADDRESS`")
	cmd.Flags().StringVar(&page, "listen", page, "show the page on this `ADDRESS`")
	return cmd
}

func runInbox(ctx context.Context, a *app, smtp, page string) error {
	mailLn, err := listen(smtp)
	if err != nil {
		return err
	}
	defer mailLn.Close()
	pageLn, err := listen(page)
	if err != nil {
		return err
	}
	box := inbox.New(inbox.Options{Log: a.logger(nil), Now: a.now})
	a.say("Taking mail on %s, showing it on http://%s (Ctrl-C ends).", mailLn.Addr(), pageLn.Addr())
	return serveInbox(ctx, box, mailLn, pageLn)
}

// serveInbox runs an inbox until ctx ends.
func serveInbox(ctx context.Context, box *inbox.Inbox, mailLn, pageLn net.Listener) error {
	server := web.NewServer("", box.Handler())
	failed := make(chan error, 2)
	go func() { failed <- box.ServeSMTP(ctx, mailLn) }()
	go func() { failed <- server.Serve(pageLn) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	server.Close()
	if err == nil || errors.Is(err, http.ErrServerClosed) || ctx.Err() != nil {
		return nil
	}
	return err
}
