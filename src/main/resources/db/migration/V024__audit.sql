-- The audit log: what was changed through the API, by whom, when, and what it was before and after. Rows are written in the
-- transaction of the change, and never changed; a chore of the leader alone takes away those that are older than they are
-- kept. No foreign keys: a row outlives what it tells of, its tenant too.
CREATE TABLE audit_log (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    tenant_id        int NOT NULL,
    tenant           text COLLATE "C" NOT NULL,
    actor            text COLLATE "C" NOT NULL,
    actor_name       text COLLATE "C",
    operation        text COLLATE "C" NOT NULL,
    kind             text COLLATE "C" NOT NULL,
    resource         text COLLATE "C",
    requests         int NOT NULL DEFAULT 1 CHECK (requests >= 1),
    refs             uuid[],
    address          text COLLATE "C",
    trace            text COLLATE "C",
    idempotency_key  text COLLATE "C",
    before           jsonb,
    after            jsonb,
    CHECK ((resource IS NULL) = (refs IS NOT NULL))
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX audit_log_of_tenant ON audit_log (tenant_id, id);
CREATE INDEX audit_log_of_resource ON audit_log (resource, id) WHERE resource IS NOT NULL;
CREATE INDEX audit_log_by_time ON audit_log (recorded_at);
