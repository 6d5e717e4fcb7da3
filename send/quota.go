package send

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"
)

// noLimit is more than any day takes.
const noLimit = math.MaxInt

// quota keeps how many mails a relay takes on a day in UTC.
type quota struct {
	relay string
	most  int // 0: no limit
	warm  *WarmUp

	mu       sync.Mutex
	loaded   bool
	day      time.Time // of used; midnight in UTC
	used     int       // mails taken, or perhaps taken
	reserved int       // mails that are under way
	told     time.Time // the day whose end was told
}

// ceiling is how many mails may go on a day.
func (q *quota) ceiling(day time.Time) int {
	most := noLimit
	if q.most > 0 {
		most = q.most
	}
	return min(most, q.warm.Ceiling(day))
}

// limited says that there is, or was, a limit at all.
func (q *quota) limited() bool { return q.most > 0 || q.warm != nil }

// load asks the ledger, once, how many mails the relay took today.
func (q *quota) load(ctx context.Context, l Ledger, now time.Time) error {
	if !q.limited() {
		return nil
	}
	q.mu.Lock()
	loaded := q.loaded
	q.mu.Unlock()
	if loaded {
		return nil
	}
	n, err := l.Accepted(ctx, q.relay, now)
	if err != nil {
		return fmt.Errorf("relay %s: counting the mails of %s: %w", q.relay, now.UTC().Format(time.DateOnly), err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.loaded {
		q.turn(now)
		q.loaded = true
		q.used += n
	}
	return nil
}

// turn begins a new day. What is under way then will be taken on that day. The
// quota is locked.
func (q *quota) turn(now time.Time) {
	if today := midnight(now); today.After(q.day) {
		q.day, q.used = today, 0
	}
}

// left is how many mails more may be begun today.
func (q *quota) left(now time.Time) int {
	if !q.limited() {
		return noLimit
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	return max(0, q.ceiling(q.day)-q.used-q.reserved)
}

// take reserves a mail. It returns false when the day is full.
func (q *quota) take(now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	if q.used+q.reserved >= q.ceiling(q.day) {
		return false
	}
	q.reserved++
	return true
}

// settle ends a reservation; taken says that the relay took the mail, or may
// have.
func (q *quota) settle(taken bool, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	q.reserved--
	if taken {
		q.used++
	}
}

// took counts a mail that was not reserved.
func (q *quota) took(now time.Time) {
	if !q.limited() {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	q.used++
}

// spent says that the day is full, and why; news that this was not said before.
func (q *quota) spent(now time.Time) (why *Trouble, until time.Time, news bool) {
	if !q.limited() {
		return nil, time.Time{}, false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	most := q.ceiling(q.day)
	if q.used < most {
		return nil, time.Time{}, false
	}
	news = !q.told.Equal(q.day)
	q.told = q.day
	return &Trouble{
		Relay: q.relay, Spent: true,
		err: fmt.Errorf("its %d mails of %s are used up; goes on at 00:00 UTC", most, q.day.Format(time.DateOnly)),
	}, q.day.AddDate(0, 0, 1), news
}

// today returns the mails of today and their ceiling, 0 for none.
func (q *quota) today(now time.Time) (used, most int) {
	if !q.limited() {
		return 0, 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn(now)
	if most = q.ceiling(q.day); most == noLimit {
		most = 0
	}
	return q.used, most
}

// Ceiling is how many mails a relay that is being warmed up takes on a day:
// First until the first day is over, each day Factor times as many, and no limit
// once that reaches Last. nil sets no limit.
func (w *WarmUp) Ceiling(day time.Time) int {
	if w == nil {
		return noLimit
	}
	days := int(midnight(day).Sub(midnight(w.From)) / (24 * time.Hour))
	n := float64(w.First) * math.Pow(max(w.Factor, 1), float64(max(days, 0)))
	if n >= float64(w.Last) {
		return noLimit
	}
	return int(n)
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
