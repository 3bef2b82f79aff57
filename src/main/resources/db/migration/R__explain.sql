-- Why a single task is not running, as facts for whoever puts them into words.

-- All that holds a task back, where it stands, and who has it; null where there is no such task. Lists are cut short: waits_for
-- and holders at 20, what comes before it at 10,000.
CREATE OR REPLACE FUNCTION explain_task(p_tenant int, p_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_task    record;
    v_ready   record;
    v_wait    record;
    v_facts   jsonb;
BEGIN
    SELECT s.state, s.attempt, s.node_id, s.worker_no, s.started_at, s.finished_at, s.error, s.next_attempt_at,
           i.queue, i.priority, i.calculated_priority, i.must_start_by, i.deadline, i.created_at, i.not_before, i.concurrency_key
    INTO v_task
    FROM task_states s JOIN task_instances i ON i.id = s.id
    WHERE s.id = p_id AND s.tenant_id = p_tenant AND i.source IS NOT NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_facts := jsonb_build_object(
        'state', v_task.state, 'attempt', v_task.attempt, 'queue', v_task.queue,
        'priority', v_task.priority, 'calculatedPriority', v_task.calculated_priority,
        'mustStartBy', v_task.must_start_by, 'error', v_task.error,
        'startedAt', v_task.started_at, 'endedAt', v_task.finished_at, 'dueAt', v_task.next_attempt_at,
        'outcome', (SELECT a.outcome FROM task_attempts a WHERE a.task_id = p_id AND a.attempt = v_task.attempt),
        'isAskedToEnd', EXISTS (SELECT FROM cancel_requests q WHERE q.task_id = p_id));

    CASE v_task.state
    WHEN 'blocked' THEN
        v_facts := v_facts || jsonb_build_object(
            'openPrerequisites', (SELECT count(*) FROM task_dependencies d WHERE d.dependent_id = p_id AND d.resolved_at IS NULL),
            'openChildren', (SELECT p.open FROM task_parents p WHERE p.task_id = p_id),
            'notBefore', v_task.not_before,
            'waitsFor', (
                SELECT coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name, 'state', o.state)), '[]')
                FROM (SELECT i.id, i.name, s.state
                      FROM task_dependencies d
                      JOIN task_instances i ON i.id = d.prerequisite_id
                      JOIN task_states s ON s.id = i.id
                      WHERE d.dependent_id = p_id AND d.resolved_at IS NULL
                      ORDER BY d.id LIMIT 20) o));
        IF (v_facts->>'openPrerequisites')::int = 0 THEN
            v_facts := v_facts || jsonb_build_object('waitsFor', open_children(p_id));
        END IF;
    WHEN 'ready' THEN
        SELECT r.latest_start, r.ready_at, r.has_locks INTO v_ready FROM task_ready r WHERE r.id = p_id;
        IF FOUND THEN
            v_facts := v_facts || jsonb_build_object(
                'latestStart', v_ready.latest_start, 'readyAt', v_ready.ready_at,
                'ahead', (SELECT count(*) FROM (
                    SELECT
                    FROM ready_places(ARRAY[v_task.queue]) p
                    CROSS JOIN LATERAL (
                        SELECT FROM task_ready x
                        WHERE x.generation = p.generation AND x.queue = p.queue AND x.latest_start >= p.starts_from
                          AND (x.latest_start, x.id) < (v_ready.latest_start, p_id)
                        ORDER BY x.latest_start, x.id LIMIT 10001) l
                    LIMIT 10001) o),
                -- The claims that come to it take it out of the queue; until then it stands there, and is kept back all the same.
                'limit', (SELECT explain_limit(l.id, p_tenant) FROM limits l
                          WHERE l.tenant_id = p_tenant AND l.kind = 'key' AND l.name = v_task.concurrency_key));
        ELSE
            SELECT w.lock_id, w.latest_start, w.ready_at INTO v_wait FROM lock_waits w WHERE w.id = p_id;
            v_facts := v_facts || jsonb_build_object(
                'latestStart', v_wait.latest_start, 'readyAt', v_wait.ready_at,
                'ahead', (SELECT count(*) FROM (
                    SELECT FROM lock_waits x
                    WHERE x.lock_id = v_wait.lock_id AND x.queue = v_task.queue
                      AND (x.latest_start, x.id) < (v_wait.latest_start, p_id)
                    ORDER BY x.latest_start, x.id LIMIT 10001) o),
                'lock', (SELECT jsonb_build_object('name', l.name, 'holder', l.holder, 'takenAt', l.taken_at)
                         FROM locks l WHERE l.id = v_wait.lock_id),
                'limit', explain_limit(v_wait.lock_id, p_tenant));
        END IF;
        v_facts := v_facts || jsonb_build_object(
            'queueLimit', (SELECT explain_limit(l.id, p_tenant) FROM limits l
                           WHERE l.tenant_id = 1 AND l.kind = 'queue' AND l.name = v_task.queue),
            'unofferedHandler', unoffered_handler(p_tenant, p_id),
            'isRemote', starts_with(v_task.queue, 'agent/'),
            'serving', (SELECT count(*) FROM nodes n
                        WHERE n.fenced_at IS NULL AND n.mode <> 'remote' AND NOT n.draining
                          AND (n.served_queues = '{}' OR v_task.queue = ANY (n.served_queues))),
            'freeSlots', (SELECT coalesce(sum(greatest(0, n.slots - (SELECT sum(w.running) FROM unnest(n.worker_running) w(running)))), 0)
                          FROM nodes n
                          WHERE n.fenced_at IS NULL AND n.mode <> 'remote' AND NOT n.draining
                            AND (n.served_queues = '{}' OR v_task.queue = ANY (n.served_queues))));
    WHEN 'queued', 'running' THEN
        v_facts := v_facts || (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'node', n.name, 'nodeId', b.node_id, 'claimedAt', b.claimed_at,
                'isRemote', n.mode = 'remote'))->0, '{}')
            FROM claim_batches b JOIN nodes n ON n.id = b.node_id
            WHERE p_id = ANY (b.ids));
    ELSE
        NULL;
    END CASE;
    RETURN v_facts;
END $f$;

-- Up to 20 children that have not ended, of the first thousand of a task.
CREATE OR REPLACE FUNCTION open_children(p_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $f$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name, 'state', o.state) ORDER BY o.id), '[]')
        FROM (SELECT i.id, i.name, s.state
              FROM children_behind(p_id, '00000000-0000-0000-0000-000000000000', 1000) k(id)
              JOIN task_instances i ON i.id = k.id
              JOIN task_states s ON s.id = k.id
              WHERE s.state < 'succeeded'
              ORDER BY k.id LIMIT 20) o);
END $f$;

-- What a limit allows, and which tasks of this tenant have its places: a queue is shared, and what others do in it is not told.
-- Null where there is no such limit.
DROP FUNCTION IF EXISTS explain_limit(bigint);
CREATE OR REPLACE FUNCTION explain_limit(p_limit bigint, p_tenant int) RETURNS jsonb
LANGUAGE plpgsql STABLE AS $f$
#variable_conflict use_column
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'kind', l.kind, 'name', l.name, 'isPaused', l.is_paused, 'maxRunning', t.max_running,
            'rateLimit', t.rate_limit, 'rateMs', t.rate_ms,
            'dueAt', CASE WHEN k.tokens < 1 THEN next_token(k.tokens, t.rate_limit, t.rate_ms, statement_timestamp()) END,
            'running', (SELECT count(*) FROM limit_holders h WHERE h.limit_id = l.id),
            'holders', (SELECT coalesce(jsonb_agg(o.task_id), '[]')
                        FROM (SELECT h.task_id FROM limit_holders h JOIN task_instances i ON i.id = h.task_id
                              WHERE h.limit_id = l.id AND i.tenant_id = p_tenant ORDER BY h.task_id LIMIT 20) o))
        FROM limits l JOIN limit_terms t ON t.id = l.id
        CROSS JOIN LATERAL (
            SELECT tokens_now(t.tokens, t.tokens_at, t.rate_limit, t.rate_ms, statement_timestamp()) AS tokens) k
        WHERE l.id = p_limit);
END $f$;
