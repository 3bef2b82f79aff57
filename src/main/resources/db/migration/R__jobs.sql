-- Jobs: kept in step with their DAGs, and fired by the leader.

-- A DAG's job is what its row says, whoever writes it: a schedule that is new or was changed is planned anew, one that is
-- gone, or whose DAG was deleted, fires no more. What it did stays as long as its runs.
CREATE OR REPLACE FUNCTION follow_dag() RETURNS trigger
LANGUAGE plpgsql AS $f$
DECLARE
    v_is_new  boolean;
BEGIN
    IF NEW.schedule IS NULL OR NEW.deleted_at IS NOT NULL THEN
        DELETE FROM job_timers t WHERE t.job_id = NEW.id;
        RETURN NULL;
    END IF;
    INSERT INTO jobs AS j (id, tenant_id, dag_id, schedule, timezone)
    VALUES (NEW.id, NEW.tenant_id, NEW.id, NEW.schedule, NEW.timezone)
    ON CONFLICT (id) DO UPDATE
        SET schedule = EXCLUDED.schedule, timezone = EXCLUDED.timezone, status = 'active', error = NULL
        WHERE j.schedule <> EXCLUDED.schedule OR j.timezone <> EXCLUDED.timezone;
    v_is_new := FOUND;
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

-- Fires jobs that the caller has locked: p_runs is null where it only moves on or records what it leaves out. p_nexts is
-- when each is due next, null where never. Answers how many were fired now; one that was fired for this time before counts
-- as done.
CREATE OR REPLACE FUNCTION fire_jobs(
    p_jobs uuid[], p_dues timestamptz[], p_runs uuid[], p_nexts timestamptz[],
    p_skipping uuid[], p_firsts timestamptz[], p_lasts timestamptz[], p_counts int[], p_reasons text[])
RETURNS int
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
DECLARE
    v_runs     uuid[];
    v_tenants  int[];
    v_dags     uuid[];
    v_times    timestamptz[];
BEGIN
    WITH fresh AS (
        INSERT INTO job_executions AS e (id, tenant_id, job_id, scheduled_at)
        SELECT f.run, j.tenant_id, f.job, f.due
        FROM unnest(p_jobs, p_dues, p_runs) f(job, due, run) JOIN jobs j ON j.id = f.job
        WHERE f.run IS NOT NULL
        ON CONFLICT (job_id, scheduled_at) DO NOTHING
        RETURNING e.id, e.tenant_id, e.job_id, e.scheduled_at
    )
    SELECT array_agg(f.id), array_agg(f.tenant_id), array_agg(j.dag_id), array_agg(f.scheduled_at)
    INTO v_runs, v_tenants, v_dags, v_times
    FROM fresh f JOIN jobs j ON j.id = f.job_id;

    IF v_runs IS NOT NULL THEN
        PERFORM c.ordinal FROM create_runs(
            v_runs, v_tenants, v_dags, array_fill('schedule'::text, ARRAY[cardinality(v_runs)]),
            array_fill(NULL::text, ARRAY[cardinality(v_runs)]), v_times,
            array_fill(NULL::text, ARRAY[cardinality(v_runs)]), array_fill(NULL::text, ARRAY[cardinality(v_runs)]),
            array_fill(NULL::text, ARRAY[cardinality(v_runs)])) c;
    END IF;

    INSERT INTO job_skips (job_id, first_at, last_at, fires, reason)
    SELECT s.job, s.first_at, s.last_at, s.fires, s.reason
    FROM unnest(p_skipping, p_firsts, p_lasts, p_counts, p_reasons) s(job, first_at, last_at, fires, reason)
    JOIN jobs j ON j.id = s.job;

    UPDATE job_timers t
    SET due_at = coalesce(f.next, 'infinity'), is_planned = true,
        last_execution = CASE WHEN f.run = ANY (v_runs) THEN f.run ELSE t.last_execution END
    FROM unnest(p_jobs, p_runs, p_nexts) f(job, run, next)
    WHERE t.job_id = f.job;
    RETURN coalesce(cardinality(v_runs), 0);
END $f$;
