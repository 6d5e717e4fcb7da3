package newsroom_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"lede/newsroom"
)

// TestShownIsSent: what a person said yes to is what is sent, though another
// story came while the question stood.
func TestShownIsSent(t *testing.T) {
	d := newDesk(t, filepath.Join(t.TempDir(), "lede.db"), "", "UTC")
	d.subscribe(t, 2)
	ctx := context.Background()
	order := newsroom.Order{Slot: time.Now().Truncate(time.Microsecond), ByHand: true}
	shown, err := d.Draft(ctx, d.n, order)
	if err != nil {
		t.Fatal(err)
	}
	d.Gatherer = onePerHour(time.Now().Add(-9 * time.Hour))
	order.Draft = &shown
	rep, err := d.Publish(ctx, d.n, order, time.Second)
	if err != nil || rep.Sent != 2 {
		t.Fatalf("%+v, %v", rep, err)
	}
	sent, err := d.store.Edition(ctx, rep.Edition)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sent.Content.Lead.Key, shown.Edition.Lead.Key; got != want || sent.Letter.HTML != shown.Letter.HTML {
		t.Errorf("sent %q, shown %q", got, want)
	}
}
