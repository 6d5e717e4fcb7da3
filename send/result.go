package send

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// collect takes the verdicts that have come. With PIPELINING it stops after
// each, and returns true, while others may have come: the next mail is then
// there in time for its commands to go out behind the body that is due.
func (l *lane) collect(ctx context.Context) (more bool) {
	for l.conn != nil {
		v, ok := l.conn.next()
		if !ok {
			return false
		}
		m := l.flying[0]
		l.flying = l.flying[:copy(l.flying, l.flying[1:])]
		l.decide(ctx, m, v)
		if l.conn != nil && l.conn.mode == pipelining && len(l.flying) > 0 {
			return true
		}
	}
	return false
}

// decide turns a verdict into the outcome of its mail, or has the mail tried
// again at once.
func (l *lane) decide(ctx context.Context, m letter, v verdict) {
	var out Outcome
	again := false
	switch {
	case v.err != nil || v.bye:
		out, again = l.broken(ctx, &m, v)
	case v.at == atMail || v.answer.code == loginFirst:
		out = l.refused(m, v.answer)
	default:
		l.failures = 0
		out = l.round.answered(m.Delivery, v.answer, v.at)
	}
	if out.State != Sent {
		l.g.pace.giveBack()
	}
	if again {
		l.again = append(l.again, m)
		return
	}
	l.hand(m.Delivery, out)
}

// loginFirst is the answer of a relay that wants a login, to whatever command it
// likes (RFC 4954, 6).
const loginFirst = 530

// refused is the outcome of an answer to MAIL, or of loginFirst. It is about our
// sender, not about the recipient: nobody fails by it. One such answer puts its
// mail off; several in a row are the relay's trouble.
func (l *lane) refused(m letter, answer reply) Outcome {
	if m.utf8 && answer.permanent() && answer.code != loginFirst {
		return Outcome{State: Failed, Code: answer.code, Reply: answer.text}
	}
	if n := l.g.senderRefused(); n >= mostRefusals || answer.code == loginFirst {
		t := l.g.asTrouble(fmt.Errorf("sender %s is refused: %s", l.round.job.Message.envelope, answer))
		t.Lasting = answer.permanent()
		l.failed(t)
		if answer.code == loginFirst {
			return Outcome{State: Pending}
		}
	}
	return l.g.relay.Retry.later(m.Delivery, answer, time.Now())
}

// broken deals with a mail whose connection was lost, or ended by the relay. It
// says whether the mail is to be tried again at once, or what became of it.
func (l *lane) broken(ctx context.Context, m *letter, v verdict) (Outcome, bool) {
	c := l.conn
	first := !c.told // of the mails that it left undecided
	c.told = true
	fresh := c.decided == 0 && !c.waited
	why := v.answer.String()
	if v.err != nil {
		why = oneLine(v.err.Error())
	}
	if v.err != nil && v.at == atDot {
		if first && fresh {
			l.failed(l.g.asTrouble(v.err))
		}
		return l.g.relay.Retry.doubtful(m.Delivery, l.round.job.Hold, why, time.Now()), false
	}
	switch {
	case ctx.Err() != nil:
		return Outcome{State: Pending}, false
	case !first || errors.Is(v.err, errLied):
		return Outcome{}, true
	case !fresh:
		// It dealt with mail and then had enough of it: the connection's limit,
		// or its limit of refusals. The mail loses nothing.
		if v.bye && c.junk == 0 {
			l.g.limited(c.taken)
		}
		return Outcome{}, true
	case v.bye:
		l.failed(l.g.asTrouble(fmt.Errorf("closed the connection at %s: %s", v.at, v.answer)))
		if v.at == atMail {
			return Outcome{State: Pending}, false
		}
		return l.g.relay.Retry.later(m.Delivery, v.answer, time.Now()), false
	}
	if m.losses++; m.losses < mostLosses {
		l.pause = jitter(double(100*time.Millisecond, m.losses-1, time.Second))
		return Outcome{}, true
	}
	m.losses = 0
	l.failed(l.g.asTrouble(v.err))
	return l.g.relay.Retry.later(m.Delivery, reply{text: why}, time.Now()), false
}
