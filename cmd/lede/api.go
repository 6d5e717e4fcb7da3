package main

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"lede/newsroom"
	"lede/web/api"
)

func newAPICommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "api",
		Short: "The description of the HTTP API (OpenAPI 3.1)",
		Long: `Print the description of the HTTP API as JSON (OpenAPI 3.1). The daemon serves
the API below /api/v1/ as soon as there is a token ("lede tokens create").
docs/api.md is about it.`,
		Example: "  lede api > openapi.json",
		Args:    arguments(0, 0, "nothing"),
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(api.Document())
			return err
		},
	}
}

// api is the API for programs.
func (h *house) api() *api.API {
	out := &api.API{
		Tokens: h.store, Answers: h.store, People: h.store, Lists: h.store, Imports: h.store, Counts: h.store, Reports: h.room,
		SignUp: signUps{h.room, h.newsletters}.SignUp, BadInput: newsroom.ErrInput,
		Attributes: h.cfg.Declared(), Requests: h.cfg.API.Requests, Now: h.app.now, Log: h.log,
	}
	for i, n := range h.cfg.Newsletters {
		out.Newsletters = append(out.Newsletters, api.Newsletter{ID: n.ID, Lists: n.Lists, Own: ownLists(h.cfg.Newsletters, i)})
	}
	for _, l := range h.cfg.Lists {
		out.MoreLists = append(out.MoreLists, l.ID)
	}
	for _, s := range h.cfg.Segments {
		out.Segments = append(out.Segments, api.Segment{ID: s.ID, Name: s.Name, Where: s.Means})
	}
	return out
}

// withAPI serves the API beside the pages.
func withAPI(pages http.Handler, programs *api.API) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", programs.Handler())
	mux.Handle("/", pages)
	return mux
}

// forgetAnswers forgets, until ctx ends, what the API keeps of requests for a
// day.
func (h *house) forgetAnswers(ctx context.Context) {
	for {
		if err := h.store.ForgetAnswers(ctx, h.app.now().Add(-api.KeepAnswersFor)); err != nil && ctx.Err() == nil {
			h.log.Warn("api", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}
