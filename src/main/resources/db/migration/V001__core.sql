-- The core of Orrery: definitions, runs, and task instances whose state is the table their row stands in.
--
-- A blocked task has a row in task_wait, a ready one in task_ready, a claimed one stands in its node's claim batch, one
-- that waits for its next attempt has a row in task_timers, and how it went is told by task_attempts. So a change of
-- state is a row that moves, the queue holds nothing but what may be claimed, and task_instances is written once.

CREATE TYPE run_state AS ENUM ('pending', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled');
CREATE TYPE run_trigger AS ENUM ('api', 'schedule', 'event', 'backfill', 'task');
CREATE TYPE task_type AS ENUM ('shell', 'http', 'python', 'handler');
CREATE TYPE task_state AS ENUM (
    'pending', 'blocked', 'ready', 'queued', 'running', 'retrying',
    'succeeded', 'failed', 'timed_out', 'skipped', 'cancelled');
CREATE TYPE attempt_outcome AS ENUM (
    'succeeded', 'failed', 'timed_out', 'skipped', 'cancelled', 'lost', 'handed_back');
CREATE TYPE timer_kind AS ENUM ('retry');

CREATE TABLE tenants (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO tenants (name) VALUES ('default');

-- Definitions. A DAG that is being deleted is hidden first (deleted_at) and loses its runs in bounded steps.
CREATE TABLE dags (
    id          uuid PRIMARY KEY,
    tenant_id   int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name        text COLLATE "C" NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    definition  jsonb NOT NULL,
    schedule    text COLLATE "C" CHECK (char_length(schedule) <= 100),
    timezone    text COLLATE "C" NOT NULL,
    is_active   boolean NOT NULL DEFAULT true,
    version     int NOT NULL CHECK (version >= 1),
    task_count  int NOT NULL CHECK (task_count >= 1),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX dags_name ON dags (tenant_id, name) WHERE deleted_at IS NULL;
CREATE INDEX dags_newest ON dags (tenant_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX dags_deleted ON dags (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE dag_versions (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dag_id      uuid NOT NULL REFERENCES dags ON DELETE CASCADE,
    version     int NOT NULL CHECK (version >= 1),
    yaml        text NOT NULL,
    definition  jsonb NOT NULL,
    task_count  int NOT NULL CHECK (task_count >= 1),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (dag_id, version)
);

-- What creating a run needs of a version, row by row, so that the server makes the run's rows by itself.
-- priority is the inherited one: a task is as urgent as the most urgent task behind it.
CREATE TABLE dag_tasks (
    version_id        int NOT NULL REFERENCES dag_versions ON DELETE CASCADE,
    task_no           int NOT NULL CHECK (task_no >= 1),
    task_id           text COLLATE "C" NOT NULL,
    name              text COLLATE "C" NOT NULL,
    type              task_type NOT NULL,
    queue             text COLLATE "C" NOT NULL,
    priority          real NOT NULL CHECK (priority BETWEEN 0 AND 10),
    dependency_count  int NOT NULL CHECK (dependency_count >= 0),
    PRIMARY KEY (version_id, task_no)
);

CREATE TABLE dag_edges (
    version_id     int NOT NULL REFERENCES dag_versions ON DELETE CASCADE,
    upstream_no    int NOT NULL,
    downstream_no  int NOT NULL,
    PRIMARY KEY (version_id, upstream_no, downstream_no),
    CHECK (upstream_no <> downstream_no)
);

-- The named lines in which ready tasks wait; publishing a DAG adds those it names.
CREATE TABLE queues (
    name  text COLLATE "C" PRIMARY KEY
);
INSERT INTO queues (name) VALUES ('default');

-- From here on no foreign keys: each would lock a row that many share, for every task. The functions that write these
-- tables hold the rows they rely on instead.

CREATE TABLE dag_runs (
    id            uuid PRIMARY KEY,
    tenant_id     int NOT NULL,
    dag_id        uuid NOT NULL,
    version_id    int NOT NULL,
    dag_version   int NOT NULL,
    state         run_state NOT NULL DEFAULT 'pending',
    triggered_by  run_trigger NOT NULL,
    logical_time  timestamptz,
    remaining     int NOT NULL CHECK (remaining >= 0),
    failed        int NOT NULL DEFAULT 0 CHECK (failed >= 0),
    cancelled     int NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at    timestamptz,
    completed_at  timestamptz,
    CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (completed_at IS NOT NULL)),
    CHECK ((remaining = 0) = (completed_at IS NOT NULL))
) WITH (fillfactor = 60);
CREATE INDEX dag_runs_newest ON dag_runs (tenant_id, created_at, id);
CREATE INDEX dag_runs_of_dag ON dag_runs (dag_id, created_at, id);
CREATE INDEX dag_runs_by_state ON dag_runs (tenant_id, state, created_at, id);

-- json, not jsonb, here and in outputs: it is handed on as it was written, and jsonb would write 1e1000 out in full.
CREATE TABLE run_params (
    run_id  uuid PRIMARY KEY,
    params  json NOT NULL
);

-- id = the run's id with the task's number in its last 32 bits (see instance_id). Written once.
CREATE TABLE task_instances (
    id             uuid PRIMARY KEY,
    tenant_id      int NOT NULL,
    run_id         uuid NOT NULL,
    version_id     int NOT NULL,
    task_id        text COLLATE "C" NOT NULL,
    queue          text COLLATE "C" NOT NULL,
    priority       real NOT NULL,
    must_start_by  timestamptz,
    created_at     timestamptz NOT NULL,
    UNIQUE (run_id, task_id)
);

-- Blocked: how many dependencies have not succeeded yet.
CREATE TABLE task_wait (
    id             uuid PRIMARY KEY,
    version_id     int NOT NULL,
    unmet          int NOT NULL CHECK (unmet > 0),
    queue          text COLLATE "C" NOT NULL,
    priority       real NOT NULL,
    must_start_by  timestamptz
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_vacuum_insert_threshold = 1000000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 20000);

-- Ready: the queue. attempt counts the attempts made so far, failures those charged to the retry policy.
CREATE TABLE task_ready (
    id            uuid PRIMARY KEY,
    queue         text COLLATE "C" NOT NULL,
    latest_start  timestamptz NOT NULL,
    version_id    int NOT NULL,
    attempt       smallint NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    failures      smallint NOT NULL DEFAULT 0 CHECK (failures >= 0)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_vacuum_insert_threshold = 1000000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 20000);
CREATE INDEX task_ready_order ON task_ready (queue, latest_start, id);

-- Queued or running: what one claim took. A place in an open batch is the only right to report a result, and its fence
-- the number that later claims exceed. attempts are the numbers of the claimed attempts.
CREATE SEQUENCE fence_seq CACHE 1;
CREATE TABLE claim_batches (
    fence       bigint PRIMARY KEY,
    node_id     uuid NOT NULL,
    open_count  int NOT NULL CHECK (open_count > 0),
    claimed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    ids         uuid[] NOT NULL,
    attempts    smallint[] NOT NULL,
    failures    smallint[] NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_vacuum_insert_threshold = 1000000, autovacuum_analyze_scale_factor = 0,
        autovacuum_analyze_threshold = 20000);

-- Retrying: waits for its time.
CREATE TABLE task_timers (
    ref       uuid NOT NULL,
    kind      timer_kind NOT NULL,
    due_at    timestamptz NOT NULL,
    attempt   smallint NOT NULL CHECK (attempt >= 0),
    failures  smallint NOT NULL CHECK (failures >= 0),
    PRIMARY KEY (ref, kind)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX task_timers_due ON task_timers (due_at);

-- One row for each attempt that began, and one numbered 0 for a task that ended without any. outcome is null while it
-- runs; state is what the instance became with it.
CREATE TABLE task_attempts (
    task_id      uuid NOT NULL,
    attempt      smallint NOT NULL CHECK (attempt >= 0),
    fence        bigint NOT NULL,
    node_id      uuid,
    worker_no    smallint,
    outcome      attempt_outcome,
    state        task_state NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz,
    error        text,
    PRIMARY KEY (task_id, attempt),
    CHECK ((outcome IS NULL) = (finished_at IS NULL))
) WITH (fillfactor = 90);

CREATE TABLE task_outputs (
    task_id  uuid NOT NULL,
    attempt  smallint NOT NULL,
    output   json NOT NULL,
    PRIMARY KEY (task_id, attempt)
);

-- The captured text of an attempt, in chunks that lie end to end.
CREATE TABLE task_logs (
    task_id       uuid NOT NULL,
    attempt       smallint NOT NULL,
    start_offset  int NOT NULL CHECK (start_offset >= 0),
    content       bytea NOT NULL,
    PRIMARY KEY (task_id, attempt, start_offset)
);

-- Final failures and timeouts, written in the transaction that ends the task.
CREATE TABLE dead_letters (
    task_id     uuid NOT NULL,
    attempt     smallint NOT NULL,
    tenant_id   int NOT NULL,
    run_id      uuid NOT NULL,
    outcome     attempt_outcome NOT NULL,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (task_id, attempt)
);

-- What happened, a row for each run in a committed batch. Whoever adds one holds the run's row until it commits, so the
-- numbers of one run's rows grow in the order of their commits: a reader of one run goes on behind the last number that it
-- saw and misses nothing. Over all runs they do not: there, read what lies below the oldest open transaction, by (xid, seq).
CREATE TABLE task_events (
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq        bigint GENERATED ALWAYS AS IDENTITY,
    tenant_id  int NOT NULL,
    run_id     uuid NOT NULL,
    node_id    uuid,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_state  run_state,
    task_nos   int[] NOT NULL,
    froms      task_state[] NOT NULL,
    tos        task_state[] NOT NULL,
    attempts   smallint[] NOT NULL,
    fences     bigint[] NOT NULL,
    workers    smallint[] NOT NULL,
    PRIMARY KEY (xid, seq)
);
CREATE INDEX task_events_of_run ON task_events (run_id, seq);

-- Asked to end while a node holds it; the node reads its own with each heartbeat.
CREATE TABLE cancel_requests (
    task_id       uuid PRIMARY KEY,
    node_id       uuid NOT NULL,
    fence         bigint NOT NULL,
    requested_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX cancel_requests_of_node ON cancel_requests (node_id);

-- One row for each start of a node. A fenced one may no longer claim and will never come back.
CREATE TABLE nodes (
    id          uuid PRIMARY KEY,
    name        text COLLATE "C" NOT NULL,
    pid         bigint NOT NULL,
    mode        text COLLATE "C" NOT NULL CHECK (mode IN ('standalone', 'cluster')),
    version     text COLLATE "C" NOT NULL,
    beat        bigint NOT NULL DEFAULT 0,
    beat_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    fenced_at   timestamptz
) WITH (fillfactor = 50);
CREATE INDEX nodes_alive ON nodes (id) WHERE fenced_at IS NULL;

CREATE TABLE idempotency_keys (
    tenant_id     int NOT NULL,
    operation     text COLLATE "C" NOT NULL,
    key           text COLLATE "C" NOT NULL,
    request_hash  text COLLATE "C" NOT NULL,
    reference     uuid NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, operation, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
