package send

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// mostDoubtful is the attempt after which a mail that may have arrived is not
// sent again even under resend: somebody's relay takes mails and never says so.
const mostDoubtful = 5

// withDefaults fills in what a relay's settings leave open.
func (r Retry) withDefaults() Retry {
	if r.First <= 0 {
		r.First = time.Minute
	}
	if r.Longest <= 0 {
		r.Longest = time.Hour
	}
	if r.GiveUpAfter <= 0 {
		r.GiveUpAfter = 24 * time.Hour
	}
	return r
}

// wait returns how long a mail rests after its n-th attempt (1 for the first):
// First, doubled with each attempt up to Longest, and up to a fifth more or
// less, so that what was put off together does not come back together.
func (r Retry) wait(attempt int) time.Duration {
	return jitter(double(r.First, attempt-1, r.Longest))
}

// double returns first × 2^times, at most longest.
func double(first time.Duration, times int, longest time.Duration) time.Duration {
	for ; times > 0 && first < longest; times-- {
		first *= 2
	}
	return min(first, longest)
}

func jitter(t time.Duration) time.Duration {
	return time.Duration(float64(t) * (0.8 + 0.4*rand.Float64()))
}

// over says that a mail has had its time.
func (r Retry) over(d Delivery, now time.Time) bool {
	return !d.First.IsZero() && !now.Before(d.First.Add(r.GiveUpAfter))
}

// later is the outcome of a mail that was not taken this time: deferred, or
// failed when its time is up.
func (r Retry) later(d Delivery, reason reply, now time.Time) Outcome {
	out := Outcome{Code: reason.code, Reply: reason.text, State: Deferred}
	if d.First.IsZero() {
		d.First = now
	}
	end := d.First.Add(r.GiveUpAfter)
	if r.over(d, now) {
		out.State = Failed
		out.Reply = fmt.Sprintf("gave up after %s: %s", hours(r.GiveUpAfter), reason.text)
		return out
	}
	if out.Due = now.Add(r.wait(d.Attempt)); out.Due.After(end) {
		out.Due = end // one last time
	}
	return out
}

// doubtful is the outcome of a mail after whose final dot no answer came.
func (r Retry) doubtful(d Delivery, hold bool, why string, now time.Time) Outcome {
	if hold || d.Attempt >= mostDoubtful {
		return Outcome{State: InDoubt, Doubt: true, Reply: why + "; it may have arrived"}
	}
	out := r.later(d, reply{text: why}, now)
	out.Doubt = true
	if out.State == Failed {
		out.State = InDoubt
	}
	return out
}

// hours writes a duration without empty minutes and seconds: "24h".
func hours(t time.Duration) string {
	switch {
	case t%time.Hour == 0:
		return fmt.Sprintf("%dh", t/time.Hour)
	case t%time.Minute == 0:
		return fmt.Sprintf("%dm", t/time.Minute)
	default:
		return t.String()
	}
}
