-- Jobs: what fires by itself. The first kind is the DAG with a schedule.

CREATE TYPE job_status AS ENUM ('active', 'failed');

-- The job of a DAG has the id of the DAG and lives and dies with it; R__jobs.sql keeps it in step. error: why it failed.
CREATE TABLE jobs (
    id          uuid PRIMARY KEY,
    tenant_id   int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    dag_id      uuid NOT NULL UNIQUE REFERENCES dags ON DELETE CASCADE,
    status      job_status NOT NULL DEFAULT 'active',
    schedule    text NOT NULL,
    timezone    text NOT NULL,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((status = 'failed') = (error IS NOT NULL))
);

-- When a job fires next. A job that is not planned has no such time yet, and due_at says when it was registered. Apart
-- from the job's own row, since this one changes with every firing.
CREATE TABLE job_timers (
    job_id          uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    due_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_planned      boolean NOT NULL DEFAULT false,
    is_paused       boolean NOT NULL DEFAULT false,
    last_execution  uuid
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX job_timers_due ON job_timers (due_at) WHERE NOT is_paused;

-- One firing of a job; its id is that of the run. Two for one time there cannot be.
CREATE TABLE job_executions (
    id            uuid PRIMARY KEY,
    tenant_id     int NOT NULL,
    job_id        uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    scheduled_at  timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (job_id, scheduled_at)
);

-- Times at which a job was due and did not fire: all of its schedule from the first to the last. fires is null where
-- there are more than were counted. Their age takes them away.
CREATE TABLE job_skips (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      uuid NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL CHECK (last_at >= first_at),
    fires       int CHECK (fires > 0),
    reason      text COLLATE "C" NOT NULL CHECK (reason IN ('misfire', 'overlap')),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX job_skips_age ON job_skips (created_at);

-- DAGs that were published with a schedule before there were jobs fire from now on.
INSERT INTO jobs (id, tenant_id, dag_id, schedule, timezone)
SELECT d.id, d.tenant_id, d.id, d.schedule, d.timezone FROM dags d
WHERE d.schedule IS NOT NULL AND d.deleted_at IS NULL;
INSERT INTO job_timers (job_id, is_paused)
SELECT d.id, NOT d.is_active FROM dags d JOIN jobs j ON j.id = d.id;
