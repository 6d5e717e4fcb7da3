-- +goose Up
-- Which of an edition's letters a delivery is: the number of its variant, and
-- the subject in a test that it has (1 and up; 0: it is in no test, and gets
-- the subject that is chosen where there is one).
ALTER TABLE delivery ADD COLUMN variant INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN subject INTEGER NOT NULL DEFAULT 0;

-- 1: what is in it waits for the choice of a subject, however long it is due.
ALTER TABLE batch ADD COLUMN held INTEGER NOT NULL DEFAULT 0;

-- The letters beside the one in letter, for whom they are, and the subjects
-- that are tested; NULL where there is one letter for all.
ALTER TABLE edition ADD COLUMN variants TEXT;
-- The subject that was chosen, from 1; NULL until then, and without a test.
ALTER TABLE edition ADD COLUMN subject_chosen INTEGER;
