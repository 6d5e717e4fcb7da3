-- +goose Up
-- Times are text in UTC with fixed width, "2006-01-02T15:04:05.000000Z", so
-- that they compare as text on both engines.

CREATE TABLE token_key (
	id      INTEGER PRIMARY KEY,
	secret  BLOB NOT NULL,
	created TEXT NOT NULL
);
INSERT INTO token_key (id, secret, created)
VALUES (1, randomblob(32), strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));

CREATE TABLE subscriber (
	id         INTEGER PRIMARY KEY,
	key        TEXT NOT NULL UNIQUE,
	address    TEXT NOT NULL,
	domain     TEXT NOT NULL,
	name       TEXT NOT NULL DEFAULT '',
	attributes TEXT NOT NULL DEFAULT '{}',
	tags       TEXT NOT NULL DEFAULT '[]',
	salt       INTEGER NOT NULL,
	created    TEXT NOT NULL
);

CREATE TABLE subscription (
	list       TEXT NOT NULL,
	subscriber INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
	state      TEXT NOT NULL CHECK (state IN ('pending', 'active', 'unsubscribed')),
	changed    TEXT NOT NULL,
	consent    TEXT NOT NULL DEFAULT '', -- how it came about
	was        TEXT NOT NULL DEFAULT '', -- of an unsubscribed one: the state before
	why        TEXT NOT NULL DEFAULT '', -- of an unsubscribed one: how it ended
	PRIMARY KEY (list, subscriber)
);
CREATE INDEX subscription_of ON subscription (subscriber);

CREATE TABLE opt_out (
	newsletter TEXT NOT NULL,
	subscriber INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
	at         TEXT NOT NULL,
	why        TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (newsletter, subscriber)
);
CREATE INDEX opt_out_of ON opt_out (subscriber);

CREATE TABLE suppression (
	key     TEXT PRIMARY KEY,
	address TEXT NOT NULL,
	reason  TEXT NOT NULL,
	note    TEXT NOT NULL DEFAULT '',
	at      TEXT NOT NULL
);

CREATE TABLE edition (
	id         TEXT PRIMARY KEY,
	newsletter TEXT NOT NULL,
	slot       TEXT NOT NULL,
	by_hand    INTEGER NOT NULL DEFAULT 0,
	state      TEXT NOT NULL CHECK (state IN
		('assembling', 'waiting', 'sending', 'paused', 'done', 'skipped', 'cancelled', 'failed')),
	why        TEXT NOT NULL DEFAULT '',
	subject    TEXT NOT NULL DEFAULT '',
	content    TEXT,
	letter     TEXT,
	lists      TEXT NOT NULL DEFAULT '[]',
	started    TEXT NOT NULL,
	stored     TEXT,
	finished   TEXT,
	stale_at   TEXT,
	UNIQUE (newsletter, slot)
);
CREATE UNIQUE INDEX edition_assembling ON edition (newsletter) WHERE state = 'assembling';

CREATE TABLE edition_change (
	edition    TEXT NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	n          INTEGER NOT NULL,
	at         TEXT NOT NULL,
	from_state TEXT NOT NULL,
	to_state   TEXT NOT NULL,
	by         TEXT NOT NULL,
	why        TEXT NOT NULL,
	PRIMARY KEY (edition, n)
);

-- A delivery outlives its subscriber: the sums of an edition stay what they were.
CREATE TABLE delivery (
	edition    TEXT NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	pos        INTEGER NOT NULL,
	subscriber INTEGER NOT NULL,
	domain     TEXT NOT NULL,
	state      TEXT NOT NULL DEFAULT 'pending' CHECK (state IN
		('pending', 'sending', 'sent', 'deferred', 'failed', 'in_doubt', 'skipped')),
	first      TEXT NOT NULL,
	due        TEXT NOT NULL,
	attempt    INTEGER NOT NULL DEFAULT 0,
	doubts     INTEGER NOT NULL DEFAULT 0,
	relay      TEXT NOT NULL DEFAULT '',
	code       INTEGER NOT NULL DEFAULT 0,
	reply      TEXT NOT NULL DEFAULT '',
	at         TEXT,
	PRIMARY KEY (edition, pos),
	UNIQUE (edition, subscriber)
) WITHOUT ROWID;
CREATE INDEX delivery_due ON delivery (edition, due, pos) WHERE state IN ('pending', 'deferred');
CREATE INDEX delivery_sending ON delivery (edition) WHERE state = 'sending';
CREATE INDEX delivery_of ON delivery (subscriber);

-- A story runs once; version counts the updates of it that ran.
CREATE TABLE story_use (
	newsletter TEXT NOT NULL,
	source     TEXT NOT NULL,
	key        TEXT NOT NULL,
	version    INTEGER NOT NULL,
	edition    TEXT NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	canonical  TEXT NOT NULL,
	title      TEXT NOT NULL,
	text       TEXT NOT NULL,
	slot       TEXT NOT NULL,
	PRIMARY KEY (newsletter, source, key, version)
);
CREATE INDEX story_use_edition ON story_use (edition);

-- What was there when an edition was made, under the first edition that saw it.
CREATE TABLE story_seen (
	newsletter TEXT NOT NULL,
	source     TEXT NOT NULL,
	key        TEXT NOT NULL,
	edition    TEXT NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	PRIMARY KEY (newsletter, source, key)
);
CREATE INDEX story_seen_edition ON story_seen (edition);

CREATE TABLE feed (
	url           TEXT PRIMARY KEY,
	etag          TEXT NOT NULL,
	last_modified TEXT NOT NULL,
	type          TEXT NOT NULL,
	body          BLOB NOT NULL,
	fetched       TEXT
);

CREATE TABLE picture (
	name    TEXT PRIMARY KEY,
	type    TEXT NOT NULL,
	width   INTEGER NOT NULL,
	height  INTEGER NOT NULL,
	data    BLOB NOT NULL,
	created TEXT NOT NULL
);

CREATE TABLE agenda (
	newsletter TEXT PRIMARY KEY,
	looked     TEXT NOT NULL
);
