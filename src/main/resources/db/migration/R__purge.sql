-- Deleting in bounded steps: DAGs, hidden first and then taken apart with their runs; runs and single tasks that ended long
-- ago.

-- Whether a transaction that deletes has gone on for long enough: the leader's right is held by it, so that the next leader
-- would wait.
CREATE OR REPLACE FUNCTION is_long_enough() RETURNS boolean
LANGUAGE sql VOLATILE
RETURN clock_timestamp() > transaction_timestamp() + interval '1500 milliseconds';

-- Hides a DAG, so that purge_hidden_dags can take it apart: 'hidden', 'active' (runs have not ended), 'in_use' (jobs fire it) or 'unknown'.
-- Creating a run holds the DAG's row FOR KEY SHARE: it is waited for here, and its run then seen.
CREATE OR REPLACE FUNCTION hide_dag(p_tenant int, p_dag uuid) RETURNS text
LANGUAGE plpgsql AS $f$
#variable_conflict use_column
BEGIN
    PERFORM d.id FROM dags d
    WHERE d.id = p_dag AND d.tenant_id = p_tenant AND d.deleted_at IS NULL AND NOT d.is_internal FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'unknown';
    END IF;
    IF EXISTS (SELECT FROM jobs j
               WHERE j.dag_id = p_dag AND j.id <> p_dag AND j.deleted_at IS NULL AND j.status IN ('active', 'paused')) THEN
        RETURN 'in_use';
    END IF;
    IF EXISTS (SELECT FROM dag_runs r
               WHERE r.tenant_id = p_tenant AND r.dag_id = p_dag AND r.state IN ('pending', 'running', 'cancelling')) THEN
        RETURN 'active';
    END IF;
    UPDATE dags d SET deleted_at = clock_timestamp(), is_active = false WHERE d.id = p_dag;
    RETURN 'hidden';
END $f$;

-- Takes one hidden DAG apart: some of its runs (about p_tasks tasks), else one of its versions, else the DAG itself.
-- Answers whether there was anything to do.
CREATE OR REPLACE FUNCTION purge_hidden_dags(p_tasks int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_dag     uuid;
    v_tenant  int;
    v_tasks   int;
    v_run     uuid;
    v_runs    int := 0;
BEGIN
    SELECT d.id, d.tenant_id, d.task_count INTO v_dag, v_tenant, v_tasks FROM dags d
    WHERE d.deleted_at IS NOT NULL ORDER BY d.deleted_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR v_run IN
        SELECT y.id FROM dag_runs y WHERE y.dag_id = v_dag ORDER BY y.created_at, y.id LIMIT greatest(1, p_tasks / v_tasks)
    LOOP
        v_runs := v_runs + (delete_run(v_tenant, v_run) = 'deleted')::int;
        EXIT WHEN is_long_enough();
    END LOOP;
    IF v_runs > 0 THEN
        RETURN true;
    END IF;
    DELETE FROM dag_versions v
    WHERE v.id = (SELECT x.id FROM dag_versions x WHERE x.dag_id = v_dag ORDER BY x.version LIMIT 1);
    IF NOT FOUND THEN
        DELETE FROM limits l WHERE l.tenant_id = v_tenant AND l.kind = 'dag' AND l.name = v_dag::text;
        DELETE FROM dags d WHERE d.id = v_dag;
    END IF;
    RETURN true;
END $f$;

-- Hides jobs that ended before this time and have no executions left, so that purge_hidden_jobs takes them apart. That of a DAG with a
-- schedule, and those that wait for events, end with what they belong to. One may be fired once more by hand until it is held: only
-- then it is seen for sure whether it was.
CREATE OR REPLACE FUNCTION hide_ended_jobs(p_before timestamptz, p_limit int) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
DECLARE
    v_ids  uuid[];
BEGIN
    v_ids := ARRAY(
        SELECT o.id FROM jobs o
        WHERE o.deleted_at IS NULL AND coalesce(o.completed_at, o.cancelled_at) IS NOT NULL
          AND coalesce(o.completed_at, o.cancelled_at) < p_before
          AND o.status IN ('completed', 'failed', 'cancelled') AND o.type <> 'event' AND o.id <> o.dag_id
          AND NOT EXISTS (SELECT FROM job_executions e WHERE e.job_id = o.id)
          AND NOT EXISTS (SELECT FROM job_timers t WHERE t.job_id = o.id AND t.due_at < 'infinity')
        ORDER BY coalesce(o.completed_at, o.cancelled_at) LIMIT p_limit
        FOR UPDATE SKIP LOCKED);
    UPDATE jobs j SET deleted_at = clock_timestamp()
    WHERE j.id = ANY (v_ids) AND NOT EXISTS (SELECT FROM job_executions e WHERE e.job_id = j.id);
END $f$;

-- Deletes runs that ended longer ago than p_age, the oldest first, until about p_tasks tasks are gone, and
-- what was recorded of times at which jobs did not fire. Jobs that ended as long ago are hidden once they have no executions
-- left, for purge_hidden_jobs. Answers whether
-- that bound was reached, so that there may be more. Runs are found by their creation, which no end precedes: one that
-- took longer than all others is looked at again each time, and needs no index of its own.
CREATE OR REPLACE FUNCTION purge_old_runs(p_age interval, p_tasks int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_before  timestamptz := statement_timestamp() - p_age;
    v_tasks   int := 0;
    v_run     record;
BEGIN
    DELETE FROM job_skips s WHERE s.ctid = ANY (ARRAY(
        SELECT o.ctid FROM job_skips o WHERE o.created_at < v_before ORDER BY o.created_at LIMIT p_tasks));
    PERFORM hide_ended_jobs(v_before, p_tasks);
    FOR v_run IN
        SELECT t.id AS tenant_id, o.id, o.tasks
        FROM tenants t
        CROSS JOIN unnest(ARRAY['succeeded', 'failed', 'cancelled']::run_state[]) s (state)
        CROSS JOIN LATERAL (
            SELECT r.id, (SELECT d.task_count FROM dags d WHERE d.id = r.dag_id) AS tasks
            FROM dag_runs r
            WHERE r.tenant_id = t.id AND r.state = s.state AND r.created_at < v_before AND r.completed_at < v_before
            ORDER BY r.created_at, r.id
            LIMIT p_tasks
        ) o
    LOOP
        IF delete_run(v_run.tenant_id, v_run.id) = 'deleted' THEN
            v_tasks := v_tasks + greatest(1, v_run.tasks);
        END IF;
        IF v_tasks >= p_tasks OR is_long_enough() THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $f$;

-- Deletes these single tasks, which have ended, with all that belongs to them.
CREATE OR REPLACE FUNCTION delete_tasks(p_ids uuid[]) RETURNS void
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
BEGIN
    DELETE FROM task_logs t WHERE t.task_id = ANY (p_ids);
    DELETE FROM task_outputs t WHERE t.task_id = ANY (p_ids);
    DELETE FROM task_attempts t WHERE t.task_id = ANY (p_ids);
    DELETE FROM dead_letters t WHERE t.task_id = ANY (p_ids);
    DELETE FROM cancel_requests t WHERE t.task_id = ANY (p_ids);
    DELETE FROM task_cascades t WHERE t.prerequisite_id = ANY (p_ids);
    DELETE FROM task_revivals t WHERE t.prerequisite_id = ANY (p_ids);
    DELETE FROM tree_cancels t WHERE t.task_id = ANY (p_ids);
    DELETE FROM task_parents t WHERE t.task_id = ANY (p_ids);
    DELETE FROM task_instances t WHERE t.id = ANY (p_ids);
    IF EXISTS (SELECT FROM run_traces) THEN
        DELETE FROM run_traces t
        WHERE t.run_id = ANY (ARRAY(
            SELECT b.base FROM (SELECT DISTINCT run_of(u.id) AS base FROM unnest(p_ids) u(id)) b
            LEFT JOIN LATERAL (
                SELECT x.id FROM task_instances x
                WHERE x.id BETWEEN single_id(b.base, 0) AND single_id(b.base, 2147483647) LIMIT 1 OFFSET 0) i ON true
            WHERE i.id IS NULL));
    END IF;
END $f$;

-- Whether a single task ended before this time, and nothing that is open waits to be given its output.
CREATE OR REPLACE FUNCTION is_left_behind(p_id uuid, p_before timestamptz) RETURNS boolean
LANGUAGE plpgsql STABLE AS $f$
#variable_conflict use_column
BEGIN
    RETURN EXISTS (
            SELECT FROM (SELECT x.state, x.finished_at FROM task_attempts x
                         WHERE x.task_id = p_id ORDER BY x.attempt DESC LIMIT 1) a
            WHERE a.state >= 'succeeded' AND a.finished_at < p_before)
        AND NOT EXISTS (
            SELECT FROM task_dependencies d
            LEFT JOIN LATERAL (
                SELECT x.state FROM task_attempts x
                WHERE x.task_id = d.dependent_id ORDER BY x.attempt DESC LIMIT 1) e ON true
            WHERE d.prerequisite_id = p_id AND coalesce(e.state, 'blocked') < 'succeeded');
END $f$;

-- As nodes of earlier releases call it: deletes single tasks that ended longer ago than p_age, the oldest first and at most p_limit; answers
-- whether that bound was reached, so that there may be more. An id is a time, which no end precedes. What an open task still waits to be given the output
-- of stays.
--
-- Who retries a task, or comes to wait for one, holds its slot alone and looks then. Sharing the slots is enough against these,
-- and nobody who ends a task waits meanwhile; what they did before is seen by looking once more.
CREATE OR REPLACE FUNCTION purge_old_tasks(p_age interval, p_limit int) RETURNS boolean
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_before  timestamptz := statement_timestamp() - p_age;
    v_last    uuid := rpad(lpad(to_hex(floor(extract(epoch FROM v_before) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    v_ids     uuid[];
BEGIN
    v_ids := ARRAY(
        SELECT i.id
        FROM tenants t
        CROSS JOIN LATERAL (
            SELECT x.id FROM task_instances x
            WHERE x.tenant_id = t.id AND x.source IS NOT NULL AND x.id < v_last ORDER BY x.id) i
        WHERE is_left_behind(i.id, v_before)
        LIMIT p_limit);
    PERFORM hold_slots(v_ids, false);
    PERFORM delete_tasks(ARRAY(SELECT u.id FROM unnest(v_ids) u(id) WHERE is_left_behind(u.id, v_before)));
    RETURN cardinality(v_ids) = p_limit;
END $f$;

-- The same in a round over all tasks that are old enough: looks at up to p_limit of them, in the order of tenants and ids behind these,
-- and answers where to go on, or no tenant at the end of the round. "left" is how many stay, which the next round looks at again.
-- What belongs to a task may be much, so it ends earlier where it has been at it for long enough.
CREATE OR REPLACE FUNCTION purge_old_tasks(
    p_age interval, p_limit int, p_tenant int, p_after uuid, OUT tenant int, OUT after uuid, OUT "left" int)
LANGUAGE plpgsql
SET enable_seqscan = off
AS $f$
#variable_conflict use_column
DECLARE
    v_before  timestamptz := statement_timestamp() - p_age;
    v_last    uuid := rpad(lpad(to_hex(floor(extract(epoch FROM v_before) * 1000)::bigint), 12, '0'), 32, '0')::uuid;
    v_tenant  int := p_tenant;
    v_after   uuid := p_after;
    v_seen    uuid[];
    v_held    uuid[];
    v_part    uuid[];
    v_ids     uuid[];
    v_done    int := 0;
BEGIN
    "left" := 0;
    LOOP
        v_seen := ARRAY(
            SELECT x.id FROM task_instances x
            WHERE x.tenant_id = v_tenant AND x.source IS NOT NULL AND x.id > v_after AND x.id < v_last
            ORDER BY x.id LIMIT p_limit);
        EXIT WHEN cardinality(v_seen) > 0;
        v_tenant := (SELECT min(t.id) FROM tenants t WHERE t.id > v_tenant);
        IF v_tenant IS NULL THEN
            RETURN;
        END IF;
        v_after := '00000000-0000-0000-0000-000000000000';
    END LOOP;
    v_held := ARRAY(SELECT u.id FROM unnest(v_seen) u(id) WHERE is_left_behind(u.id, v_before));
    IF cardinality(v_held) > 0 THEN
        -- All at once: one after the other they would be in no order.
        PERFORM hold_slots(v_held, false);
    END IF;
    tenant := v_tenant;
    WHILE v_done < cardinality(v_seen) LOOP
        v_part := v_seen[v_done + 1 : v_done + 20];
        v_ids := ARRAY(SELECT u.id FROM unnest(v_part) u(id) WHERE u.id = ANY (v_held) AND is_left_behind(u.id, v_before));
        IF cardinality(v_ids) > 0 THEN
            PERFORM delete_tasks(v_ids);
        END IF;
        v_done := v_done + cardinality(v_part);
        after := v_seen[v_done];
        "left" := "left" + cardinality(v_part) - cardinality(v_ids);
        EXIT WHEN cardinality(v_ids) > 0 AND is_long_enough();
    END LOOP;
END $f$;
