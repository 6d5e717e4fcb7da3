package newsroom

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"lede/audience"
	"lede/compose"
	"lede/send"
	"lede/source"
	"lede/templates"
)

// Gatherer reads sources.
type Gatherer interface {
	Gather(ctx context.Context, specs []source.Spec, zone *time.Location) []source.Reading
	Picture(ctx context.Context, spec source.Spec, img source.Image) (source.Picture, error)
}

// Dispatcher delivers through relays.
type Dispatcher interface {
	Deliver(ctx context.Context, j send.Job) (send.Status, error)
	Post(ctx context.Context, relay, from string, to []string, mail []byte) error
}

// Recoverer deals with what a dead sender left behind.
type Recoverer interface {
	Recover(ctx context.Context, edition string, hold bool, now time.Time) (int, error)
}

// Room is where editions are made. Its fields are set once, before use.
type Room struct {
	Editions    Editions
	Drafts      Drafts
	Memory      Memory
	Pictures    Pictures
	Agenda      Agenda
	SignUps     SignUps // nil: nobody signs up, and no mail of our own is kept
	Ledger      Recoverer
	Gatherer    Gatherer
	Dispatcher  Dispatcher
	Newsletters []Newsletter    // all there are, for sign-ups
	LocalRelay  map[string]bool // ids of the relays on loopback, for which no page need be reachable
	Render      func(n Newsletter, e compose.Edition) (compose.Rendered, error)
	Theme       func(n Newsletter) (*templates.Theme, error)  // the newsletter's; nil: it is read each time
	Wordings    *compose.Wordings                             // of the last draft, for who drafts again and again; nil: none are kept
	Reachable   func(ctx context.Context, n Newsletter) error // whether the pages that mails link to answer as ours; nil: not asked
	Imports     audience.ImportStore                          // what the daemon fills lists with
	Lists       ListMemory                                    // what is known of the sources of lists
	Filled      []List                                        // the lists that the daemon fills
	Attributes  audience.Attributes                           // that are declared, for the files that fill lists
	Retainer    audience.Retainer                             // what the daemon removes from
	Retention   audience.Retention                            // what it removes by its age
	Spamd       string                                        // where SpamAssassin's spamd answers, for lint; empty: it is not asked
	NewID       func() string                                 // random edition ids
	Now         func() time.Time
	By          string // who is at work, for the record: "daemon", "send"
	Log         *slog.Logger
	Progress    func(Sums)    // told now and then while delivering; nil for nobody
	PollEvery   time.Duration // how often the daemon looks for editions that others stored; 0: a second
}

// memoryTime is how long the whole text of a story that ran is compared.
const memoryTime = 180 * 24 * time.Hour

// Local says whether all the newsletter's mail is given to this machine.
func (r *Room) Local(n Newsletter) bool {
	if len(n.Relays) == 0 {
		return r.LocalRelay[n.Relay]
	}
	return !slices.ContainsFunc(n.Relays, func(id string) bool { return !r.LocalRelay[id] })
}
