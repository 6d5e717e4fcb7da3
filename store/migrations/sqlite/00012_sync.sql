-- +goose Up
-- A sync of a list that is under way: it reads its file twice, and notes who of
-- the people that are known stands in it.
CREATE TABLE sync_run (
	id    INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: marks of a run that died are not another's
	list  TEXT NOT NULL,
	dry   INTEGER NOT NULL, -- 1: changes nothing
	began TEXT NOT NULL
);
CREATE TABLE sync_seen (
	run        INTEGER NOT NULL,
	subscriber INTEGER NOT NULL,
	PRIMARY KEY (run, subscriber)
) WITHOUT ROWID;

-- What is known of the sources of lists: how far their schedule was followed,
-- what was taken last, and what is wrong with them.
CREATE TABLE list_source (
	id            TEXT PRIMARY KEY,
	looked        TEXT NOT NULL,
	hash          TEXT NOT NULL DEFAULT '', -- SHA-256 of what was taken last, and of the settings it was taken by
	etag          TEXT NOT NULL DEFAULT '',
	last_modified TEXT NOT NULL DEFAULT '',
	trouble       TEXT NOT NULL DEFAULT '' -- what the last run failed of, as it was told
);

-- Files of watched folders that are done with.
CREATE TABLE list_file (
	source TEXT NOT NULL,
	hash   TEXT NOT NULL,
	at     TEXT NOT NULL,
	PRIMARY KEY (source, hash)
) WITHOUT ROWID;
