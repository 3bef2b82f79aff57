-- Alerts of dead letters: what the webhook of the configuration was not told of yet. Letters that failed alike are added up in
-- one row, with the ids of the first ones; the row without a fingerprint is for those that find no room beside the others.
CREATE TABLE letter_alert_groups (
    tenant_id    int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    fingerprint  text COLLATE "C" NOT NULL,
    letters      bigint NOT NULL CHECK (letters > 0),
    letter_ids   uuid[] NOT NULL,
    first_at     timestamptz NOT NULL,
    last_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, fingerprint)
);

-- The one alert that is being told, until it is taken: sent again it is the same, byte for byte. due_at is when something
-- may be sent next, by whichever leader.
CREATE TABLE letter_alert (
    is_only   boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    id        uuid,
    body      text,
    tries     int NOT NULL DEFAULT 0,
    due_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((id IS NULL) = (body IS NULL))
);
INSERT INTO letter_alert DEFAULT VALUES;
