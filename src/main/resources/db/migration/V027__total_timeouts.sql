-- The limit of all attempts of a task together, beside that of each: null where there is none. A single task has it in its
-- definition.
ALTER TABLE dag_tasks ADD COLUMN total_timeout_ms bigint CHECK (total_timeout_ms > 0);
