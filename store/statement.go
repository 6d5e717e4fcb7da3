package store

import (
	"context"
	"database/sql"
)

// statement is one that runs often. SQLite's driver parses it once, ahead; pgx
// keeps by itself what a connection has parsed, where a pooler lets it.
type statement struct {
	text     string
	prepared *sql.Stmt // nil: the driver sees to it
}

// runner runs one statement.
type runner interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, args ...any) *sql.Row
}

// in is the statement in a transaction.
func (p *statement) in(ctx context.Context, tx *sql.Tx) runner {
	if p.prepared != nil {
		return tx.StmtContext(ctx, p.prepared)
	}
	return unprepared{tx, p.text}
}

// unprepared is a statement in a transaction, told by its text.
type unprepared struct {
	tx   *sql.Tx
	text string
}

func (u unprepared) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return u.tx.ExecContext(ctx, u.text, args...)
}

func (u unprepared) QueryContext(ctx context.Context, args ...any) (*sql.Rows, error) {
	return u.tx.QueryContext(ctx, u.text, args...)
}

func (u unprepared) QueryRowContext(ctx context.Context, args ...any) *sql.Row {
	return u.tx.QueryRowContext(ctx, u.text, args...)
}
