// Package store keeps everything that outlives a process: people, editions,
// every single delivery, what earlier editions used, feeds and pictures.
//
// All of it is one SQLite file. Every method that changes something is one
// transaction, and when it returns without an error the change is on disk
// (synchronous=FULL). One connection writes, a few others read, in WAL mode, so
// that several processes may use the file side by side; who delivers must hold
// the lock of AcquireSender. Errors that come from the file name it and say
// what to do.
//
// The statements are one text for SQLite and PostgreSQL: $1, RETURNING,
// ON CONFLICT, and rows handed over as one JSON array of arrays, which
// json_each($1) unfolds into rows with one column, value (on PostgreSQL a
// function of that name on text). What differs stands in a dialect.
package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"

	"lede/audience"
	"lede/newsroom"
	"lede/send"
	"lede/source"
)

var (
	_ send.Ledger        = (*Ledger)(nil)
	_ newsroom.Editions  = (*Store)(nil)
	_ newsroom.Memory    = (*Store)(nil)
	_ newsroom.Pictures  = (*Store)(nil)
	_ newsroom.Agenda    = (*Store)(nil)
	_ source.Cache       = (*Store)(nil)
	_ audience.Importer  = (*Store)(nil)
	_ audience.Directory = (*Store)(nil)
)

// readers is how many connections read at a time.
const readers = 4

// Store is an open database. It is safe for concurrent use.
type Store struct {
	file    string // as errors name it
	dialect dialect
	writer  *sql.DB // one connection, immediate transactions
	reader  *sql.DB // several, that cannot write
	ledger  ledgerStatements
}

// Open opens the database that dsn names, the path of a SQLite file or
// "sqlite:" and such a path. It makes the file (mode 0600) if need be, in a
// folder that must exist, and brings its schema up to date. A schema that is
// newer than this binary is refused.
func Open(ctx context.Context, dsn string) (*Store, error) {
	file, err := filePath(dsn)
	if err != nil {
		return nil, err
	}
	if err := makeFile(file); err != nil {
		return nil, err
	}
	s := &Store{file: file, dialect: sqliteDialect()}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	return s, nil
}

// open connects, migrates and prepares.
func (s *Store) open(ctx context.Context) error {
	// Two processes that start together must not both turn the file into a WAL
	// database or both migrate it.
	unlock, err := lockFolder(ctx, filepath.Dir(s.file))
	if err != nil {
		return err
	}
	defer unlock()
	if s.writer, err = sql.Open(s.dialect.driver, s.dialect.writing(s.file)); err != nil {
		return err
	}
	s.writer.SetMaxOpenConns(1)
	if err := s.dialect.check(ctx, s.writer); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if s.reader, err = sql.Open(s.dialect.driver, s.dialect.reading(s.file)); err != nil {
		return err
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s.ledger.prepare(ctx, s.writer, s.dialect)
}

// migrate brings the schema up to date. The caller holds the folder's lock.
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
		return fmt.Errorf("%s was made by a newer Lede (schema %d, this one knows %d); upgrade lede", s.file, has, knows)
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

// write runs f in one transaction that may write.
func (s *Store) write(ctx context.Context, f func(*sql.Tx) error) error {
	return s.transact(ctx, s.writer, f)
}

// read runs f in one transaction that sees one state of the database.
func (s *Store) read(ctx context.Context, f func(*sql.Tx) error) error {
	return s.transact(ctx, s.reader, f)
}

func (s *Store) transact(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return s.explain(err)
	}
	if err := f(tx); err != nil {
		// The first error is the cause; a failed rollback would only repeat it.
		_ = tx.Rollback()
		return s.explain(err)
	}
	return s.explain(tx.Commit())
}

// FileError is trouble with the database's file, told in one line with what to
// do about it.
type FileError struct {
	File string
	What string
	Err  error
}

func (e *FileError) Error() string { return e.File + ": " + e.What }

// Unwrap returns the engine's error.
func (e *FileError) Unwrap() error { return e.Err }

// explain turns an engine's error about the file into a FileError and leaves
// every other error as it is.
func (s *Store) explain(err error) error {
	var told *FileError
	if err == nil || errors.As(err, &told) {
		return err
	}
	if what := s.dialect.explain(err); what != "" {
		return &FileError{File: s.file, What: what, Err: err}
	}
	return err
}

// filePath returns the absolute path of the SQLite file that dsn names.
func filePath(dsn string) (string, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		// The address may hold a password: it is not repeated.
		return "", errors.New("PostgreSQL is not supported by this version; use a file, such as lede.db")
	}
	file := strings.TrimPrefix(dsn, "sqlite:")
	if file == "" || strings.HasPrefix(file, ":memory:") {
		return "", fmt.Errorf("%q names no file; use a path, such as lede.db", dsn)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("the place of %s: %w", dsn, err)
	}
	return file, nil
}

// makeFile makes an empty file that only its owner can read. One that is there
// is not even opened: closing it would drop the locks that SQLite holds on it
// in this process (POSIX locks belong to the process).
func makeFile(file string) error {
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		return &FileError{File: file, What: "is a folder; name a file in it, such as " + filepath.Join(file, "lede.db"), Err: fs.ErrExist}
	case err == nil && !info.Mode().IsRegular():
		return &FileError{File: file, What: "is not an ordinary file; name another one", Err: fs.ErrInvalid}
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return &FileError{File: file, What: "cannot be reached: " + cause(err), Err: err}
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrExist): // another process was faster
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return &FileError{File: file, What: fmt.Sprintf("there is no folder %s; make it, or name a file elsewhere", filepath.Dir(file)), Err: err}
	}
	return &FileError{File: file, What: "cannot be made: " + cause(err) + "; lede must be allowed to write in its folder", Err: err}
}

// cause is the system's own word for what went wrong, without the path.
func cause(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
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

// asJSON is a value as JSON text.
func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}
