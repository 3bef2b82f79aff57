-- Requests under a caller's key: the same key has the same effect, once.

-- Takes a key in the transaction of its effect: 'fresh', 'repeated' (by the same request; reference is what that made) or
-- 'conflict' (by another one). An equal key in another open transaction is waited for.
CREATE OR REPLACE FUNCTION claim_key(
    p_tenant int, p_operation text, p_key text, p_hash text, p_reference uuid, OUT verdict text, OUT reference uuid)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_hash  text;
BEGIN
    -- Again where the key that stood in the way was purged before it could be read.
    LOOP
        INSERT INTO idempotency_keys (tenant_id, operation, key, request_hash, reference)
        VALUES (p_tenant, p_operation, p_key, p_hash, p_reference)
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            verdict := 'fresh';
            reference := p_reference;
            RETURN;
        END IF;
        SELECT k.request_hash, k.reference INTO v_hash, reference
        FROM idempotency_keys k
        WHERE k.tenant_id = p_tenant AND k.operation = p_operation AND k.key = p_key;
        IF FOUND THEN
            verdict := CASE WHEN v_hash = p_hash THEN 'repeated' ELSE 'conflict' END;
            RETURN;
        END IF;
    END LOOP;
END $f$;

-- cancel_work under a key: 'done' with its answers, 'repeated', 'conflict', or 'unknown' where there is nothing to cancel.
CREATE OR REPLACE FUNCTION cancel_work_once(
    p_tenant int, p_run uuid, p_task text, p_operation text, p_key text, p_hash text,
    OUT verdict text, OUT nodes uuid[], OUT queues text[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_known  boolean;
BEGIN
    SELECT c.verdict INTO verdict FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_run) c;
    IF verdict <> 'fresh' THEN
        RETURN;
    END IF;
    SELECT c.known, c.nodes, c.queues INTO v_known, nodes, queues FROM cancel_work(p_tenant, p_run, p_task) c;
    verdict := 'done';
    IF NOT v_known THEN
        verdict := 'unknown';
        DELETE FROM idempotency_keys k
        WHERE k.tenant_id = p_tenant AND k.operation = p_operation AND k.key = p_key;
    END IF;
END $f$;
