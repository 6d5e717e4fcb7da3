package newsroom_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/mail"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/newsroom"
	"lede/send"
	"lede/source"
	"lede/store"
)

// wire gives a source's stories as of an instant.
type wire func(now time.Time) []source.Story

// Gather reads the wire for every source.
func (w wire) Gather(_ context.Context, specs []source.Spec, _ *time.Location) []source.Reading {
	var readings []source.Reading
	for _, s := range specs {
		readings = append(readings, source.Reading{Source: s.ID, Fetched: time.Now(), Stories: w(time.Now())})
	}
	return readings
}

// Picture finds none: these stories have no pictures.
func (w wire) Picture(context.Context, source.Spec, source.Image) (source.Picture, error) {
	return source.Picture{}, fmt.Errorf("no picture")
}

// onePerHour is a wire with a new story each hour.
func onePerHour(start time.Time) wire {
	return func(now time.Time) []source.Story {
		var stories []source.Story
		for at := start; !at.After(now); at = at.Add(time.Hour) {
			name := storyName(len(stories))
			stories = append(stories, source.Story{
				Source: "desk", Key: name, Kind: source.KindStory, Title: name, Published: at,
				Body: "<p>" + strings.Repeat(name+" came in with the tide. ", 12) + "</p>",
			})
		}
		return stories
	}
}

// storyName makes headlines that no rule takes for repeats.
func storyName(i int) string {
	h := hex.EncodeToString([]byte{byte(i >> 8), byte(i), byte(i * 37), byte(i * 91)})
	return "Cargo " + h[:4] + " " + h[4:]
}

// sink takes every mail that it claims: a relay that never refuses.
type sink struct {
	ledger send.Ledger
	err    error // trouble with everything
	now    func() time.Time

	mu      sync.Mutex
	mails   map[string]int // edition → mails
	notices []string       // subjects of notices
	limit   int            // after so many mails the rest is put off; 0: no limit
}

// Deliver claims and records all that is due.
func (s *sink) Deliver(ctx context.Context, j send.Job) (send.Status, error) {
	if err := s.trouble(); err != nil {
		return send.Status{Open: true, Next: s.now(), Trouble: err}, nil
	}
	var done []send.Outcome
	for {
		claimed, err := s.ledger.Commit(ctx, done, send.Claim{Edition: j.Edition, Max: 8, Now: s.now()})
		if err != nil {
			return send.Status{}, err
		}
		done = nil
		if len(claimed.Deliveries) == 0 {
			return send.Status{Open: claimed.Open, Next: claimed.Next}, nil
		}
		s.mu.Lock()
		for _, d := range claimed.Deliveries {
			o := send.Outcome{Edition: d.Edition, Pos: d.Pos, State: send.Sent, Code: 250, Reply: "taken", At: s.now()}
			if s.limit > 0 && s.mails[j.Edition] >= s.limit && d.Attempt < 3 {
				o.State, o.Code, o.Due = send.Deferred, 451, s.now().Add(10*time.Minute)
			} else {
				s.mails[j.Edition]++
			}
			done = append(done, o)
		}
		s.mu.Unlock()
	}
}

// trouble is why nothing is taken, nil when it is.
func (s *sink) trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// breaks sets why nothing is taken.
func (s *sink) breaks(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Post keeps a notice's subject.
func (s *sink) Post(_ context.Context, _, _ string, _ []string, raw []byte) error {
	if err := s.trouble(); err != nil {
		return err
	}
	msg, err := mail.ReadMessage(strings.NewReader(string(raw)))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, msg.Header.Get("Subject"))
	return nil
}

// desk is a room over a real store.
type desk struct {
	*newsroom.Room
	store *store.Store
	sink  *sink
	n     newsroom.Newsletter
}

func newDesk(t *testing.T, file string, schedule, zone string) *desk {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := st.Keyring(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := newsroom.Newsletter{
		ID: "harbour", Name: "The Harbour Letter", Relay: "main", Lists: []string{"harbour"},
		Missed: "run", Grace: 6 * time.Hour, MinGap: 2 * time.Hour, InDoubt: "resend", Approval: "none",
		Sources: []source.Spec{{ID: "desk"}}, Notify: []string{"desk@example.org"},
		Recipe: compose.Recipe{
			ID: "harbour", Name: "The Harbour Letter", Language: "en", Zone: location, PostalAddress: "14 Chandler Row",
			BaseURL: "http://127.0.0.1:1", Theme: "broadsheet", Min: 1,
			Sources:  []compose.SourceRule{{ID: "desk", MaxAge: 72 * time.Hour, Updates: "mark", Leftovers: "drop"}},
			Lead:     compose.LeadRule{Length: 700, MinWords: 20, IfNone: "promote"},
			Sections: []compose.SectionRule{{Title: "In brief", Kind: "briefs", Max: 3, Teaser: 200}},
		},
		Sender: send.Sender{
			Newsletter: "harbour", Name: "The Harbour Letter", From: mail.Address{Name: "The Harbour Letter", Address: "letter@example.org"},
			ListID: "harbour.example.org", BaseURL: "http://127.0.0.1:1", Lists: []string{"harbour"}, Keys: keys,
		},
	}
	if schedule != "" {
		if n.Schedule, err = newsroom.ParseSchedule(schedule); err != nil {
			t.Fatal(err)
		}
	}
	d := &desk{store: st, n: n, sink: &sink{ledger: st.Ledger(), now: time.Now, mails: map[string]int{}}}
	ids := 0
	d.Room = &newsroom.Room{
		Editions: st, Drafts: st, Memory: st, Pictures: st, Agenda: st, Ledger: st.Ledger(),
		Gatherer: onePerHour(time.Now().Add(-5 * time.Hour)), Dispatcher: d.sink,
		LocalRelay: map[string]bool{"main": true},
		Render: func(_ newsroom.Newsletter, e compose.Edition) (compose.Rendered, error) {
			// What a letter looks like is no matter here; that it is one is.
			return compose.Rendered{Letter: compose.Letter{
				Subject: e.Subject, Preheader: "p",
				HTML:   `<html><body><p>` + e.Subject + strings.Repeat(" words", 40) + `</p><a href="LF0x0Z">Unsubscribe</a></body></html>`,
				Text:   e.Subject + strings.Repeat(" words", 40) + " 14 Chandler Row LF0x0Z",
				Fields: []compose.Field{{Token: "LF0x0Z", Name: compose.FieldUnsubscribe}},
			}}, nil
		},
		NewID: func() string { ids++; return fmt.Sprintf("e%07d%s", ids, filepath.Base(filepath.Dir(file))) },
		Now:   time.Now, By: "test", Log: slog.New(slog.DiscardHandler), PollEvery: 20 * time.Second,
	}
	return d
}

// Publish makes and delivers an edition and counts it.
func (d *desk) Publish(ctx context.Context, n newsroom.Newsletter, o newsroom.Order, wait time.Duration) (newsroom.Report, error) {
	rec, err := d.Room.Publish(ctx, n, o, func(ctx context.Context, rec newsroom.Record) error {
		return d.Deliver(ctx, n, rec.ID, wait, nil)
	})
	if err != nil {
		return newsroom.Report{}, err
	}
	return d.Report(ctx, rec.ID)
}

// subscribe puts so many readers on the list.
func (d *desk) subscribe(t *testing.T, count int) {
	t.Helper()
	var rows []audience.Row
	for i := range count {
		address := fmt.Sprintf("reader%d@northpost.example", i)
		rows = append(rows, audience.Row{Line: i + 2, Address: address, Key: address, Domain: "northpost.example"})
	}
	if _, err := d.store.ImportRows(context.Background(), "harbour", "test", rows, false, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// editions lists all editions, oldest slot first.
func (d *desk) editions(t *testing.T) []newsroom.Record {
	t.Helper()
	recs, err := d.store.List(context.Background(), "harbour", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, j := 0, len(recs)-1; i < j; i, j = i+1, j-1 {
		recs[i], recs[j] = recs[j], recs[i]
	}
	return recs
}

// runFor lets the daemon run for a while of fake time.
func (d *desk) runFor(span time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	_ = d.Serve(ctx, []newsroom.Newsletter{d.n})
}
