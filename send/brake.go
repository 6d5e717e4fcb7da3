package send

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
)

// mostAlike is how many mails in a row may be refused for good in the same
// words until that is the relay's trouble, or a domain's, and not theirs.
const mostAlike = 20

// turn is when a refused delivery comes round again: behind all others that
// are due now.
const turn = time.Second

// mostRemembered is how many refused deliveries of an edition are remembered.
const mostRemembered = 50000

// brake keeps a relay that refuses everybody (a blocked address, a login that
// may not send, the wrong host), and a domain that does, from failing a whole
// audience in seconds. It is of one edition and one relay.
//
// Until the relay has taken a mail, nobody fails by a first refusal with 550,
// 554 or 5.7.x; afterwards, nobody by a first refusal that blames us. The
// delivery goes back to pending, with what the relay said, behind the others.
// It is not held between intent and outcome, so that the window keeps its room
// and a kill leaves nothing of it in doubt.
//
// When mostAlike were refused in the same words, and no mail was taken in
// between, that is a block. It is the domain's if all of them were of one
// domain and the relay took mail for others; else it is the relay's. Nobody
// fails by a block: the count begins anew, with others, when it is tried again.
//
// Who is refused a second time fails, unless there was a block in between; once
// mail was taken, he comes round some times more until it is known whether his
// domain takes mail of others. So does whoever was first tried longer ago than
// Retry.GiveUpAfter.
type brake struct {
	mu       sync.Mutex
	taken    int    // mails
	first    string // a domain that took a mail
	several  bool   // another one did too
	blocks   int    // blocks that there were
	blocked  time.Time
	refused  map[int64]firstNo    // of deliveries that went back, by their places
	byDomain map[string]time.Time // when the latest mail was begun that was taken by a domain that refused one
	closed   map[string]bool      // domains that block, "" for the relay: the first refusal blocks again
	alike    map[string]*run      // refusals since a mail was taken, by what was said
	byOne    map[domainSaid]int   // refusals since the domain took a mail
}

// firstNo is a delivery's first refusal in a block, and how often it went back.
type firstNo struct {
	at            time.Time
	blocks, times int
}

// mostTimes is how often a refused delivery goes back while it is not known
// whether its domain takes any.
const mostTimes = 3

// run is refusals in the same words.
type run struct {
	n       int
	domain  string
	several bool // of several domains
}

type domainSaid struct{ domain, said string }

// hold says what becomes of a refused delivery.
type hold int

const (
	fails        hold = iota
	held              // goes back
	domainBlocks      // goes back, and its domain is left alone
)

func newBrake() *brake {
	return &brake{refused: map[int64]firstNo{}, byDomain: map[string]time.Time{}, closed: map[string]bool{}, alike: map[string]*run{}, byOne: map[domainSaid]int{}}
}

// release notes that the relay took a mail for a domain.
func (b *brake) release(d Delivery) {
	domain := d.Domain
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken++
	switch {
	case b.taken == 1:
		b.first = domain
	case domain != b.first:
		b.several = true
	}
	if len(b.refused) == 0 && len(b.alike) == 0 {
		return
	}
	clear(b.alike)
	delete(b.closed, "")
	delete(b.closed, domain)
	if at, ok := b.byDomain[domain]; ok {
		b.byDomain[domain] = later(at, d.begun)
	}
	for said := range b.byOne {
		if said.domain == domain {
			delete(b.byOne, said)
		}
	}
}

// holds says whether a refused delivery goes back instead of failing, and for
// how long. When the relay blocks it calls stop, before any other lane learns
// what became of its own mail: none begins another one after that.
func (b *brake) holds(d Delivery, answer reply, about class, stop func()) (hold, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken == 0 {
		if answer.code != 550 && answer.code != 554 && !strings.HasPrefix(answer.text, "5.7.") {
			return fails, 0
		}
	} else if !about.blames() {
		return fails, 0
	}
	was, again := b.refused[d.Pos]
	switch {
	case again && (!b.byDomain[d.Domain].Before(was.at) || b.blocks == was.blocks && (b.taken == 0 || was.times == mostTimes)):
		delete(b.refused, d.Pos)
		return fails, 0
	case again && b.blocks == was.blocks:
		was.times++
		b.refused[d.Pos] = was
		wait := turn
		for range was.times - 1 {
			wait *= 5
		}
		return held, wait
	}
	b.remember(d, firstNo{time.Now(), b.blocks, 1})
	if d.begun.After(b.blocked) {
		if b.closed[""] {
			b.block("")
			stop()
			return held, turn
		}
		if b.closed[d.Domain] {
			b.block(d.Domain)
			return domainBlocks, turn
		}
	}
	said := answer.gist()
	r := b.alike[said]
	if r == nil {
		if len(b.alike) >= mostRemembered/10 {
			clear(b.alike)
		}
		r = &run{domain: d.Domain}
		b.alike[said] = r
	}
	r.n++
	r.several = r.several || r.domain != d.Domain
	one := domainSaid{d.Domain, said}
	if len(b.byOne) >= mostRemembered/10 {
		clear(b.byOne)
	}
	b.byOne[one]++
	others := b.several || b.taken > 0 && b.first != d.Domain
	switch {
	case r.n >= mostAlike && (r.several || !others):
		if b.block(""); b.taken == 0 {
			delete(b.closed, "")
		}
		clear(b.alike)
		clear(b.byOne)
		stop()
		return held, turn
	case b.byOne[one] >= mostAlike && others:
		b.block(d.Domain)
		delete(b.byOne, one)
		delete(b.alike, said)
		return domainBlocks, turn
	}
	return held, turn
}

// block notes a block: of a domain, or of the relay.
func (b *brake) block(domain string) {
	b.blocks++
	b.closed[domain] = true
	b.blocked = time.Now()
}

// remember notes a delivery that goes back. What was under way when a block
// was noticed belongs to that block. The brake is locked.
func (b *brake) remember(d Delivery, r firstNo) {
	if !d.begun.After(b.blocked) {
		r.blocks--
	}
	if len(b.refused) >= mostRemembered {
		for pos := range b.refused { // any
			delete(b.refused, pos)
			break
		}
	}
	b.refused[d.Pos] = r
	if _, ok := b.byDomain[d.Domain]; !ok {
		if len(b.byDomain) >= mostRemembered {
			clear(b.byDomain)
		}
		b.byDomain[d.Domain] = time.Time{}
	}
}

// gist is what tells one refusal from another: the codes and the words, without
// addresses and without words that hold a digit, such as queue ids and times.
func (r reply) gist() string {
	words := strings.Fields(r.nameless())
	kept := words[:0]
	for i, w := range words {
		if i < 2 || !strings.ContainsFunc(w, unicode.IsDigit) {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// nameless is the reply without the addresses in it.
func (r reply) nameless() string {
	words := strings.Fields(r.String())
	kept := words[:0]
	for _, w := range words {
		if !strings.Contains(w, "@") {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// refusesAll is the trouble of a relay that refused too many alike.
func (g *gateway) refusesAll(answer reply, at step) *Trouble {
	what := "mail"
	if at == atRcpt {
		what = "recipient"
	}
	t := g.asTrouble(fmt.Errorf("refuses every %s: %s", what, answer.nameless()))
	t.Lasting = true
	return t
}
