package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// The sender's lock on PostgreSQL is an advisory lock in a transaction that is
// kept open on a connection of its own: it ends with the process, whatever way
// that ends, and works through poolers too. The transaction has read nothing
// and written nothing, so it holds up no vacuum.

const (
	// senderGone is how long a lock that another has is asked for again: the
	// server needs a moment to notice that a killed sender is gone.
	senderGone = 500 * time.Millisecond
	// senderBeat is how often the lock's connection is tried.
	senderBeat = 5 * time.Second
	// senderAgain is the wait between tries to have a lost lock again.
	senderAgain = 500 * time.Millisecond
	// senderCalls is how the lock's connection names itself to the server, with
	// the process id and the machine's name behind it.
	senderCalls = "lede sender "
)

// acquire implements dialect.acquire.
func (p *postgres) acquire(ctx context.Context) (*sendersLock, error) {
	conn, err := p.lock(ctx)
	var other ErrSender
	for start := time.Now(); errors.As(err, &other) && time.Since(start) < senderGone; {
		time.Sleep(senderGone / 10)
		conn, err = p.lock(ctx)
	}
	if err != nil {
		return nil, err
	}
	keeping, stop := context.WithCancel(context.Background())
	k := &lockKeeper{postgres: p, taken: make(chan struct{})}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		k.keep(keeping, conn)
	}()
	return &sendersLock{
		held:    k.state,
		taken:   k.taken,
		release: func() { stop(); <-gone },
	}, nil
}

// lock takes the lock on a new connection, or fails with ErrSender.
func (p *postgres) lock(ctx context.Context) (*pgx.Conn, error) {
	config := p.config.Copy()
	host, _ := os.Hostname()
	config.RuntimeParams["application_name"] = senderCalls + strconv.Itoa(os.Getpid()) + " " + host
	// With the extended protocol the last SELECT's portal would stay open, and
	// its snapshot with it: no version of a row could then be cleared away
	// while the lock is held.
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	locked, err := tryLock(ctx, conn)
	if err == nil && locked {
		return conn, nil
	}
	defer closeNow(conn)
	if err != nil {
		return nil, err
	}
	return nil, p.holder(ctx, conn)
}

// tryLock opens the transaction, lets nothing end it for its age, and asks for
// the lock in it.
func tryLock(ctx context.Context, conn *pgx.Conn) (locked bool, err error) {
	if _, err := conn.Exec(ctx, `BEGIN ISOLATION LEVEL READ COMMITTED`); err != nil {
		return false, err
	}
	if _, err := conn.Exec(ctx, postgresSession, true); err != nil {
		return false, err
	}
	_, err = conn.Exec(ctx, `
		SELECT set_config(name, '0', true) FROM pg_settings
		WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')`)
	if err != nil {
		return false, err
	}
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1 || current_schema(), 0))`, lockOfSender).Scan(&locked)
	return locked, err
}

// holder says who has the lock.
func (p *postgres) holder(ctx context.Context, conn *pgx.Conn) error {
	other := ErrSender{File: p.name}
	var calls string
	err := conn.QueryRow(ctx, `
		SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended($1 || current_schema(), 0)`, lockOfSender).Scan(&calls)
	if errors.Is(err, pgx.ErrNoRows) { // gone meanwhile
		return other
	}
	if err != nil {
		return err
	}
	if who, is := strings.CutPrefix(calls, senderCalls); is {
		pid, host, _ := strings.Cut(who, " ")
		other.PID, _ = strconv.Atoi(pid)
		other.Host = host
	}
	return other
}

// lockKeeper watches over the lock's connection.
type lockKeeper struct {
	postgres *postgres
	taken    chan struct{}

	mu  sync.Mutex
	err error // why the lock is not held
}

func (k *lockKeeper) state() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.err
}

func (k *lockKeeper) set(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// keep holds the lock until ctx ends. When its connection is lost it gets the
// lock again, unless another sender has it: that one goes on with everything.
func (k *lockKeeper) keep(ctx context.Context, conn *pgx.Conn) {
	for {
		lost := watch(ctx, conn)
		closeNow(conn)
		if ctx.Err() != nil {
			return
		}
		k.set(&FileError{File: k.postgres.name, What: "the connection that holds the sender's lock was lost; nothing is sent until it is back", Err: lost})
		for conn = nil; conn == nil; {
			select {
			case <-ctx.Done():
				return
			case <-time.After(senderAgain):
			}
			var err error
			conn, err = k.postgres.lock(ctx)
			var other ErrSender
			if errors.As(err, &other) {
				k.set(fmt.Errorf("the connection to the database was lost, and meanwhile %w", other))
				close(k.taken)
				return
			}
		}
		k.set(nil)
	}
}

// watch returns when ctx ends or the connection does not work any more.
func watch(ctx context.Context, conn *pgx.Conn) error {
	for {
		wait, cancel := context.WithTimeout(ctx, senderBeat)
		_, err := conn.WaitForNotification(wait) // none comes: it tells at once when the connection is cut
		cancel()
		var late net.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !errors.Is(err, context.DeadlineExceeded) && !(errors.As(err, &late) && late.Timeout()):
			return err
		}
		wait, cancel = context.WithTimeout(ctx, senderBeat)
		err = conn.Ping(wait)
		cancel()
		if err != nil {
			return err
		}
	}
}
