-- Many dead letters at once are discarded too: then a reason stands here. Such requests are listed, and cancelled while they go on.
ALTER TABLE letter_redrives
    ADD COLUMN reason text,
    ADD COLUMN cancelled_at timestamptz,
    ADD CHECK (cancelled_at IS NULL OR ended_at IS NOT NULL);
CREATE INDEX letter_redrives_of_tenant ON letter_redrives (tenant_id, id);

-- Whether handlers of events were told of a letter. Nobody was to be told of those there are.
ALTER TABLE dead_letters ADD COLUMN is_announced boolean NOT NULL DEFAULT true;
ALTER TABLE dead_letters ALTER COLUMN is_announced SET DEFAULT false;
CREATE INDEX dead_letters_unannounced ON dead_letters (id) WHERE NOT is_announced;
