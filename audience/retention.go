package audience

import (
	"context"
	"time"
)

// Retention says after what time things are removed by themselves; zero: never.
type Retention struct {
	// Unsubscribed is for people who get nothing any more, from when they left
	// the last list: they are erased, as by Archive.Forget.
	Unsubscribed time.Duration
	// Deliveries is for what each person was sent of an edition, from when that
	// ended. The edition and its sums stay.
	Deliveries time.Duration
	// IP is for the network addresses from which people signed up, confirmed and
	// left, each from then.
	IP time.Duration
}

// Expired counts what a Retention removes.
type Expired struct {
	Unsubscribed int `json:"unsubscribed"` // people
	Deliveries   int `json:"deliveries"`
	IP           int `json:"ip"` // network addresses
}

// Retainer keeps what a Retention removes from. Each method that removes does so
// in many short transactions, returns how much went, also beside an error, and
// goes on where it stopped when it is called again.
type Retainer interface {
	// ForgetUnsubscribed erases everybody whose subscriptions all ended before a
	// time. Who is suppressed stays: the suppression would go too, and what
	// came back as undeliverable or as a complaint is to be known for good.
	ForgetUnsubscribed(ctx context.Context, before, now time.Time) (int, error)
	// DropDeliveries removes the deliveries of editions that ended before a time.
	DropDeliveries(ctx context.Context, before time.Time) (int, error)
	// DropIPs takes out the network addresses that were noted before a time.
	DropIPs(ctx context.Context, before time.Time) (int, error)

	// The same, counted and not done.
	CountUnsubscribed(ctx context.Context, before time.Time) (int, error)
	CountDeliveries(ctx context.Context, before time.Time) (int, error)
	CountIPs(ctx context.Context, before time.Time) (int, error)
}

// None says that nothing is ever removed.
func (r Retention) None() bool { return r == Retention{} }

// Count returns what Remove would remove now.
func (r Retention) Count(ctx context.Context, from Retainer, now time.Time) (Expired, error) {
	return r.each(ctx, now, from.CountUnsubscribed, from.CountDeliveries, from.CountIPs)
}

// Remove removes what is past its time. The counts hold beside an error too.
func (r Retention) Remove(ctx context.Context, from Retainer, now time.Time) (Expired, error) {
	forget := func(ctx context.Context, before time.Time) (int, error) {
		return from.ForgetUnsubscribed(ctx, before, now)
	}
	return r.each(ctx, now, forget, from.DropDeliveries, from.DropIPs)
}

// each calls what is to be done for each rule that is set, with the time before
// which it holds, until one fails.
func (r Retention) each(ctx context.Context, now time.Time, people, deliveries, ips func(context.Context, time.Time) (int, error)) (done Expired, err error) {
	for _, rule := range []struct {
		age  time.Duration
		do   func(context.Context, time.Time) (int, error)
		done *int
	}{
		{r.Unsubscribed, people, &done.Unsubscribed},
		{r.Deliveries, deliveries, &done.Deliveries},
		{r.IP, ips, &done.IP},
	} {
		if rule.age <= 0 {
			continue
		}
		if *rule.done, err = rule.do(ctx, now.Add(-rule.age)); err != nil {
			return done, err
		}
	}
	return done, nil
}
