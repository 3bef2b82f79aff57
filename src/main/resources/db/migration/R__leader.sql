-- The leader's right to write.

-- To be called first in a leader's transaction: holds the epoch against a successor until it ends, or refuses (OR001) a
-- node that no longer leads.
CREATE OR REPLACE FUNCTION require_epoch(p_epoch bigint) RETURNS void
LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM l.epoch FROM leadership l WHERE l.epoch = p_epoch FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'epoch % is over', p_epoch USING ERRCODE = 'OR001';
    END IF;
END $f$;
