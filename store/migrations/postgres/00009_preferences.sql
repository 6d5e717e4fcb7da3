-- +goose Up
-- Who wants no letter for a while: what is due before until is skipped. It ends
-- by itself.
CREATE TABLE pause (
	subscriber BIGINT PRIMARY KEY REFERENCES subscriber (id) ON DELETE CASCADE,
	until      TEXT COLLATE "C" NOT NULL
);

-- A pause is asked for by the claim like a consent that was taken back.
CREATE TRIGGER pause_made AFTER INSERT ON pause
	FOR EACH ROW EXECUTE FUNCTION withdrew();

-- An address that a person wants in place of theirs, until somebody presses the
-- button in the mail that went there. The newest holds.
CREATE TABLE address_change (
	subscriber BIGINT PRIMARY KEY REFERENCES subscriber (id) ON DELETE CASCADE,
	code       TEXT COLLATE "C" NOT NULL, -- in the token of that mail, so that it is good once
	address    TEXT COLLATE "C" NOT NULL,
	until      TEXT COLLATE "C" NOT NULL
);

-- Who left long ago is found without reading everybody.
CREATE INDEX subscription_old ON subscription (changed) WHERE state <> 'active';
