package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"lede/send"
)

// The gate keeps two kinds of transactions apart: those that claim deliveries,
// and those that take the right to get mail away, from a person (unsubscribe,
// opt-out, suppression) or from a whole edition (pause, cancel). So whatever was
// taken away before a claim commits is known to that claim. Many of one kind
// pass at a time. It is passed before anything else of the transaction: locks
// are always taken in the order gate, edition, subscribers, deliveries.
//
// On SQLite a transaction that writes is alone, and there is no gate.
type passage string

const (
	claims  passage = "claim"  // deals out deliveries, or puts some back
	revokes passage = "revoke" // takes away the right to get mail
	both    passage = "both"   // does both in one
)

// pass passes the gate.
func (s *Store) pass(ctx context.Context, tx *sql.Tx, as passage) error {
	return s.passMarked(ctx, tx, as, mark{})
}

// passMarked passes the gate and leaves a mark.
func (s *Store) passMarked(ctx context.Context, tx *sql.Tx, as passage, m mark) error {
	if s.dialect.pass == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, s.dialect.pass, string(as), m.name, m.n)
	return err
}

// mark is what a transaction of the ledger leaves in the database, to be known
// again by. A name is used by one transaction at a time, and the next one has
// the next number.
type mark struct {
	name string
	n    int64
}

// lostCommits are commits of the ledger whose answer got lost with the
// connection. Should one have been stored, nobody holds what it claimed.
type lostCommits struct {
	mu   sync.Mutex
	free []mark // names that no transaction uses
	all  []lostCommit
}

type lostCommit struct {
	mark       mark
	deliveries []send.Delivery
}

const (
	// patience is how long a ledger's transaction may take: longer, and the
	// connection is taken for dead.
	patience = 30 * time.Second
	// askFor is how long the fate of a commit is asked for at once.
	askFor = 3 * time.Second
)

// writeClaims is write for the ledger: the sender must still be the sender, it
// passes the gate, and a commit whose answer gets lost is settled. f fills
// claimed, and is run once.
func (s *Store) writeClaims(ctx context.Context, as passage, claimed *send.Claimed, f func(*sql.Tx) error) error {
	if lock := s.sender.Load(); lock != nil {
		if err := lock.held(); err != nil {
			return err
		}
	}
	if s.dialect.pass == "" {
		return s.writeOnce(ctx, f)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.settleLost(ctx); err != nil {
		return fmt.Errorf("settling a commit whose answer got lost: %w", err)
	}
	m := s.lost.take()
	err := s.writeOnce(ctx, func(tx *sql.Tx) error {
		if err := s.passMarked(ctx, tx, as, m); err != nil {
			return err
		}
		return f(tx)
	})
	var unsure *commitError
	if !errors.As(err, &unsure) {
		s.lost.put(m)
		return err
	}
	asking, stop := context.WithTimeout(context.WithoutCancel(ctx), askFor)
	defer stop()
	stored, unknown := s.wasStored(asking, m)
	if unknown != nil {
		s.lost.mu.Lock()
		defer s.lost.mu.Unlock()
		s.lost.all = append(s.lost.all, lostCommit{m, claimed.Deliveries})
		return err
	}
	s.lost.put(m)
	if stored {
		return nil
	}
	return err
}

// take gives a name to a transaction.
func (l *lostCommits) take() mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last := len(l.free) - 1; last >= 0 {
		m := l.free[last]
		l.free = l.free[:last]
		m.n++
		return m
	}
	return mark{name: rand.Text(), n: 1}
}

// put takes the name back when its transaction has ended.
func (l *lostCommits) put(m mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, m)
}

// wasStored says whether the transaction that left a mark was stored, once it
// has ended.
func (s *Store) wasStored(ctx context.Context, m mark) (bool, error) {
	for {
		var n int64
		err := s.writeOnce(ctx, func(tx *sql.Tx) error {
			return tx.QueryRowContext(ctx, s.dialect.lastMark, m.name).Scan(&n)
		})
		if err == nil {
			return n == m.n, nil
		}
		select {
		case <-ctx.Done():
			return false, err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// settleLost gives back what lost commits claimed: nothing of those mails was
// sent. What they stored besides is told again by the caller, and stays.
func (s *Store) settleLost(ctx context.Context) error {
	s.lost.mu.Lock()
	defer s.lost.mu.Unlock()
	for len(s.lost.all) > 0 {
		lost := s.lost.all[0]
		stored, err := s.wasStored(ctx, lost.mark)
		if err != nil {
			return err
		}
		if stored {
			err := s.write(ctx, func(tx *sql.Tx) error {
				if err := s.pass(ctx, tx, claims); err != nil {
					return err
				}
				return s.unclaim(ctx, tx, lost.deliveries, time.Now())
			})
			if err != nil {
				return err
			}
		}
		s.lost.all = s.lost.all[1:]
		s.lost.free = append(s.lost.free, lost.mark)
	}
	return nil
}
