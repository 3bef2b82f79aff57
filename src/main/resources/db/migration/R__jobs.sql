-- Jobs: kept in step with their DAGs, fired by the leader or by hand, and what came of that.

-- A DAG's job is what its row says, whoever writes it: a schedule that is new or was changed is planned anew, one that is
-- gone, or whose DAG was deleted, fires no more. What it did stays as long as its runs.
CREATE OR REPLACE FUNCTION follow_dag() RETURNS trigger
LANGUAGE plpgsql AS $f$
DECLARE
    v_status  job_status := CASE WHEN NEW.is_active THEN 'active' ELSE 'paused' END;
    v_is_new  boolean;
BEGIN
    IF NEW.is_internal THEN
        RETURN NULL;
    ELSIF NEW.schedule IS NULL OR NEW.deleted_at IS NOT NULL THEN
        DELETE FROM job_timers t WHERE t.job_id = NEW.id;
        UPDATE jobs j
        SET status = 'cancelled', error = NULL, cancelled_at = clock_timestamp(), updated_at = clock_timestamp()
        WHERE j.id = NEW.id AND j.status <> 'cancelled';
        RETURN NULL;
    END IF;
    INSERT INTO jobs AS j (id, tenant_id, dag_id, name, handler_name, schedule, timezone, status)
    VALUES (NEW.id, NEW.tenant_id, NEW.id, NEW.name, NEW.name, NEW.schedule, NEW.timezone, v_status)
    ON CONFLICT (id) DO UPDATE
        SET schedule = EXCLUDED.schedule, timezone = EXCLUDED.timezone, status = EXCLUDED.status, error = NULL,
            cancelled_at = NULL, updated_at = clock_timestamp()
        WHERE j.schedule <> EXCLUDED.schedule OR j.timezone <> EXCLUDED.timezone OR j.status = 'cancelled';
    v_is_new := FOUND;
    UPDATE jobs j SET status = v_status, updated_at = clock_timestamp()
    WHERE j.id = NEW.id AND j.status IN ('active', 'paused') AND j.status <> v_status;
    INSERT INTO job_timers AS t (job_id, is_paused) VALUES (NEW.id, NOT NEW.is_active)
    ON CONFLICT (job_id) DO UPDATE
        SET is_paused = EXCLUDED.is_paused,
            due_at = CASE WHEN v_is_new THEN clock_timestamp() ELSE t.due_at END,
            is_planned = t.is_planned AND NOT v_is_new
        WHERE v_is_new OR t.is_paused <> EXCLUDED.is_paused;
    RETURN NULL;
END $f$;

CREATE OR REPLACE TRIGGER dag_is_followed
AFTER INSERT OR UPDATE OF schedule, timezone, is_active, deleted_at ON dags
FOR EACH ROW EXECUTE FUNCTION follow_dag();

-- Makes executions and their runs; answers those that are new: one that a schedule made for this job and time counts as made,
-- and for a tenant that is deleted none is made. p_traceparent is the trace they belong to; where it is null, that of their job.
DROP FUNCTION IF EXISTS execute_jobs(uuid[], timestamptz[], uuid[], run_trigger);
CREATE OR REPLACE FUNCTION execute_jobs(
    p_jobs uuid[], p_dues timestamptz[], p_runs uuid[], p_cause run_trigger, p_traceparent text DEFAULT NULL)
RETURNS uuid[]
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_gone     int[];
    v_runs     uuid[];
    v_tenants  int[];
    v_dags     uuid[];
    v_times    timestamptz[];
    v_params   text[];
    v_traces   text[];
    v_nothing  text[];
BEGIN
    v_gone := gone_tenants(ARRAY(SELECT DISTINCT j.tenant_id FROM unnest(p_jobs) f(job) JOIN jobs j ON j.id = f.job));
    WITH fresh AS (
        INSERT INTO job_executions AS e (id, tenant_id, job_id, scheduled_at, created_at, cause, traceparent)
        SELECT f.run, j.tenant_id, f.job, f.due,
               CASE p_cause WHEN 'schedule' THEN greatest(clock_timestamp(), f.due) ELSE clock_timestamp() END,
               p_cause, coalesce(p_traceparent, j.traceparent)
        FROM unnest(p_jobs, p_dues, p_runs) f(job, due, run) JOIN jobs j ON j.id = f.job
        WHERE v_gone IS NULL OR j.tenant_id <> ALL (v_gone)
        ON CONFLICT (
            job_id, scheduled_at,
            (CASE WHEN cause = 'schedule' THEN '00000000-0000-0000-0000-000000000000'::uuid ELSE id END)) DO NOTHING
        RETURNING e.id, e.tenant_id, e.job_id, e.scheduled_at, e.traceparent
    )
    SELECT array_agg(f.id), array_agg(f.tenant_id), array_agg(j.dag_id), array_agg(f.scheduled_at),
           array_agg(CASE WHEN j.passes_payload THEN j.payload::text END), array_agg(f.traceparent)
    INTO v_runs, v_tenants, v_dags, v_times, v_params, v_traces
    FROM fresh f JOIN jobs j ON j.id = f.job_id;
    IF v_runs IS NULL THEN
        RETURN '{}';
    END IF;
    v_nothing := array_fill(NULL::text, ARRAY[cardinality(v_runs)]);
    PERFORM c.ordinal FROM create_runs(
        v_runs, v_tenants, v_dags, array_fill(p_cause::text, ARRAY[cardinality(v_runs)]), v_params, v_times,
        v_nothing, v_nothing, v_nothing, NULL, v_traces) c;
    RETURN v_runs;
END $f$;

-- Fires jobs that the caller has locked. p_firing are their fires, none or several of one job; p_jobs are all of them, with when each is due
-- next (null: never) and the due time that waits for the execution before, if one does; p_cancelling are runs that make room.
-- Answers how many were fired now.
CREATE OR REPLACE FUNCTION fire_jobs(
    p_jobs uuid[], p_nexts timestamptz[], p_helds timestamptz[],
    p_firing uuid[], p_dues timestamptz[], p_runs uuid[], p_cancelling uuid[],
    p_skipping uuid[], p_firsts timestamptz[], p_lasts timestamptz[], p_counts int[], p_reasons text[],
    OUT fired int, OUT nodes uuid[])
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_runs  uuid[];
BEGIN
    SELECT array_agg(n.node) INTO nodes
    FROM unnest(p_cancelling) c(run)
    JOIN dag_runs r ON r.id = c.run
    CROSS JOIN LATERAL cancel_work(r.tenant_id, r.id, NULL) w
    CROSS JOIN LATERAL unnest(w.nodes) n(node);

    v_runs := execute_jobs(p_firing, p_dues, p_runs, 'schedule');

    INSERT INTO job_skips (job_id, first_at, last_at, fires, reason)
    SELECT s.job, s.first_at, s.last_at, s.fires, s.reason
    FROM unnest(p_skipping, p_firsts, p_lasts, p_counts, p_reasons) s(job, first_at, last_at, fires, reason)
    JOIN jobs j ON j.id = s.job;

    UPDATE job_timers t
    SET due_at = coalesce(f.next, 'infinity'), is_planned = true, held_at = f.held, is_released = false,
        last_execution = coalesce(f.last_run, t.last_execution), fires = t.fires + f.fires
    FROM (
        SELECT m.job, m.next, m.held, count(r.run) AS fires,
               (array_agg(r.run ORDER BY r.due DESC) FILTER (WHERE r.run IS NOT NULL))[1] AS last_run
        FROM unnest(p_jobs, p_nexts, p_helds) m(job, next, held)
        LEFT JOIN unnest(p_firing, p_dues, p_runs) r(job, due, run) ON r.job = m.job AND r.run = ANY (v_runs)
        GROUP BY m.job, m.next, m.held
    ) f
    WHERE t.job_id = f.job;

    -- One that fires once is over when that execution is.
    UPDATE jobs j SET status = 'completed', completed_at = clock_timestamp(), updated_at = clock_timestamp()
    FROM unnest(p_jobs, p_nexts, p_helds) m(job, next, held)
    WHERE m.next IS NULL AND m.held IS NULL AND j.id = m.job AND j.type <> 'one_time' AND j.status = 'active' AND j.id <> j.dag_id;
    fired := cardinality(v_runs);
END $f$;

-- Fires a job once, now, beside its schedule: 'fired', 'unknown' or 'no_dag'.
DROP FUNCTION IF EXISTS trigger_job(int, uuid, uuid, timestamptz);
CREATE OR REPLACE FUNCTION trigger_job(
    p_tenant int, p_job uuid, p_run uuid, p_at timestamptz, p_traceparent text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM j.id FROM jobs j
    WHERE j.id = p_job AND j.tenant_id = p_tenant AND j.deleted_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND OR gone_tenants(ARRAY[p_tenant]) IS NOT NULL THEN
        RETURN 'unknown';
    END IF;
    PERFORM d.id FROM dags d JOIN jobs j ON j.dag_id = d.id
    WHERE j.id = p_job AND d.deleted_at IS NULL FOR KEY SHARE OF d;
    IF NOT FOUND THEN
        RETURN 'no_dag';
    END IF;
    PERFORM execute_jobs(ARRAY[p_job], ARRAY[p_at], ARRAY[p_run], 'api', p_traceparent);
    RETURN 'fired';
END $f$;

-- Looks at up to p_limit executions behind (p_job, p_id) that are not known to have ended, notes of those that have begun when,
-- and of those that have ended how they did, and counts them for their jobs; due times that waited for one are due. Answers the last that it looked at, none
-- where there were fewer than the limit.
CREATE OR REPLACE FUNCTION note_ended(p_job uuid, p_id uuid, p_limit int, OUT job uuid, OUT id uuid, OUT released int)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_jobs     uuid[];
    v_ids      uuid[];
    v_unbegun  uuid[];
    v_over     uuid[];
BEGIN
    SELECT array_agg(e.job_id ORDER BY e.job_id, e.id), array_agg(e.id ORDER BY e.job_id, e.id),
           array_agg(e.id ORDER BY e.job_id, e.id) FILTER (WHERE e.started_at IS NULL)
    INTO v_jobs, v_ids, v_unbegun
    FROM (SELECT o.job_id, o.id, o.started_at FROM job_executions o
          WHERE o.outcome IS NULL AND (o.job_id, o.id) > (p_job, p_id)
          ORDER BY o.job_id, o.id LIMIT p_limit) e;
    IF cardinality(v_ids) = p_limit THEN
        job := v_jobs[p_limit];
        id := v_ids[p_limit];
    END IF;

    WITH begun AS MATERIALIZED (
        SELECT o.id, r.started_at
        FROM unnest(v_unbegun) o(id)
        CROSS JOIN LATERAL (SELECT * FROM dag_runs x
                            WHERE x.id = o.id AND x.started_at IS NOT NULL AND x.completed_at IS NULL OFFSET 0) r
    )
    UPDATE job_executions e SET started_at = b.started_at FROM begun b WHERE e.id = b.id;

    -- Who lets one be tried again holds it: that goes on, and is come back to. Of those that are held here the runs are looked at
    -- once more, since they may have been tried again just before.
    SELECT array_agg(h.id) INTO v_over
    FROM unnest(v_ids) o(id)
    CROSS JOIN LATERAL (SELECT x.id FROM dag_runs x WHERE x.id = o.id AND x.completed_at IS NOT NULL OFFSET 0) r
    CROSS JOIN LATERAL (SELECT x.id FROM job_executions x WHERE x.id = r.id AND x.outcome IS NULL
                        OFFSET 0 FOR NO KEY UPDATE SKIP LOCKED) h;
    WITH ended AS MATERIALIZED (
        SELECT o.id, r.started_at, r.completed_at,
               CASE r.state
                   WHEN 'succeeded' THEN 'success'
                   WHEN 'cancelled' THEN 'cancelled'
                   ELSE CASE WHEN EXISTS (SELECT FROM task_attempts a
                                          WHERE a.task_id = instance_id(o.id, 1) AND a.state = 'timed_out'
                                          OFFSET 0)
                                  AND (SELECT d.is_internal FROM dags d WHERE d.id = r.dag_id)
                             THEN 'timeout' ELSE 'failed' END
               END AS outcome
        FROM unnest(v_over) o(id)
        CROSS JOIN LATERAL (SELECT * FROM dag_runs x WHERE x.id = o.id AND x.completed_at IS NOT NULL OFFSET 0) r
    ), noted AS (
        UPDATE job_executions e
        SET outcome = n.outcome, started_at = n.started_at, ended_at = n.completed_at
        FROM ended n WHERE e.id = n.id
        RETURNING e.job_id, e.outcome, e.ended_at - e.started_at AS duration
    ), counted AS (
        INSERT INTO job_counts AS c (job_id, executions, successes, failures, duration_sum)
        SELECT n.job_id, count(*), count(*) FILTER (WHERE n.outcome = 'success'),
               count(*) FILTER (WHERE n.outcome IN ('failed', 'timeout')), coalesce(sum(n.duration), '0')
        FROM noted n GROUP BY n.job_id ORDER BY n.job_id
        ON CONFLICT (job_id) DO UPDATE
            SET executions = c.executions + EXCLUDED.executions, successes = c.successes + EXCLUDED.successes,
                failures = c.failures + EXCLUDED.failures, duration_sum = c.duration_sum + EXCLUDED.duration_sum
    )
    UPDATE jobs j
    SET status = CASE WHEN n.outcome IN ('failed', 'timeout') THEN 'failed' ELSE 'completed' END::job_status,
        error = CASE WHEN n.outcome IN ('failed', 'timeout') THEN 'its execution ended with ' || n.outcome END,
        completed_at = clock_timestamp(), updated_at = clock_timestamp()
    FROM noted n
    WHERE j.id = n.job_id AND j.type = 'one_time' AND j.status = 'active'
      AND EXISTS (SELECT FROM job_timers t WHERE t.job_id = j.id AND t.fires > 0);

    UPDATE job_timers t SET is_released = true
    WHERE t.held_at IS NOT NULL AND NOT t.is_released
      AND NOT EXISTS (SELECT FROM dag_runs r WHERE r.id = t.last_execution AND r.completed_at IS NULL OFFSET 0);
    GET DIAGNOSTICS released = ROW_COUNT;
END $f$;

-- One more attempt at an execution that ended badly, its retries counted anew: 'ready', 'unknown', 'not_failed' or 'not_single' (a
-- run of several tasks).
CREATE OR REPLACE FUNCTION retry_execution(p_tenant int, p_execution uuid, OUT verdict text, OUT queue text)
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_now   timestamptz := clock_timestamp();
    v_id    uuid := instance_id(p_execution, 1);
    v_run   dag_runs;
    v_last  record;
BEGIN
    PERFORM e.id FROM job_executions e WHERE e.id = p_execution AND e.tenant_id = p_tenant FOR UPDATE;
    SELECT r.* INTO v_run FROM dag_runs r WHERE r.id = p_execution AND r.tenant_id = p_tenant FOR UPDATE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM job_executions e WHERE e.id = p_execution) THEN
        verdict := 'unknown';
        RETURN;
    ELSIF v_run.state NOT IN ('failed', 'cancelled') THEN
        verdict := 'not_failed';
        RETURN;
    ELSIF NOT (SELECT d.is_internal FROM dags d WHERE d.id = v_run.dag_id) THEN
        verdict := 'not_single';
        RETURN;
    END IF;
    SELECT a.attempt, a.state INTO v_last FROM task_attempts a WHERE a.task_id = v_id ORDER BY a.attempt DESC LIMIT 1;
    PERFORM mark_redriven(ARRAY[v_id], 'retry');
    UPDATE task_attempts a SET state = sent_back_state(a.outcome)
    WHERE a.task_id = v_id AND a.attempt = v_last.attempt;
    INSERT INTO task_ready AS t (id, queue, latest_start, version_id, attempt, has_locks)
    SELECT i.id, i.queue, latest_start(v_now, i.priority, i.must_start_by), i.version_id, v_last.attempt, v_run.has_locks
    FROM task_instances i WHERE i.id = v_id
    RETURNING t.queue INTO queue;
    UPDATE dag_runs r
    SET state = CASE WHEN r.started_at IS NULL THEN 'pending' ELSE 'running' END::run_state,
        remaining = 1, failed = 0, cancelled = 0, completed_at = NULL
    WHERE r.id = p_execution;
    INSERT INTO task_events (tenant_id, run_id, at, run_state, task_nos, froms, tos, attempts, fences, workers)
    SELECT r.tenant_id, r.id, v_now, r.state, ARRAY[1], ARRAY[v_last.state], ARRAY['ready'::task_state],
           ARRAY[v_last.attempt], ARRAY[0::bigint], ARRAY[NULL::smallint]
    FROM dag_runs r WHERE r.id = p_execution;
    PERFORM reopen_execution(p_execution);
    verdict := 'ready';
END $f$;

-- Takes one hidden job apart: some of its executions, which have to have ended, and of the times at which it did not fire, else the job itself, and with the last that
-- needs it the DAG that was kept for it; one whose executions still run is come back to. Answers whether there was anything
-- to do.
CREATE OR REPLACE FUNCTION purge_hidden_jobs(p_executions int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_job        record;
    v_execution  record;
    v_gone       uuid[];
BEGIN
    FOR v_job IN
        SELECT j.id, j.tenant_id, j.dag_id FROM jobs j
        WHERE j.deleted_at IS NOT NULL ORDER BY j.deleted_at LIMIT 20 FOR UPDATE SKIP LOCKED
    LOOP
        -- The runs of a published DAG stay with it. Which it was is told by each run: a job may have fired both.
        v_gone := NULL;
        FOR v_execution IN
            SELECT o.id,
                   (SELECT d.is_internal FROM dag_runs r JOIN dags d ON d.id = r.dag_id WHERE r.id = o.id) AS is_internal
            FROM job_executions o WHERE o.job_id = v_job.id
            ORDER BY o.scheduled_at LIMIT p_executions
        LOOP
            IF v_execution.is_internal IS NOT TRUE OR delete_run(v_job.tenant_id, v_execution.id) <> 'active' THEN
                v_gone := array_append(v_gone, v_execution.id);
            END IF;
            EXIT WHEN is_long_enough();
        END LOOP;
        IF v_gone IS NOT NULL THEN
            DELETE FROM job_executions e WHERE e.id = ANY (v_gone);
            RETURN true;
        END IF;
        DELETE FROM job_skips s WHERE s.id = ANY (ARRAY(
            SELECT o.id FROM job_skips o WHERE o.job_id = v_job.id ORDER BY o.first_at LIMIT p_executions));
        IF FOUND THEN
            RETURN true;
        ELSIF purge_waiting(v_job.id, p_executions) THEN
            RETURN true;
        ELSIF NOT EXISTS (SELECT FROM job_executions e WHERE e.job_id = v_job.id) THEN
            DELETE FROM jobs j WHERE j.id = v_job.id;
            PERFORM d.id FROM dags d WHERE d.id = v_job.dag_id AND d.is_internal FOR UPDATE;
            IF FOUND
                AND NOT EXISTS (SELECT FROM jobs j WHERE j.dag_id = v_job.dag_id)
                AND NOT EXISTS (SELECT FROM dag_runs r WHERE r.dag_id = v_job.dag_id) THEN
                UPDATE dags d SET deleted_at = clock_timestamp() WHERE d.id = v_job.dag_id;
            END IF;
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $f$;
