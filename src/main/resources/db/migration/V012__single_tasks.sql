-- Single tasks: task instances that belong to no run. They are submitted one by one or in batches, wait for one another,
-- and stand in the same tables as the tasks of runs.
--
-- The ids of one submission's tasks are members of one base, as those of a run's tasks are, but their numbers have the
-- first bit set: so an id tells what it is of (see is_single), and nothing is looked up.

-- Programs of before would claim what they cannot read.
UPDATE compatibility SET known_from = 12;

CREATE TYPE task_source AS ENUM (
    'human', 'agent_requirements', 'agent_planner', 'agent_implementation', 'api', 'schedule', 'task');
CREATE TYPE dependency_type AS ENUM ('sequential', 'parallel');
ALTER TYPE timer_kind ADD VALUE 'delay';

-- priority and must_start_by stay what the order is made of: a task's own, raised by what it inherits from those that wait
-- for it. calculated_priority is its own alone. definition is the task in the form in which DAGs are stored, but for its
-- input; both are json and not jsonb, since they are handed on as they were written.
ALTER TABLE task_instances
    ALTER COLUMN run_id DROP NOT NULL,
    ALTER COLUMN task_id DROP NOT NULL,
    DROP CONSTRAINT task_instances_run_id_task_id_key,
    ADD COLUMN name                 text,
    ADD COLUMN definition           json,
    ADD COLUMN input                json,
    ADD COLUMN own_priority         smallint CHECK (own_priority BETWEEN 0 AND 10),
    ADD COLUMN calculated_priority  real CHECK (calculated_priority BETWEEN 0 AND 10),
    ADD COLUMN deadline             timestamptz,
    ADD COLUMN estimate_ms          bigint CHECK (estimate_ms >= 0),
    ADD COLUMN depth                smallint CHECK (depth >= 0),
    ADD COLUMN source               task_source,
    ADD COLUMN created_by           text COLLATE "C",
    ADD COLUMN parent_id            uuid,
    ADD COLUMN session_id           text COLLATE "C",
    ADD COLUMN dependency_type      dependency_type,
    ADD COLUMN tags                 text[] COLLATE "C",
    ADD COLUMN not_before           timestamptz,
    ADD COLUMN timeout_ms           bigint CHECK (timeout_ms > 0),
    ADD COLUMN unique_key           text COLLATE "C",
    ADD COLUMN concurrency_key      text COLLATE "C",
    ADD COLUMN updated_at           timestamptz,
    ADD CHECK (num_nulls(run_id, task_id) IN (0, 2)),
    ADD CHECK ((run_id IS NULL) = (source IS NOT NULL));
CREATE UNIQUE INDEX task_instances_of_run ON task_instances (run_id, task_id) WHERE run_id IS NOT NULL;
-- An id is a time: the newest have the greatest.
CREATE INDEX task_instances_single ON task_instances (tenant_id, id) WHERE source IS NOT NULL;
CREATE INDEX task_instances_by_source ON task_instances (tenant_id, source, created_by, id)
    WHERE source IS NOT NULL AND created_by IS NOT NULL;
CREATE INDEX task_instances_of_parent ON task_instances (parent_id, id) WHERE parent_id IS NOT NULL;
CREATE INDEX task_instances_of_session ON task_instances (tenant_id, session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX task_instances_by_deadline ON task_instances (tenant_id, deadline, id) WHERE deadline IS NOT NULL;

-- Which single task waits for which. An edge is resolved when what it waits for has succeeded.
CREATE TABLE task_dependencies (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dependent_id     uuid NOT NULL REFERENCES task_instances ON DELETE CASCADE,
    prerequisite_id  uuid NOT NULL REFERENCES task_instances ON DELETE CASCADE,
    dependency_type  dependency_type NOT NULL DEFAULT 'sequential',
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at      timestamptz,
    UNIQUE (dependent_id, prerequisite_id),
    CHECK (dependent_id <> prerequisite_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX task_dependencies_of_prerequisite ON task_dependencies (prerequisite_id);
CREATE INDEX task_dependencies_unresolved ON task_dependencies (prerequisite_id, dependent_id) WHERE resolved_at IS NULL;
CREATE INDEX task_dependencies_blocking ON task_dependencies (dependent_id, prerequisite_id) WHERE resolved_at IS NULL;

-- What is added to the priority of tasks by where they come from; none of those that are not here.
CREATE TABLE source_weights (
    source  task_source PRIMARY KEY,
    weight  real NOT NULL CHECK (weight BETWEEN -10 AND 10)
);

-- A key that only one task which has not ended may have.
CREATE TABLE unique_keys (
    tenant_id  int NOT NULL,
    key        text COLLATE "C" NOT NULL,
    task_id    uuid NOT NULL UNIQUE,
    PRIMARY KEY (tenant_id, key)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

-- Tasks that ended badly and had more dependents than one transaction cancels: the rest of these is still blocked.
CREATE TABLE task_cascades (
    prerequisite_id  uuid PRIMARY KEY
);

-- One task instance that changes its state, as the functions that move tasks hand it on.
DO $$
BEGIN
    IF to_regtype('task_change') IS NULL THEN
        CREATE TYPE task_change AS (
            id          uuid,
            run_id      uuid,
            task_no     int,
            version_id  int,
            from_state  task_state,
            to_state    task_state,
            attempt     smallint,
            fence       bigint,
            worker_no   smallint,
            started_at  timestamptz
        );
    END IF;
END $$;

-- When a single task became ready: its latest start counts from then, and changes with its urgency.
ALTER TABLE task_ready ADD COLUMN ready_at timestamptz;
ALTER TABLE lock_waits ADD COLUMN ready_at timestamptz;

ALTER TABLE dead_letters ALTER COLUMN run_id DROP NOT NULL;

-- True of the only task of a run: what it is given is known at its claim. Else null, which costs nothing.
ALTER TABLE task_ready ADD COLUMN is_alone boolean;

-- Which lines a node claims from; empty: all.
ALTER TABLE nodes ADD COLUMN served_queues text[] COLLATE "C" NOT NULL DEFAULT '{}';
