package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

// dialect is what differs between the engines.
type dialect struct {
	driver     string
	goose      goose.Dialect
	migrations fs.FS

	// writing and reading make the driver's data source names.
	writing, reading func(file string) string
	// check refuses a database that is not ours to use, before anything is
	// changed in it.
	check func(ctx context.Context, db *sql.DB) error
	// isUnique says whether an error is the violation of a unique key.
	isUnique func(error) bool
	// forUpdate ends a SELECT whose rows of the table the same transaction is
	// about to change: nothing where a writing transaction is alone anyway.
	forUpdate func(table string) string
	// explain says in one line what is wrong with the database and what to do;
	// empty when the error is about something else.
	explain func(error) string
}

func sqliteDialect() dialect {
	migrations, err := fs.Sub(sqliteMigrations, "migrations/sqlite")
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return dialect{
		driver:     "sqlite",
		goose:      goose.DialectSQLite3,
		migrations: migrations,
		writing:    sqliteWriting,
		reading:    sqliteReading,
		check:      sqliteCheck,
		isUnique:   sqliteIsUnique,
		forUpdate:  func(string) string { return "" },
		explain:    sqliteExplain,
	}
}

// sqliteName is a URI: a plain path with a question mark in it would be cut
// there. mode=rw never makes a file, so that none is made with other rights
// than makeFile's.
func sqliteName(file string, params url.Values) string {
	params.Set("mode", "rw")
	params.Set("_busy_timeout", "10000") // milliseconds
	params.Set("_dqs", "0")              // "x" is a column, never by mistake a text
	params.Set("_error_rc", "1")
	uri := url.URL{Scheme: "file", OmitHost: true, Path: file, RawQuery: params.Encode()}
	return uri.String()
}

func sqliteWriting(file string) string {
	return sqliteName(file, url.Values{
		// A transaction that starts by reading and then writes fails at once
		// when another process wrote meanwhile; an immediate one waits first.
		"_txlock":       {"immediate"},
		"_journal_mode": {"WAL"},
		// NORMAL would lose the last commits in a power cut, and so double
		// mails.
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
		"_pragma": {
			"cache_size(-16384)",           // KiB, negative by SQLite's convention
			"journal_size_limit(67108864)", // bytes of log kept after a checkpoint
			"wal_autocheckpoint(1000)",     // pages
			"trusted_schema(0)",            // the file's own schema runs no functions
			"cell_size_check(1)",           // a damaged page is an error, not a guess
		},
	})
}

func sqliteReading(file string) string {
	return sqliteName(file, url.Values{"_query_only": {"1"}})
}

// sqliteCheck connects and refuses read-only files and strangers' databases.
func sqliteCheck(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil) // immediate: fails on a file that can't be written
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	var others, ours int
	err = tx.QueryRowContext(ctx, `
		SELECT count(*), count(CASE WHEN name = 'token_key' THEN 1 END) FROM sqlite_master
		WHERE type = 'table' AND name NOT IN ('goose_db_version', 'sqlite_sequence')`).Scan(&others, &ours)
	if err != nil {
		return err
	}
	if others > 0 && ours == 0 {
		return errForeign
	}
	return nil
}

var errForeign = errors.New("a database of another program")

func sqliteIsUnique(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

func sqliteExplain(err error) string {
	if errors.Is(err, errForeign) {
		return "is a database of another program; name another file"
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() & 0xff { // the upper bits tell the kinds of one error apart
	case sqlite3.SQLITE_FULL:
		return "the disk is full; make room, nothing is lost"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program has kept it locked for 10 seconds; end that program, or try again"
	case sqlite3.SQLITE_READONLY:
		return "cannot be written; lede must be allowed to write the file and its folder"
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return "cannot be opened; lede must be allowed to read and write the file and its folder"
	case sqlite3.SQLITE_NOTADB:
		return "is not a database of lede; name another file"
	case sqlite3.SQLITE_CORRUPT:
		return "is damaged; restore it from a backup"
	case sqlite3.SQLITE_IOERR:
		return fmt.Sprintf("reading or writing the disk failed (SQLite's code %d); see whether the disk is full, and the system's log", e.Code())
	}
	return ""
}
