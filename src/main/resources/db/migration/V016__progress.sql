-- The attempts that tell how far they have come: few, and asked for each second while their run is watched. What ends an attempt
-- leaves the index as it is.
CREATE INDEX task_attempts_telling ON task_attempts (task_id) WHERE progress IS NOT NULL;
