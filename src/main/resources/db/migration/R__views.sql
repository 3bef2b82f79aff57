-- For reading: the state of every task instance, from where its rows stand. What is in none of the tables that a state
-- has for itself is claimed: running if its attempt began, else queued.
CREATE OR REPLACE VIEW task_states AS
SELECT i.id, i.tenant_id, i.run_id, i.version_id, i.task_id, i.created_at,
       CASE WHEN w.id IS NOT NULL THEN 'blocked'
            WHEN r.id IS NOT NULL OR k.id IS NOT NULL THEN 'ready'
            WHEN t.kind = 'delay' THEN 'pending'
            WHEN t.ref IS NOT NULL THEN 'retrying'
            WHEN a.state IS NULL OR a.state IN ('retrying', 'ready') THEN 'queued'
            ELSE a.state END::task_state AS state,
       coalesce(a.attempt, 0)::smallint AS attempt,
       coalesce(a.fence, 0) AS fence,
       a.node_id, a.worker_no, a.started_at, a.finished_at, a.error, t.due_at AS next_attempt_at,
       a.progress
FROM task_instances i
LEFT JOIN LATERAL (
    SELECT x.* FROM task_attempts x WHERE x.task_id = i.id ORDER BY x.attempt DESC LIMIT 1
) a ON true
LEFT JOIN task_wait w ON w.id = i.id
LEFT JOIN task_ready r ON r.id = i.id
LEFT JOIN lock_waits k ON k.id = i.id
LEFT JOIN task_timers t ON t.ref = i.id;

-- Deletes a run that has ended, with all that belongs to it: 'deleted', 'active' or 'none'.
CREATE OR REPLACE FUNCTION delete_run(p_tenant int, p_run uuid) RETURNS text
LANGUAGE plpgsql AS $f$
DECLARE
    v_state  run_state;
    v_last   uuid := instance_id(p_run, 2147483647);
BEGIN
    SELECT r.state INTO v_state FROM dag_runs r WHERE r.id = p_run AND r.tenant_id = p_tenant FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 'none';
    ELSIF v_state < 'succeeded' THEN
        RETURN 'active';
    END IF;
    DELETE FROM task_logs t WHERE t.task_id BETWEEN p_run AND v_last;
    DELETE FROM task_outputs t WHERE t.task_id BETWEEN p_run AND v_last;
    DELETE FROM task_attempts t WHERE t.task_id BETWEEN p_run AND v_last;
    DELETE FROM dead_letters t WHERE t.task_id BETWEEN p_run AND v_last;
    DELETE FROM cancel_requests t WHERE t.task_id BETWEEN p_run AND v_last;
    DELETE FROM task_instances t WHERE t.id BETWEEN p_run AND v_last;
    DELETE FROM task_events t WHERE t.run_id = p_run;
    DELETE FROM run_params t WHERE t.run_id = p_run;
    DELETE FROM run_traces t WHERE t.run_id = p_run;
    DELETE FROM job_executions t WHERE t.id = p_run;
    DELETE FROM dag_runs t WHERE t.id = p_run;
    RETURN 'deleted';
END $f$;
