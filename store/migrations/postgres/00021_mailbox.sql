-- +goose Up
-- How many mails of ours go to a mailbox is counted by the mailbox, whatever
-- stands behind a + in the addresses that lead to it.
ALTER TABLE outbox ADD COLUMN mailbox TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE outbox SET mailbox = key;
CREATE INDEX outbox_mailbox ON outbox (mailbox, at);
