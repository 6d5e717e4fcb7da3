package store

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
)

// PeopleQuery is a query for people to a database that is not ours.
type PeopleQuery struct {
	Driver string // postgres, mysql or sqlite
	DSN    string // as the driver has it; for sqlite the path of the file
	Query  string
}

// ErrQueryTooLarge says that a query's rows are more than the limit.
var ErrQueryTooLarge = errors.New("the rows of the query are larger than source.max_size")

// open opens the database, and returns what of its DSN is secret.
func (q PeopleQuery) open() (db *sql.DB, secret string, err error) {
	switch q.Driver {
	case "postgres":
		parsed, err := pgx.ParseConfig(q.DSN)
		if err != nil {
			return nil, "", errors.New("the DSN can't be read: write it like postgres://user@host/database")
		}
		db, err = sql.Open("pgx", q.DSN)
		return db, parsed.Password, err
	case "mysql":
		parsed, err := mysql.ParseDSN(q.DSN)
		if err != nil {
			return nil, "", errors.New("the DSN can't be read: write it like user@tcp(host:3306)/database")
		}
		db, err = sql.Open("mysql", q.DSN)
		return db, parsed.Passwd, err
	case "sqlite":
		file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: q.DSN}).EscapedPath()}
		db, err = sql.Open("sqlite", file.String()+"?mode=ro&_pragma=query_only(1)&_pragma=busy_timeout(10000)")
		return db, "", err
	}
	return nil, "", fmt.Errorf("driver %q: expected postgres, mysql or sqlite", q.Driver)
}

// Where names the database for people: the driver and, as far as they can be
// told, host and name; never the login.
func (q PeopleQuery) Where() string {
	switch q.Driver {
	case "postgres":
		if c, err := pgx.ParseConfig(q.DSN); err == nil {
			return fmt.Sprintf("postgres %s/%s", c.Host, c.Database)
		}
	case "mysql":
		if c, err := mysql.ParseDSN(q.DSN); err == nil {
			return fmt.Sprintf("mysql %s/%s", c.Addr, c.DBName)
		}
	case "sqlite":
		return "sqlite " + q.DSN
	}
	return q.Driver
}

// WriteCSV runs the query in a transaction that only reads, and writes its rows
// as CSV, with the names of the columns first, as they come: no more than most
// bytes. Errors hold no password.
func (q PeopleQuery) WriteCSV(ctx context.Context, out io.Writer, most int64) error {
	db, secret, err := q.open()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := q.write(ctx, db, &limited{out, most}); err != nil {
		text := err.Error()
		if secret != "" && strings.Contains(text, secret) {
			return errors.New(q.Where() + ": " + strings.ReplaceAll(text, secret, "********"))
		}
		return fmt.Errorf("%s: %w", q.Where(), err)
	}
	return nil
}

func (q PeopleQuery) write(ctx context.Context, db *sql.DB, out io.Writer) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // it changed nothing
	rows, err := tx.QueryContext(ctx, q.Query)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("the query gives no rows: a SELECT is wanted")
	}
	// A byte order mark says that it is UTF-8, so that nothing is guessed.
	if _, err := io.WriteString(out, "\uFEFF"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	if err := w.Write(names); err != nil {
		return err
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	texts := make([]string, len(names))
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			texts[i] = textOf(v)
		}
		if err := w.Write(texts); err != nil {
			return err
		}
	}
	w.Flush()
	return errors.Join(rows.Err(), w.Error())
}

// textOf writes a column's value as an import reads it.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.Format(time.RFC3339)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// limited is a writer that takes no more than so many bytes.
type limited struct {
	out  io.Writer
	left int64
}

func (l *limited) Write(p []byte) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, ErrQueryTooLarge
	}
	return l.out.Write(p)
}
