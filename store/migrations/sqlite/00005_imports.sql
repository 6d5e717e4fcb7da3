-- +goose Up
-- An import of a file: what it did, and what is needed to undo it.
CREATE TABLE import_entry (
	id       INTEGER PRIMARY KEY,
	list     TEXT NOT NULL,
	file     TEXT NOT NULL,
	hash     TEXT NOT NULL, -- SHA-256 of the file, in hexadecimal
	by       TEXT NOT NULL,
	force    TEXT NOT NULL, -- why weaker states overwrite stronger ones; empty: they don't
	state    TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'undoing', 'undone')),
	started  TEXT NOT NULL,
	finished TEXT,
	result   TEXT NOT NULL DEFAULT '{}', -- counts, what was understood, first rejects
	undone   TEXT NOT NULL DEFAULT ''    -- by whom and when
);

-- What an import changed of people who were there: all as it was before (empty
-- state: not on the list), and of the person as the import left it (NULL: not
-- changed).
CREATE TABLE import_change (
	import           INTEGER NOT NULL REFERENCES import_entry (id) ON DELETE CASCADE,
	subscriber       INTEGER NOT NULL,
	name             TEXT NOT NULL,
	attributes       TEXT NOT NULL,
	tags             TEXT NOT NULL,
	after_name       TEXT,
	after_attributes TEXT,
	after_tags       TEXT,
	state            TEXT NOT NULL,
	changed          TEXT NOT NULL,
	consent          TEXT NOT NULL,
	was              TEXT NOT NULL,
	why              TEXT NOT NULL,
	from_import      INTEGER,
	suppressed       TEXT NOT NULL, -- the reason of a suppression that was lifted; else empty
	suppression_note TEXT NOT NULL,
	suppressed_at    TEXT NOT NULL,
	PRIMARY KEY (import, subscriber)
) WITHOUT ROWID;

-- The import that made the person, and the one that set the state of a
-- subscription or made a suppression: NULL as soon as anything else sets it.
ALTER TABLE subscriber ADD COLUMN import INTEGER;
ALTER TABLE subscription ADD COLUMN import INTEGER;
ALTER TABLE suppression ADD COLUMN import INTEGER;
CREATE INDEX subscriber_import ON subscriber (import) WHERE import IS NOT NULL;

-- A person's tags, to be found by.
CREATE TABLE subscriber_tag (
	tag        TEXT NOT NULL,
	subscriber INTEGER NOT NULL REFERENCES subscriber (id) ON DELETE CASCADE,
	PRIMARY KEY (tag, subscriber)
) WITHOUT ROWID;
CREATE INDEX subscriber_tag_of ON subscriber_tag (subscriber);
INSERT INTO subscriber_tag (tag, subscriber)
SELECT DISTINCT t.value, s.id FROM subscriber s, json_each(s.tags) t WHERE s.tags <> '[]';
