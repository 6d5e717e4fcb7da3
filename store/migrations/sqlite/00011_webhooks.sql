-- +goose Up
-- Who is told of what happens to people, as the configuration has it: kept in
-- step when the daemon starts. Where nobody is, nothing is written.
CREATE TABLE webhook_endpoint (
	id       TEXT PRIMARY KEY,
	hash     TEXT NOT NULL, -- SHA-256 of its address: another one is another endpoint
	scoped   INTEGER NOT NULL, -- 1: only of the lists and newsletters in webhook_wish
	disabled TEXT NOT NULL DEFAULT '' -- why it is told nothing; empty: it is told
);
CREATE TABLE webhook_wish (
	endpoint TEXT NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
	what     TEXT NOT NULL CHECK (what IN ('event', 'list', 'newsletter')),
	name     TEXT NOT NULL,
	PRIMARY KEY (endpoint, what, name)
) WITHOUT ROWID;

-- What is to be told, and was: one row an event and endpoint, written by
-- triggers in the transaction of the change. It has its own copy of the person,
-- so that each attempt says the same.
CREATE TABLE webhook (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	message    TEXT NOT NULL UNIQUE, -- the webhook-id
	endpoint   TEXT NOT NULL,
	kind       TEXT NOT NULL,
	subscriber INTEGER, -- NULL: it is about nobody
	list       TEXT NOT NULL DEFAULT '',
	newsletter TEXT NOT NULL DEFAULT '',
	state      TEXT NOT NULL DEFAULT '',
	was        TEXT NOT NULL DEFAULT '', -- the state before; of changed the person before, of imported the counts, as JSON
	how        TEXT NOT NULL DEFAULT '',
	address    TEXT NOT NULL DEFAULT '',
	name       TEXT NOT NULL DEFAULT '',
	attributes TEXT NOT NULL DEFAULT '{}',
	tags       TEXT NOT NULL DEFAULT '[]',
	at         TEXT NOT NULL,
	due        TEXT DEFAULT '', -- empty: at once; NULL: it has ended
	attempt    INTEGER NOT NULL DEFAULT 0,
	ended      TEXT NOT NULL DEFAULT '' CHECK (ended IN ('', 'delivered', 'failed', 'dropped', 'erased'))
);
CREATE INDEX webhook_due ON webhook (endpoint, due, id) WHERE due IS NOT NULL;
CREATE INDEX webhook_of ON webhook (subscriber, endpoint, id) WHERE subscriber IS NOT NULL;
CREATE INDEX webhook_at ON webhook (at);

CREATE TABLE webhook_attempt (
	id      INTEGER PRIMARY KEY,
	webhook INTEGER NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
	at      TEXT NOT NULL,
	took    INTEGER NOT NULL, -- milliseconds
	status  INTEGER NOT NULL, -- of the answer; 0: none came
	reply   TEXT NOT NULL -- its beginning, or what was wrong
);
CREATE INDEX webhook_attempt_of ON webhook_attempt (webhook);

-- A row in here, put in and taken out by one transaction, silences the triggers
-- for it: an import is told of once, as a whole.
CREATE TABLE webhook_quiet (id INTEGER PRIMARY KEY);

-- Whatever is inserted here is told to whoever wants to know.
CREATE VIEW webhook_telling AS
SELECT '' AS kind, 0 AS subscriber, '' AS list, '' AS newsletter, '' AS state, '' AS was, '' AS how, '' AS at;
-- +goose StatementBegin
CREATE TRIGGER webhook_tell INSTEAD OF INSERT ON webhook_telling BEGIN
	INSERT INTO webhook (message, endpoint, kind, subscriber, list, newsletter, state, was, how, address, name, attributes, tags, at)
	SELECT 'msg_' || lower(hex(randomblob(16))), e.id, NEW.kind, s.id, NEW.list, NEW.newsletter, NEW.state, NEW.was, NEW.how,
		s.address, s.name, s.attributes, s.tags, NEW.at
	FROM webhook_endpoint e JOIN subscriber s ON s.id = NEW.subscriber
	WHERE e.disabled = ''
		AND NOT EXISTS (SELECT 1 FROM webhook_quiet)
		AND EXISTS (SELECT 1 FROM webhook_wish w WHERE w.endpoint = e.id AND w.what = 'event' AND w.name = NEW.kind)
		AND (e.scoped = 0
			OR EXISTS (SELECT 1 FROM webhook_wish w WHERE w.endpoint = e.id AND w.what = 'list' AND w.name = NEW.list)
			OR EXISTS (SELECT 1 FROM webhook_wish w WHERE w.endpoint = e.id AND w.what = 'newsletter' AND w.name = NEW.newsletter)
			OR NEW.list = '' AND NEW.newsletter = '' AND EXISTS (
				SELECT 1 FROM subscription t JOIN webhook_wish w ON w.endpoint = e.id AND w.what = 'list' AND w.name = t.list
				WHERE t.subscriber = s.id));
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER webhook_subscription_made AFTER INSERT ON subscription
WHEN NEW.import IS NULL AND EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	VALUES (CASE NEW.state WHEN 'unsubscribed' THEN 'unsubscribed' ELSE 'subscribed' END, NEW.subscriber, NEW.list, '',
		NEW.state, '', CASE NEW.why WHEN '' THEN NEW.consent ELSE NEW.why END, NEW.changed);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_subscription_changed AFTER UPDATE OF state ON subscription
WHEN NEW.import IS NULL AND OLD.state <> NEW.state AND EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	VALUES (CASE WHEN NEW.state = 'unsubscribed' THEN 'unsubscribed'
			WHEN NEW.state = 'active' AND OLD.state = 'pending' THEN 'confirmed' ELSE 'subscribed' END,
		NEW.subscriber, NEW.list, '', NEW.state, OLD.state, CASE NEW.why WHEN '' THEN NEW.consent ELSE NEW.why END, NEW.changed);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_subscription_gone AFTER DELETE ON subscription
WHEN OLD.state <> 'unsubscribed' AND EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	VALUES ('unsubscribed', OLD.subscriber, OLD.list, '', 'removed', OLD.state, '', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_opt_out_made AFTER INSERT ON opt_out
WHEN EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	VALUES ('unsubscribed', NEW.subscriber, '', NEW.newsletter, 'opted out', '', NEW.why, NEW.at);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_opt_out_gone AFTER DELETE ON opt_out
WHEN EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	VALUES ('subscribed', OLD.subscriber, '', OLD.newsletter, '', 'opted out', '', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_suppression_made AFTER INSERT ON suppression
WHEN NEW.import IS NULL AND EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	SELECT 'suppressed', id, '', '', NEW.reason, '', NEW.note, NEW.at FROM subscriber WHERE key = NEW.key;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_suppression_changed AFTER UPDATE OF reason ON suppression
WHEN NEW.import IS NULL AND OLD.reason <> NEW.reason AND EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	SELECT 'suppressed', id, '', '', NEW.reason, OLD.reason, NEW.note, NEW.at FROM subscriber WHERE key = NEW.key;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_suppression_gone AFTER DELETE ON suppression
WHEN EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	SELECT 'unsuppressed', id, '', '', '', OLD.reason, '', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM subscriber WHERE key = OLD.key;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER webhook_person_changed AFTER UPDATE OF address, name, attributes, tags ON subscriber
WHEN (OLD.address <> NEW.address OR OLD.name <> NEW.name OR OLD.attributes <> NEW.attributes OR OLD.tags <> NEW.tags)
	AND EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	VALUES ('changed', NEW.id, '', '', '',
		json_object('address', OLD.address, 'name', OLD.name, 'attributes', json(OLD.attributes), 'tags', json(OLD.tags)),
		'', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
-- With the person goes what the outbox holds of it; whoever knows it by its
-- number is told that it is gone.
-- +goose StatementBegin
CREATE TRIGGER webhook_person_gone BEFORE DELETE ON subscriber
WHEN EXISTS (SELECT 1 FROM webhook WHERE subscriber = OLD.id) OR EXISTS (SELECT 1 FROM webhook_endpoint) BEGIN
	UPDATE webhook_attempt SET reply = '' WHERE webhook IN (SELECT id FROM webhook WHERE subscriber = OLD.id);
	UPDATE webhook SET address = '', name = '', attributes = '{}', tags = '[]', was = '', how = '', due = NULL, ended = 'erased'
	WHERE subscriber = OLD.id;
	INSERT INTO webhook_telling (kind, subscriber, list, newsletter, state, was, how, at)
	VALUES ('erased', OLD.id, '', '', '', '', '', strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
	UPDATE webhook SET address = '', name = '', attributes = '{}', tags = '[]' WHERE subscriber = OLD.id AND kind = 'erased';
END;
-- +goose StatementEnd
