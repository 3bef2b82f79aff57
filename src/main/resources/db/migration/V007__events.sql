-- Events, and the handlers that they fire. A handler is a job of type event: it has executions, counters, retries and a
-- status like all jobs, and in event_handlers what it listens to.

UPDATE compatibility SET known_from = 7;

ALTER TABLE jobs DROP CONSTRAINT jobs_check;
ALTER TABLE jobs ADD CHECK (num_nonnulls(schedule, interval_ms, run_at) = CASE WHEN type = 'event' THEN 0 ELSE 1 END);

-- One index for two ends: a due time of a schedule has one execution, whoever fires it; executions by hand or for an event
-- may be as many as they like.
ALTER TABLE job_executions
    ADD COLUMN event_id uuid,
    DROP CONSTRAINT job_executions_job_id_scheduled_at_key;
CREATE UNIQUE INDEX job_executions_due ON job_executions (
    job_id, scheduled_at,
    (CASE WHEN cause = 'schedule' THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE id END));

-- revision changes with everything that decides what the handler makes of an event. is_enabled follows the job: it is
-- active and not deleted.
CREATE TABLE event_handlers (
    job_id           uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    tenant_id        int NOT NULL,
    event_name       text COLLATE "C" NOT NULL CHECK (char_length(event_name) BETWEEN 1 AND 255),
    is_enabled       boolean NOT NULL DEFAULT true,
    revision         int NOT NULL DEFAULT 1,
    filter           text,
    payload_mapping  text,
    debounce_ms      bigint CHECK (debounce_ms > 0),
    debounce_max_ms  bigint CHECK (debounce_max_ms >= debounce_ms),
    debounce_key     text,
    throttle_limit   int CHECK (throttle_limit > 0),
    throttle_ms      bigint CHECK (throttle_ms > 0),
    throttle_key     text,
    CHECK (debounce_ms IS NOT NULL OR num_nonnulls(debounce_max_ms, debounce_key) = 0),
    CHECK (num_nonnulls(throttle_limit, throttle_ms) IN (0, 2)),
    CHECK (throttle_limit IS NOT NULL OR throttle_key IS NULL)
) WITH (fillfactor = 80);
CREATE INDEX event_handlers_of_name ON event_handlers (tenant_id, event_name, job_id);
CREATE INDEX event_handlers_enabled ON event_handlers (tenant_id, event_name, job_id) WHERE is_enabled;

-- What was published. The ids of one request's events are members of one base, in their order. filtered: handlers whose
-- filter did not want it, which need no rows of their own. The payload is json and not jsonb: it is handed on as it was written.
CREATE TABLE events (
    id            uuid PRIMARY KEY,
    tenant_id     int NOT NULL,
    name          text COLLATE "C" NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    key           text COLLATE "C" CHECK (char_length(key) BETWEEN 1 AND 255),
    request_hash  text COLLATE "C",
    payload       json NOT NULL,
    source        text,
    traceparent   text,
    replay_of     uuid,
    filtered      uuid[] NOT NULL DEFAULT '{}',
    received_at   timestamptz NOT NULL,
    CHECK (key IS NULL OR request_hash IS NOT NULL)
);
CREATE UNIQUE INDEX events_key ON events (tenant_id, name, key) WHERE key IS NOT NULL;
CREATE INDEX events_newest ON events (tenant_id, received_at, id);
CREATE INDEX events_by_name ON events (tenant_id, name, received_at, id);

-- What became of an event at a handler that wanted it. waiting: until no more events come; debounced: a later event took its
-- place; throttled: the handler had its share; failed: see error.
CREATE TABLE event_deliveries (
    event_id  uuid NOT NULL,
    job_id    uuid NOT NULL,
    outcome   text COLLATE "C" NOT NULL CHECK (outcome IN ('fired', 'waiting', 'debounced', 'throttled', 'failed')),
    run_id    uuid,
    error     text,
    PRIMARY KEY (event_id, job_id),
    CHECK ((outcome = 'fired') = (run_id IS NOT NULL)),
    CHECK ((outcome = 'failed') = (error IS NOT NULL))
) WITH (fillfactor = 90);

-- The latest event of each key, waiting until none came for a while. is_held: its handler is paused. replaced: the event whose
-- place it took.
CREATE TABLE event_pending (
    job_id        uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    key           text COLLATE "C" NOT NULL,
    event_id      uuid NOT NULL,
    replaced      uuid,
    params        json,
    throttle_key  text COLLATE "C",
    first_at      timestamptz NOT NULL,
    due_at        timestamptz NOT NULL,
    is_held       boolean NOT NULL DEFAULT false,
    PRIMARY KEY (job_id, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX event_pending_due ON event_pending (due_at) WHERE NOT is_held;

-- How often a handler fired for a key in the window that ends at ends_at. granted: what the last request for it got.
CREATE TABLE event_throttles (
    job_id   uuid NOT NULL REFERENCES jobs ON DELETE CASCADE,
    key      text COLLATE "C" NOT NULL,
    ends_at  timestamptz NOT NULL,
    used     int NOT NULL,
    granted  int NOT NULL,
    PRIMARY KEY (job_id, key)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX event_throttles_over ON event_throttles (ends_at);
