-- What people ask of nodes.

-- Asks a node to drain: 'asked', 'repeated' (by the same request before), 'conflict' (the key came with another request),
-- 'gone' or 'unknown'. A statement of its own, so that nobody's hesitation keeps the row from the node's heartbeat.
CREATE OR REPLACE FUNCTION ask_drain(p_tenant int, p_node uuid, p_operation text, p_key text, p_hash text) RETURNS text
LANGUAGE plpgsql AS $f$
DECLARE
    v_verdict  text;
BEGIN
    IF p_key IS NOT NULL THEN
        SELECT c.verdict INTO v_verdict FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_node) c;
        IF v_verdict <> 'fresh' THEN
            RETURN v_verdict;
        END IF;
    END IF;
    UPDATE nodes n
    SET drain_asked_at = coalesce(n.drain_asked_at, clock_timestamp())
    WHERE n.id = p_node AND n.fenced_at IS NULL AND n.mode <> 'remote';
    IF FOUND THEN
        RETURN 'asked';
    END IF;
    DELETE FROM idempotency_keys k
    WHERE k.tenant_id = p_tenant AND k.operation = p_operation AND k.key = p_key;
    RETURN CASE WHEN EXISTS (SELECT FROM nodes n WHERE n.id = p_node AND n.mode <> 'remote') THEN 'gone' ELSE 'unknown' END;
END $f$;
