-- +goose Up
-- A delivery takes two updates on its way, and a million of them are in one
-- table: its row is narrow, has an integer for a key, and stands in no index
-- that an update changes. What is due when is kept beside it.

-- The deliveries of one edition, with how many are in which state. Each
-- transaction that changes states changes the counts.
CREATE TABLE mailing (
	id         INTEGER PRIMARY KEY,
	edition    TEXT NOT NULL UNIQUE REFERENCES edition (id) ON DELETE CASCADE,
	newsletter TEXT NOT NULL,
	lists      TEXT NOT NULL,
	start      TEXT NOT NULL, -- nothing is due before
	pending    INTEGER NOT NULL DEFAULT 0,
	sending    INTEGER NOT NULL DEFAULT 0,
	sent       INTEGER NOT NULL DEFAULT 0,
	deferred   INTEGER NOT NULL DEFAULT 0,
	failed     INTEGER NOT NULL DEFAULT 0,
	in_doubt   INTEGER NOT NULL DEFAULT 0,
	skipped    INTEGER NOT NULL DEFAULT 0
);
INSERT INTO mailing (edition, newsletter, lists, start)
SELECT id, newsletter, lists, stored FROM edition WHERE stored IS NOT NULL ORDER BY stored, id;

-- The id is the mailing's and, in the lower 32 bits, the place in the snapshot.
-- A delivery outlives its subscriber: the sums of an edition stay what they were.
-- The state is pending, sending, sent, deferred, failed, in_doubt or skipped; a
-- CHECK would cost more than the update.
CREATE TABLE new_delivery (
	id         INTEGER PRIMARY KEY,
	mailing    INTEGER NOT NULL REFERENCES mailing (id) ON DELETE CASCADE,
	subscriber INTEGER NOT NULL,
	state      TEXT NOT NULL DEFAULT 'pending',
	attempt    INTEGER NOT NULL DEFAULT 0,
	doubts     INTEGER NOT NULL DEFAULT 0,
	code       INTEGER NOT NULL DEFAULT 0,
	domain     TEXT NOT NULL,
	relay      TEXT NOT NULL DEFAULT '',
	reply      TEXT NOT NULL DEFAULT '',
	first      TEXT, -- when it was first put off by a relay
	at         TEXT, -- when the last answer came
	UNIQUE (mailing, subscriber)
);
INSERT INTO new_delivery (id, mailing, subscriber, state, attempt, doubts, code, domain, relay, reply, first, at)
SELECT (m.id << 32) + d.pos, m.id, d.subscriber, d.state, d.attempt, d.doubts, d.code, d.domain, d.relay, d.reply,
	CASE d.attempt WHEN 0 THEN NULL ELSE d.first END, d.at
FROM mailing m JOIN delivery d ON d.edition = m.edition ORDER BY m.id, d.pos;

-- What never had its turn: the places next to last of the snapshot, due at one
-- time. Later places are due later.
CREATE TABLE batch (
	mailing INTEGER NOT NULL REFERENCES mailing (id) ON DELETE CASCADE,
	last    INTEGER NOT NULL,
	next    INTEGER NOT NULL,
	due     TEXT NOT NULL,
	PRIMARY KEY (mailing, last)
) WITHOUT ROWID;

-- What had its turn and is due again. Each delivery that is pending or deferred
-- is either here or in a batch.
CREATE TABLE later (
	mailing  INTEGER NOT NULL REFERENCES mailing (id) ON DELETE CASCADE,
	due      TEXT NOT NULL,
	delivery INTEGER NOT NULL,
	PRIMARY KEY (mailing, due, delivery)
) WITHOUT ROWID;
INSERT INTO later (mailing, due, delivery)
SELECT m.id, d.due, (m.id << 32) + d.pos
FROM mailing m JOIN delivery d ON d.edition = m.edition WHERE d.state IN ('pending', 'deferred');

DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;

UPDATE mailing SET pending = c.pending, sending = c.sending, sent = c.sent, deferred = c.deferred,
	failed = c.failed, in_doubt = c.in_doubt, skipped = c.skipped
FROM (
	SELECT mailing,
		count(CASE state WHEN 'pending' THEN 1 END) AS pending,
		count(CASE state WHEN 'sending' THEN 1 END) AS sending,
		count(CASE state WHEN 'sent' THEN 1 END) AS sent,
		count(CASE state WHEN 'deferred' THEN 1 END) AS deferred,
		count(CASE state WHEN 'failed' THEN 1 END) AS failed,
		count(CASE state WHEN 'in_doubt' THEN 1 END) AS in_doubt,
		count(CASE state WHEN 'skipped' THEN 1 END) AS skipped
	FROM delivery GROUP BY mailing
) AS c
WHERE mailing.id = c.mailing;

-- Whoever took back a consent of whatever kind, ever. Everybody was asked at the
-- snapshot; who is not in here has not changed their mind since, and a claim
-- asks all of who is. Triggers fill it, so that no statement can forget to.
CREATE TABLE withdrawal (
	subscriber INTEGER PRIMARY KEY
);
-- Editions that are being sent were snapshot before there was this table.
INSERT INTO withdrawal (subscriber)
SELECT DISTINCT subscriber FROM delivery WHERE state IN ('pending', 'deferred', 'sending') ORDER BY subscriber;

-- +goose StatementBegin
CREATE TRIGGER opt_out_made AFTER INSERT ON opt_out BEGIN
	INSERT INTO withdrawal (subscriber) VALUES (NEW.subscriber) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER opt_out_moved AFTER UPDATE ON opt_out BEGIN
	INSERT INTO withdrawal (subscriber) VALUES (NEW.subscriber) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_ended AFTER UPDATE ON subscription
WHEN OLD.state = 'active' AND (NEW.state <> 'active' OR NEW.list <> OLD.list OR NEW.subscriber <> OLD.subscriber) BEGIN
	INSERT INTO withdrawal (subscriber) VALUES (OLD.subscriber) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_gone AFTER DELETE ON subscription WHEN OLD.state = 'active' BEGIN
	INSERT INTO withdrawal (subscriber) VALUES (OLD.subscriber) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suppression_made AFTER INSERT ON suppression BEGIN
	INSERT INTO withdrawal (subscriber) SELECT id FROM subscriber WHERE key = NEW.key ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suppression_moved AFTER UPDATE OF key ON suppression BEGIN
	INSERT INTO withdrawal (subscriber) SELECT id FROM subscriber WHERE key = NEW.key ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscriber_moved AFTER UPDATE OF id, key ON subscriber BEGIN
	INSERT INTO withdrawal (subscriber) VALUES (OLD.id), (NEW.id) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscriber_gone AFTER DELETE ON subscriber BEGIN
	INSERT INTO withdrawal (subscriber) VALUES (OLD.id) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- Mails that a relay took on a day in UTC ("2006-01-02").
CREATE TABLE relay_day (
	relay    TEXT NOT NULL,
	day      TEXT NOT NULL,
	accepted INTEGER NOT NULL,
	PRIMARY KEY (relay, day)
) WITHOUT ROWID;
