-- Workers that are programs elsewhere and speak HTTP. Each is a member like a node: a row in nodes, whose beat it moves by
-- its calls, so that claims, fences and what is taken back from the dead are the same for all.

-- Programs of before would take them for silent nodes.
UPDATE compatibility SET known_from = 8;

ALTER TYPE task_type ADD VALUE 'agent';

-- handlers: what a remote worker can do. lease_ms: how long it may be silent. token_hash: SHA-256 of the token that each of
-- its calls shows.
ALTER TABLE nodes
    DROP CONSTRAINT nodes_mode_check,
    ADD CONSTRAINT nodes_mode_check CHECK (mode IN ('standalone', 'cluster', 'remote')),
    ADD COLUMN tenant_id int REFERENCES tenants ON DELETE CASCADE,
    ADD COLUMN handlers text[] COLLATE "C",
    ADD COLUMN lease_ms int CHECK (lease_ms > 0),
    ADD COLUMN token_hash bytea,
    ADD CONSTRAINT nodes_remote_check
        CHECK (num_nonnulls(tenant_id, handlers, lease_ms, token_hash) = CASE WHEN mode = 'remote' THEN 4 ELSE 0 END);
DROP INDEX nodes_alive;
CREATE INDEX nodes_alive ON nodes (id) WHERE fenced_at IS NULL AND mode <> 'remote';
CREATE INDEX nodes_remote ON nodes (tenant_id, started_at, id) WHERE mode = 'remote' AND fenced_at IS NULL;

-- When the first of the attempts under a remote worker's claim has had its time. Null for claims of nodes, which watch the
-- time themselves.
ALTER TABLE claim_batches ADD COLUMN due_at timestamptz;
CREATE INDEX claim_batches_due ON claim_batches (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX claim_batches_remote ON claim_batches (node_id) WHERE due_at IS NOT NULL;
