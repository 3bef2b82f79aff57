-- Dead letters that people work with: told apart by what went wrong, sent back or discarded, and kept as a record of that.

-- An id that is a time, so that letters stand in the order in which they were written: made of the letter's own key, so that
-- it costs no sequence and no random number.
CREATE FUNCTION letter_id(created_at timestamptz, task_id uuid, attempt smallint) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex(floor(extract(epoch FROM created_at) * 1000)::bigint), 12, '0')
        || '7' || substr(md5(task_id::text || ':' || attempt::text), 1, 3)
        || '8' || substr(md5(attempt::text || ':' || task_id::text), 1, 15))::uuid;

-- What stays of an error when all is taken out of it that differs from one task to the next: ids, numbers, what is quoted.
CREATE FUNCTION error_shape(error text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(
    left(coalesce(error, ''), 2000),
    '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}', '#', 'g'),
    '"[^"]*"|''[^'']*''|`[^`]*`', '#', 'g'),
    '\m0[xX][0-9a-fA-F]+\M|\m(?=[0-9a-fA-F]*[0-9])[0-9a-fA-F]{8,}\M', '#', 'g'),
    '[0-9]+', '#', 'g'),
    '\s+', ' ', 'g');

-- The same for all letters that failed alike.
CREATE FUNCTION error_fingerprint(outcome attempt_outcome, error text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(md5((CASE outcome WHEN 'timed_out' THEN 'timed_out' WHEN 'lost' THEN 'lost' ELSE 'failed' END)
                || ':' || error_shape(error)), 16);

CREATE TYPE letter_state AS ENUM ('open', 'redriven', 'discarded');

-- A letter that was sent back stays, as what was done about it: the next one of its task has a later attempt. What it tells of
-- the task itself (definition, attempts, outputs) stands where it always does, and lives as long as the letter; input is the
-- one that it failed with, where that was changed since.
ALTER TABLE dead_letters
    ADD COLUMN id uuid NOT NULL GENERATED ALWAYS AS (letter_id(created_at, task_id, attempt)) STORED,
    ADD COLUMN fingerprint text COLLATE "C" NOT NULL GENERATED ALWAYS AS (error_fingerprint(outcome, error)) STORED,
    ADD COLUMN state letter_state NOT NULL DEFAULT 'open',
    ADD COLUMN resolved_at timestamptz,
    ADD COLUMN resolved_by text,
    ADD COLUMN reason text,
    ADD COLUMN redrive_id uuid,
    ADD COLUMN input json,
    ADD CHECK ((state = 'open') = (resolved_at IS NULL));
-- Ids are found one at a time here, and in their order behind a tenant and a state.
CREATE INDEX dead_letters_id ON dead_letters USING hash (id);
CREATE INDEX dead_letters_of_tenant ON dead_letters (tenant_id, state, id);
CREATE INDEX dead_letters_alike ON dead_letters (tenant_id, fingerprint, state, id);

-- What was asked for of many letters at once, and how far it has come. letters are those that were named; null where they are
-- found by what the others say. Nothing from upto on was there when it was asked.
CREATE TABLE letter_redrives (
    id               uuid PRIMARY KEY,
    tenant_id        int NOT NULL REFERENCES tenants ON DELETE CASCADE,
    letters          uuid[],
    queue            text COLLATE "C",
    dag              text,
    job              text,
    name             text,
    handler          text,
    fingerprint      text COLLATE "C",
    outcome          attempt_outcome,
    from_id          uuid NOT NULL,
    upto             uuid NOT NULL,
    as_of            timestamptz NOT NULL,
    rate_per_second  int CHECK (rate_per_second > 0),
    asked_by         text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at         timestamptz,
    due_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_id          uuid NOT NULL,
    redriven         int NOT NULL DEFAULT 0,
    refused          int NOT NULL DEFAULT 0
);
CREATE INDEX letter_redrives_due ON letter_redrives (due_at) WHERE ended_at IS NULL;
CREATE INDEX letter_redrives_ended ON letter_redrives (ended_at) WHERE ended_at IS NOT NULL;
