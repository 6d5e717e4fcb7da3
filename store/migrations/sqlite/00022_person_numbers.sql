-- +goose Up
-- A person's number is never another's, also once the person is erased: programs
-- that webhooks tell keep people by it. PostgreSQL counts by itself.
CREATE TABLE subscriber_last (id INTEGER NOT NULL); -- one row: the highest number of who is gone
INSERT INTO subscriber_last (id)
SELECT max(coalesce((SELECT max(id) FROM subscriber), 0), coalesce((SELECT max(subscriber) FROM webhook), 0));
-- +goose StatementBegin
CREATE TRIGGER subscriber_last_gone AFTER DELETE ON subscriber
WHEN OLD.id > (SELECT id FROM subscriber_last) BEGIN
	UPDATE subscriber_last SET id = OLD.id;
END;
-- +goose StatementEnd
