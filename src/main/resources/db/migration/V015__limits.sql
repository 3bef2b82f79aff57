-- Limits: how many tasks of a queue, of a DAG or of a key may be claimed at a time, and how many in a span of time.

CREATE TYPE limit_kind AS ENUM ('queue', 'dag', 'key');

-- name is a queue's, a DAG's id, or a key as submitters gave it. What is null does not limit; for keys see limit_rules. A
-- queue is a line that all tenants share, so its settings are those of the first tenant. tokens were left at tokens_at;
-- null: all. due_at is when somebody has to look whether more may be claimed. The ids begin behind the greatest that a lock
-- can have: by them lock_waits tells what a task waits for.
CREATE TABLE limits (
    id           bigint GENERATED ALWAYS AS IDENTITY (MINVALUE 2147483648) PRIMARY KEY,
    tenant_id    int NOT NULL,
    kind         limit_kind NOT NULL,
    name         text COLLATE "C" NOT NULL,
    max_running  int CHECK (max_running >= 1),
    rate_limit   int CHECK (rate_limit >= 1),
    rate_ms      bigint CHECK (rate_ms >= 1),
    weight       int NOT NULL DEFAULT 1 CHECK (weight >= 1),
    is_paused    boolean NOT NULL DEFAULT false,
    tokens       float8,
    tokens_at    timestamptz,
    due_at       timestamptz,
    UNIQUE (tenant_id, kind, name),
    CHECK ((rate_limit IS NULL) = (rate_ms IS NULL)),
    CHECK ((tokens IS NULL) = (tokens_at IS NULL)),
    CHECK (kind <> 'queue' OR tenant_id = 1)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX limits_due ON limits (due_at) WHERE due_at IS NOT NULL;

-- What was set for a key, or for all that begin alike where the last character is *. The key itself goes before the longest
-- beginning; where nothing was set, one task of a key is claimed at a time.
CREATE TABLE limit_rules (
    tenant_id    int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    pattern      text COLLATE "C" NOT NULL,
    max_running  int CHECK (max_running >= 1),
    rate_limit   int CHECK (rate_limit >= 1),
    rate_ms      bigint CHECK (rate_ms >= 1),
    PRIMARY KEY (tenant_id, pattern),
    CHECK ((rate_limit IS NULL) = (rate_ms IS NULL))
);

-- One row for each claim of what a limit counts: written with the claim and deleted with its end.
CREATE TABLE limit_holders (
    task_id   uuid NOT NULL,
    limit_id  bigint NOT NULL,
    node_id   uuid NOT NULL,
    PRIMARY KEY (task_id, limit_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX limit_holders_of_limit ON limit_holders (limit_id, node_id);

-- The limit of the version's DAG, where the version names one.
ALTER TABLE dag_versions ADD COLUMN limit_id bigint;

-- Of a lock, or of a limit.
ALTER TABLE lock_waits ALTER COLUMN lock_id TYPE bigint;
