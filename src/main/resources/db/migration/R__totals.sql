-- The time of all attempts of a task together (totalTimeout): worked out of what stands there of them, so that it holds
-- whichever node asks, and whichever nodes were lost. Only tasks that have such a limit are ever asked for.

-- How the last attempt of a task stands that is sent back by hand. One that was lost or handed back stands as ready by itself,
-- so it stands as retrying then.
CREATE OR REPLACE FUNCTION sent_back_state(p_outcome attempt_outcome) RETURNS task_state
LANGUAGE plpgsql IMMUTABLE AS $f$
BEGIN
    RETURN CASE WHEN p_outcome IN ('lost', 'handed_back') THEN 'retrying' ELSE 'ready' END;
END $f$;

-- When the first attempt began of those that count together with this one; null where none has. They begin anew behind an
-- attempt that put itself off, one that ended the task (it was redriven), and one whose task was sent back by hand.
CREATE OR REPLACE FUNCTION total_began(p_id uuid, p_attempt smallint) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $f$
DECLARE
    v_before  smallint;
BEGIN
    SELECT max(a.attempt) INTO v_before FROM task_attempts a
    WHERE a.task_id = p_id AND a.attempt < p_attempt
      AND (a.outcome = 'snoozed' OR a.state >= 'succeeded'
           OR a.state = sent_back_state(a.outcome)
           OR EXISTS (SELECT FROM dead_letters l WHERE l.task_id = p_id AND l.attempt = a.attempt));
    RETURN (SELECT min(a.started_at) FROM task_attempts a
            WHERE a.task_id = p_id AND a.attempt <= p_attempt AND a.attempt > coalesce(v_before, 0));
END $f$;

-- How long ago that was, in milliseconds; 0 where none has begun.
CREATE OR REPLACE FUNCTION total_used_ms(p_id uuid, p_attempt smallint) RETURNS bigint
LANGUAGE plpgsql STABLE AS $f$
BEGIN
    RETURN coalesce(greatest(0, (extract(epoch FROM clock_timestamp() - total_began(p_id, p_attempt)) * 1000)::bigint), 0);
END $f$;

-- Until when an attempt may go on that began then: the smaller of its own limit and of what is left of the total.
CREATE OR REPLACE FUNCTION attempt_ends(p_id uuid, p_attempt smallint, p_began timestamptz) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $f$
DECLARE
    v_limit  bigint;
    v_total  bigint;
BEGIN
    SELECT coalesce(t.timeout_ms, i.timeout_ms),
           coalesce(t.total_timeout_ms, duration_ms(i.definition ->> 'totalTimeout')::bigint)
    INTO v_limit, v_total
    FROM task_instances i
    LEFT JOIN dag_tasks t ON t.version_id = i.version_id AND t.task_no = task_no_of(i.id)
    WHERE i.id = p_id;
    RETURN CASE WHEN v_total IS NULL THEN p_began + v_limit * interval '1 millisecond'
           ELSE least(p_began + v_limit * interval '1 millisecond',
                      coalesce(total_began(p_id, p_attempt), p_began) + v_total * interval '1 millisecond') END;
END $f$;

-- Of tasks that have begun and are ready once more, or wait for a lock or a limit, those whose total is over: of up to p_limit that
-- are to be looked at now (total_waits). Each is looked at when it comes to wait, and when its time may be over; meanwhile once an hour,
-- so that nothing is kept of those that have long ended. One whose total is over is not looked at again for ten seconds, so that one
-- that cannot be ended keeps nothing else back.
--
-- The rows are held first, and what waits is looked for in a later statement: who comes to wait meanwhile waits for this row, and
-- notes itself anew.
CREATE OR REPLACE FUNCTION due_totals(p_limit int, OUT ids uuid[], OUT totals bigint[], OUT looked int)
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_ids  uuid[];
BEGIN
    v_ids := ARRAY(
        SELECT w.task_id FROM total_waits w
        WHERE w.due_at <= statement_timestamp() ORDER BY w.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED);
    WITH line AS MATERIALIZED (
        SELECT u.id, w.version_id, w.attempt
        FROM unnest(v_ids) u(id)
        CROSS JOIN LATERAL (
            SELECT x.version_id, x.attempt FROM task_ready x WHERE x.id = u.id AND x.attempt > 0
            UNION ALL
            SELECT x.version_id, x.attempt FROM lock_waits x WHERE x.id = u.id AND x.attempt > 0 OFFSET 0) w
    ), limited AS MATERIALIZED (
        SELECT l.id, l.attempt,
               CASE WHEN l.version_id = 0
                    THEN (SELECT duration_ms(i.definition ->> 'totalTimeout')::bigint FROM task_instances i WHERE i.id = l.id)
                    ELSE (SELECT t.total_timeout_ms FROM dag_tasks t
                          WHERE t.version_id = l.version_id AND t.task_no = task_no_of(l.id)) END AS total
        FROM line l
    ), waiting AS MATERIALIZED (
        SELECT m.id, m.total, m.total - total_used_ms(m.id, (m.attempt + 1)::smallint) AS rest
        FROM limited m WHERE m.total IS NOT NULL
    ), put_away AS (
        DELETE FROM total_waits t USING (SELECT u.id FROM unnest(v_ids) u(id) EXCEPT SELECT w.id FROM waiting w) g
        WHERE t.task_id = g.id
    ), put_off AS (
        UPDATE total_waits t
        SET due_at = clock_timestamp()
                     + CASE WHEN w.rest <= 0 THEN interval '10 seconds' ELSE least(w.rest, 3600000) * interval '1 millisecond' END
        FROM waiting w WHERE t.task_id = w.id
    )
    SELECT coalesce(array_agg(w.id ORDER BY w.id), '{}'), coalesce(array_agg(w.total ORDER BY w.id), '{}')
    INTO ids, totals
    FROM waiting w WHERE w.rest <= 0;
    looked := cardinality(v_ids);
END $f$;

-- As nodes of earlier releases call it, which went through all that wait.
CREATE OR REPLACE FUNCTION overdue_waits(
    p_after uuid, p_limit int, OUT ids uuid[], OUT totals bigint[], OUT last_id uuid)
LANGUAGE plpgsql AS $f$
BEGIN
    SELECT d.ids, d.totals INTO ids, totals FROM due_totals(p_limit) d;
END $f$;

-- Ends these tasks, all of runs or all single ones, as far as they still wait and their totals are over: each as an attempt that
-- never began, with its dead letter. Who takes one of them meanwhile ends it in the same way. Answers which ended, and the queues
-- in which others became ready.
CREATE OR REPLACE FUNCTION end_waiting(
    p_ids uuid[], p_totals bigint[], p_errors text[], OUT ended uuid[], OUT queues text[])
LANGUAGE plpgsql SET enable_seqscan = off AS $f$
#variable_conflict use_column
DECLARE
    v_now       timestamptz := clock_timestamp();
    v_versions  int[];
    v_limits    bigint[];
    v_locks     int[];
    v_over      uuid[];
    v_attempts  smallint[];
    v_left      record;
    v_changes   task_change[];
BEGIN
    ended := '{}';
    queues := '{}';
    SELECT array_agg(DISTINCT r.version_id) FILTER (WHERE r.has_locks) INTO v_versions
    FROM (SELECT DISTINCT run_of(u.id) AS id FROM unnest(p_ids) u(id) WHERE NOT is_single(u.id) ORDER BY 1) u
    CROSS JOIN LATERAL (
        SELECT x.version_id, x.has_locks FROM dag_runs x WHERE x.id = u.id OFFSET 0 FOR NO KEY UPDATE) r;
    PERFORM hold_slots_of(ARRAY(
        SELECT (u.id, NULL, task_no_of(u.id), 0, 'ready', 'timed_out', 0, 0, NULL, NULL)::task_change
        FROM unnest(p_ids) u(id) WHERE is_single(u.id)));

    -- Nobody sends one of them back by hand from here on.
    SELECT array_agg(w.id) INTO v_over
    FROM unnest(p_ids, p_totals) u(id, total)
    CROSS JOIN LATERAL (
        SELECT x.id, x.attempt FROM task_ready x WHERE x.id = u.id
        UNION ALL SELECT x.id, x.attempt FROM lock_waits x WHERE x.id = u.id) w
    WHERE total_used_ms(w.id, (w.attempt + 1)::smallint) >= u.total;
    IF v_over IS NULL THEN
        RETURN;
    END IF;
    IF is_single(v_over[1]) THEN
        SELECT * INTO v_left FROM withdraw_tasks(v_over);
        ended := v_left.gone;
        v_attempts := v_left.attempts;
        queues := v_left.queues;
    ELSE
        IF v_versions IS NOT NULL THEN
            SELECT array_agg(v.limit_id) INTO v_limits
            FROM dag_versions v WHERE v.id = ANY (v_versions) AND v.limit_id IS NOT NULL;
            PERFORM hold_limits(v_limits);
            SELECT array_agg(n.id) INTO v_locks
            FROM (SELECT v.lock_id AS id FROM dag_versions v WHERE v.id = ANY (v_versions)
                  UNION SELECT t.lock_id FROM dag_tasks t WHERE t.version_id = ANY (v_versions)) n
            WHERE n.id IS NOT NULL;
            PERFORM hold_locks(v_locks);
        END IF;
        WITH waiting AS (
            DELETE FROM lock_waits w WHERE w.id = ANY (v_over) RETURNING w.id, w.attempt
        ), ready AS (
            DELETE FROM task_ready r WHERE r.id = ANY (v_over) RETURNING r.id, r.attempt
        )
        SELECT coalesce(array_agg(g.id), '{}'), array_agg(g.attempt) INTO ended, v_attempts
        FROM (SELECT * FROM waiting UNION ALL SELECT * FROM ready) g;
    END IF;

    WITH recorded AS (
        INSERT INTO task_attempts AS a (task_id, attempt, fence, outcome, state, finished_at, error)
        SELECT e.id, e.attempt + 1, nextval('fence_seq'), 'timed_out', 'timed_out', v_now, p_errors[array_position(p_ids, e.id)]
        FROM unnest(ended, v_attempts) e(id, attempt)
        RETURNING a.task_id, a.attempt, a.fence, a.outcome, a.error
    ), letters AS (
        INSERT INTO dead_letters (task_id, attempt, tenant_id, run_id, outcome, error, created_at)
        SELECT r.task_id, r.attempt, i.tenant_id, i.run_id, r.outcome, r.error, v_now
        FROM recorded r JOIN task_instances i ON i.id = r.task_id
    )
    SELECT array_agg((r.task_id, i.run_id, task_no_of(r.task_id), i.version_id, 'ready', 'timed_out', r.attempt, r.fence, NULL,
                      NULL)::task_change)
    INTO v_changes
    FROM recorded r JOIN task_instances i ON i.id = r.task_id;
    IF v_changes IS NOT NULL THEN
        queues := queues || settle(v_changes, NULL);
    END IF;
    IF v_locks IS NOT NULL THEN
        -- What ended may have been the one that was called for a free lock.
        queues := queues || wake_waiters(ARRAY(SELECT l.id FROM locks l WHERE l.id = ANY (v_locks) AND l.holder IS NULL));
    END IF;
    IF v_limits IS NOT NULL THEN
        queues := queues || wake_waiters(v_limits, ARRAY(
            SELECT free_places(l.id) FROM unnest(v_limits) WITH ORDINALITY l(id, ordinal) ORDER BY l.ordinal));
    END IF;
END $f$;
