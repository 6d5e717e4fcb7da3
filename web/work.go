package web

import (
	"crypto/rand"
	"crypto/sha256"
	"math/bits"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"lede/audience"
)

// Proof of work: a form holds a challenge, and the browser looks for a number
// that makes SHA-256(challenge "." number) begin with so many zero bits. That is
// a moment that a person does not notice, and a program pays for each sign-up.
const (
	// purposeWork is of the challenges in forms. It opens no page.
	purposeWork audience.Purpose = 'w'

	// workLife is how long a challenge can be answered.
	workLife = time.Hour

	// mostSpent is how many answered challenges are remembered. Who fills it has
	// done the work so often before one of theirs counts a second time.
	mostSpent = 50_000

	proofLength = 8 // hexadecimal digits
)

// step is the form that a challenge stands in.
type step byte

const (
	stepFirst   step = '1' // the form of the subscribe page
	stepAgain   step = '2' // the page that asks for one more press
	stepForeign step = 'f' // the same, after a form on another site
)

// challenge makes a new challenge, signed and of this newsletter alone.
func (h site) challenge(n Newsletter, at step) string {
	return h.Keys.Sign(audience.Token{
		Purpose: purposeWork, Newsletter: n.ID,
		Edition: string(at) + strconv.FormatInt(h.now().Unix(), 36) + "." + rand.Text()[:16],
	})
}

// answered is a challenge as it came back.
type answered struct {
	text, proof string
	id          string // of the challenge; empty: it is not ours, of another newsletter or too old
	step        step
	solved      bool
}

// answer reads what came back. bits is the work that is asked for, 0 for none.
func (h site) answer(n Newsletter, challenge, proof string, zeros int) answered {
	a := answered{text: challenge, proof: proof, step: stepFirst}
	t, err := h.Keys.Open(challenge)
	if err != nil || t.Purpose != purposeWork || t.Newsletter != n.ID || t.Edition == "" {
		return a
	}
	seconds, _, _ := strings.Cut(t.Edition[1:], ".")
	at, err := strconv.ParseInt(seconds, 36, 64)
	if age := h.now().Sub(time.Unix(at, 0)); err != nil || age > workLife || age < 0 {
		return a
	}
	a.id, a.step = t.Edition, step(t.Edition[0])
	a.solved = zeros == 0 || worked(challenge, proof, zeros)
	return a
}

// worked says whether a proof answers a challenge.
func worked(challenge, proof string, zeros int) bool {
	if len(proof) != proofLength || strings.Trim(proof, "0123456789abcdef") != "" {
		return false
	}
	sum := sha256.Sum256([]byte(challenge + "." + proof))
	found := 0
	for _, b := range sum {
		n := bits.LeadingZeros8(b)
		found += n
		if n < 8 {
			break
		}
	}
	return found >= zeros
}

// answerOf reads the answer of a form.
func (h site) answerOf(n Newsletter, form url.Values) answered {
	return h.answer(n, form.Get("challenge"), form.Get("proof"), n.SignUp.ProofOfWork)
}

// spent remembers the challenges that were answered, so that each counts once.
// Its memory is bounded; a challenge that is too old need not be remembered.
type spent struct {
	mu    sync.Mutex
	until map[string]time.Time
	order []string // the oldest first
}

func newSpent() *spent { return &spent{until: map[string]time.Time{}} }

// take spends a challenge, and says whether it was whole.
func (s *spent) take(id string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.order) > 0 && (len(s.order) >= mostSpent || s.until[s.order[0]].Before(now)) {
		delete(s.until, s.order[0])
		s.order = s.order[1:]
	}
	if _, gone := s.until[id]; gone {
		return false
	}
	s.until[id] = now.Add(workLife)
	s.order = append(s.order, id)
	return true
}

// has says whether a challenge was spent.
func (s *spent) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, gone := s.until[id]
	return gone
}
