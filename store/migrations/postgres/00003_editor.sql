-- +goose Up
-- The edition of a slot as it was laid before an editor (sheet), and, of a
-- revision that was handed back, what the editor wants (edits; the newest holds).
CREATE TABLE edition_draft (
	newsletter TEXT COLLATE "C" NOT NULL,
	slot       TEXT COLLATE "C" NOT NULL,
	revision   INTEGER NOT NULL,
	at         TEXT COLLATE "C" NOT NULL,
	by         TEXT COLLATE "C" NOT NULL,
	sheet      TEXT COLLATE "C" NOT NULL,
	edits      TEXT COLLATE "C",
	PRIMARY KEY (newsletter, slot, revision)
);

-- What happened to an edition that waits, each once: its proof was mailed, it
-- was approved, somebody was reminded.
CREATE TABLE edition_note (
	edition TEXT COLLATE "C" NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	what    TEXT COLLATE "C" NOT NULL,
	at      TEXT COLLATE "C" NOT NULL,
	by      TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (edition, what)
);

-- Corrections that editions carry, by the edition that they correct.
CREATE TABLE correction (
	corrects TEXT COLLATE "C" NOT NULL,
	edition  TEXT COLLATE "C" NOT NULL REFERENCES edition (id) ON DELETE CASCADE,
	n        INTEGER NOT NULL,
	brief    TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (corrects, edition, n)
);
CREATE INDEX correction_edition ON correction (edition);
