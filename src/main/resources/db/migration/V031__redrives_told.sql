-- Many dead letters are sent back with another input too: the same for all of them, or a patch of what each was given. And
-- what was asked for is told with how many letters there were, and why some could not be sent back: for each reason how many,
-- and one of them.
ALTER TABLE letter_redrives
    ADD COLUMN input json,
    ADD COLUMN input_patch json,
    ADD COLUMN expected int,
    ADD COLUMN refusals jsonb NOT NULL DEFAULT '{}',
    ADD CHECK (input IS NULL OR input_patch IS NULL);

-- What has begun and waits for its turn once more: it may wait longer than its totalTimeout. Most of what is ready has not begun,
-- and is not in here.
CREATE INDEX task_ready_begun ON task_ready (id) WHERE attempt > 0;
CREATE INDEX lock_waits_begun ON lock_waits (id) WHERE attempt > 0;
