package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/postgres/*.sql
var postgresMigrations embed.FS

const (
	// postgresOldest is the oldest version that works: server_version_num.
	postgresOldest = 130000
	// Connections of one process: a writer is busy while a commit is on its way
	// to the disk. One more holds the sender's lock.
	postgresWriters = 6
	postgresReaders = 4
	postgresIdle    = 5 * time.Minute // an unused connection is closed after it
	postgresConnect = 10 * time.Second
)

// postgres is one database on a server.
type postgres struct {
	config *pgx.ConnConfig
	name   string
	// pooled says that a pooler stands between, which may give each transaction
	// another connection to the server: nothing is kept in a session then.
	pooled bool
}

func postgresDialect(dsn string) (dialect, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil { // which repeats the address, and a password that it does not recognise as one
		return dialect{}, errors.New("data: no address of a PostgreSQL database; write postgres://user:password@host:5432/database, and signs such as @ : / ? # in a password as %40 %3A %2F %3F %23")
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "lede"
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = postgresConnect
	}
	// A server that is gone without a word is noticed within half a minute.
	dialer := &net.Dialer{
		Timeout:         config.ConnectTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	config.DialFunc = dialer.DialContext
	p := &postgres{config: config, name: postgresName(config)}
	d := dialect{
		name:       p.name,
		goose:      goose.DialectPostgres,
		migrations: migrationsIn(postgresMigrations, "migrations/postgres"),
		alone:      p.alone,
		connect:    p.connect,
		check:      p.check,
		begin:      p.begin,
		reads:      &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		isUnique:   func(err error) bool { return sqlState(err) == "23505" },
		again: func(err error) bool {
			state := sqlState(err)
			return state == "40001" || state == "40P01" || errors.Is(err, errAgain)
		},
		forUpdate: func(table string) string { return " FOR NO KEY UPDATE OF " + table },
		replies:   `(SELECT id, reply FROM unnest(CAST($8 AS BIGINT[]), CAST($9 AS TEXT[])) AS r (id, reply))`,
		replyArgs: func(ids []int64, replies []string) []any { return []any{ids, replies} },
		pass:      `SELECT pass_gate($1, $2, $3)`,
		// Changing nothing, it waits for a transaction that has not ended.
		lastMark: `
			INSERT INTO ledger_mark (mark, n) VALUES ($1, 0)
			ON CONFLICT (mark) DO UPDATE SET n = ledger_mark.n RETURNING n`,
		// Plans made while the table was small would read all of it.
		grown:     `ANALYZE delivery`,
		attribute: func(name string) string { return `(CAST(s.attributes AS json) ->> '` + name + `') COLLATE "C"` },
		attributeOf: func(param string) string {
			return `(CAST(s.attributes AS json) ->> CAST(` + param + ` AS TEXT)) COLLATE "C"`
		},
		attributeName: clean,
		found:         func(text, part string) string { return `strpos(` + text + `, ` + part + `) > 0` },
		numeric: func(text string) string {
			return `(` + text + ` ~ '^-?[0-9]+([.][0-9]+)?$' AND length(replace(replace(` + text + `, '-', ''), '.', '')) <= 15)`
		},
		dated: func(text string) string { return text + ` ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}'` },
		member: func(column, name string) string {
			return `(CAST(` + column + ` AS json) ->> '` + name + `') COLLATE "C"`
		},
		explain: postgresExplain,
		acquire: p.acquire,
	}
	return d, nil
}

// postgresName is the database's address without password and settings.
func postgresName(c *pgx.ConnConfig) string {
	if strings.HasPrefix(c.Host, "/") {
		return fmt.Sprintf("postgres://%s@/%s?host=%s", c.User, c.Database, c.Host)
	}
	host := c.Host
	if c.Port != 5432 {
		host = net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
	}
	return fmt.Sprintf("postgres://%s@%s/%s", c.User, host, c.Database)
}

// Keys of advisory locks, with the schema's name behind them: other schemas of
// the database may hold other newsrooms.
const (
	lockOfMigrations = "lede migrations "
	lockOfSender     = "lede sender "
)

// alone implements dialect.alone. The lock lives as long as a transaction, not
// a session: that works through poolers too.
func (p *postgres) alone(ctx context.Context) (func(), error) {
	config := p.config.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeExec // prepares nothing
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	unlock := func() { closeNow(conn) }
	var pid uint32
	if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
		unlock()
		return nil, err
	}
	// A pooler has told us a number of its own.
	p.pooled = pid != conn.PgConn().PID()
	if p.pooled && p.config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		p.config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if _, err = conn.Exec(ctx, `BEGIN`); err == nil {
		_, err = conn.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1 || current_schema(), 0))`, lockOfMigrations)
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// closeNow closes a connection, without waiting for a server that is gone.
func closeNow(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// postgresSession is what a connection needs: commits that are on disk, and a
// server that notices within a minute when this machine is gone, so that what
// it held is free again.
const postgresSession = `
	SELECT set_config('synchronous_commit', 'on', $1) WHERE current_setting('synchronous_commit') = 'off'
	UNION ALL SELECT set_config('idle_in_transaction_session_timeout', '60000', $1)
	UNION ALL SELECT set_config('tcp_keepalives_idle', '10', $1)
	UNION ALL SELECT set_config('tcp_keepalives_interval', '10', $1)
	UNION ALL SELECT set_config('tcp_keepalives_count', '3', $1)`

func (p *postgres) connect(context.Context) (writer, reader *sql.DB, err error) {
	var options []stdlib.OptionOpenDB
	if !p.pooled {
		options = append(options, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, postgresSession, false)
			if err != nil {
				closeNow(conn)
			}
			return err
		}))
	}
	writer, reader = stdlib.OpenDB(*p.config, options...), stdlib.OpenDB(*p.config, options...)
	for db, most := range map[*sql.DB]int{writer: postgresWriters, reader: postgresReaders} {
		db.SetMaxOpenConns(most)
		db.SetMaxIdleConns(most)
		db.SetConnMaxIdleTime(postgresIdle)
	}
	return writer, reader, nil
}

// begin implements dialect.begin.
func (p *postgres) begin(ctx context.Context, tx *sql.Tx) error {
	if !p.pooled {
		return nil
	}
	_, err := tx.ExecContext(ctx, postgresSession, true)
	return err
}

// check implements dialect.check.
func (p *postgres) check(ctx context.Context, db *sql.DB) error {
	var version, others, ours int
	var encoding string
	var schema sql.NullString
	var standby, create bool
	err := db.QueryRowContext(ctx, `
		SELECT CAST(current_setting('server_version_num') AS INTEGER), current_setting('server_encoding'), current_schema(),
			pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
			coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
			(SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'goose_db_version'),
			(SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'token_key')`).
		Scan(&version, &encoding, &schema, &standby, &create, &others, &ours)
	if err != nil {
		return err
	}
	switch {
	case version < postgresOldest:
		return p.unfit("runs on PostgreSQL %d; lede needs %d or newer", version/10000, postgresOldest/10000)
	case encoding != "UTF8":
		return p.unfit("keeps text as %s; make a database with ENCODING 'UTF8'", encoding)
	case standby:
		return p.unfit("cannot be written: the server only reads; name the primary server")
	case !schema.Valid:
		return p.unfit("has no schema for its tables; create one, or look at the user's search_path")
	case others > 0 && ours == 0:
		return p.unfit("has tables of another program in schema %s; name another database, or a schema of its own with ?search_path=lede", schema.String)
	case ours == 0 && !create:
		return p.unfit("does not let %s make tables; let that user own the database, or GRANT CREATE ON SCHEMA %s", p.config.User, schema.String)
	}
	return nil
}

func (p *postgres) unfit(what string, args ...any) error {
	return &FileError{File: p.name, What: fmt.Sprintf(what, args...), Err: errUnfit}
}

var errUnfit = errors.New("not a database that lede can use")

// sqlState is the code of a server's error, empty for any other.
func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// explained are errors of the server by their code, or its first two digits.
var explained = map[string]string{
	"28":    "the server refuses the user or the password; look at data in the configuration and at the server's pg_hba.conf",
	"3D000": "there is no such database; make it with createdb",
	"42501": "lede's user has no right to do that; let it own the database and its tables",
	"25006": "cannot be written: the server only reads; name the primary server",
	"53100": "the server's disk is full; make room, nothing is lost",
	"53200": "the server has no memory left",
	"53300": "the server has no connection left; raise its max_connections, or end other programs",
	"53400": "the server has reached a limit that is set for it",
	"55006": "another program keeps the server from doing it; try again",
	"55P03": "another program has kept it locked for too long; end that program, or try again",
	"57014": "the server ended a statement that took longer than its statement_timeout; raise that for lede's user",
	"57P05": "the server closed a connection that did nothing for longer than it allows",
	"57P":   "the server is stopping or starting; nothing is lost",
	"08":    "the connection to the server was lost",
	"25P03": "the server closed a transaction that it waited too long for",
	"58":    "the server cannot read or write its disk; see its log",
	"XX001": "is damaged; restore it from a backup",
	"XX002": "is damaged; restore it from a backup, or rebuild its indexes with REINDEX",
}

func postgresExplain(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		for _, code := range []string{e.Code, e.Code[:min(3, len(e.Code))], e.Code[:min(2, len(e.Code))]} {
			if what := explained[code]; what != "" {
				return what
			}
		}
		return ""
	}
	if errors.Is(err, context.Canceled) {
		return ""
	}
	var connecting *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &connecting):
		return "cannot be reached: " + dialCause(err) + "; is PostgreSQL running there?"
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed),
		errors.As(err, &network), strings.Contains(err.Error(), "conn closed"):
		return "the connection to the server was lost"
	case errors.Is(err, context.DeadlineExceeded):
		return "the server took too long"
	}
	return ""
}

// dialCause is why a connection can't be made, in one line: with several
// addresses of a host the driver has one for each.
func dialCause(err error) string {
	var dial *net.OpError
	var name *net.DNSError
	switch {
	case errors.As(err, &name):
		return "there is no host " + name.Name
	case errors.As(err, &dial) && dial.Err != nil:
		return dial.Err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer"
	case strings.Contains(err.Error(), "TLS"), strings.Contains(err.Error(), "certificate"):
		return "no TLS as sslmode wants it"
	}
	return "no answer that lede understands"
}
