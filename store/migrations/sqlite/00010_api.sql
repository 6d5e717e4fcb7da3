-- +goose Up
-- Who may use the API, and for what. The token itself is kept nowhere.
CREATE TABLE api_token (
	id      INTEGER PRIMARY KEY,
	name    TEXT NOT NULL,
	hash    TEXT NOT NULL UNIQUE, -- SHA-256 of the token, in hexadecimal
	scopes  TEXT NOT NULL,        -- JSON array
	by      TEXT NOT NULL,
	created TEXT NOT NULL,
	expires TEXT,                 -- NULL: never
	used    TEXT,                 -- the hour in which it was used last
	revoked TEXT
);
CREATE UNIQUE INDEX api_token_name ON api_token (name) WHERE revoked IS NULL;

-- What requests with an Idempotency-Key were answered, for a day.
CREATE TABLE idempotency (
	token    INTEGER NOT NULL REFERENCES api_token (id),
	key      TEXT NOT NULL,
	request  TEXT NOT NULL, -- SHA-256 of the request, in hexadecimal
	about    TEXT NOT NULL DEFAULT '', -- the key of the person whom the answer tells of
	at       TEXT NOT NULL,
	status   INTEGER NOT NULL DEFAULT 0, -- 0: there is no answer yet
	location TEXT NOT NULL DEFAULT '',
	type     TEXT NOT NULL DEFAULT '',
	body     TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (token, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);
CREATE INDEX idempotency_about ON idempotency (about) WHERE about <> '';
