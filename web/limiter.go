package web

import (
	"container/list"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// limiter lets so many tries of a key pass in a time, first in one go, then
// evenly. It remembers the keys that tried last, so its memory is bounded; a
// key that it forgot begins anew.
type limiter struct {
	tries int           // that may come in one go
	per   time.Duration // in which as many come back
	most  int           // keys that are remembered

	mu    sync.Mutex
	keys  map[string]*list.Element
	order list.List // of *tried, the last one first
}

// tried is a key with the time at which none of its tries counts any more.
type tried struct {
	key  string
	free time.Time
}

func newLimiter(tries int, per time.Duration, most int) *limiter {
	return &limiter{tries: tries, per: per, most: most, keys: map[string]*list.Element{}}
}

// take counts a try at now. It returns zero when the try may pass, or else how
// long to wait; a try that may not pass does not count.
func (l *limiter) take(key string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.keys[key]
	if !known {
		at = l.order.PushFront(&tried{key: key, free: now})
		l.keys[key] = at
		if len(l.keys) > l.most {
			last := l.order.Back()
			delete(l.keys, l.order.Remove(last).(*tried).key)
		}
	}
	l.order.MoveToFront(at)
	t := at.Value.(*tried)
	if t.free.Before(now) {
		t.free = now
	}
	one := l.per / time.Duration(l.tries)
	if wait := t.free.Sub(now) + one - l.per; wait > 0 {
		return wait
	}
	t.free = t.free.Add(one)
	return 0
}

// visitor is the address that a request comes from. A proxy of ours says in
// X-Forwarded-For for whom it asks; what others write there counts for nothing,
// so the list is read from its end, as far as the proxies are ours.
func visitor(r *http.Request, proxies []netip.Prefix) netip.Addr {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	at := from.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(at, proxies); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	return at
}

func within(a netip.Addr, all []netip.Prefix) bool {
	for _, p := range all {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// networks are the two networks of an address that tries are counted for: one
// household or machine, and one provider's customer. For IPv4 they are the
// address and its /24, for IPv6 the /64 and the /48.
func networks(a netip.Addr) (near, wide string) {
	bits := [2]int{32, 24}
	if a.Is6() {
		bits = [2]int{64, 48}
	}
	if !a.IsValid() {
		return "?", "?"
	}
	one, _ := a.Prefix(bits[0])
	more, _ := a.Prefix(bits[1])
	return one.String(), more.String()
}
