// Package store keeps everything that outlives a process: people, editions,
// every single delivery, what earlier editions used, feeds and pictures.
//
// All of it is one SQLite file, or one PostgreSQL database. Every method that
// changes something is one transaction, and when it returns without an error
// the change is on disk. Several processes may use a database side by side; who
// delivers must hold the lock of AcquireSender. Errors that come from the
// database name it, never with its password, and say what to do.
//
// On SQLite (WAL, synchronous=FULL) one connection writes and a few others
// read: a transaction that writes is alone. On PostgreSQL many write at a time
// (READ COMMITTED), and what must not happen at the same time waits at the gate
// or at a row; docs/architecture.md says for what.
//
// The statements are one text for both: $1, RETURNING, ON CONFLICT, and rows
// handed over as one JSON array of arrays, which json_each($1) unfolds into
// rows with one column, value (on PostgreSQL a function of that name on text).
// What differs stands in a dialect.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"lede/audience"
	"lede/audience/segment"
	"lede/newsroom"
	"lede/send"
	"lede/source"
)

var (
	_ send.Ledger        = (*Ledger)(nil)
	_ newsroom.Editions  = (*Store)(nil)
	_ newsroom.Drafts    = (*Store)(nil)
	_ newsroom.Memory    = (*Store)(nil)
	_ newsroom.Pictures  = (*Store)(nil)
	_ newsroom.Agenda    = (*Store)(nil)
	_ source.Cache       = (*Store)(nil)
	_ audience.Importer  = (*Store)(nil)
	_ audience.Directory = (*Store)(nil)
)

// Store is an open database. It is safe for concurrent use.
type Store struct {
	// Places tell in which time zone people live; set before the first use.
	Places segment.Places

	dialect dialect
	writer  *sql.DB // transactions that write
	reader  *sql.DB // connections that cannot
	ledger  ledgerStatements
	sender  atomic.Pointer[sendersLock] // nil: this process is not the sender
	lost    lostCommits
}

// Open opens the database that dsn names and brings its schema up to date: the
// path of a SQLite file, "sqlite:" and such a path, or a PostgreSQL database as
// postgres://user:password@host:port/database?sslmode=… . It makes the file
// (mode 0600) if need be, in a folder that must exist; a PostgreSQL database
// must be there. A schema that is newer than this binary is refused, and so is
// a database with another program's tables.
func Open(ctx context.Context, dsn string) (*Store, error) {
	dialect, err := dialectOf(dsn)
	if err != nil {
		return nil, err
	}
	s := &Store{dialect: dialect}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	return s, nil
}

// Name is the database as errors call it: the path of its file, or its address
// without password.
func (s *Store) Name() string { return s.dialect.name }

// dialectOf is the engine of the database that dsn names.
func dialectOf(dsn string) (dialect, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return postgresDialect(dsn)
	}
	file, err := filePath(dsn)
	if err != nil {
		return dialect{}, err
	}
	return sqliteDialect(file), nil
}

// open connects, migrates and prepares.
func (s *Store) open(ctx context.Context) error {
	// Two processes that start together must not both migrate.
	unlock, err := s.dialect.alone(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if s.writer, s.reader, err = s.dialect.connect(ctx); err != nil {
		return err
	}
	if err := s.dialect.check(ctx, s.writer); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.ledger.prepare(ctx, s.writer, s.dialect)
}

// migrate brings the schema up to date. No other process does so meanwhile.
func (s *Store) migrate(ctx context.Context) error {
	provider, err := goose.NewProvider(s.dialect.goose, s.writer, s.dialect.migrations,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(log.New(io.Discard, "", 0)))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if has > knows {
		return fmt.Errorf("%s was made by a newer Lede (schema %d, this one knows %d); upgrade lede", s.dialect.name, has, knows)
	}
	if has == knows {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating from schema %d to %d: %w", has, knows, err)
	}
	return nil
}

// Close closes the database. The writer goes last: its closing moves the
// write-ahead log into the file.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// mostTries is how often a transaction is run that the engine ends because of
// another one.
const mostTries = 10

// write runs f in one transaction that may write. The engine may end it because
// of another one (a deadlock): then it is run again, so that f must be able to.
func (s *Store) write(ctx context.Context, f func(*sql.Tx) error) error {
	for try := 1; ; try++ {
		err := s.writeOnce(ctx, f)
		if err == nil || try == mostTries || !s.dialect.again(err) {
			return err
		}
		select { // so that the same two don't meet again
		case <-ctx.Done():
			return err
		case <-time.After(rand.N(time.Duration(try) * 10 * time.Millisecond)):
		}
	}
}

// writeOnce runs f in one transaction that may write.
func (s *Store) writeOnce(ctx context.Context, f func(*sql.Tx) error) error {
	return s.transact(ctx, s.writer, nil, func(tx *sql.Tx) error {
		if s.dialect.begin != nil {
			if err := s.dialect.begin(ctx, tx); err != nil {
				return err
			}
		}
		return f(tx)
	})
}

// read runs f in one transaction that sees one state of the database.
func (s *Store) read(ctx context.Context, f func(*sql.Tx) error) error {
	return s.transact(ctx, s.reader, s.dialect.reads, f)
}

func (s *Store) transact(ctx context.Context, db *sql.DB, options *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		return s.explain(err)
	}
	if err := f(tx); err != nil {
		// The first error is the cause; a failed rollback would only repeat it.
		_ = tx.Rollback()
		return s.explain(err)
	}
	if err := tx.Commit(); err != nil {
		return &commitError{s.explain(err)}
	}
	return nil
}

// commitError is an error of COMMIT itself. Where the connection was lost
// nobody knows whether the transaction is stored.
type commitError struct{ error }

func (e *commitError) Unwrap() error { return e.error }

// errAgain ends a transaction that met another one and is to be run again.
var errAgain = errors.New("another program changed the same rows meanwhile; try again")

// FileError is trouble with the database or its file, told in one line with
// what to do about it.
type FileError struct {
	File string // path of the file, or address of the database without password
	What string
	Err  error
}

func (e *FileError) Error() string { return e.File + ": " + e.What }

// Unwrap returns the engine's error.
func (e *FileError) Unwrap() error { return e.Err }

// explain turns an engine's error about the database into a FileError and
// leaves every other error as it is.
func (s *Store) explain(err error) error {
	var told *FileError
	if err == nil || errors.As(err, &told) {
		return err
	}
	if what := s.dialect.explain(err); what != "" {
		return &FileError{File: s.dialect.name, What: what, Err: err}
	}
	return err
}

// collect runs a query and scans all of its rows. It reads them to the end
// before it returns, as a transaction runs one statement at a time.
func collect[T any](ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, scan)
}

// scanAll scans all rows and closes them.
func scanAll[T any](rows *sql.Rows, scan func(*sql.Rows) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// changed runs a statement and returns how many rows it changed.
func changed(ctx context.Context, tx *sql.Tx, query string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// asRows is the JSON text that json_each unfolds into one row a value, each an
// array of that one value.
func asRows[T any](values []T) (string, error) {
	rows := make([][1]T, len(values))
	for i, v := range values {
		rows[i][0] = v
	}
	return asJSON(rows)
}

// asJSON is a value as JSON text, without the one character that not every
// engine keeps.
func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return withoutNUL(string(b)), err
}

// withoutNUL drops NUL characters from a JSON text. A backslash that stands
// before u0000 is itself escaped when an odd number of them is before it.
func withoutNUL(text string) string {
	const escaped = `\u0000`
	for from := 0; ; {
		i := strings.Index(text[from:], escaped)
		if i < 0 {
			return text
		}
		i += from
		before := len(text[:i]) - len(strings.TrimRight(text[:i], `\`))
		if before%2 == 0 {
			text = text[:i] + text[i+len(escaped):]
			from = i
		} else {
			from = i + len(escaped)
		}
	}
}
