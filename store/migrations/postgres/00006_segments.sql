-- +goose Up
-- Whom of its lists an edition went to: segments by their ids, and what they
-- said; NULL for everybody.
ALTER TABLE edition ADD COLUMN segment TEXT COLLATE "C";

-- Who came lately is found without reading everybody.
CREATE INDEX subscriber_created ON subscriber (created);
