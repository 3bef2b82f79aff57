-- For reading: single tasks as those see them who submitted them. The state is the engine's, from where the rows stand, as in
-- task_states.
CREATE OR REPLACE VIEW single_tasks AS
SELECT i.id, i.tenant_id, i.name, i.definition ->> 'type' AS type,
       CASE WHEN NOT starts_with(i.queue, 'agent/') THEN i.queue END AS queue,
       i.own_priority, i.calculated_priority, i.deadline, i.estimate_ms, i.depth, i.source, i.created_by, i.parent_id,
       i.session_id, i.dependency_type, coalesce((i.definition #>> '{retry,maxAttempts}')::int, 4) - 1 AS max_retries,
       i.timeout_ms, i.tags, i.unique_key, i.not_before, i.concurrency_key,
       CASE WHEN w.id IS NOT NULL THEN 'blocked'
            WHEN r.id IS NOT NULL OR k.id IS NOT NULL THEN 'ready'
            WHEN t.kind = 'delay' THEN 'pending'
            WHEN t.kind = 'retry' THEN 'retrying'
            WHEN a.state IS NULL OR a.state IN ('retrying', 'ready') THEN 'queued'
            ELSE a.state END::task_state AS state,
       coalesce(a.attempt, 0)::smallint AS attempt,
       a.error, i.created_at, a.started_at, a.finished_at, t.due_at AS next_attempt_at, a.progress,
       greatest(i.created_at, i.updated_at, a.started_at, a.finished_at) AS updated_at,
       i.definition, i.input
FROM task_instances i
LEFT JOIN LATERAL (
    SELECT x.* FROM task_attempts x WHERE x.task_id = i.id ORDER BY x.attempt DESC LIMIT 1
) a ON true
LEFT JOIN task_wait w ON w.id = i.id
LEFT JOIN task_ready r ON r.id = i.id
LEFT JOIN lock_waits k ON k.id = i.id
LEFT JOIN task_timers t ON t.ref = i.id
WHERE i.source IS NOT NULL;

-- Which single tasks a list looks at, the newest first and at most so many: those of a session, of a parent, of a source and its
-- creator, or all of a tenant; or, where few are wanted of many, those that stand where tasks in this state stand, of all tenants.
-- By deadline the earliest come first: those behind p_due_from and, at that time itself, p_after.
DROP FUNCTION IF EXISTS looked_tasks(text, int, uuid, uuid, int, text, uuid, text, text);
CREATE OR REPLACE FUNCTION looked_tasks(
    p_by text, p_tenant int, p_before uuid, p_after uuid, p_limit int, p_session text, p_parent uuid, p_source text,
    p_created_by text, p_due_from timestamptz DEFAULT NULL, p_due_before timestamptz DEFAULT NULL)
RETURNS SETOF uuid
LANGUAGE plpgsql STABLE AS $f$
#variable_conflict use_column
BEGIN
    CASE p_by
        WHEN 'tenant' THEN
            RETURN QUERY
                SELECT x.id FROM task_instances x
                WHERE x.tenant_id = p_tenant AND x.source IS NOT NULL AND x.id < p_before AND x.id >= p_after
                ORDER BY x.id DESC LIMIT p_limit;
        WHEN 'deadline' THEN
            RETURN QUERY
                SELECT x.id FROM task_instances x
                WHERE x.tenant_id = p_tenant
                  AND (x.deadline, x.id) > (coalesce(p_due_from, '-infinity'), p_after)
                  AND x.deadline < coalesce(p_due_before, 'infinity')
                ORDER BY x.deadline, x.id LIMIT p_limit;
        WHEN 'session' THEN
            RETURN QUERY
                SELECT x.id FROM task_instances x
                WHERE x.tenant_id = p_tenant AND x.session_id = p_session AND x.id < p_before AND x.id >= p_after
                ORDER BY x.id DESC LIMIT p_limit;
        WHEN 'parent' THEN
            RETURN QUERY
                SELECT x.id FROM task_instances x
                WHERE (x.parent_id, x.id) < (p_parent, p_before) AND (x.parent_id, x.id) >= (p_parent, p_after)
                  AND x.parent_id IS NOT NULL
                ORDER BY x.parent_id DESC, x.id DESC LIMIT p_limit;
        WHEN 'creator' THEN
            RETURN QUERY
                SELECT x.id FROM task_instances x
                WHERE x.tenant_id = p_tenant AND x.source = p_source::task_source AND x.created_by = p_created_by
                  AND x.id < p_before AND x.id >= p_after
                ORDER BY x.id DESC LIMIT p_limit;
        WHEN 'blocked' THEN
            RETURN QUERY
                SELECT x.id FROM task_wait x
                WHERE is_single(x.id) AND x.id < p_before AND x.id >= p_after
                ORDER BY x.id DESC LIMIT p_limit;
        WHEN 'pending' THEN
            RETURN QUERY
                SELECT x.ref FROM task_timers x
                WHERE is_single(x.ref) AND x.kind = 'delay' AND x.ref < p_before AND x.ref >= p_after
                ORDER BY x.ref DESC LIMIT p_limit;
        WHEN 'running' THEN
            RETURN QUERY
                SELECT c.id FROM claim_batches b CROSS JOIN unnest(b.ids) c(id)
                WHERE is_single(c.id) AND c.id < p_before AND c.id >= p_after
                ORDER BY c.id DESC LIMIT p_limit;
        WHEN 'ready' THEN
            RETURN QUERY
                SELECT u.id
                FROM ((SELECT x.id FROM task_ready x
                       WHERE is_single(x.id) AND x.id < p_before AND x.id >= p_after ORDER BY x.id DESC LIMIT p_limit)
                      UNION ALL
                      (SELECT x.id FROM lock_waits x
                       WHERE is_single(x.id) AND x.id < p_before AND x.id >= p_after ORDER BY x.id DESC LIMIT p_limit)
                      UNION ALL
                      (SELECT x.ref FROM task_timers x
                       WHERE is_single(x.ref) AND x.kind = 'retry' AND x.ref < p_before AND x.ref >= p_after
                       ORDER BY x.ref DESC LIMIT p_limit)
                      UNION ALL
                      (SELECT c.id FROM claim_batches b CROSS JOIN unnest(b.ids) c(id)
                       WHERE is_single(c.id) AND c.id < p_before AND c.id >= p_after ORDER BY c.id DESC LIMIT p_limit)) u(id)
                ORDER BY u.id DESC LIMIT p_limit;
    END CASE;
END $f$;

-- Where all single tasks stand that have not ended, of all tenants and at most so many of each kind; since tells how long one is
-- ready.
CREATE OR REPLACE FUNCTION active_tasks(p_limit int)
RETURNS TABLE (kind text, id uuid, state text, since timestamptz)
LANGUAGE sql STABLE AS $f$
    (SELECT 'wait', x.id, 'blocked', NULL::timestamptz FROM task_wait x WHERE is_single(x.id) LIMIT p_limit)
    UNION ALL
    (SELECT 'ready', x.id, 'ready', x.ready_at FROM task_ready x WHERE is_single(x.id) LIMIT p_limit)
    UNION ALL
    (SELECT 'lock', x.id, 'ready', x.ready_at FROM lock_waits x WHERE is_single(x.id) LIMIT p_limit)
    UNION ALL
    (SELECT 'timer', x.ref, CASE x.kind WHEN 'delay' THEN 'pending' ELSE 'ready' END, NULL
     FROM task_timers x WHERE is_single(x.ref) LIMIT p_limit)
    UNION ALL
    (SELECT 'claim', c.id, CASE WHEN a.state = 'running' THEN 'running' ELSE 'ready' END, NULL
     FROM claim_batches b
     CROSS JOIN unnest(b.ids, b.attempts) c(id, attempt)
     LEFT JOIN LATERAL (
         SELECT x.state FROM task_attempts x WHERE x.task_id = c.id AND x.attempt = c.attempt OFFSET 0) a ON true
     WHERE is_single(c.id) AND (a.state IS NULL OR a.state IN ('ready', 'retrying', 'running')) LIMIT p_limit)
$f$;
