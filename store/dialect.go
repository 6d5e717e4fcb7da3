package store

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// dialect is what differs between the engines, for one database.
type dialect struct {
	name       string // the database as errors call it, without a password
	goose      goose.Dialect
	migrations fs.FS

	// alone waits until no other process prepares this database.
	alone func(ctx context.Context) (unlock func(), err error)
	// connect makes the connections that write and those that read. With an
	// error it may have made some.
	connect func(ctx context.Context) (writer, reader *sql.DB, err error)
	// check refuses a database that is not ours to use, before anything is
	// changed in it.
	check func(ctx context.Context, db *sql.DB) error
	// begin readies a transaction that writes; nil: nothing is to be done.
	begin func(ctx context.Context, tx *sql.Tx) error
	// reads are the options of a transaction that only reads.
	reads *sql.TxOptions

	// prepares says that the ledger's statements are to be parsed ahead.
	prepares bool
	// isUnique says whether an error is the violation of a unique key.
	isUnique func(error) bool
	// again says that the engine ended the transaction because of another one,
	// and that running it again may help.
	again func(error) bool
	// oneWriter says that writing transactions run one at a time.
	oneWriter bool
	// importing readies the connection that writes for an import, and, with on
	// false, for all else again; nil: nothing is to be done.
	importing func(ctx context.Context, writer *sql.DB, on bool) error
	// forUpdate ends a SELECT whose rows of the table the same transaction is
	// about to change: nothing where a writing transaction is alone anyway.
	forUpdate func(table string) string
	// pass is the statement that passes the gate in the mode $1 and leaves the
	// mark $2, if it is not empty, with the number $3; empty where a writing
	// transaction is alone anyway.
	pass string
	// lastMark returns the number of the last transaction with the mark $1 that
	// was stored, once none with it is under way.
	lastMark string

	// grown is run when a snapshot made the table delivery larger; empty:
	// nothing is to be done.
	grown string
	// replies are rows (id, reply) in a FROM, of the parameters that replyArgs
	// makes, from $8 on.
	replies   string
	replyArgs func(ids []int64, replies []string) []any
	// attribute is the expression for one of a subscriber's attributes, of
	// table s; NULL when there is none.
	attribute func(name string) string
	// attributeOf is the expression for the text of the attribute of table s
	// that the parameter names as attributeName makes it; NULL when there is
	// none.
	attributeOf   func(param string) string
	attributeName func(name string) string
	// found, numeric and dated are conditions on a text: that another one is in
	// it, that it is a number as segment.IsNumber has it, that it begins with a
	// day as segment.IsDate has it.
	found          func(text, part string) string
	numeric, dated func(text string) string
	// member is the expression for a member of the JSON object that a column of
	// text holds; NULL when there is none.
	member func(column, name string) string

	// explain says in one line what is wrong with the database and what to do;
	// empty when the error is about something else.
	explain func(error) string
	// acquire makes this process the database's sender, or says who is.
	acquire func(ctx context.Context) (*sendersLock, error)
}

// migrationsIn is the folder of a dialect's migrations.
func migrationsIn(files embed.FS, folder string) fs.FS {
	sub, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the folder is compiled in
	}
	return sub
}
