-- Where others send requests that become events. A signature can be checked with the secret alone, so secrets are kept as
-- they are; nothing hands them out again.

CREATE TABLE webhooks (
    id               uuid PRIMARY KEY,
    tenant_id        int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    name             text COLLATE "C" NOT NULL,
    scheme           text COLLATE "C" NOT NULL CHECK (scheme IN ('standard', 'github', 'plain')),
    header           text,
    tolerance_ms     bigint NOT NULL CHECK (tolerance_ms > 0),
    event_name       text,
    event_name_from  text,
    key_from         text,
    secrets          text[] NOT NULL CHECK (cardinality(secrets) BETWEEN 1 AND 2),
    revision         int NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((scheme = 'plain') = (header IS NOT NULL)),
    CHECK (num_nonnulls(event_name, event_name_from) = 1)
);
CREATE UNIQUE INDEX webhooks_name ON webhooks (tenant_id, name);
