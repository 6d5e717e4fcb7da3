-- +goose Up
-- The edition of a slot as it was laid before an editor (sheet), and, of a
-- revision that was handed back, what the editor wants (edits; the newest holds).
CREATE TABLE edition_draft (
	newsletter TEXT NOT NULL,
	slot       TEXT NOT NULL,
	revision   INTEGER NOT NULL,
	at         TEXT NOT NULL,
	by         TEXT NOT NULL,
	sheet      TEXT NOT NULL,
	edits      TEXT,
	PRIMARY KEY (newsletter, slot, revision)
) WITHOUT ROWID;

-- What happened to an edition that waits, each once: its proof was mailed, it
-- was approved, somebody was reminded.
CREATE TABLE edition_note (
	edition TEXT NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	what    TEXT NOT NULL,
	at      TEXT NOT NULL,
	by      TEXT NOT NULL,
	PRIMARY KEY (edition, what)
) WITHOUT ROWID;

-- Corrections that editions carry, by the edition that they correct.
CREATE TABLE correction (
	corrects TEXT NOT NULL,
	edition  TEXT NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	n        INTEGER NOT NULL,
	brief    TEXT NOT NULL,
	PRIMARY KEY (corrects, edition, n)
) WITHOUT ROWID;
CREATE INDEX correction_edition ON correction (edition);
