-- The time of all attempts of a task together (totalTimeout): worked out of what stands there of them, so that it holds
-- whichever node asks, and whichever nodes were lost. Only tasks that have such a limit are ever asked for.

-- When the first attempt began of those that count together with this one; null where none has. They begin anew behind an
-- attempt that put itself off, one that ended the task (it was redriven), and one whose task was sent back by hand: there it
-- stands as ready, which else only those do that were lost or handed back.
CREATE OR REPLACE FUNCTION total_began(p_id uuid, p_attempt smallint) RETURNS timestamptz
LANGUAGE plpgsql STABLE AS $f$
DECLARE
    v_before  smallint;
BEGIN
    SELECT max(a.attempt) INTO v_before FROM task_attempts a
    WHERE a.task_id = p_id AND a.attempt < p_attempt
      AND (a.outcome = 'snoozed' OR a.state >= 'succeeded'
           OR (a.state = 'ready' AND a.outcome NOT IN ('lost', 'handed_back'))
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
