-- +goose Up
-- The network address that something came from may be taken out after its time
-- (retention); nothing else of the history changes, and taking it out is itself
-- no change of a subscription that is remembered.
DROP TRIGGER history_kept;
-- +goose StatementBegin
CREATE TRIGGER history_kept BEFORE UPDATE ON history
WHEN OLD.ip = '' OR NEW.ip <> '' OR NEW.id <> OLD.id OR NEW.subscriber <> OLD.subscriber OR NEW.what <> OLD.what OR NEW.about <> OLD.about
	OR NEW.state <> OLD.state OR NEW.at <> OLD.at OR NEW.how <> OLD.how OR NEW.agreement <> OLD.agreement OR NEW.ended IS NOT OLD.ended BEGIN
	SELECT RAISE(ABORT, 'the history of people is not changed');
END;
-- +goose StatementEnd
DROP TRIGGER subscription_was;
-- +goose StatementBegin
CREATE TRIGGER subscription_was AFTER UPDATE ON subscription
WHEN OLD.state <> NEW.state OR OLD.changed <> NEW.changed OR OLD.consent <> NEW.consent
	OR OLD.why <> NEW.why OR OLD.ip <> NEW.ip AND NEW.ip <> '' OR OLD.agreement <> NEW.agreement BEGIN
	INSERT INTO history (subscriber, what, about, state, at, how, ip, agreement, ended)
	VALUES (OLD.subscriber, 'subscription', OLD.list, OLD.state, OLD.changed,
		CASE OLD.why WHEN '' THEN OLD.consent ELSE OLD.why END, OLD.ip, OLD.agreement,
		strftime('%Y-%m-%dT%H:%M:%f000Z', 'now'));
END;
-- +goose StatementEnd
