-- Traces (W3C trace context): what a run, a job or an execution was given. Without one the ids of a run tell its trace, so nothing
-- is kept of it.

UPDATE compatibility SET known_from = 9;

CREATE TABLE run_traces (
    run_id       uuid PRIMARY KEY,
    traceparent  text COLLATE "C" NOT NULL CHECK (char_length(traceparent) = 55)
);

ALTER TABLE jobs ADD COLUMN traceparent text COLLATE "C" CHECK (char_length(traceparent) = 55);

ALTER TABLE job_executions
    ADD COLUMN traceparent text COLLATE "C" CHECK (char_length(traceparent) = 55),
    ADD COLUMN trace_id uuid GENERATED ALWAYS AS (substr(traceparent, 4, 32)::uuid) STORED;
CREATE INDEX job_executions_of_trace ON job_executions (tenant_id, trace_id, scheduled_at, id) WHERE trace_id IS NOT NULL;

-- When a piece of a log came: the time of those of its lines that do not tell their own.
ALTER TABLE task_logs ADD COLUMN stored_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- How far an attempt has come, in percent, as its handler told it last.
ALTER TABLE task_attempts ADD COLUMN progress smallint CHECK (progress BETWEEN 0 AND 100);

CREATE INDEX jobs_by_name ON jobs (tenant_id, name, id) WHERE deleted_at IS NULL;
