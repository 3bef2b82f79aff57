-- The limit of all attempts of a task together, beside that of each: null where there is none. A single task has it in its
-- definition.
ALTER TABLE dag_tasks ADD COLUMN total_timeout_ms bigint CHECK (total_timeout_ms > 0);

-- How a job's executions are tried, beside what was there: the limit of all attempts together, and after which failures there
-- is another one.
ALTER TABLE jobs
    ADD COLUMN total_timeout_ms bigint CHECK (total_timeout_ms > 0),
    ADD COLUMN retry_on text[] COLLATE "C" NOT NULL DEFAULT '{}',
    ADD COLUMN give_up_on text[] COLLATE "C" NOT NULL DEFAULT '{}';
