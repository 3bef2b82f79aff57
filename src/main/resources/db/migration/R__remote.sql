-- Remote workers: they come and go, show that they live, and lose what has had its time.

-- Registers a worker: 'registered', 'repeated' (by the same request before: the row that it made has the new token, since
-- the answer with the first one may be lost), 'conflict' (the key came with another request) or 'full'.
CREATE OR REPLACE FUNCTION register_remote(
    p_tenant int, p_node uuid, p_name text, p_version text, p_handlers text[], p_slots int, p_lease_ms int, p_token_hash bytea,
    p_max int, p_operation text, p_key text, p_hash text, OUT verdict text, OUT id uuid)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    id := p_node;
    IF p_key IS NOT NULL THEN
        SELECT c.verdict, c.reference INTO verdict, id FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_node) c;
        IF verdict <> 'fresh' THEN
            UPDATE nodes n SET token_hash = p_token_hash WHERE n.id = register_remote.id AND verdict = 'repeated';
            RETURN;
        END IF;
    END IF;
    IF (SELECT count(*) FROM nodes n WHERE n.mode = 'remote' AND n.fenced_at IS NULL) >= p_max THEN
        verdict := 'full';
        DELETE FROM idempotency_keys k
        WHERE k.tenant_id = p_tenant AND k.operation = p_operation AND k.key = p_key;
        RETURN;
    END IF;
    INSERT INTO nodes (id, name, pid, mode, version, place, capabilities, slots, tenant_id, handlers, lease_ms, token_hash)
    VALUES (p_node, p_name, 0, 'remote', p_version, 'remote', '{agent}', p_slots, p_tenant, p_handlers, p_lease_ms, p_token_hash);
    verdict := 'registered';
END $f$;

-- Signs of life of remote workers. Answers those that were not given up, with what they hold and what of it is asked to end.
CREATE OR REPLACE FUNCTION beat_remote(p_nodes uuid[])
RETURNS TABLE (id uuid, open_ids uuid[], open_fences bigint[], asked_ids uuid[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    PERFORM n.id
    FROM (SELECT DISTINCT u.id FROM unnest(p_nodes) u(id) ORDER BY u.id) u
    CROSS JOIN LATERAL (SELECT x.id FROM nodes x
                        WHERE x.id = u.id AND x.mode = 'remote' AND x.fenced_at IS NULL OFFSET 0 FOR NO KEY UPDATE) n;
    UPDATE nodes n SET beat = n.beat + 1, beat_at = clock_timestamp()
    WHERE n.id = ANY (p_nodes) AND n.mode = 'remote' AND n.fenced_at IS NULL;
    RETURN QUERY
        SELECT n.id, o.ids, o.fences, ARRAY(SELECT q.task_id FROM cancel_requests q WHERE q.node_id = n.id)
        FROM nodes n
        CROSS JOIN LATERAL (
            SELECT array_agg(m.id) AS ids, array_agg(b.fence) AS fences
            FROM claim_batches b
            CROSS JOIN LATERAL unnest(b.ids, b.attempts) m(id, attempt)
            LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
            WHERE b.node_id = n.id AND b.due_at IS NOT NULL AND a.outcome IS NULL
        ) o
        WHERE n.id = ANY (p_nodes) AND n.mode = 'remote' AND n.fenced_at IS NULL;
END $f$;

-- What remote workers hold beyond its time, or p_grace_ms after they were asked to end it. Where nothing is over yet the
-- claim is looked at when the next of it is; else again soon, in case whoever was told so does not end it.
CREATE OR REPLACE FUNCTION overdue_remote(p_grace_ms bigint, p_limit int)
RETURNS TABLE (node_id uuid, fence bigint, id uuid, attempt smallint, failures smallint, version_id int, timeout_ms bigint,
               is_asked boolean)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now     timestamptz := statement_timestamp();
    v_fences  bigint[];
BEGIN
    SELECT array_agg(b.fence) INTO v_fences
    FROM (SELECT x.fence FROM claim_batches x WHERE x.due_at <= v_now
          ORDER BY x.due_at LIMIT p_limit FOR NO KEY UPDATE SKIP LOCKED) b;
    UPDATE claim_batches b
    SET due_at = coalesce((
            SELECT greatest(min(attempt_ends(m.id, m.attempt, coalesce(a.started_at, b.claimed_at))),
                            v_now + interval '2 seconds')
            FROM unnest(b.ids, b.attempts) m(id, attempt)
            LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
            WHERE a.outcome IS NULL), 'infinity')
    WHERE b.fence = ANY (v_fences);
    RETURN QUERY
        SELECT b.node_id, b.fence, m.id, m.attempt, m.failures, i.version_id, coalesce(t.timeout_ms, i.timeout_ms), c.asked
        FROM (SELECT f.fence, false AS asked FROM unnest(v_fences) f(fence)
              UNION ALL
              (SELECT q.fence, true FROM cancel_requests q
               WHERE q.requested_at <= v_now - p_grace_ms * interval '1 millisecond'
               ORDER BY q.requested_at LIMIT p_limit)) c
        JOIN claim_batches b ON b.fence = c.fence AND b.due_at IS NOT NULL
        CROSS JOIN LATERAL unnest(b.ids, b.attempts, b.failures) m(id, attempt, failures)
        LEFT JOIN task_attempts a ON a.task_id = m.id AND a.attempt = m.attempt
        JOIN task_instances i ON i.id = m.id
        LEFT JOIN dag_tasks t ON t.version_id = i.version_id AND t.task_no = task_no_of(i.id)
        LEFT JOIN cancel_requests r ON r.task_id = m.id
        WHERE a.outcome IS NULL
          AND CASE WHEN c.asked THEN r.requested_at <= v_now - p_grace_ms * interval '1 millisecond'
                   ELSE attempt_ends(m.id, m.attempt, coalesce(a.started_at, b.claimed_at)) <= v_now END;
END $f$;

-- Adds to the log of an attempt that a remote worker holds, behind what is there: 'added', 'repeated' (under this key before),
-- 'conflict', 'full' or 'stale'. The last text that fits is followed by p_notice.
CREATE OR REPLACE FUNCTION append_remote_log(
    p_tenant int, p_node uuid, p_id uuid, p_fence bigint, p_content bytea, p_notice bytea, p_limit int,
    p_operation text, p_key text, p_hash text)
RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_attempt  smallint;
    v_end      int;
    v_verdict  text;
BEGIN
    SELECT b.attempts[array_position(b.ids, p_id)] INTO v_attempt
    FROM claim_batches b
    WHERE b.fence = p_fence AND b.node_id = p_node FOR NO KEY UPDATE;
    IF v_attempt IS NULL
       OR EXISTS (SELECT FROM task_attempts a WHERE a.task_id = p_id AND a.attempt = v_attempt AND a.outcome IS NOT NULL) THEN
        RETURN 'stale';
    END IF;
    IF p_key IS NOT NULL THEN
        SELECT c.verdict INTO v_verdict FROM claim_key(p_tenant, p_operation, p_key, p_hash, p_id) c;
        IF v_verdict <> 'fresh' THEN
            RETURN v_verdict;
        END IF;
    END IF;
    SELECT l.start_offset + octet_length(l.content) INTO v_end
    FROM task_logs l WHERE l.task_id = p_id AND l.attempt = v_attempt ORDER BY l.start_offset DESC LIMIT 1;
    v_end := coalesce(v_end, 0);
    IF v_end >= p_limit THEN
        RETURN 'full';
    END IF;
    INSERT INTO task_logs (task_id, attempt, start_offset, content)
    VALUES (p_id, v_attempt, v_end,
            CASE WHEN v_end + octet_length(p_content) >= p_limit THEN p_content || p_notice ELSE p_content END);
    RETURN 'added';
END $f$;

-- The handler that a ready task of this tenant waits for, where no remote worker offers it; null where it waits for none.
CREATE OR REPLACE FUNCTION unoffered_handler(p_tenant int, p_task uuid) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT h.name
    FROM task_ready r
    CROSS JOIN LATERAL (SELECT substr(r.queue, length('agent/' || p_tenant || '/') + 1) AS name) h
    WHERE r.id = p_task AND starts_with(r.queue, 'agent/' || p_tenant || '/')
      AND NOT EXISTS (SELECT FROM nodes n
                      WHERE n.mode = 'remote' AND n.fenced_at IS NULL AND n.tenant_id = p_tenant AND h.name = ANY (n.handlers)));
