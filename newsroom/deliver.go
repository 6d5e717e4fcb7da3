package newsroom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"lede/send"
)

// lookEvery is how often a delivery that waits looks whether a person stopped
// it meanwhile.
const lookEvery = time.Second

// Deliver sends a stored edition until nothing is left, it is stopped, its time
// is over, or wait has passed since there was nothing more to do but wait (zero:
// no limit). Only the one sender of the store may call it, once at a time for
// an edition. While mails are due for the first time within wait, there is more
// to do; when none is due before wait is over, Deliver does not sit it out. tell,
// when not nil, is called once when no mail is due for the first time for a
// while and some come later or again, and once, with the reason, when the relay
// takes nothing for about a minute.
func (r *Room) Deliver(ctx context.Context, n Newsletter, id string, wait time.Duration, tell func(trouble error)) error {
	rec, err := r.Editions.Edition(ctx, id)
	if err != nil {
		return fmt.Errorf("edition %s: %w", id, err)
	}
	if rec.State != Sending {
		return nil
	}
	message, messages, err := r.messages(ctx, n, rec)
	var broken *compileError
	if err != nil && !errors.As(err, &broken) {
		return fmt.Errorf("edition %s: %w", id, err)
	}
	if err != nil {
		why := fmt.Sprintf("the letter does not compile: %v", err)
		return r.Editions.Move(ctx, id, []State{Sending}, Paused, r.By, why, time.Time{}, r.Now())
	}
	hold := n.InDoubt == "hold"
	left, err := r.Ledger.Recover(ctx, id, hold, r.Now())
	if err != nil {
		return fmt.Errorf("edition %s: taking up what was left: %w", id, err)
	}
	if left > 0 {
		r.Log.Warn("deliveries were in doubt when the last sender stopped", "edition", id, "count", left, "in_doubt", n.InDoubt)
	}
	job := send.Job{
		Edition: id, Newsletter: n.ID, Lists: n.Lists, Relay: n.Relay,
		Message: message, Messages: messages, Date: rec.Stored, Hold: hold,
	}
	stopTelling := r.tell(ctx, id)
	defer stopTelling()

	var since time.Time  // when there was first nothing to do but wait
	troubles := 0        // vain tries in a row
	var trouble error    // of the last of them
	passed := false      // nothing more is due for the first time, for a while
	var looked time.Time // when that was last asked
	for {
		now := r.Now()
		if !now.Before(rec.StaleAt) {
			why := "too old to go on by itself; `lede editions resume " + id + "` sends the rest"
			if trouble != nil {
				why += " (no mail was taken: " + trouble.Error() + ")"
			}
			r.Log.Warn("edition paused", "edition", id, "why", why)
			return r.Editions.Move(ctx, id, []State{Sending}, Paused, r.By, why, time.Time{}, now)
		}
		// The time of an edition that becomes old in mid-send is over there.
		running, cancel := context.WithTimeout(ctx, rec.StaleAt.Sub(now))
		status, err := r.Dispatcher.Deliver(running, job)
		cancel()
		if err != nil {
			return fmt.Errorf("edition %s: delivering: %w", id, err)
		}
		if !status.Open {
			return nil
		}
		if status.Next.IsZero() && ctx.Err() == nil {
			done, err := r.Editions.Finish(ctx, id, r.Now())
			if err != nil {
				return fmt.Errorf("edition %s: finishing: %w", id, err)
			}
			if done {
				r.Log.Info("edition done", "newsletter", n.ID, "edition", id)
				return nil
			}
		}
		until := status.Next
		if rec, err = r.chosen(ctx, rec); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if rec.Undecided() && status.Trouble == nil && ctx.Err() == nil {
			if now := r.Now(); !now.Before(rec.Variants.Test.Until) {
				if open, err := r.endTest(ctx, n, rec); err != nil || !open {
					return err
				}
				continue
			}
			until = earlier(until, rec.Variants.Test.Until)
		}
		trouble = status.Trouble
		if status.Trouble != nil {
			if wait > 0 && since.IsZero() {
				// A person waits for the answer: say it at once.
				return &TroubleError{Relay: n.Relay, Err: status.Trouble}
			}
			troubles++
			until = later(until, r.Now().Add(troubleWait(troubles)))
			if troubles == 5 && tell != nil {
				tell(status.Trouble)
			}
		} else {
			troubles = 0
			// Where mails are due all the time, as with spread, it is enough to look
			// now and then.
			if now := r.Now(); !looked.After(now.Add(-lookEvery)) || until.After(now.Add(lookEvery)) {
				looked = now
				ahead, err := r.ahead(ctx, id)
				if err != nil {
					if ctx.Err() != nil {
						return nil
					}
					return err
				}
				if !passed && !ahead.Within(quiet, now) {
					passed = true
					if tell != nil && ctx.Err() == nil {
						tell(nil)
					}
				}
				if wait > 0 && ahead.Within(wait, now) {
					since = now // there is more to do than to wait for what was put off
				}
			}
		}
		if since.IsZero() {
			since = r.Now()
		}
		if wait > 0 && trouble == nil && until.After(since.Add(wait)) {
			return nil
		}
		if open, err := r.rest(ctx, id, earlier(until, rec.StaleAt), since, wait, rec.Undecided()); err != nil || !open {
			return err
		}
	}
}

// troubleWait is how long a relay that takes nothing is left alone after so
// many vain tries in a row.
func troubleWait(tries int) time.Duration {
	return min(time.Second<<min(tries, 6), time.Minute)
}

// TroubleError says that a relay takes no mail at all. Err names the relay.
type TroubleError struct {
	Relay string
	Err   error
}

func (e *TroubleError) Error() string { return e.Err.Error() }
func (e *TroubleError) Unwrap() error { return e.Err }

// rest waits until the next mail is due. It says false when delivering ends
// here: the time to wait is over, or the edition was stopped meanwhile. The
// choice of a subject, where it is waited for, ends the rest.
func (r *Room) rest(ctx context.Context, id string, until, since time.Time, wait time.Duration, undecided bool) (bool, error) {
	for {
		now := r.Now()
		if wait > 0 && now.Sub(since) >= wait {
			return false, nil
		}
		look := lookEvery
		if wait == 0 && until.Sub(now) > time.Minute && !undecided {
			look = lookUp // nobody waits, and nothing is due that a stop would save
		}
		pause := min(max(until.Sub(now), 50*time.Millisecond), look)
		if until.IsZero() {
			pause = lookEvery
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return false, nil
		case <-timer.C:
		}
		rec, err := r.Editions.List(ctx, "", 0, Sending)
		if err != nil {
			return false, fmt.Errorf("edition %s: looking at it: %w", id, err)
		}
		at := slices.IndexFunc(rec, func(rec Record) bool { return rec.ID == id })
		if at < 0 {
			return false, nil
		}
		if !until.After(r.Now()) || undecided && rec[at].Chosen > 0 {
			return true, nil
		}
	}
}

// tellEvery is how often the sums are told while delivering, and tellShare the
// part of the time that counting them may take: of a large edition it takes a
// while, and the lanes need the store more.
const (
	tellEvery = 500 * time.Millisecond
	tellShare = 50
)

// tell reports the sums while delivering, twice a second or more rarely, and
// once at the end.
func (r *Room) tell(ctx context.Context, id string) func() {
	if r.Progress == nil {
		return func() {}
	}
	tellOnce := func(ctx context.Context) {
		if sums, err := r.Editions.Sums(ctx, id); err == nil {
			r.Progress(sums)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause := tellEvery; sleep(ctx, pause); {
			began := time.Now()
			tellOnce(ctx)
			pause = max(tellEvery, tellShare*time.Since(began))
		}
	}()
	return func() {
		cancel()
		<-done
		tellOnce(context.WithoutCancel(ctx))
	}
}
