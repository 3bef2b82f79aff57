-- Trees of single tasks: who waits for its children, and what of a cascade is left for later transactions.

-- A task with attempts behind it may come to wait again: its next attempt has the number after this one.
ALTER TABLE task_wait ADD COLUMN attempt smallint NOT NULL DEFAULT 0 CHECK (attempt >= 0);
ALTER TABLE task_instances ADD COLUMN waits_for_children boolean;

-- Tasks that end only when their children have, while they have not ended. open is null until a task's own attempt has
-- succeeded, then the number of children that have not ended; bad counts those that ended badly. Children from before
-- counts_from, when the task was last retried by hand, do not count as bad.
CREATE TABLE task_parents (
    task_id      uuid PRIMARY KEY,
    open         int CHECK (open > 0),
    bad          int NOT NULL DEFAULT 0 CHECK (bad >= 0),
    counts_from  timestamptz
) WITH (fillfactor = 70);

-- Tasks whose children are still to be cancelled, those with greater ids than this one.
CREATE TABLE tree_cancels (
    task_id   uuid PRIMARY KEY,
    after_id  uuid NOT NULL
);

-- Tasks that were retried and have more dependents to revive than one transaction does.
CREATE TABLE task_revivals (
    prerequisite_id  uuid PRIMARY KEY
);
