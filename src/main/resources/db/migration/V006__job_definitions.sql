-- Jobs of their own: cron, once, recurring. What a job does is a DAG: a published one, or one of a single task that is
-- kept for jobs alone (is_internal) and shared by all that do the same.

UPDATE compatibility SET known_from = 6;

ALTER TABLE dags ADD COLUMN is_internal boolean NOT NULL DEFAULT false;
DROP INDEX dags_newest;
CREATE INDEX dags_newest ON dags (tenant_id, created_at, id) WHERE deleted_at IS NULL AND NOT is_internal;

CREATE TYPE job_type AS ENUM ('cron', 'one_time', 'recurring', 'event');
CREATE TYPE handler_type AS ENUM ('function', 'agent', 'workflow');
CREATE TYPE misfire_policy AS ENUM ('fire_once', 'fire_all', 'skip');
CREATE TYPE overlap_policy AS ENUM ('allow', 'skip', 'queue_one', 'cancel_previous');

ALTER TABLE jobs DROP CONSTRAINT jobs_dag_id_key;
ALTER TABLE jobs DROP CONSTRAINT jobs_check;
ALTER TYPE job_status RENAME TO old_job_status;
CREATE TYPE job_status AS ENUM ('active', 'paused', 'completed', 'failed', 'cancelled');
ALTER TABLE jobs
    ALTER COLUMN status DROP DEFAULT,
    ALTER COLUMN status TYPE job_status USING status::text::job_status,
    ALTER COLUMN status SET DEFAULT 'active';
DROP TYPE old_job_status;

-- A job fires by its schedule (a cron text), every interval_ms counted from start_at, or once at run_at. payload is json and not
-- jsonb: it is handed on as it was written. passes_payload: as the params of its runs; else it is in the task itself.
ALTER TABLE jobs
    ALTER COLUMN schedule DROP NOT NULL,
    ADD COLUMN name text COLLATE "C" CHECK (char_length(name) BETWEEN 1 AND 255),
    ADD COLUMN type job_type NOT NULL DEFAULT 'cron',
    ADD COLUMN interval_ms bigint CHECK (interval_ms >= 1000),
    ADD COLUMN run_at timestamptz,
    ADD COLUMN start_at timestamptz,
    ADD COLUMN end_at timestamptz,
    ADD COLUMN max_executions int CHECK (max_executions >= 1),
    ADD COLUMN excluded_dates date[] NOT NULL DEFAULT '{}',
    ADD COLUMN misfire misfire_policy NOT NULL DEFAULT 'fire_once',
    ADD COLUMN overlap overlap_policy NOT NULL DEFAULT 'skip',
    ADD COLUMN handler_type handler_type NOT NULL DEFAULT 'workflow',
    ADD COLUMN handler_name text COLLATE "C",
    ADD COLUMN payload json,
    ADD COLUMN passes_payload boolean NOT NULL DEFAULT true,
    ADD COLUMN max_retries int NOT NULL DEFAULT 3 CHECK (max_retries >= 0),
    ADD COLUMN retry_delay_ms bigint NOT NULL DEFAULT 60000 CHECK (retry_delay_ms >= 0),
    ADD COLUMN timeout_ms bigint NOT NULL DEFAULT 300000 CHECK (timeout_ms > 0),
    ADD COLUMN priority smallint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 10),
    ADD COLUMN tags text[] COLLATE "C" NOT NULL DEFAULT '{}',
    ADD COLUMN metadata json,
    ADD COLUMN created_by text,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN completed_at timestamptz,
    ADD COLUMN cancelled_at timestamptz,
    ADD COLUMN deleted_at timestamptz;
UPDATE jobs j SET name = d.name, handler_name = d.name FROM dags d WHERE d.id = j.dag_id;
ALTER TABLE jobs
    ALTER COLUMN name SET NOT NULL,
    ALTER COLUMN handler_name SET NOT NULL,
    ADD CHECK (num_nonnulls(schedule, interval_ms, run_at) = 1),
    ADD CHECK ((status = 'failed') = (error IS NOT NULL));
CREATE INDEX jobs_newest ON jobs (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_by_status ON jobs (tenant_id, status, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_by_type ON jobs (tenant_id, type, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_by_handler ON jobs (tenant_id, handler_name, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_by_tag ON jobs USING gin (tags) WHERE deleted_at IS NULL;
CREATE INDEX jobs_of_dag ON jobs (dag_id);
CREATE INDEX jobs_deleted ON jobs (deleted_at) WHERE deleted_at IS NOT NULL;

-- held_at: a due time that waits until the execution before has ended; is_released: it has. fires: how often the job fired by
-- itself, for one with a limit.
ALTER TABLE job_timers
    ADD COLUMN held_at timestamptz,
    ADD COLUMN is_released boolean NOT NULL DEFAULT false,
    ADD COLUMN fires bigint NOT NULL DEFAULT 0;
CREATE INDEX job_timers_held ON job_timers (job_id) WHERE held_at IS NOT NULL AND NOT is_released;
CREATE INDEX job_timers_released ON job_timers (job_id) WHERE is_released AND NOT is_paused;

-- How an execution ended is copied from its run soon after: so it can be searched, and what its job counts is told apart
-- from the job's own row. Until then the run tells. cause is what made it.
ALTER TABLE job_executions
    ADD COLUMN cause run_trigger NOT NULL DEFAULT 'schedule',
    ADD COLUMN outcome text COLLATE "C"
        CHECK (outcome IN ('success', 'failed', 'timeout', 'cancelled')),
    ADD COLUMN started_at timestamptz,
    ADD COLUMN ended_at timestamptz,
    ADD CHECK ((outcome IS NULL) = (ended_at IS NULL));
CREATE INDEX job_executions_newest ON job_executions (tenant_id, scheduled_at, id);
-- Those that succeeded are so many that whoever looks for them finds them without an index.
CREATE INDEX job_executions_bad ON job_executions (tenant_id, outcome, scheduled_at, id) WHERE outcome <> 'success';
CREATE INDEX job_executions_bad_of_job ON job_executions (job_id, outcome, scheduled_at, id) WHERE outcome <> 'success';
CREATE INDEX job_executions_open ON job_executions (job_id, id) WHERE outcome IS NULL;

CREATE INDEX job_skips_of_job ON job_skips (job_id, first_at, id);

CREATE TABLE job_counts (
    job_id        uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    executions    bigint NOT NULL DEFAULT 0,
    successes     bigint NOT NULL DEFAULT 0,
    failures      bigint NOT NULL DEFAULT 0,
    duration_sum  interval NOT NULL DEFAULT '0'
) WITH (fillfactor = 70);

DROP FUNCTION IF EXISTS fire_jobs(
    uuid[], timestamptz[], uuid[], timestamptz[], uuid[], timestamptz[], timestamptz[], int[], text[]);
