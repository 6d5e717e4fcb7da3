package audience

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// FlagNoMail is an address whose domain takes no mail, as the DNS has it.
const FlagNoMail = "no-mail"

// MX asks for the domains of an import, each once and many at a time, whether
// they take mail (RFC 5321, section 5.1; RFC 7505). It may serve several imports.
type MX struct {
	// Ask says whether a domain, in ASCII, takes mail; known is false where that
	// could not be found out, which says nothing against an address.
	Ask func(ctx context.Context, domain string) (takes, known bool)

	mu    sync.Mutex
	found map[string]*exchange
}

// exchange is what is known of a domain.
type exchange struct {
	done         chan struct{} // closed when takes and known are set
	takes, known bool
}

const (
	askedAtOnce = 32
	mostDomains = 100_000 // that an import asks for; more are taken unasked
)

// of returns what is known of a domain, and asks when nothing is. It returns
// nil where too many were asked already.
func (m *MX) of(ctx context.Context, domain string, slots chan struct{}) *exchange {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.found == nil {
		m.found = map[string]*exchange{}
	}
	x := m.found[domain]
	if x != nil || len(m.found) >= mostDomains {
		return x
	}
	x = &exchange{done: make(chan struct{})}
	m.found[domain] = x
	go func() {
		defer close(x.done)
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			x.takes, x.known = m.Ask(ctx, domain)
		case <-ctx.Done():
		}
	}()
	return x
}

// exchanges are the domains of one import.
type exchanges struct {
	mx    *MX // nil: nobody is asked
	slots chan struct{}
	of    map[string]*atDomain
}

// atDomain are the addresses of a domain.
type atDomain struct {
	exchange *exchange
	first    Flagged
	rows     int
}

func newExchanges(mx *MX) exchanges {
	return exchanges{mx: mx, slots: make(chan struct{}, askedAtOnce), of: map[string]*atDomain{}}
}

// add notes a row, and has its domain asked for.
func (e *exchanges) add(ctx context.Context, file string, row *Row) {
	if e.mx == nil {
		return
	}
	d := e.of[row.Domain]
	if d == nil {
		x := e.mx.of(ctx, row.Domain, e.slots)
		if x == nil {
			return
		}
		d = &atDomain{exchange: x, first: Flagged{File: file, Line: row.Line, Address: row.Address}}
		e.of[row.Domain] = d
	}
	d.rows++
}

// flag waits for the answers and flags one address of each domain that takes no
// mail, in the order of the file.
func (e *exchanges) flag(survey *Survey) {
	var dead []Flagged
	for domain, d := range e.of {
		<-d.exchange.done
		if d.exchange.takes || !d.exchange.known {
			continue
		}
		survey.Flags[FlagNoMail] += d.rows
		d.first.Flag = "is at a domain that takes no mail (" + domain + ")"
		if d.rows > 1 {
			d.first.Flag += fmt.Sprintf(", as are %d more", d.rows-1)
		}
		dead = append(dead, d.first)
	}
	slices.SortFunc(dead, func(x, y Flagged) int { return x.Line - y.Line })
	survey.Flagged = append(survey.Flagged, dead[:min(len(dead), max(0, maxKept-len(survey.Flagged)))]...)
}
