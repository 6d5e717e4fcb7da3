package web_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lede/newsroom"
	"lede/send"
	"lede/web"
)

func metrics() *web.Metrics {
	return &web.Metrics{
		Version: "1.2.3",
		Now:     func() time.Time { return time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC) },
		Stats: func() send.Stats {
			return send.Stats{
				Relays: []send.RelayStats{{
					ID: "main", State: "working", Tally: send.Tally{Sent: 240, Deferred: 3, Failed: 2}, Lanes: 4, MaxLanes: 4,
					Connections: 5, Answers: map[string]int64{"250 2.0.0": 240, "451 4.7.1": 3, "550 5.1.1": 2},
					Today: 240, Quota: 500,
					Waits: send.Histogram{Bounds: []time.Duration{10 * time.Millisecond, time.Second}, Counts: []int64{200, 40, 5}, Sum: 30 * time.Second},
				}, {ID: "spare", State: "trouble", Until: time.Date(2026, 11, 23, 7, 5, 0, 0, time.UTC)}},
				Domains: []send.DomainStats{{ID: "google", Tally: send.Tally{Sent: 90}, Slowed: 0.25}},
			}
		},
		Open: func(context.Context) ([]newsroom.Record, error) {
			return []newsroom.Record{{ID: "3f2a", Newsletter: "harbour", State: newsroom.Sending, Slot: time.Date(2026, 11, 23, 6, 30, 0, 0, time.UTC)}}, nil
		},
		Sums: func(context.Context, string) (newsroom.Sums, error) {
			return newsroom.Sums{Audience: 250, Sent: 240, Deferred: 3, Failed: 2, Pending: 5}, nil
		},
	}
}

func scrape(t *testing.T, m *web.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	page := scrape(t, metrics())
	for _, want := range []string{
		`lede_build_info{go="go1`, `version="1.2.3"} 1`,
		`lede_mails_total{outcome="sent",relay="main"} 240`,
		`lede_answers_total{answer="550 5.1.1",relay="main"} 2`,
		`lede_relay_up{relay="main",state="working"} 1`,
		`lede_relay_up{relay="spare",state="trouble"} 0`,
		`lede_relay_quota{relay="main"} 500`,
		`lede_mail_seconds_bucket{relay="main",le="0.01"} 200`,
		`lede_mail_seconds_bucket{relay="main",le="1"} 240`,
		`lede_mail_seconds_bucket{relay="main",le="+Inf"} 245`,
		`lede_domain_slowed{domain="google"} 0.25`,
		`lede_store_up 1`,
		`lede_edition_deliveries{edition="3f2a",newsletter="harbour",state="pending"} 5`,
		`lede_edition_age_seconds{edition="3f2a",newsletter="harbour",state="sending"} 1800`,
		`go_goroutines`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, `lede_relay_quota{relay="spare"}`) {
		t.Error("a quota for a relay that has none")
	}
}

func TestMetricsWithoutStore(t *testing.T) {
	m := metrics()
	m.Open = func(context.Context) ([]newsroom.Record, error) { return nil, errors.New("the disk is gone") }
	page := scrape(t, m)
	if !strings.Contains(page, "lede_store_up 0") || strings.Contains(page, "lede_edition_deliveries{") {
		t.Error("the page does not say that the store is gone")
	}
	if !strings.Contains(page, `lede_mails_total{outcome="sent",relay="main"} 240`) {
		t.Error("what the dispatcher counts is gone with the store")
	}
}
