-- Named locks: one holder in the whole cluster. A task holds its lock for an attempt, a run the lock of its DAG from its
-- first claim to its end.

-- A lock is here from the first DAG that names it on, and for good: what was protected under a number must never see a
-- smaller one. holder is a task instance or a run (its id ends in zeros); fence counts how often the lock was taken.
CREATE TABLE locks (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name       text COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z0-9_.-]{1,64}$'),
    holder     uuid,
    fence      bigint NOT NULL DEFAULT 0 CHECK (fence >= 0),
    taken_at   timestamptz,
    UNIQUE (tenant_id, name),
    CHECK ((holder IS NULL) = (taken_at IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX locks_held ON locks (holder) WHERE holder IS NOT NULL;

-- Ready, but without the lock that it needs: out of the queue, so that it costs no claim anything.
CREATE TABLE lock_waits (
    id            uuid PRIMARY KEY,
    lock_id       int NOT NULL,
    queue         text COLLATE "C" NOT NULL,
    latest_start  timestamptz NOT NULL,
    version_id    int NOT NULL,
    attempt       smallint NOT NULL CHECK (attempt >= 0),
    failures      smallint NOT NULL CHECK (failures >= 0)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX lock_waits_order ON lock_waits (lock_id, queue, latest_start, id);

-- has_locks is true or null: whether a version names any lock, for itself or for a task. Null costs a row nothing, and
-- what has no locks is not looked at for them.
ALTER TABLE dag_versions
    ADD COLUMN lock_id    int REFERENCES locks,
    ADD COLUMN has_locks  boolean;
ALTER TABLE dag_tasks ADD COLUMN lock_id int REFERENCES locks;
ALTER TABLE dag_runs ADD COLUMN has_locks boolean;
ALTER TABLE task_ready ADD COLUMN has_locks boolean;
