-- +goose Up
-- Who wants no letter for a while: what is due before until is skipped. It ends
-- by itself.
CREATE TABLE pause (
	subscriber INTEGER PRIMARY KEY REFERENCES subscriber (id) ON DELETE CASCADE,
	until      TEXT NOT NULL
);

-- A pause is asked for by the claim like a consent that was taken back.
-- +goose StatementBegin
CREATE TRIGGER pause_made AFTER INSERT ON pause BEGIN
	INSERT INTO withdrawal (subscriber) VALUES (NEW.subscriber) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd

-- An address that a person wants in place of theirs, until somebody presses the
-- button in the mail that went there. The newest holds.
CREATE TABLE address_change (
	subscriber INTEGER PRIMARY KEY REFERENCES subscriber (id) ON DELETE CASCADE,
	code       TEXT NOT NULL, -- in the token of that mail, so that it is good once
	address    TEXT NOT NULL,
	until      TEXT NOT NULL
);

-- Who left long ago is found without reading everybody.
CREATE INDEX subscription_old ON subscription (changed) WHERE state <> 'active';
