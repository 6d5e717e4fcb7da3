package newsroom

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lede/audience"
)

// forgetful notes when it was asked to remove what is older than when.
type forgetful struct {
	audience.Retainer
	asked []time.Duration // from the first moment on
	since time.Time
	fails error
}

func (f *forgetful) DropIPs(_ context.Context, before time.Time) (int, error) {
	if age := time.Since(before); age != 90*24*time.Hour {
		return 0, errors.New("wrong age: " + age.String())
	}
	f.asked = append(f.asked, time.Since(f.since))
	return 2, f.fails
}

// What is past its time is removed once a day, also after a day on which it
// failed, and what has no rule is not asked for.
func TestKeepRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keeps := &forgetful{since: time.Now(), fails: errors.New("the disk is full")}
		r := &Room{
			Retainer: keeps, Retention: audience.Retention{IP: 90 * 24 * time.Hour},
			Now: time.Now, Log: slog.New(slog.DiscardHandler),
		}
		ctx, stop := context.WithTimeout(t.Context(), 50*time.Hour)
		defer stop()
		r.keepRetention(ctx)
		if want := []time.Duration{retainFirst, retainFirst + retainEvery, retainFirst + 2*retainEvery}; !slices.Equal(keeps.asked, want) {
			t.Errorf("asked at %v, want %v", keeps.asked, want)
		}
	})
}
