package api

import (
	"context"
	"sync"
	"time"
)

// countsFor is how long counts of lists are answered again: counting reads the
// subscriptions of everybody.
const countsFor = 10 * time.Second

// countedLists are lists as they were counted last. One request counts at a
// time; the others wait for what it finds.
type countedLists struct {
	mu    sync.Mutex
	at    time.Time // zero: not counted
	lists []ListStates
}

// of returns the counts; read counts anew.
func (k *countedLists) of(ctx context.Context, now time.Time, read func(context.Context) ([]ListStates, error)) ([]ListStates, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if age := now.Sub(k.at); !k.at.IsZero() && age >= 0 && age < countsFor {
		return k.lists, nil
	}
	lists, err := read(ctx)
	if err != nil {
		return nil, err
	}
	k.at, k.lists = now, lists
	return lists, nil
}

// forget makes the next request count anew: something was changed here.
func (k *countedLists) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.at = time.Time{}
}
