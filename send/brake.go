package send

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
)

// mostAlike is how many recipients a relay may refuse for good in the same
// words, having taken no mail, until that is its trouble and not theirs.
const mostAlike = 20

// turn is when a refused delivery comes round again: behind all others that
// are due now.
const turn = time.Second

// brake keeps a relay that refuses everybody (a blocked address, a login that
// may not send, the wrong host) from failing a whole audience in seconds.
//
// Until the relay has taken a mail of the edition, nobody fails by a first
// refusal with 550, 554 or 5.7.x: the delivery goes back to pending, with what
// the relay said, behind the others. It is not held between intent and outcome,
// so that the window keeps its room and a kill leaves nothing of it in doubt.
// When mostAlike were refused in the same words, delivering stops with a
// Trouble and the count begins anew, with others. Whoever comes round a second
// time has had his turn and fails: an audience of fewer than mostAlike that is
// refused as a whole fails as usual. So does whoever was first tried longer ago
// than Retry.GiveUpAfter.
//
// The first mail that is taken releases the brake for as long as this process
// has something left of the edition.
type brake struct {
	mu    sync.Mutex
	off   bool
	back  map[int64]bool // deliveries that went back, by their places
	alike map[string]int // refusals by what was said
}

func newBrake() *brake { return &brake{back: map[int64]bool{}, alike: map[string]int{}} }

// release notes that the relay takes mail.
func (b *brake) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.off, b.back, b.alike = true, nil, nil
}

// holds says whether a refused delivery goes back instead of failing. When the
// relay has now refused too many alike it calls stop, before any other lane
// learns what became of its own mail: none begins another one after that.
func (b *brake) holds(d Delivery, answer reply, stop func()) (back bool) {
	if answer.code != 550 && answer.code != 554 && !strings.HasPrefix(answer.text, "5.7.") {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.off || b.back[d.Pos] {
		return false
	}
	b.back[d.Pos] = true
	said := answer.gist()
	if b.alike[said]++; b.alike[said] < mostAlike {
		return true
	}
	clear(b.back)
	clear(b.alike)
	stop()
	return true
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
