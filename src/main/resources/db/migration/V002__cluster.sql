-- What several nodes on one database need to know of each other.

-- Which database this is. The coordination service keeps the same id, so that it is not shared by two databases unnoticed.
CREATE TABLE cluster (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    id          uuid NOT NULL DEFAULT gen_random_uuid(),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO cluster DEFAULT VALUES;

-- Who leads. Each new leader has an epoch of its own, and what a leader writes it writes under its epoch.
CREATE TABLE leadership (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch     bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    node_id   uuid,
    since     timestamptz
);
INSERT INTO leadership DEFAULT VALUES;

-- place: the coordination service through which the node finds the others; nodes of one database must agree on it.
-- What its workers do is told with each beat, in arrays by worker number.
ALTER TABLE nodes
    ADD COLUMN place              text COLLATE "C" NOT NULL DEFAULT 'local',
    ADD COLUMN http_address       text COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN capabilities       text[] NOT NULL DEFAULT '{}',
    ADD COLUMN slots              int NOT NULL DEFAULT 0 CHECK (slots >= 0),
    ADD COLUMN clock_offset_ms    bigint NOT NULL DEFAULT 0,
    ADD COLUMN draining           boolean NOT NULL DEFAULT false,
    ADD COLUMN drain_asked_at     timestamptz,
    ADD COLUMN worker_activities  text[] NOT NULL DEFAULT '{}',
    ADD COLUMN worker_running     int[] NOT NULL DEFAULT '{}',
    ADD COLUMN worker_queued      int[] NOT NULL DEFAULT '{}';
CREATE INDEX nodes_newest ON nodes (started_at, id);

-- How long an attempt may take: a claim is taken from a node that keeps it far beyond that. Versions published before are
-- not known to be late.
ALTER TABLE dag_tasks ADD COLUMN timeout_ms bigint CHECK (timeout_ms > 0);
