-- +goose Up
-- What people agreed to, each text once.
CREATE TABLE agreement (
	id   INTEGER PRIMARY KEY,
	text TEXT NOT NULL UNIQUE
);

-- From where the present state of a subscription was asked for, and what was
-- agreed to (0: no text of ours).
ALTER TABLE subscription ADD COLUMN ip TEXT NOT NULL DEFAULT '';
ALTER TABLE subscription ADD COLUMN agreement INTEGER NOT NULL DEFAULT 0;

-- What was before what is, of each person: the rows of subscription, opt_out and
-- suppression as they stood until they changed, and acts that leave no state
-- behind. Triggers write the former, so that no statement can forget to; the
-- present stands in the tables themselves. Nothing in here is changed, and
-- nothing deleted but with the person.
CREATE TABLE history (
	id         INTEGER PRIMARY KEY,
	subscriber INTEGER NOT NULL,
	what       TEXT NOT NULL, -- subscription, opt_out, suppression, address, or an act
	about      TEXT NOT NULL DEFAULT '', -- the list or newsletter
	state      TEXT NOT NULL DEFAULT '',
	at         TEXT NOT NULL, -- since when, or when
	how        TEXT NOT NULL DEFAULT '',
	ip         TEXT NOT NULL DEFAULT '',
	agreement  INTEGER NOT NULL DEFAULT 0,
	ended      TEXT -- by the database's clock; of an act: none
);
CREATE INDEX history_of ON history (subscriber, id);

-- +goose StatementBegin
CREATE TRIGGER history_kept BEFORE UPDATE ON history BEGIN
	SELECT RAISE(ABORT, 'the history of people is not changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER history_stays BEFORE DELETE ON history
WHEN EXISTS (SELECT 1 FROM subscriber WHERE id = OLD.subscriber) BEGIN
	SELECT RAISE(ABORT, 'the history of people goes with the person only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER agreement_kept BEFORE UPDATE ON agreement BEGIN
	SELECT RAISE(ABORT, 'what people agreed to is not changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER subscription_was AFTER UPDATE ON subscription
WHEN OLD.state <> NEW.state OR OLD.changed <> NEW.changed OR OLD.consent <> NEW.consent
	OR OLD.why <> NEW.why OR OLD.ip <> NEW.ip OR OLD.agreement <> NEW.agreement BEGIN
	INSERT INTO history (subscriber, what, about, state, at, how, ip, agreement, ended)
	VALUES (OLD.subscriber, 'subscription', OLD.list, OLD.state, OLD.changed,
		CASE OLD.why WHEN '' THEN OLD.consent ELSE OLD.why END, OLD.ip, OLD.agreement,
		strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER subscription_was_there AFTER DELETE ON subscription BEGIN
	INSERT INTO history (subscriber, what, about, state, at, how, ip, agreement, ended)
	VALUES (OLD.subscriber, 'subscription', OLD.list, OLD.state, OLD.changed,
		CASE OLD.why WHEN '' THEN OLD.consent ELSE OLD.why END, OLD.ip, OLD.agreement,
		strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER opt_out_was AFTER UPDATE ON opt_out WHEN OLD.at <> NEW.at OR OLD.why <> NEW.why BEGIN
	INSERT INTO history (subscriber, what, about, state, at, how, ended)
	VALUES (OLD.subscriber, 'opt_out', OLD.newsletter, 'opted out', OLD.at, OLD.why, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER opt_out_was_there AFTER DELETE ON opt_out BEGIN
	INSERT INTO history (subscriber, what, about, state, at, how, ended)
	VALUES (OLD.subscriber, 'opt_out', OLD.newsletter, 'opted out', OLD.at, OLD.why, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suppression_was AFTER UPDATE ON suppression WHEN OLD.reason <> NEW.reason OR OLD.note <> NEW.note OR OLD.at <> NEW.at BEGIN
	INSERT INTO history (subscriber, what, state, at, how, ended)
	SELECT id, 'suppression', OLD.reason, OLD.at, OLD.note, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM subscriber WHERE key = OLD.key;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER suppression_was_there AFTER DELETE ON suppression BEGIN
	INSERT INTO history (subscriber, what, state, at, how, ended)
	SELECT id, 'suppression', OLD.reason, OLD.at, OLD.note, strftime('%Y-%m-%dT%H:%M:%f000Z', 'now') FROM subscriber WHERE key = OLD.key;
END;
-- +goose StatementEnd

-- People who were erased: a keyed hash, so that no import brings them back. The
-- key is token_key's; other services' hashes of people whom they erased (made
-- without a key) have none.
CREATE TABLE erased (
	scheme TEXT NOT NULL, -- how the hash is made: "lede" or a service's name
	key    INTEGER NOT NULL DEFAULT 0,
	hash   TEXT NOT NULL,
	at     TEXT NOT NULL,
	PRIMARY KEY (scheme, key, hash)
) WITHOUT ROWID;
