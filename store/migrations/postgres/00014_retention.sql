-- +goose Up
-- The network address that something came from may be taken out after its time
-- (retention); nothing else of the history changes, and taking it out is itself
-- no change of a subscription that is remembered.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION history_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		IF EXISTS (SELECT 1 FROM subscriber WHERE id = OLD.subscriber) THEN
			RAISE EXCEPTION 'the history of people goes with the person only';
		END IF;
		RETURN OLD;
	END IF;
	IF OLD.ip <> '' AND NEW.ip = '' AND (NEW.id, NEW.subscriber, NEW.what, NEW.about, NEW.state, NEW.at, NEW.how, NEW.agreement)
			= (OLD.id, OLD.subscriber, OLD.what, OLD.about, OLD.state, OLD.at, OLD.how, OLD.agreement)
		AND NEW.ended IS NOT DISTINCT FROM OLD.ended THEN
		RETURN NEW;
	END IF;
	RAISE EXCEPTION 'the history of people is not changed';
END
$$;
-- +goose StatementEnd
DROP TRIGGER subscription_was ON subscription;
CREATE TRIGGER subscription_was AFTER UPDATE ON subscription FOR EACH ROW
	WHEN (OLD.state <> NEW.state OR OLD.changed <> NEW.changed OR OLD.consent <> NEW.consent
		OR OLD.why <> NEW.why OR OLD.ip <> NEW.ip AND NEW.ip <> '' OR OLD.agreement <> NEW.agreement)
	EXECUTE FUNCTION subscription_was();
