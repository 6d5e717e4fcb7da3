package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"lede/audience"
)

// A person's leaving is one act with a why and a time. Both stand in every row
// that it changed, so that Return finds them again and undoes just that act.

// Leave implements audience.Directory: it unsubscribes from all the lists
// given. Who left the newsletter before and leaves again takes the earlier act
// into this one, so that Return undoes both: a reader who pressed a mail
// program's button, and then the one on the page, means the same thing.
func (s *Store) Leave(ctx context.Context, id int64, newsletter string, lists []string, why string, now time.Time) error {
	why = clean(why)
	return s.change(ctx, id, "leaving "+newsletter, func(tx *sql.Tx) error {
		return leave(ctx, tx, id, newsletter, lists, why, now)
	})
}

func leave(ctx context.Context, tx *sql.Tx, id int64, newsletter string, lists []string, why string, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE subscription SET changed = $3, why = $4
		WHERE subscriber = $1 AND state = 'unsubscribed' AND (changed, why) IN (
			SELECT at, why FROM opt_out WHERE newsletter = $2 AND subscriber = $1)`, id, newsletter, stamp(now), why)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO opt_out (newsletter, subscriber, at, why) VALUES ($1, $2, $3, $4)
		ON CONFLICT (newsletter, subscriber) DO UPDATE SET at = excluded.at, why = excluded.why`,
		newsletter, id, stamp(now), why)
	if err != nil {
		return err
	}
	names, err := asRows(lists)
	if err != nil {
		return err
	}
	return unsubscribe(ctx, tx, id, `list IN (SELECT value ->> 0 FROM json_each($4))`, why, now, names)
}

// LeaveList implements audience.Directory.
func (s *Store) LeaveList(ctx context.Context, id int64, list, why string, now time.Time) error {
	why = clean(why)
	return s.change(ctx, id, "leaving list "+list, func(tx *sql.Tx) error {
		return unsubscribe(ctx, tx, id, `list = $4`, why, now, list)
	})
}

// everything stands for a newsletter in the opt-out of a person who left all of
// them, those to come included.
const everything = ""

// LeaveAll implements audience.Directory. What the person left before stays as
// it is, and is not undone with this.
func (s *Store) LeaveAll(ctx context.Context, id int64, newsletters []string, why string, now time.Time) error {
	why = clean(why)
	return s.change(ctx, id, "leaving everything", func(tx *sql.Tx) error {
		return leaveAll(ctx, tx, id, newsletters, why, now)
	})
}

func leaveAll(ctx context.Context, tx *sql.Tx, id int64, newsletters []string, why string, now time.Time) error {
	names, err := asRows(append([]string{everything}, newsletters...))
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO opt_out (newsletter, subscriber, at, why)
		SELECT value ->> 0, $1, $2, $3 FROM json_each($4) WHERE true
		ON CONFLICT (newsletter, subscriber) DO NOTHING`, id, stamp(now), why, names)
	if err != nil {
		return err
	}
	return unsubscribe(ctx, tx, id, `$4 = ''`, why, now, "")
}

// unsubscribe ends the person's subscriptions that the condition on $4 holds
// for and that have not ended yet. One that an import had ended is now the
// person's own wish, and is not undone with the import.
func unsubscribe(ctx context.Context, tx *sql.Tx, id int64, condition, why string, now time.Time, arg string) error {
	_, err := tx.ExecContext(ctx, `
		UPDATE subscription SET import = NULL,
			was = CASE state WHEN 'unsubscribed' THEN was ELSE state END, state = 'unsubscribed',
			changed = CASE state WHEN 'unsubscribed' THEN changed ELSE $2 END,
			why = CASE state WHEN 'unsubscribed' THEN why ELSE $3 END
		WHERE subscriber = $1 AND (state <> 'unsubscribed' OR import IS NOT NULL) AND `+condition, id, stamp(now), why, arg)
	return err
}

// Return implements audience.Directory. The act is found by its why and time
// (to the microsecond) alone; the newsletter may be that of the link that the
// reader came by, even where everything was left.
func (s *Store) Return(ctx context.Context, id int64, newsletter, why string, left, now time.Time) error {
	why = clean(why)
	return s.change(ctx, id, "returning to "+newsletter, func(tx *sql.Tx) error {
		opted, err := changed(ctx, tx, `DELETE FROM opt_out WHERE subscriber = $1 AND at = $2 AND why = $3`, id, stamp(left), why)
		if err != nil {
			return err
		}
		subscribed, err := changed(ctx, tx, `
			UPDATE subscription SET state = was, was = '', why = '', changed = $4, import = NULL
			WHERE subscriber = $1 AND state = 'unsubscribed' AND was <> '' AND changed = $2 AND why = $3`, id, stamp(left), why, stamp(now))
		if err != nil || opted+subscribed == 0 {
			return err
		}
		return noteAct(ctx, tx, id, audience.Act{At: now, What: audience.EntryReturn, About: newsletter, How: why})
	})
}

// change runs f in a transaction that may revoke and has the person for itself,
// if there is such a person.
func (s *Store) change(ctx context.Context, id int64, doing string, f func(*sql.Tx) error) error {
	err := s.write(ctx, func(tx *sql.Tx) error {
		if err := s.pass(ctx, tx, revokes); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, `SELECT id FROM subscriber WHERE id = $1`+s.dialect.forUpdate("subscriber"), id).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return audience.ErrNobody
		}
		if err != nil {
			return err
		}
		return f(tx)
	})
	if err != nil {
		return fmt.Errorf("subscriber %d: %s: %w", id, doing, err)
	}
	return nil
}
