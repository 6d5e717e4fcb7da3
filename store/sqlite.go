package store

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

// sqliteReaders is how many connections to a file read at a time.
const sqliteReaders = 4

func sqliteDialect(file string) dialect {
	return dialect{
		name:       file,
		goose:      goose.DialectSQLite3,
		migrations: migrationsIn(sqliteMigrations, "migrations/sqlite"),
		alone: func(ctx context.Context) (func(), error) {
			if err := makeFile(file); err != nil {
				return nil, err
			}
			// Turning a new file into a WAL database is nothing for two either.
			return lockFolder(ctx, filepath.Dir(file))
		},
		connect: func(context.Context) (writer, reader *sql.DB, err error) {
			if writer, err = sql.Open("sqlite", sqliteWriting(file)); err != nil {
				return nil, nil, err
			}
			writer.SetMaxOpenConns(1)
			if reader, err = sql.Open("sqlite", sqliteReading(file)); err != nil {
				return writer, nil, err
			}
			reader.SetMaxOpenConns(sqliteReaders)
			reader.SetMaxIdleConns(sqliteReaders)
			return writer, reader, nil
		},
		check:     sqliteCheck,
		prepares:  true,
		isUnique:  sqliteIsUnique,
		again:     func(error) bool { return false },
		oneWriter: true,
		importing: sqliteImporting,
		forUpdate: func(string) string { return "" },
		replies:   `(SELECT CAST(key AS INTEGER) AS id, value AS reply FROM json_each($8))`,
		replyArgs: sqliteReplies,
		attribute: func(name string) string { return `s.attributes ->> '` + name + `'` },
		attributeOf: func(param string) string {
			return `CASE json_type(s.attributes, ` + param + `) WHEN 'text' THEN s.attributes ->> ` + param +
				` WHEN 'null' THEN NULL ELSE s.attributes -> ` + param + ` END`
		},
		attributeName: sqliteAttribute,
		found:         func(text, part string) string { return `instr(` + text + `, ` + part + `) > 0` },
		numeric:       sqliteNumeric,
		dated: func(text string) string {
			return text + ` GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]*'`
		},
		member:  func(column, name string) string { return column + ` ->> '` + name + `'` },
		explain: sqliteExplain,
		acquire: func(context.Context) (*sendersLock, error) { return lockFile(file) },
	}
}

// sqliteAttribute is the JSON path of an attribute. A name with a quotation mark
// or a backslash, which no import makes, is that of none.
func sqliteAttribute(name string) string {
	if strings.ContainsAny(name, "\"\\") {
		name = ""
	}
	return `$."` + clean(name) + `"`
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
			"cache_size(-4096)",            // KiB, negative by SQLite's convention; sorting takes as much again
			"journal_size_limit(67108864)", // bytes of log kept after a checkpoint
			"trusted_schema(0)",            // the file's own schema runs no functions
			"cell_size_check(1)",           // a damaged page is an error, not a guess
		},
	})
}

// sqliteImporting gives an import the memory for all pages that a chunk changes,
// so that each is written once, and lets the log grow, so that what chunk after
// chunk changes goes into the file once.
func sqliteImporting(ctx context.Context, writer *sql.DB, on bool) error {
	settings := `PRAGMA cache_size = -4096; PRAGMA temp_store = DEFAULT; PRAGMA wal_autocheckpoint = 1000`
	if on {
		settings = `PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 8000`
	}
	_, err := writer.ExecContext(ctx, settings)
	return err
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

// filePath returns the absolute path of the SQLite file that dsn names.
func filePath(dsn string) (string, error) {
	if scheme, _, is := strings.Cut(dsn, "://"); is {
		// What is behind it may hold a password: it is not repeated.
		return "", fmt.Errorf("%s:// is no database that lede knows; use a file, such as lede.db, or postgres://user@host/database", scheme)
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

// sqliteReplies is one JSON object, reply by id: json_each takes it apart at
// half the cost of an array of arrays.
func sqliteReplies(ids []int64, replies []string) []any {
	b := make([]byte, 0, 64*len(ids)+2)
	b = append(b, '{')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = strconv.AppendInt(b, id, 10)
		b = append(b, '"', ':')
		b = appendText(b, replies[i])
	}
	return []any{string(append(b, '}'))}
}

// appendText appends a text as JSON.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // never fails
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// sqliteNumeric says that a text is a number, without regular expressions.
func sqliteNumeric(text string) string {
	return `(` + text + ` GLOB '*[0-9]' AND (` + text + ` GLOB '[0-9]*' OR ` + text + ` GLOB '-[0-9]*')
		AND ` + text + ` NOT GLOB '*[^0-9.-]*' AND ` + text + ` NOT GLOB '?*-*' AND ` + text + ` NOT GLOB '*.*.*'
		AND length(replace(replace(` + text + `, '-', ''), '.', '')) <= 15)`
}
