package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
	"lede/web"
)

func newServeCommand(a *app) *cobra.Command {
	pagesElsewhere := false
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "The daemon: schedules, delivery, pages",
		Long: `Run the daemon: at each slot of each newsletter it assembles an edition and
delivers it, goes on with what was unfinished, and serves the pages that mails
link to (unsubscribe, "read in a browser", pictures) on the configured listen
address, with /healthz and /readyz, and /metrics for Prometheus on the address
that metrics: names. SIGTERM finishes what is in hand and leaves
within seconds.

Stories, feeds and templates are read anew for each edition; the configuration
is read at the start: restart the daemon when you changed it, also in the middle
of a send. What a slot became is in "lede editions list".`,
		Example: "  lede serve --config /etc/lede/lede.yaml",
		Args:    arguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd.Context(), a, pagesElsewhere)
		},
	}
	cmd.Flags().BoolVar(&pagesElsewhere, "pages-elsewhere", false, "don't ask whether base_url answers as this instance (a proxy hides it)")
	return cmd
}

func runServe(ctx context.Context, a *app, pagesElsewhere bool) error {
	h, err := a.open(ctx, wiring{by: "daemon", settle: 10 * time.Second, pagesElsewhere: pagesElsewhere})
	if err != nil {
		return err
	}
	defer h.close()
	ctx, release, err := h.store.AcquireSender(ctx)
	if err != nil {
		return err
	}
	defer release()
	ln, err := listen(h.cfg.Listen)
	if err != nil {
		return err
	}
	h.log.Info("serving", "version", version, "listen", ln.Addr().String(), "base_url", h.cfg.BaseURL, "newsletters", len(h.newsletters))
	for _, n := range h.newsletters {
		if n.Schedule != nil {
			h.log.Info("next slot", "newsletter", n.ID, "slot", newsroom.NextSlot(n.Schedule, a.now(), n.Recipe.Zone, n.NotOn).In(n.Recipe.Zone))
		}
	}
	var metrics net.Listener
	if h.cfg.Metrics != "" {
		if metrics, err = listen(h.cfg.Metrics); err != nil {
			ln.Close()
			return err
		}
	}
	return h.serve(ctx, ln, metrics)
}

// listen opens a TCP port, or says what to do when that can't be.
func listen(addr string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w\nhint: is another lede running there? `listen:` and `metrics:` in the configuration set the addresses", addr, err)
	}
	return ln, nil
}

// metrics is what Prometheus reads.
func (h *house) metrics() http.Handler {
	metrics := &web.Metrics{
		Version: version, Stats: h.dispatcher.Stats, Sums: h.store.Sums, Now: h.app.now,
		Open: func(ctx context.Context) ([]newsroom.Record, error) {
			return h.store.List(ctx, "", 0, newsroom.Assembling, newsroom.Waiting, newsroom.Sending, newsroom.Paused)
		},
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	return mux
}

// serve runs pages and newsroom, and the metrics if there is a listener for
// them, until ctx ends or one of them fails.
func (h *house) serve(ctx context.Context, pages, metrics net.Listener) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	// Before the first request: whatever comes by the pages is told.
	if err := h.store.SetWebhooks(ctx, h.cfg.Hooks()); err != nil {
		return err
	}
	closing := []func(context.Context){answer(pages, "pages", withAPI(h.site().Handler(), h.api()), stop)}
	if metrics != nil {
		closing = append(closing, answer(metrics, "metrics", h.metrics(), stop))
	}
	told := h.tellWebhooks(ctx, stop)
	forgetting := make(chan struct{})
	go func() {
		defer close(forgetting)
		h.forgetAnswers(ctx)
	}()
	err := h.room.Serve(ctx, h.newsletters)
	if err != nil {
		stop(err)
	}
	told()
	<-forgetting
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, shut := range closing {
		shut(grace)
	}
	h.log.Info("stopped")
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// answer serves a handler; it calls failed when that ends by itself. What it
// returns ends it: within its context's time politely, then not.
func answer(ln net.Listener, what string, handler http.Handler, failed func(error)) (shut func(context.Context)) {
	server := web.NewServer("", handler)
	served := make(chan struct{})
	go func() {
		defer close(served)
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("serving %s on %s: %w", what, ln.Addr(), err))
		}
	}()
	return func(grace context.Context) {
		if err := server.Shutdown(grace); err != nil {
			server.Close()
		}
		<-served
	}
}
