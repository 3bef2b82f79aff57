-- Many dead letters at once are discarded too: then a reason stands here. Such requests are listed, and cancelled while they go on.
ALTER TABLE letter_redrives
    ADD COLUMN reason text,
    ADD COLUMN cancelled_at timestamptz,
    ADD CHECK (cancelled_at IS NULL OR ended_at IS NOT NULL);
CREATE INDEX letter_redrives_of_tenant ON letter_redrives (tenant_id, id);
