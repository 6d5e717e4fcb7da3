package web

import (
	"context"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lede/newsroom"
	"lede/send"
)

// Metrics is what Prometheus reads: how deliveries go, by relay, by domain and
// by answer, and which editions are open. No value names a person; domains of
// recipients appear only where the dispatcher counts them by themselves.
type Metrics struct {
	Version string
	// Stats is what the dispatcher counts; see send.Stats.
	Stats func() send.Stats
	// Open lists the editions that are not finished.
	Open func(ctx context.Context) ([]newsroom.Record, error)
	Sums func(ctx context.Context, id string) (newsroom.Sums, error)
	Now  func() time.Time
}

// Handler serves the metrics in Prometheus' text format. What it reads of the
// store is read at each scrape, with ten seconds' time.
func (m *Metrics) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		deliveries{m}, editions{m},
	)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lede_build_info", Help: "Always 1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": m.Version, "go": goVersion()},
	})
	build.Set(1)
	registry.MustRegister(build)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 15 * time.Second})
}

func goVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.GoVersion
	}
	return "unknown"
}

// describe makes a metric's description; its labels are given with each value.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lede_"+name, help, labels, nil)
}

// counter and gauge make one value.
func counter(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

// deliveries collects what the dispatcher counts.
type deliveries struct{ *Metrics }

// Describe implements prometheus.Collector: what is collected depends on the
// relays and domains, so that nothing is said before.
func (deliveries) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c deliveries) Collect(out chan<- prometheus.Metric) {
	var (
		mails       = describe("mails_total", "Mails by what became of them at this attempt.", "relay", "outcome")
		answers     = describe("answers_total", "Answers of relays that decided a mail, by code and enhanced code.", "relay", "answer")
		up          = describe("relay_up", "1 while the relay may be tried: its circuit is closed and its quota is not used up.", "relay", "state")
		lanes       = describe("relay_lanes", "Connections that are open.", "relay")
		most        = describe("relay_lanes_allowed", "Connections that may be open now.", "relay")
		flight      = describe("relay_in_flight", "Mails between intent and outcome.", "relay")
		connections = describe("relay_connections_total", "Connections made.", "relay")
		failures    = describe("relay_connection_failures_total", "Connections that came to nothing.", "relay")
		today       = describe("relay_quota_used", "Mails that the relay took on this day in UTC.", "relay")
		quota       = describe("relay_quota", "Mails that the relay may take on this day in UTC.", "relay")
		waits       = describe("mail_seconds", "From a mail's MAIL to what became of it.", "relay")
		domains     = describe("domain_mails_total", "Mails by domain of the recipient, for the domains with the most, and by what became of them at this attempt.", "domain", "outcome")
		slowed      = describe("domain_slowed", "Part of its pace that a domain gets that is held back.", "domain")
	)
	stats := c.Stats()
	for _, r := range stats.Relays {
		tally(out, mails, r.Tally, r.ID)
		for answer, n := range r.Answers {
			out <- counter(answers, float64(n), r.ID, answer)
		}
		works := 0.0
		if r.State == "working" {
			works = 1
		}
		out <- gauge(up, works, r.ID, r.State)
		out <- gauge(lanes, float64(r.Lanes), r.ID)
		out <- gauge(most, float64(r.MaxLanes), r.ID)
		out <- gauge(flight, float64(r.InFlight), r.ID)
		out <- counter(connections, float64(r.Connections), r.ID)
		out <- counter(failures, float64(r.Failures), r.ID)
		if r.Quota > 0 {
			out <- gauge(today, float64(r.Today), r.ID)
			out <- gauge(quota, float64(r.Quota), r.ID)
		}
		if len(r.Waits.Counts) > 0 {
			out <- histogram(waits, r.Waits, r.ID)
		}
	}
	for _, d := range stats.Domains {
		tally(out, domains, d.Tally, d.ID)
		if d.Slowed > 0 {
			out <- gauge(slowed, d.Slowed, d.ID)
		}
	}
}

// tally collects a count for each outcome.
func tally(out chan<- prometheus.Metric, d *prometheus.Desc, t send.Tally, who string) {
	for outcome, n := range map[string]int64{"sent": t.Sent, "deferred": t.Deferred, "failed": t.Failed, "in_doubt": t.InDoubt} {
		out <- counter(d, float64(n), who, outcome)
	}
}

// histogram turns our counts, each of its own range, into Prometheus' growing
// ones.
func histogram(d *prometheus.Desc, h send.Histogram, labels ...string) prometheus.Metric {
	buckets := map[float64]uint64{}
	var n uint64
	for i, count := range h.Counts {
		n += uint64(count)
		if i < len(h.Bounds) {
			buckets[h.Bounds[i].Seconds()] = n
		}
	}
	return prometheus.MustNewConstHistogram(d, n, h.Sum.Seconds(), buckets, labels...)
}

// editions collects the editions that are not finished.
type editions struct{ *Metrics }

// Describe implements prometheus.Collector; see deliveries.Describe.
func (editions) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector. A store that does not answer gives
// lede_store_up 0 and no editions.
func (c editions) Collect(out chan<- prometheus.Metric) {
	var (
		up   = describe("store_up", "1 if the store answered this scrape.")
		open = describe("edition_deliveries", "Deliveries of the editions that are not finished, by state.", "newsletter", "edition", "state")
		age  = describe("edition_age_seconds", "Time since the slot of an edition that is not finished.", "newsletter", "edition", "state")
	)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	recs, err := c.Open(ctx)
	if err != nil {
		out <- gauge(up, 0)
		return
	}
	out <- gauge(up, 1)
	for _, rec := range recs {
		out <- gauge(age, c.Now().Sub(rec.Slot).Seconds(), rec.Newsletter, rec.ID, string(rec.State))
		sums, err := c.Sums(ctx, rec.ID)
		if err != nil {
			continue
		}
		for state, n := range map[string]int{
			"pending": sums.Pending, "sent": sums.Sent, "deferred": sums.Deferred,
			"failed": sums.Failed, "in_doubt": sums.InDoubt, "skipped": sums.Skipped,
		} {
			out <- gauge(open, float64(n), rec.Newsletter, rec.ID, state)
		}
	}
}
