-- +goose Up
-- Who asked for a newsletter, until a time after which the code is good for
-- nothing. The code stands in the mail that asks whether it was really them.
-- Asked again meanwhile, the code stays, so that each of the mails works.
CREATE TABLE sign_up (
	id         INTEGER PRIMARY KEY,
	key        TEXT NOT NULL, -- of the address, as in subscriber
	newsletter TEXT NOT NULL,
	code       TEXT NOT NULL UNIQUE,
	lists      TEXT NOT NULL, -- that they come to, a JSON array
	address    TEXT NOT NULL,
	name       TEXT NOT NULL DEFAULT '',
	attributes TEXT NOT NULL DEFAULT '{}', -- JSON
	language   TEXT NOT NULL DEFAULT '', -- of the pages that they read
	how        TEXT NOT NULL, -- the way, in one line
	ip         TEXT NOT NULL DEFAULT '',
	agreement  INTEGER NOT NULL DEFAULT 0,
	asked      TEXT NOT NULL,
	until      TEXT NOT NULL,
	reminded   INTEGER NOT NULL DEFAULT 0, -- 1: by the one mail that reminds
	made       INTEGER NOT NULL DEFAULT 0, -- 1: the person was not known before
	confirmed  TEXT, -- NULL: not yet
	UNIQUE (key, newsletter)
);
CREATE INDEX sign_up_until ON sign_up (until);

-- Mails of our own to one person each: written until a relay took them, or
-- until they are of no use any more. Those that were sent stay for a day, since
-- nobody gets many a day.
CREATE TABLE outbox (
	id         TEXT PRIMARY KEY, -- random; makes the Message-ID
	kind       TEXT NOT NULL,
	newsletter TEXT NOT NULL,
	key        TEXT NOT NULL, -- of the address that it goes to
	address    TEXT NOT NULL,
	token      TEXT NOT NULL DEFAULT '', -- of the link in it
	fill       TEXT NOT NULL DEFAULT '{}', -- JSON: what its words are filled with
	language   TEXT NOT NULL DEFAULT '',
	at         TEXT NOT NULL,
	due        TEXT, -- NULL: it was sent, or given up
	until      TEXT NOT NULL,
	attempt    INTEGER NOT NULL DEFAULT 0,
	reply      TEXT NOT NULL DEFAULT '' -- what was wrong with the last attempt
);
CREATE INDEX outbox_due ON outbox (due) WHERE due IS NOT NULL;
CREATE INDEX outbox_key ON outbox (key, at);
