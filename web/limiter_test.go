package web

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	now := time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)
	l := newLimiter(3, 3*time.Minute, 100)
	for i := range 3 {
		if wait := l.take("a", now); wait != 0 {
			t.Fatalf("try %d waits %s", i, wait)
		}
	}
	for range 5 { // tries that may not pass don't make it longer
		if wait := l.take("a", now); wait != time.Minute {
			t.Errorf("the fourth waits %s, want a minute", wait)
		}
	}
	if wait := l.take("a", now.Add(time.Minute)); wait != 0 {
		t.Errorf("a minute later it waits %s", wait)
	}
	for i := range 10_000 {
		l.take(fmt.Sprint(i), now)
	}
	if len(l.keys) != 100 || l.order.Len() != 100 {
		t.Errorf("%d keys are remembered, %d in order", len(l.keys), l.order.Len())
	}
}

func TestNetworks(t *testing.T) {
	for address, want := range map[string][2]string{
		"192.0.2.77":           {"192.0.2.77/32", "192.0.2.0/24"},
		"2001:db8:1:2:3:4:5:6": {"2001:db8:1:2::/64", "2001:db8:1::/48"},
	} {
		if near, wide := networks(netip.MustParseAddr(address)); near != want[0] || wide != want[1] {
			t.Errorf("%s: %s and %s, want %s", address, near, wide, want)
		}
	}
	if near, _ := networks(netip.Addr{}); near != "?" {
		t.Errorf("no address: %s", near)
	}
}
